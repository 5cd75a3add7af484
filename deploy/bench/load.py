"""Runs wrk and pgbench, and reads who took the processors meanwhile."""

import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field

import stage
from stage import Failed

CLIENTS = 8
HERE = pathlib.Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Measured:
    """Rates of several runs, and what was seen in them."""

    rates: list = field(default_factory=list)
    p50: list = field(default_factory=list)
    p99: list = field(default_factory=list)
    processors: list = field(default_factory=list)

    @property
    def rate(self):
        return statistics.median(self.rates)

    def as_json(self):
        shares = {who: round(statistics.median(run[who] for run in self.processors), 2)
                  for who in (self.processors[0] if self.processors else {})}
        found = {"per_second": round(self.rate), "lowest": round(min(self.rates)),
                 "highest": round(max(self.rates)), "processors": shares}
        if self.p50:
            found |= {"p50_ms": round(statistics.median(self.p50), 2),
                      "p99_ms": round(statistics.median(self.p99), 2)}
        return found


def wrk(api, kind, placement, tokens, seconds, connections=CLIENTS):
    """One run of wrk."""
    with tempfile.NamedTemporaryFile("w", suffix=".tenants") as tenants:
        for tenant in placement.tenants:
            tenants.write(f"{tenant.number}\t{tenant.slug}\t{tokens.get(tenant.slug, '-')}\n")
        tenants.flush()
        watch = Watch({"api": [api.process.pid], "postgresql": None})
        process = subprocess.Popen(
            ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
             "-s", HERE / "requests.lua", api.url, "--", kind, tenants.name, str(placement.employees)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        watch.begin("wrk", process.pid)
        time.sleep(seconds * 0.9)
        shares = watch.end()
        output, _ = process.communicate()
    found = re.search(r"^RESULT (.*)$", output, re.M)
    if not found:
        raise Failed(f"wrk: {output}")
    result = json.loads(found.group(1))
    if result["refused"] or result["broken"]:
        raise Failed(f"{kind}, {placement.name}: of {result['requests']} requests {result['refused']} "
                     f"were refused and {result['broken']} broke; see {api.log}")
    return result, shares


def measure_api(api, kind, placement, tokens, warm, seconds, runs):
    """Several runs of wrk, after one that nobody counts."""
    measured = Measured()
    wrk(api, kind, placement, tokens, warm)
    for _ in range(runs):
        result, shares = wrk(api, kind, placement, tokens, seconds)
        measured.rates.append(result["requests"] / result["seconds"])
        measured.p50.append(result["p50"])
        measured.p99.append(result["p99"])
        measured.processors.append(shares)
    return measured


def measure_pgbench(scripts, warm, seconds, runs, clients=CLIENTS):
    """One long run of pgbench, cut into as many as the API had: what it has planned stays planned,
    as the API's does."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hrms-bench-"))
    try:
        arguments = []
        for number, text in enumerate(scripts):
            script = folder / f"{number}.sql"
            script.write_text(text)
            arguments += ["-f", script]
        watch = Watch({"postgresql": None})
        process = subprocess.Popen(
            ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-P", "1",
             "-T", str(warm + seconds * runs + 1), *arguments],
            env=stage.pgbench_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        said, progress = [], []

        def listen():
            for line in process.stderr:
                second = re.match(r"progress: [\d.]+ s, ([\d.]+) tps", line)
                if second:
                    progress.append(float(second.group(1)))
                else:
                    said.append(line)

        listener = threading.Thread(target=listen)
        listener.start()
        time.sleep(warm)
        watch.begin("pgbench", process.pid)
        time.sleep(seconds * runs * 0.9)
        shares = watch.end()
        output = process.stdout.read()
        process.wait()
        listener.join()
        if process.returncode != 0 or "number of failed transactions: 0 " not in output:
            raise Failed(f"pgbench: {output}{''.join(said)}\n{scripts[0]}")
        progress = progress[warm:]
        rates = [statistics.mean(progress[run * seconds:(run + 1) * seconds]) for run in range(runs)]
        return Measured(rates=rates, processors=[shares])
    finally:
        shutil.rmtree(folder)


def open_loop(api, targets, rate, seconds):
    """Asks at a fixed rate (open_loop.py), in a process of its own; after a run that nobody counts."""
    lines = "\n".join(json.dumps(target) for target in targets)
    for length in (3, seconds):
        done = subprocess.run(
            [sys.executable, HERE / "open_loop.py", api.url, str(rate), str(length)],
            input=lines, capture_output=True, text=True,
        )
        found = json.loads(done.stdout) if done.returncode == 0 else {}
        if not found or found["refused"] or found["broken"]:
            raise Failed(f"open loop: {found or done.stderr}; see {api.log}")
    return found


def measure_hash(seconds, runs):
    """Passwords hashed a second, one thread a core: nothing can sign in faster."""
    rates = []
    for _ in range(runs):
        done = subprocess.run([stage.PROGRAMS / "examples/hash_rate", str(seconds)],
                              capture_output=True, text=True, check=True)
        rates.append(float(done.stdout.split()[0]))
    return Measured(rates=rates)


class Watch:
    """How many processors each of some took between `begin` and `end`, and all others together."""

    def __init__(self, whom):
        self.whom = dict(whom)

    def begin(self, who, pid):
        self.whom[who] = [pid]
        self.begun = time.monotonic()
        self.before = self.taken()

    def end(self):
        elapsed = time.monotonic() - self.begun
        shares = {who: (now - self.before[who]) / elapsed for who, now in self.taken().items()}
        shares["others"] = max(0.0, shares["others"] - sum(shares[who] for who in self.whom))
        return shares

    def taken(self):
        return {**{who: taken(pids) for who, pids in self.whom.items()}, "others": stage.busy()}


def taken(pids):
    """Processor seconds of processes; without any, of PostgreSQL and all that it started."""
    if pids is None:
        head = stage.postmaster()
        # Those that ended are on the postmaster's account.
        return sum(ticks(head, 4)) / TICKS + sum(sum(ticks(pid, 2)) for pid in children(head)) / TICKS
    return sum(sum(ticks(pid, 2)) for pid in pids) / TICKS


def ticks(pid, fields):
    """utime, stime, and cutime, cstime of proc(5)."""
    try:
        after_name = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return [0]
    return [int(it) for it in after_name[11:11 + fields]]


def children(pid):
    try:
        return [int(it) for it in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
