"""A real server in a process of its own, and what it takes to ask and to check it."""

import http.client
import json
import os
import re
import select
import subprocess
import time
import traceback
from contextlib import contextmanager

# So long that only what hangs takes longer, in seconds.
PATIENCE = 60

# Between two looks at what is waited for, in seconds.
PAUSE = 0.02

SHIPLOG = os.environ["SHIPLOG_BIN"]

# The ways to say "not now" to a write.
NOT_NOW = {"log-unavailable", "outcome-unknown"}


class Broken(Exception):
    """A check has failed, and has been counted."""


class Checks:
    """Counts what was checked, and says it."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, holds, what, otherwise=None):
        """Counts one; `otherwise` is told where it does not hold."""
        if not holds:
            self._fail(f"{what}: {str(otherwise)[:2000]}")
            raise Broken
        self.passed += 1
        print(f"ok      {what}", flush=True)

    @contextmanager
    def together(self):
        """Ends a block at its first failure: what follows from that says nothing new."""
        try:
            yield
        except Broken:
            pass
        except Exception:
            self._fail(traceback.format_exc())

    def _fail(self, what):
        self.failed += 1
        print(f"FAILED  {what}", flush=True)

    def finish(self):
        """Says the last line, and tells the exit status."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0


def wait_until(condition):
    """Looks until it holds or patience ends; tells whether it holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE)
    return True


def command(*arguments):
    """The command to run, and an environment in which nothing but it speaks to it."""
    clean = {name: it for name, it in os.environ.items() if not name.startswith("SHIPLOG_")}
    return [SHIPLOG, *arguments], clean


def run(*arguments, **environment):
    """Runs a command of Shiplog; gives its exit status and what it said."""
    words, clean = command(*arguments)
    # It has to end by itself: a server that starts after all does not, and is ended.
    done = subprocess.run(
        ["timeout", "--kill-after=5", "20", *words],
        capture_output=True, env=clean | environment, check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Server:
    """A server that listens once this is made."""

    def __init__(self, data, log, **environment):
        words, clean = command("serve", "--data", data, "--listen", "127.0.0.1:0")
        with open(log, "a", encoding="utf-8") as stderr:
            # However this process ends, the server ends with it.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *words],
                stdout=subprocess.PIPE, stderr=stderr, env=clean | environment,
            )
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline().decode() if ready else ""
        said = re.match(r"shiplog listens at http://(\S+) and keeps ", line)
        if not said:
            self.kill()
            with open(log, encoding="utf-8") as lines:
                raise RuntimeError(f"the server said {line!r}: {lines.read()[-1000:]}")
        self.address = said[1]

    def client(self):
        return Client(self.address)

    def kill(self):
        """Ends it at once."""
        self.process.kill()
        return self._end()

    def stop(self):
        """Ends it as an operator would, and tells its exit status."""
        self.process.terminate()
        return self._end()

    def _end(self):
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return status


class Answer:
    """What came back, read to its end."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:500]!r}"

    def is_clear_no(self):
        """Whether it is a 503 from which a caller knows what is wrong and what to do."""
        if self.status != 503 or self.headers["Content-Type"] != "application/problem+json":
            return False
        if not re.fullmatch(r"[1-9]\d*", self.headers["Retry-After"] or ""):
            return False
        problem = self.json()
        return (
            problem["code"] in NOT_NOW
            and problem["type"] == f"/problems/{problem['code']}"
            and problem["status"] == 503
            and all(problem[word] for word in ("title", "detail", "request_id"))
        )


class Client:
    """One connection, made again when it is gone."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=PATIENCE)

    def send(self, method, path, headers=None, body=None):
        """Raises `OSError` or `HTTPException` if no whole answer comes."""
        try:
            self.connection.request(method, path, body, headers or {})
            return Answer(self.connection.getresponse())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def get(self, path):
        answer = self.send("GET", path)
        if answer.status != 200:
            raise AssertionError(f"GET {path}: {answer}")
        return answer.json()

    def events(self):
        """The whole log."""
        page, items = self.get("/v1/events?limit=1000"), []
        while True:
            items += page["items"]
            if page["next"] is None:
                return items
            page = self.get(f"/v1/events?limit=1000&cursor={page['next']}")

    def ready(self):
        """What the server says of itself, whether it is ready or not."""
        return self.send("GET", "/readyz").json()

    def models(self):
        """The read models that a server keeps."""
        return {model["name"] for model in self.ready()["projections"]}

    def stalled(self):
        """The read models that cannot go on."""
        return self.ready()["stalled"]

    def writes(self):
        """Whether the server can record something, by both of its signs; none if they differ."""
        said = self.ready()["writes"]
        metrics = self.send("GET", "/metrics").body.decode()
        return said if f"\nshiplog_log_writable {int(said)}\n" in metrics else None

    def is_level(self):
        """Whether the server is ready, and every read model is where the log is."""
        answer = self.send("GET", "/readyz")
        ready = answer.json()
        return answer.status == 200 and ready["writes"] and all(
            (model["phase"], model["checkpoint"]) == ("live", ready["head"])
            for model in ready["projections"]
        )


def check_files(checks, data):
    """`shiplog verify` finds the log sound, `shiplog replay` every read model the same."""
    status, said, complaints = run("verify", "--data", data, "--output", "json")
    sound = status == 0 and json.loads(said)["verdict"] == "sound"
    checks.that(sound, "`shiplog verify` finds the log sound", said + complaints)
    status, said, complaints = run("replay", "--data", data, "--output", "json")
    verdicts = {model["verdict"] for model in json.loads(said)} if status == 0 else set()
    checks.that(
        verdicts == {"same"}, "`shiplog replay` finds every read model the same", said + complaints
    )


def check_log(checks, log):
    """Nothing panicked: the servers have told of faults, and of nothing worse."""
    with open(log, encoding="utf-8") as lines:
        panics = [line for line in lines if "panicked" in line]
    checks.that(not panics, "no thread of a server panicked", panics)
