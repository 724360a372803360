"""Writes to a server while calls of its disk fail, kills it, and cuts its power."""

import mmap
import os
import re
import shutil
import struct
import sys
from collections import Counter
from errno import EIO, ENOSPC
from typing import NamedTuple

from crowd import (
    WRITERS,
    Crowd,
    Writer,
    acknowledgements,
    check_answers,
    check_recovery,
)
from server import Checks, Server, check_files, check_log, run, wait_until


class Fault(NamedTuple):
    """Which kind of call fails (see `disk.c`), with which error, and each so-manieth of them."""

    point: int
    error: int
    name: str
    every: list
    is_refused: bool = True


FAULTS = [
    Fault(0, EIO, "`fsync` fails", [1, 2, 3, 4, 5, 6, 8, 13]),
    Fault(1, EIO, "`write` fails", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 21, 34, 55]),
    Fault(1, ENOSPC, "`write` finds no space", [1, 2, 3, 5, 8, 17, 40]),
    # What is left over is written by another call, so that nobody notices.
    Fault(2, 0, "`write` writes less than it should", [1, 2, 7, 30], is_refused=False),
]

# The ways in which it ends. What the last one leaves was seen by the read models.
KILLED = "the server is killed"
CUT = "the power is cut"
SEEN = "the server is killed and started, and the power is cut"

# So much has to happen before a fault is taken away again.
LEAST_FAILED = 3
LEAST_REFUSED = WRITERS
LEAST_ACKNOWLEDGED = 3 * WRITERS


class Plan:
    """What `disk.c` reads: four numbers for each of three kinds of call."""

    POINTS, BYTES = 3, 32

    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as file:
            file.truncate(self.POINTS * self.BYTES)
            self.map = mmap.mmap(file.fileno(), 0)

    def fail(self, fault, every):
        at = fault.point * self.BYTES
        struct.pack_into("=Q", self.map, at + 8, fault.error)
        struct.pack_into("=Q", self.map, at, every)

    def clear(self):
        for point in range(self.POINTS):
            struct.pack_into("=Q", self.map, point * self.BYTES, 0)

    def failed(self, fault):
        return struct.unpack_from("=Q", self.map, fault.point * self.BYTES + 24)[0]

    def forget_unsynced(self):
        os.truncate(self.path, self.POINTS * self.BYTES)


class Machine:
    """A server whose disk can fail, and that can lose its power."""

    def __init__(self, scratch):
        os.mkdir(scratch)
        self.data, self.kept = (os.path.join(scratch, name) for name in ("data", "kept"))
        self.log, plan = (os.path.join(scratch, name) for name in ("log", "plan"))
        for directory in (self.data, self.kept):
            os.mkdir(directory)
        self.plan = Plan(plan)
        self.disk = {
            "FAULTS_PLAN": plan,
            "FAULTS_DATA": self.data,
            "FAULTS_KEPT": self.kept,
            "LD_PRELOAD": os.environ["FAULTS_PRELOAD"],
        }

    def start(self):
        return Server(self.data, self.log, **self.disk)

    def lose_power(self):
        """Leaves of the log what was synced, of the read models what there is."""
        self.plan.forget_unsynced()
        for name in ("log.sqlite", "log.sqlite-wal", "log.sqlite-shm"):
            path, kept = (os.path.join(directory, name) for directory in (self.data, self.kept))
            if os.path.exists(path):
                os.remove(path)
            if os.path.exists(kept):
                shutil.copy(kept, path)


def said(fault, every):
    """What is wrong with the disk, in words."""
    return f"{fault.name} at every call" if every == 1 else f"{fault.name} at one call in {every}"


def happens(crowd, fault):
    """Waits until the fault has been felt by those who write, and reads went on; tells whether."""
    if fault.is_refused:
        return crowd.sees(refused=LEAST_REFUSED, reads=1)
    return crowd.sees(acknowledged=LEAST_ACKNOWLEDGED, reads=1) and crowd.refused() == 0


def fail_and_recover(checks, machine, server, writers, fault, every):
    plan = machine.plan
    what = said(fault, every)
    failed = plan.failed(fault)
    with Crowd(server, writers) as crowd:
        plan.fail(fault, every)
        happened = happens(crowd, fault)
        happened &= wait_until(lambda: plan.failed(fault) >= failed + LEAST_FAILED)
        plan.clear()
    outcome = "writes are refused" if fault.is_refused else "writes go on"
    counted = f"{plan.failed(fault) - failed} calls failed, {crowd.refused()} were refused"
    checks.that(happened, f"{what}: {outcome}", counted)
    check_answers(checks, writers, crowd, what)
    check_recovery(checks, server.client(), writers, what)
    return crowd.reader.stalled


def die(checks, machine, server, writers, fault, every, end):
    """Ends the server while the fault is there; gives another one without it."""
    what = f"{said(fault, every)}, and {end}"
    with Crowd(server, writers) as crowd:
        happened = crowd.sees(acknowledged=LEAST_ACKNOWLEDGED)
        machine.plan.fail(fault, every)
        happened &= happens(crowd, fault)
        if every > 1:
            crowd.kill()
    # Where every call fails, nobody is left to be in doubt of what "nothing was recorded" means.
    server.kill()
    machine.plan.clear()
    checks.that(happened, f"{what}: much was written", f"{crowd.refused()} were refused")
    check_answers(checks, writers, crowd, what)
    if end is SEEN:
        server = machine.start()
        level = wait_until(server.client().is_level)
        checks.that(level, f"{what}: it was ready in between")
        server.kill()
    if end is not KILLED:
        machine.lose_power()
    server = machine.start()
    check_recovery(checks, server.client(), writers, what)
    return server


def check_start(checks, machine, fault):
    """No log is made on a disk that does not take it, and that is said."""
    machine.plan.fail(fault, 1)
    status, _, told = run(
        "serve", "--data", machine.data, "--listen", "127.0.0.1:0", **machine.disk
    )
    machine.plan.clear()
    clear = status == 1 and re.search(f"`{machine.data}\\S*` cannot be opened: ", told)
    checks.that(clear, f"{fault.name}: no server starts with a new log", f"{status}: {told}")


def try_fault(checks, machine, fault):
    """All that can be done to one machine with one fault; gives the read models that stalled."""
    if fault.is_refused:
        check_start(checks, machine, fault)
    writers = [Writer(number) for number in range(WRITERS)]
    server = machine.start()
    check_recovery(checks, server.client(), writers, f"before {fault.name}")
    stalled = set()
    for every in fault.every:
        stalled |= fail_and_recover(checks, machine, server, writers, fault, every)
    for every in (1, fault.every[-1]):
        for end in (KILLED, CUT, SEEN):
            server = die(checks, machine, server, writers, fault, every, end)
    status = server.stop()
    checks.that(status == 0, "the server stops as it should", status)
    check_files(checks, machine.data)
    server = machine.start()
    checks.that(wait_until(server.client().is_level), "a server started anew is ready")
    server.stop()
    check_log(checks, machine.log)
    codes = sum((writer.codes for writer in writers), Counter())
    print(f"        {acknowledgements(writers)} writes were acknowledged; refused: {dict(codes)}")
    return stalled


def main(scratch):
    checks = Checks()
    stalled = set()
    for number, fault in enumerate(FAULTS):
        with checks.together():
            machine = Machine(os.path.join(scratch, f"machine-{number}"))
            stalled |= try_fault(checks, machine, fault)
    server = machine.start()
    kept = server.client().models()
    server.stop()
    with checks.together():
        checks.that(stalled == kept, "each read model has stalled, and gone on", kept - stalled)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
