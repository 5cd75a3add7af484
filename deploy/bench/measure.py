"""Measures the API beside the same SQL run by pgbench; run by deploy/bench/run."""

import argparse
import pathlib
import sys

import load
import report
import stage
from stage import Api, Failed, Size, employee_id, say
from statements import Scripts, capture

# Aims on two cores that PostgreSQL, the API and the load generator share; the limit for login is the
# hash alone.
AIMS = {"list": 4000, "list with count": 2500, "detail": 10000, "create": 2500}
# The employee that is asked for when statements are captured.
SOMEBODY = 7


def main():
    parser = argparse.ArgumentParser(description="Measures the API beside the same SQL run by pgbench.")
    parser.add_argument("--seconds", type=int, default=5, help="length of a run (default: 5)")
    parser.add_argument("--quick", action="store_true", help="a small stage, and one run of 2 seconds")
    parser.add_argument("--only", default="", help="only these, for example list,detail")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    bench = Bench(2, 1, 2, Size(20, 1000, 100, 100)) if arguments.quick else \
        Bench(arguments.seconds, 3, 10, Size())
    bench.only = [it.strip() for it in arguments.only.split(",") if it.strip()]
    try:
        found = bench.run()
    except Failed as failed:
        say(str(failed))
        return 1
    print(report.table(found))
    if arguments.json:
        report.write(found, arguments.json)
    return 0


class Bench:
    """The measurements, in the order of the table."""

    def __init__(self, seconds, runs, warm_dedicated, size):
        self.seconds = seconds
        self.runs = runs
        # Over many schemas, each statement is planned once a schema and connection first.
        self.warm = {"many": warm_dedicated, "one": 2}
        self.size = size
        self.only = []
        self.rows = []

    def run(self):
        machine = stage.machine()
        if machine["busy_before"] > 0.2:
            say(f"others keep {machine['busy_before']:.1f} processors busy: trust nothing that follows")
        stage.build(self.size)
        placements = stage.placements(self.size)
        api = Api()
        try:
            for placement in placements:
                self.measure(api, placement)
        finally:
            api.stop()
        self.without_access_log(placements[0])
        return {"machine": machine, "seconds": self.seconds, "runs": self.runs, "rows": self.rows}

    def measure(self, api, placement):
        tokens = api.sign_in(placement.tenants)
        tenant = placement.tenants[0]
        token = tokens[tenant.slug]
        person = employee_id(tenant.number, SOMEBODY)

        def get(path):
            return lambda: api.expect(200, "GET", path, tenant, token)

        self.both(api, placement, tokens, "list", get("/api/v1/employees?limit=25"))
        self.both(api, placement, tokens, "list with count",
                  get("/api/v1/employees?limit=25&count=exact"))
        self.both(api, placement, tokens, "detail", get(f"/api/v1/employees/{person}"))
        self.both(api, placement, tokens, "create", self.creating(api, tenant, token))
        self.login(api, placement)

    @staticmethod
    def creating(api, tenant, token):
        """Asks for an employee as requests.lua does, another one each time."""
        asked = 0

        def create():
            nonlocal asked
            asked += 1
            return api.expect(201, "POST", "/api/v1/employees", tenant, token, {
                "first_name": "Neena", "last_name": "Yang",
                "work_email": f"bench-{asked}@bench.example", "hire_date": "2026-11-02",
                "department_id": employee_id(tenant.number, 1, 1),
                "job_title_id": employee_id(tenant.number, 1, 2),
                "location_id": employee_id(tenant.number, 1, 3),
                "manager_id": employee_id(tenant.number, 1),
                "compensation": {"amount": "52000.00", "currency": "EUR", "pay_period": "yearly"},
            })

        return create

    def both(self, api, placement, tokens, what, ask):
        if self.only and what not in self.only:
            return
        say(f"{what}, {placement.name}")
        warm = self.warm["many" if len(placement.tenants) > 1 and not placement.is_pooled else "one"]
        transactions, answer = capture(ask)
        created = what == "create"
        scripts = Scripts(
            placement, transactions, placement.tenants[0], None if created else SOMEBODY,
            answer["employee_number"] if created else None,
        ).texts()
        if created:
            stage.remove_added()
        measured = load.measure_api(api, what.replace(" ", "_"), placement, tokens, warm, self.seconds,
                                    self.runs)
        if created:
            stage.remove_added()
        limit = self.pgbench(placement, scripts, warm)
        if created:
            stage.remove_added()
        self.add(what, placement.name, measured, limit, AIMS[what])

    def pgbench(self, placement, scripts, warm):
        if not placement.is_pooled:
            return load.measure_pgbench(scripts, warm, self.seconds, self.runs)
        # The one right more that the scripts need (statements.py), as long as they run.
        right = "EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean)"
        login = stage.pgbench_environment()["PGUSER"]
        stage.sql(f"GRANT {right} TO {login}")
        try:
            return load.measure_pgbench(scripts, warm, self.seconds, self.runs)
        finally:
            stage.sql(f"REVOKE {right} FROM {login}")

    def login(self, api, placement):
        if self.only and "login" not in self.only:
            return
        say(f"login, {placement.name}")
        measured = load.measure_api(api, "login", placement, {}, 2, self.seconds, self.runs)
        self.add("login", placement.name, measured, load.measure_hash(self.seconds, self.runs), None)

    def without_access_log(self, placement):
        if self.only and "detail" not in self.only:
            return
        say("detail, without the access log")
        api = Api(access_log=False)
        try:
            tokens = api.sign_in(placement.tenants)
            measured = load.measure_api(api, "detail", placement, tokens, 2, self.seconds, self.runs)
        finally:
            api.stop()
        self.add("detail, no access log", placement.name, measured, None, None)

    def add(self, what, placement, measured, limit, aim):
        row = {"what": what, "placement": placement, "api": measured.as_json(), "aim": aim}
        if limit:
            row["limit"] = limit.as_json()
            row["share"] = round(measured.rate / limit.rate, 3)
        self.rows.append(row)
        say(report.line(row))


if __name__ == "__main__":
    sys.exit(main())
