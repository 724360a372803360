"""Asks more of a server at once than it has memory for, by clients that are too many or too slow."""

import asyncio
import json
import os
import resource
import sys
import time
from collections import Counter

from server import PATIENCE, Checks, Server, check_log, wait_until

MIB = 1 << 20

# What the server may have in memory at any time: it is meant for a machine of 512 MiB.
MOST_BYTES = 400 * MIB

# What a machine of that size keeps of streams.
CACHE_MIB = "32"

# What it may keep when the clients have gone, beside what it had before they came.
MOST_KEPT = 128 * MIB

READERS, HALVES, STREAMS = 256, 400, 100

# The board that is asked for: as many services, and as many environments.
SERVICES, ENVIRONMENTS = 10_000, 300

# Events of almost 1 MiB, more than all streams together may hold.
LARGE_EVENTS = 24

# How long readers read, in seconds; and how many of them a server can serve at once.
READING, FEW_READERS = 2, 16

# What a busy machine may leave of the answers that few readers get, for many.
LEAST_GOODPUT = 0.4

# How long a refusal may take on a busy machine, in seconds.
REFUSAL = 2


def memory(server, what):
    """A number of the server's status, in bytes."""
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{what}:"))


def report(**fields):
    return {
        "service": "large", "environment": "production", "status": "succeeded",
        "release": {"version": "1"}, "at": "2026-01-01T00:00:00Z",
    } | fields


def fill(server):
    """Records large events, and many lanes."""
    client = server.client()
    change = {"kind": "commit", "id": "c" * 190, "description": "s" * 600}
    for number in range(LARGE_EVENTS):
        release = {"version": f"{number}", "changes": [change] * 1_000}
        post(client, "/v1/deployments", "application/json", json.dumps(report(release=release)))
    lanes = [report(service=f"service-{number}") for number in range(SERVICES)]
    lanes += [report(environment=f"environment-{number}") for number in range(ENVIRONMENTS)]
    for start in range(0, len(lanes), 2_000):
        lines = "\n".join(json.dumps(lane) for lane in lanes[start:start + 2_000])
        post(client, "/v1/deployments:batch", "application/jsonl", lines)


def post(client, path, content_type, body):
    answer = client.send("POST", path, {"Content-Type": content_type}, body)
    if answer.status not in (200, 201):
        raise RuntimeError(f"POST {path}: {answer}")


