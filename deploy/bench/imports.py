#!/usr/bin/env python3
"""How long imports take and how much memory, beside the same rows stored by psql. See docs/importing.md."""

import http.client
import pathlib
import re
import subprocess
import sys
import time

import stage

TABLES = ("employees", "name_words", "compensations", "employments")


def people(count):
    """As many people, each with an address, a manager, a place in the organisation and pay; every
    tenth reports to somebody who comes later in the file."""
    lines = ["employee_number,first_name,last_name,work_email,phone,hire_date,manager_number,"
             "pay_amount,pay_currency,pay_period"]
    for number in range(1, count + 1):
        manager = "" if number == 1 else min(number // 10 + 1, number - 1)
        lines.append(f"{number},Ada Mary,King {number},ada.king.{number}@acme.example,+49 30 {number},"
                     f"2020-01-01,{manager},{1000 + number % 5000}.50,EUR,monthly")
    # Upside down: managers come later than those who report to them.
    return "\n".join([lines[0], *reversed(lines[1:])]).encode() + b"\n"


def memory(api, what):
    """In MiB: VmRSS, what it has; VmHWM, the most it ever had (proc(5))."""
    status = pathlib.Path(f"/proc/{api.process.pid}/status").read_text()
    return int(re.search(rf"^{what}:\s+(\d+) kB", status, re.M).group(1)) / 1024


def imported(count):
    """Seconds of an import, and the memory before it, at most and after, of a process of its own."""
    slug = f"i{count}-{time.time_ns() % 1_000_000_000}"
    stage.create_tenant(slug, "dedicated")
    schema, = stage.sql(f"SELECT schema_name FROM platform.tenants WHERE slug = '{slug}'")[0]
    tenant = stage.Tenant(0, slug, schema, "")
    body = people(count)
    api = stage.Api()
    try:
        token = api.sign_in([tenant])[slug]
        before = memory(api, "VmRSS")
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=600)
        connection.request("POST", "/api/v1/imports?kind=employees", body, {
            "Content-Type": "text/csv", "X-Tenant-Slug": slug, "Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        content = answer.read()
        seconds = time.monotonic() - begun
        if answer.status != 200:
            raise stage.Failed(f"the import is answered {answer.status}: {content[:500]}")
        return schema, len(body), seconds, before, api.peak_memory(), memory(api, "VmRSS")
    finally:
        api.stop()


def by_psql(schema):
    """Seconds of the same rows as INSERT … SELECT and as COPY, into the same tables, emptied."""
    copies = "".join(f"CREATE TABLE bench_{table} AS TABLE {table};" for table in TABLES)
    path = f"SET search_path TO {schema}, extensions;"
    stage.sql(path + copies)
    empty = path + "TRUNCATE " + ", ".join(TABLES) + " CASCADE;"
    files = [stage.STATE / f"{table}.copy" for table in TABLES]
    for table, file in zip(TABLES, files):
        stage.sql(f"{path}\n\\copy bench_{table} TO '{file}'")
    seconds = []
    for store in (
        "".join(f"INSERT INTO {table} TABLE bench_{table};" for table in TABLES),
        "".join(f"\n\\copy {table} FROM '{file}'" for table, file in zip(TABLES, files)),
    ):
        stage.sql(empty)
        begun = time.monotonic()
        stage.sql(f"{path} BEGIN; {store}\nCOMMIT;")
        seconds.append(time.monotonic() - begun)
    return seconds


def main():
    stage.build(stage.Size(dedicated=1, dedicated_employees=1, pooled=1, pooled_employees=1))
    print("people | file, MB | import, s | INSERT, s | COPY, s | MiB before | at most | after")
    for count in (1_000, 10_000, 100_000):
        schema, size, seconds, before, most, after = imported(count)
        insert, copy = by_psql(schema)
        print(f"{count:,} | {size / 1e6:.1f} | {seconds:.2f} | {insert:.2f} | {copy:.2f} | "
              f"{before:.0f} | {most:.0f} | {after:.0f}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (stage.Failed, subprocess.SubprocessError) as error:
        sys.exit(f"bench: {error}")
