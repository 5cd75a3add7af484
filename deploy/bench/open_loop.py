"""Asks at a fixed rate whether or not the answers keep up: `open_loop.py URL RATE SECONDS < targets`.

A client that waits for an answer before it asks again stops asking just when the server is slow, and never
sees what others would have waited. Here each request is due at its own instant, and its latency counts from
that instant, however late it could be sent. Standard input has a JSON object a line: method, path, headers,
body; each request is one of them at random. The figures go to standard output as JSON.
"""

import asyncio
import json
import random
import sys
import time
import urllib.parse

# A request that had no answer by then has failed.
DEADLINE = 10


class Connections:
    """Kept-alive connections; as many as are needed at once."""

    def __init__(self, host, port):
        self.where = (host, port)
        self.idle = []

    async def ask(self, message):
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection(*self.where)
        try:
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                if name.lower() == b"transfer-encoding":
                    raise ValueError("an answer of unknown length: do not ask for a list in CSV here")
            await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))
        return int(head[9:12])


def message(target, host):
    body = target.get("body", "").encode()
    lines = [f"{target['method']} {target['path']} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in target["headers"].items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def attack(url, rate, seconds, targets):
    parts = urllib.parse.urlsplit(url)
    connections = Connections(parts.hostname, parts.port)
    latencies, refused, broken = [], 0, 0

    async def one(due, target):
        nonlocal refused, broken
        try:
            async with asyncio.timeout(DEADLINE):
                status = await connections.ask(target)
        except (OSError, EOFError, ValueError, TimeoutError):
            broken += 1
            return
        latencies.append(time.monotonic() - due)
        refused += status >= 300

    begun = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(rate * seconds):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            group.create_task(one(due, random.choice(targets)))
    latencies.sort()

    def percentile(share):
        return round(latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1000, 2)

    return {"requests": rate * seconds, "seconds": round(time.monotonic() - begun, 3), "refused": refused,
            "broken": broken, "connections": len(connections.idle),
            **{f"p{share * 100:g}_ms": percentile(share) for share in (0.5, 0.9, 0.99, 0.999)}}


if __name__ == "__main__":
    address = urllib.parse.urlsplit(sys.argv[1]).netloc
    lines = [message(json.loads(line), address) for line in sys.stdin]
    print(json.dumps(asyncio.run(attack(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), lines))))