class Crowd:
    """Connections to one server."""

    def __init__(self, server):
        self.host, self.port = server.address.split(":")
        self.statuses = Counter()
        self.slowest_refusal = 0

    async def send(self, line, headers="", body=b""):
        """A connection on which a request was sent, as far as the server took it."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(f"{line} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{headers}\r\n".encode())
        writer.write(body)
        return reader, writer

    async def ask(self, path):
        """The status of one answer, which is read to its end."""
        began = time.monotonic()
        reader, writer = await self.send(f"GET {path}", "Connection: close\r\n")
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        status = answer[9:12].decode() or "none"
        self.statuses[status] += 1
        if status == "503":
            self.slowest_refusal = max(self.slowest_refusal, time.monotonic() - began)
        return status

    async def read(self, path, readers):
        """How many answers so many readers get who ask again and again for a while."""
        end = time.monotonic() + READING

        async def reading():
            answers = 0
            while time.monotonic() < end:
                answers += await self.ask(path) == "200"
            return answers

        return sum(await asyncio.gather(*(reading() for _ in range(readers))))


def check_memory(checks, server, what):
    most = memory(server, "VmHWM")
    print(f"        {most // MIB} MiB at most, {memory(server, 'VmRSS') // MIB} MiB now")
    checks.that(most < MOST_BYTES, f"{what}: the server stays below {MOST_BYTES // MIB} MiB", most)


def check_alive(checks, server, what):
    answer = server.client().send("GET", "/v1/lanes/service-1/production")
    checks.that(answer.status == 200, f"{what}: others are answered", answer)


async def try_readers(checks, server, what):
    path = "/v1/deployments?limit=20"
    crowd = Crowd(server)
    few, many = await crowd.read(path, FEW_READERS), await crowd.read(path, READERS)
    # A machine that has become slower meanwhile is not the server's fault.
    few = min(few, await crowd.read(path, FEW_READERS))
    print(f"        {few} answers for {FEW_READERS} readers, {many} for {READERS}")
    told = set(crowd.statuses) <= {"200", "503"}
    checks.that(told, f"{what}: each gets an answer or a 503", crowd.statuses)
    checks.that(many >= few * LEAST_GOODPUT, f"{what}: many get as many answers as few", many)
    check_memory(checks, server, what)


async def try_boards(checks, server, what):
    crowd = Crowd(server)
    paths = ["/", "/?limit=500", "/v1/environments/production?limit=1000", "/v1/rollbacks?limit=1000"]
    await asyncio.gather(*(crowd.ask(path) for path in paths * 16))
    told = set(crowd.statuses) <= {"200", "503"} and crowd.statuses["200"] > 0
    checks.that(told, f"{what}: each gets an answer or a 503", crowd.statuses)
    check_memory(checks, server, what)


async def try_halves(checks, server, what):
    crowd = Crowd(server)
    head = "Content-Type: application/jsonl\r\nContent-Length: 16777216\r\n"
    part = b" " * 8_700_000

    async def half():
        return await crowd.send("POST /v1/deployments:batch", head, part)

    halves = []
    while len(halves) < HALVES:
        # Not all at once: this process has to have what they send.
        halves += await asyncio.gather(*(half() for _ in range(20)))
        await asyncio.wait([asyncio.create_task(settled(one)) for one in halves[-20:]])
    check_alive(checks, server, what)
    began = time.monotonic()
    halves.append(await half())
    status = (await asyncio.wait_for(halves[-1][0].read(12), PATIENCE))[9:].decode()
    took = time.monotonic() - began
    print(f"        refused within {took * 1000:.0f} ms")
    checks.that(status == "503", f"{what}: one more is told that there is no room", status)
    checks.that(took < REFUSAL, f"{what}: and that at once", took)
    check_memory(checks, server, what)
    leave(halves)


async def settled(connection):
    """Waits until the server has taken all, or has answered, which it does when it takes no more."""
    reader, writer = connection
    answered = asyncio.create_task(reader.read(12))
    taken = asyncio.create_task(drained(writer))
    await asyncio.wait([answered, taken], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    for task in (answered, taken):
        task.cancel()


async def drained(writer):
    try:
        writer.transport.set_write_buffer_limits(0)
        await writer.drain()
    except OSError:
        # A server that has had enough ends the connection.
        pass


def leave(connections):
    for _, writer in connections:
        writer.transport.abort()


async def try_streams(checks, server, what):
    crowd = Crowd(server)
    path = "GET /v1/events/live?after=0"
    streams = await asyncio.gather(*(unread(crowd, path) for _ in range(STREAMS)))
    # Another one gets what is small and new, beside those who take nothing.
    reader, writer = await crowd.send("GET /v1/events/live?after=head")
    await asyncio.wait_for(reader.readuntil(b": live\n"), PATIENCE)
    post(server.client(), "/v1/deployments", "application/json", json.dumps(report()))
    got = await asyncio.wait_for(reader.readuntil(b"DeploymentSucceeded\n"), PATIENCE)
    writer.close()
    checks.that(bool(got), f"{what}: another stream goes on")
    check_alive(checks, server, what)
    check_memory(checks, server, what)
    leave(streams)


async def unread(crowd, path):
    """A stream of which nothing is taken: its end of the connection has as little room as can be."""
    reader, writer = await crowd.send(path)
    writer.transport.pause_reading()
    return reader, writer


async def try_all(checks, server):
    await try_boards(checks, server, "a large board, many times")
    await try_readers(checks, server, f"{READERS} readers")
    await try_streams(checks, server, f"{STREAMS} streams that nobody reads")
    await try_halves(checks, server, f"{HALVES} halves of batches")


def main(data, log):
    checks = Checks()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # On more processors more is done at once; a machine with so little memory has two.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    with checks.together():
        began = time.monotonic()
        server = Server(data, log, SHIPLOG_CACHE_MIB=CACHE_MIB)
        fill(server)
        level = wait_until(server.client().is_level)
        checks.that(level, "a server with large events and many lanes is level")
        before = memory(server, "VmRSS")
        print(f"        {before // MIB} MiB after {time.monotonic() - began:.0f} s")
        asyncio.run(try_all(checks, server))
        given_back = wait_until(lambda: memory(server, "VmRSS") < before + MOST_KEPT)
        now = memory(server, "VmRSS")
        print(f"        {now // MIB} MiB when they have gone")
        checks.that(given_back, "memory is given back", now)
        checks.that(wait_until(server.client().is_level), "the server is ready")
        status = server.stop()
        checks.that(status == 0, "the server stops as it should", status)
        check_log(checks, log)
        print(f"        {time.monotonic() - began:.0f} s")
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
