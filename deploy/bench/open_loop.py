"""Requests that come whether or not those before them were answered, as those of many people do: each is
timed from when it was due, so that an answer that kept the next one waiting counts for both (Gil Tene,
"How NOT to Measure Latency")."""

import asyncio
import json
import random
import time

from stage import Failed, employee_id

CONNECTIONS = 64
# What people ask for, in percent.
MIX = (("list", 60), ("detail", 35), ("create", 5))


def measure(api, placement, tokens, rate, seconds):
    """So many requests a second over the tenants; latencies by what was asked, in milliseconds."""
    asked = list(requests(placement, tokens, rate * seconds))
    found = asyncio.run(run(api, asked, rate))
    return {what: summary([it for kind, it in found if kind == what]) for what, _ in MIX} | {
        "all": summary([it for _, it in found])}


def requests(placement, tokens, count):
    chance = random.Random(1)
    kinds, weights = zip(*MIX)
    for number in range(count):
        tenant = chance.choice(placement.tenants)
        kind = chance.choices(kinds, weights)[0]
        body = b""
        if kind == "list":
            line = "GET /api/v1/employees?limit=25"
        elif kind == "detail":
            person = employee_id(tenant.number, chance.randint(1, placement.employees))
            line = f"GET /api/v1/employees/{person}"
        else:
            line = "POST /api/v1/employees"
            body = json.dumps({
                "first_name": "Neena", "last_name": "Yang", "hire_date": "2026-11-02",
                "work_email": f"open-{time.time_ns()}-{number}@bench.example",
                "department_id": employee_id(tenant.number, 1, 1),
                "manager_id": employee_id(tenant.number, 1),
            }).encode()
        head = (f"{line} HTTP/1.1\r\nHost: localhost\r\nX-Tenant-Slug: {tenant.slug}\r\n"
                f"Authorization: Bearer {tokens[tenant.slug]}\r\n")
        if body:
            head += (f"Content-Type: application/json\r\nIdempotency-Key: open-{time.time_ns()}-{number}\r\n"
                     f"Content-Length: {len(body)}\r\n")
        yield kind, head.encode() + b"\r\n" + body


async def run(api, asked, rate):
    due = asyncio.Queue()
    found = []
    workers = [asyncio.create_task(work(api, due, found)) for _ in range(CONNECTIONS)]
    begun = time.perf_counter() + 0.1
    for number, (kind, request) in enumerate(asked):
        at = begun + number / rate
        if (wait := at - time.perf_counter()) > 0.002:
            await asyncio.sleep(wait)
        due.put_nowait((at, kind, request))
    await due.join()
    for worker in workers:
        worker.cancel()
    for ended in await asyncio.gather(*workers, return_exceptions=True):
        if isinstance(ended, Exception) and not isinstance(ended, asyncio.CancelledError):
            raise Failed(f"open loop: {ended}")
    return found


async def work(api, due, found):
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        while True:
            at, kind, request = await due.get()
            try:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                status = int(head.split(b" ", 2)[1])
                length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
                body = await reader.readexactly(length)
                if status >= 400:
                    raise Failed(f"{kind} is answered {status}: {body[:300]}")
                found.append((kind, (time.perf_counter() - at) * 1000))
            finally:
                due.task_done()
    finally:
        writer.close()


def summary(latencies):
    ordered = sorted(latencies)
    at = {name: ordered[min(len(ordered) - 1, int(len(ordered) * share))]
          for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))}
    return {"requests": len(ordered), **{name: round(value, 2) for name, value in at.items()},
            "max": round(ordered[-1], 2)}
