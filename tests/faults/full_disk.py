"""Fills the disk of a server, and makes room again."""

import os
import subprocess
import sys
from errno import ENOSPC

from crowd import WRITERS, Crowd, Writer, check_answers, check_recovery
from server import Checks, Server, check_files, check_log, run, wait_until

# So much is refused before there is room again: those who write have all come back for more.
LEAST_REFUSED = 3 * WRITERS

KIB = 1024


class Ballast:
    """A file that takes the room that others should not have."""

    def __init__(self, path):
        self.path = path
        self.make_room()

    def make_room(self):
        """Gives back all of it."""
        with open(self.path, "wb"):
            pass

    def fill(self):
        """Takes what is left, to the last page."""
        with open(self.path, "ab", buffering=0) as file:
            for bytes_at_once in (256 * KIB, 4 * KIB):
                try:
                    while True:
                        file.write(bytes(bytes_at_once))
                except OSError as error:
                    if error.errno != ENOSPC:
                        raise

    def shrink(self, by):
        """Gives back so many bytes."""
        os.truncate(self.path, max(0, os.path.getsize(self.path) - by))


def says_what_is_wrong(writers):
    return any("the disk is full" in detail for writer in writers for detail in writer.details)


def fill_at_once(checks, server, ballast, writers):
    """There is no room left for anything."""
    what = "the disk is full"
    with Crowd(server, writers) as crowd:
        happened = crowd.sees(acknowledged=WRITERS)
        ballast.fill()
        happened &= crowd.sees(refused=LEAST_REFUSED, reads=2)
        ballast.make_room()
        recovered = crowd.sees(acknowledged=WRITERS)
    checks.that(happened, f"{what}: writes are refused", crowd.refused())
    checks.that(says_what_is_wrong(writers), f"{what}: callers are told so")
    checks.that(recovered, f"{what}: writes go on when there is room")
    check_answers(checks, writers, crowd, what)
    check_recovery(checks, server.client(), writers, what)


def fill_by_writing(checks, server, ballast, writers):
    """Log and read models share what is left, until a read model finds no room."""
    what = "log and read models fill the disk"
    client = server.client()

    def is_stalled():
        ballast.shrink(64 * KIB)
        return client.stalled()

    ballast.fill()
    with Crowd(server, writers) as crowd:
        happened = wait_until(is_stalled)
        ballast.fill()
        happened &= crowd.sees(refused=LEAST_REFUSED, reads=2)
    checks.that(happened, f"{what}: a read model stalls, and writes are refused", crowd.refused())
    check_answers(checks, writers, crowd, what)
    ballast.make_room()
    check_recovery(checks, client, writers, what)


def start_without_room(checks, data, log, writers, what):
    """A server that is started on a disk that takes nothing is read, and says that it cannot write."""
    server = Server(data, log)
    with Crowd(server, writers) as crowd:
        happened = crowd.sees(refused=LEAST_REFUSED, reads=2)
    checks.that(happened, f"{what}: writes are refused", crowd.refused())
    check_answers(checks, writers, crowd, what)
    client = server.client()
    checks.that(client.writes() is False, f"{what}: the server says so", client.ready())
    return server


def die_while_full(checks, server, data, log, ballast, writers):
    """A server that was killed reads on when it is started, though there is no room."""
    what = "killed and started on a full disk"
    ballast.fill()
    server.kill()
    ballast.fill()
    server = start_without_room(checks, data, log, writers, what)
    status = server.stop()
    checks.that(status == 0, f"{what}: it stops as it should", status)
    ballast.fill()
    server = start_without_room(checks, data, log, writers, f"{what} again")
    ballast.make_room()
    check_recovery(checks, server.client(), writers, what)
    return server


def stop_and_start(checks, server, data, log, ballast, writers):
    """A server that was stopped leaves its files closed: they are read without what lies beside them."""
    what = "stopped and started on a full disk"
    status = server.stop()
    checks.that(status == 0, f"{what}: it stops as it should", status)
    ballast.fill()
    server = start_without_room(checks, data, log, writers, what)
    ballast.make_room()
    check_recovery(checks, server.client(), writers, what)
    return server


def turn_read_only(checks, disk, end, server, start, what):
    """The same of a disk that is read-only."""
    data, log, writers = start
    end(server)
    remount(disk, "ro")
    server = start_without_room(checks, data, log, writers, what)
    remount(disk, "rw")
    check_recovery(checks, server.client(), writers, what)
    return server


def remount(disk, how):
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def check_start(checks, data, ballast, what):
    """Where there is nothing to read, a server does not start, and says why."""
    ballast.fill()
    status, _, told = run("serve", "--data", data, "--listen", "127.0.0.1:0")
    clear = status == 1 and f"`{data}/log.sqlite` cannot be opened: " in told and " full" in told
    checks.that(clear, f"a full disk is the reason not to start with {what}", f"{status}: {told}")


def try_disk(checks, disk, log):
    data = os.path.join(disk, "data")
    server = Server(data, log)
    ballast = Ballast(os.path.join(disk, "ballast"))
    writers = [Writer(number) for number in range(WRITERS)]
    check_recovery(checks, server.client(), writers, "while there is room")
    fill_at_once(checks, server, ballast, writers)
    fill_by_writing(checks, server, ballast, writers)
    server = die_while_full(checks, server, data, log, ballast, writers)
    server = stop_and_start(checks, server, data, log, ballast, writers)
    start = (data, log, writers)
    for end, what in [
        (Server.kill, "killed and started on a read-only disk"),
        (Server.stop, "stopped and started on a read-only disk"),
    ]:
        server = turn_read_only(checks, disk, end, server, start, what)
    status = server.stop()
    checks.that(status == 0, "the server stops as it should", status)
    check_start(checks, f"{data}-new", ballast, "a new log")
    ballast.make_room()
    check_files(checks, data)
    server = Server(data, log)
    checks.that(wait_until(server.client().is_level), "a server started anew is ready")
    server.stop()
    check_log(checks, log)


def main(disk, log):
    checks = Checks()
    with checks.together():
        try_disk(checks, disk, log)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
