"""Measures the API beside the same SQL run by pgbench; run by deploy/bench/run."""

import argparse
import json
import pathlib
import statistics
import sys

import load
import report
import stage
from stage import Api, Failed, Size, employee_id, say
from statements import Scripts, capture

# Aims on two cores that PostgreSQL, the API and the load generator share; the limit for login is the
# hash alone.
AIMS = {"list": 4000, "list with count": 2500, "detail": 10000, "create": 2500}
# What a convention of the contract is compared with.
CONVENTIONS = {
    "list": ["list filtered and sorted", "list searched", "list of three fields", "list expanded"],
    "detail": ["detail with a trace", "detail of three fields", "detail expanded", "detail as of"],
    "create": ["create once"],
}
# Requests a second, whatever becomes of them, and over how many tenants.
OPEN_RATE, OPEN_TENANTS = 500, 50
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
        self.costs = []
        self.notes = []

    def wants(self, what):
        return not self.only or what in self.only

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
            self.conventions(api, placements[0])
            self.open_loop(api, placements)
            self.note("API's memory at the end of all this, the most it ever had", api.peak_memory(), "MiB",
                      100)
        finally:
            api.stop()
        self.without_access_log(placements[0])
        self.starting()
        self.creating_tenants()
        return {"machine": machine, "seconds": self.seconds, "runs": self.runs, "rows": self.rows,
                "conventions": self.costs, "notes": self.notes}

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
        if not self.wants(what):
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
        if not self.wants("login"):
            return
        say(f"login, {placement.name}")
        measured = load.measure_api(api, "login", placement, {}, 2, self.seconds, self.runs)
        self.add("login", placement.name, measured, load.measure_hash(self.seconds, self.runs), None)

    def conventions(self, api, placement):
        """What each convention costs, beside the plain request of the same minute."""
        if not self.wants("conventions"):
            return
        tokens = api.sign_in(placement.tenants)

        def rate(what):
            say(f"{what}, {placement.name}")
            measured = load.measure_api(api, what.replace(" ", "_"), placement, tokens, 1, self.seconds,
                                        self.runs)
            if what.startswith("create"):
                stage.remove_added()
            return measured

        for plain, others in CONVENTIONS.items():
            base = rate(plain)
            self.costs.append({"what": plain, **base.as_json()})
            for what in others:
                found = rate(what)
                self.costs.append({"what": what, **found.as_json(),
                                   "of_plain": round(found.rate / base.rate, 3)})

    def open_loop(self, api, placements):
        """Requests of all kinds over dedicated and pooled tenants, due at fixed instants."""
        if not self.wants("open loop"):
            return
        half = OPEN_TENANTS // 2
        people = min(placement.employees for placement in placements)
        tenants = placements[1].tenants[:half] + placements[2].tenants[:half]
        say(f"open loop, {OPEN_RATE} requests a second over {len(tenants)} tenants")
        tokens = api.sign_in(tenants)
        found = load.open_loop(api, mixture(tenants, tokens, people), OPEN_RATE, self.seconds * 4)
        stage.remove_added()
        for share in ("p50_ms", "p90_ms", "p99_ms", "p99.9_ms"):
            self.note(f"{OPEN_RATE} requests/s, open loop, {len(tenants)} tenants: {share[:-3]}",
                      found[share], "ms", 25 if share == "p99_ms" else None)

    def starting(self):
        """From the start of the program to the first answer that it is ready."""
        if not self.wants("start"):
            return
        apis = [stage.started() for _ in range(5)]
        self.note("ready after start", statistics.median(apis), "s", 1)

    def creating_tenants(self):
        if not self.wants("tenants"):
            return
        for placement, aim in (("dedicated", 200), ("pooled", 20)):
            say(f"creating tenants, {placement}")
            created = statistics.median(stage.new_tenant(placement, number) for number in range(7))
            # What a command takes that starts, connects and only looks.
            looked = statistics.median(stage.milliseconds("tenant", "show", "d0001") for _ in range(7))
            self.note(f"tenant created, {placement}, with its administrator's password hashed",
                      created - looked, "ms", aim)
            self.note(f"the whole command, {placement}", created, "ms", None)

    def note(self, what, figure, unit, aim):
        note = {"what": what, "figure": round(figure, 2), "unit": unit, "aim": aim}
        self.notes.append(note)
        say(report.note_line(note))

    def without_access_log(self, placement):
        if not self.wants("detail"):
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


def mixture(tenants, tokens, people):
    """What people ask for: half of it one employee, then lists, searches, and now and then a change."""
    for tenant in tenants:
        headers = {"X-Tenant-Slug": tenant.slug, "Authorization": f"Bearer {tokens[tenant.slug]}"}

        def get(path):
            return {"method": "GET", "path": path, "headers": headers}

        for number in range(1, 51):
            yield get(f"/api/v1/employees/{employee_id(tenant.number, 1 + number * 7 % people)}")
        for letter in "abdefghiklmnoprstv":
            yield get("/api/v1/employees?limit=25")
            yield get(f"/api/v1/employees?limit=25&q={letter}")
        for number in range(1, 9):
            yield get("/api/v1/employees?limit=25&count=exact&sort=-hire_date&department_id="
                      f"{employee_id(tenant.number, 1 + number % 12, 1)}")
        for number in range(6):
            yield {"method": "POST", "path": "/api/v1/employees", "headers": headers, "body": json.dumps({
                "first_name": "Neena", "last_name": f"Yang {number}", "hire_date": "2026-11-02",
                "department_id": employee_id(tenant.number, 1, 1)})}


if __name__ == "__main__":
    sys.exit(main())
