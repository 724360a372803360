"""Those who write to a server and read from it while its disk fails, and what they may expect."""

import http.client
import json
import threading
from collections import Counter

from server import PAUSE, wait_until

WRITERS = 6

# The events of a request that asks for a deployment that has succeeded.
EVENTS = ["DeploymentRequested", "DeploymentSucceeded"]


class Writer:
    """Sends one request after the other, each until it is acknowledged.

    Half of them are for a lane of its own, half for one that all share.
    """

    def __init__(self, number):
        self.name = f"writer-{number}"
        self.requests = 0
        self.open = None  # the key that was sent and not yet acknowledged
        self.may_be_recorded = False  # what has that key
        self.acknowledged = {}  # the position by key
        self.codes = Counter()
        self.details = set()
        self.strange = []

    def step(self, client):
        """Sends what is open, or something new; tells whether it was acknowledged."""
        if self.open is None:
            self.requests += 1
            self.open, self.may_be_recorded = f"{self.name}-{self.requests}", False
        deployment = {
            "service": "shared" if self.requests % 2 else self.name,
            "environment": "production",
            "release": {"version": self.open},
            "status": "succeeded",
        }
        headers = {"Content-Type": "application/json", "Idempotency-Key": self.open}
        doubted, self.may_be_recorded = self.may_be_recorded, True
        answer = client.send("POST", "/v1/deployments", headers, json.dumps(deployment))
        if answer.status == 201:
            self.acknowledged[self.open] = answer.json()["position"]
            self.open = None
            return True
        if answer.is_clear_no():
            problem = answer.json()
            self.codes[problem["code"]] += 1
            self.details.add(problem["detail"])
            self.may_be_recorded = doubted or problem["code"] == "outcome-unknown"
        else:
            self.strange.append(str(answer))
        return False

    def write(self, client, crowd):
        # Nothing is sent to a server that is gone: that would leave doubt where there is none.
        while not (crowd.done.is_set() or crowd.is_killed):
            try:
                if not self.step(client):
                    crowd.done.wait(PAUSE)
            except (OSError, http.client.HTTPException) as error:
                if not crowd.is_killed:
                    self.strange.append(f"no answer: {error!r}")
                return


class Reader:
    """Reads all the time, from the log and from the read models."""

    PATHS = [
        "/v1/events?limit=20",
        "/v1/lanes/shared/production",
        "/v1/deployments?limit=5",
        "/v1/environments/production",
        "/v1/releases?limit=5",
        "/v1/rollbacks",
        "/readyz",
    ]

    def __init__(self):
        self.answered = 0
        self.stalled = set()  # read models that could not go on for a while
        self.strange = []

    def read(self, client, crowd):
        while not crowd.done.is_set():
            for path in self.PATHS:
                try:
                    answer = client.send("GET", path)
                except (OSError, http.client.HTTPException) as error:
                    if not crowd.is_killed:
                        self.strange.append(f"{path}: {error!r}")
                    return
                # An answer that is behind never says that there is nothing.
                is_behind = (
                    answer.status == 503 and answer.json().get("code") == "projection-behind"
                )
                # Where no read model can be folded, that is said.
                is_stalled = (
                    path == "/readyz"
                    and answer.status == 503
                    and answer.json()["status"] == "stalled"
                )
                if answer.status != 200 and not is_behind and not is_stalled:
                    self.strange.append(f"{path}: {answer}")
                    continue
                self.answered += 1
                if path == "/readyz":
                    self.stalled.update(answer.json()["stalled"])
                crowd.done.wait(PAUSE)


class Crowd:
    """Writers and a reader at one server, until the block that they are made for ends."""

    def __init__(self, server, writers):
        self.done = threading.Event()
        self.is_killed = False
        self.server = server
        self.writers = writers
        self.reader = Reader()
        self.refused_before = refusals(writers)
        self.threads = [
            threading.Thread(target=work, args=(server.client(), self), daemon=True)
            for work in [*(writer.write for writer in writers), self.reader.read]
        ]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def refused(self):
        return refusals(self.writers) - self.refused_before

    def sees(self, acknowledged=0, refused=0, reads=0):
        """Waits until it has seen so many more; tells whether it has."""
        acknowledged += acknowledgements(self.writers)
        refused += refusals(self.writers)
        # All that is read, so many times.
        reads = reads * len(Reader.PATHS) + self.reader.answered
        return wait_until(
            lambda: acknowledgements(self.writers) >= acknowledged
            and refusals(self.writers) >= refused
            and self.reader.answered >= reads
        )

    def kill(self):
        """Ends the server while they write."""
        self.is_killed = True
        self.server.kill()


def acknowledgements(writers):
    return sum(len(writer.acknowledged) for writer in writers)


def refusals(writers):
    return sum(sum(writer.codes.values()) for writer in writers)


def wrong(events, writers):
    """What is wrong with a log: it has what was acknowledged, once, and else only what may be."""
    found, ids, versions, before, problems = {}, set(), Counter(), 0, []
    for event in events:
        stream, position = event["stream"], event["position"]
        found.setdefault(event["idempotency_key"], []).append(event)
        if position <= before or event["version"] != versions[stream] or event["id"] in ids:
            problems.append(f"out of order: {event}")
        before = position
        versions[stream] += 1
        ids.add(event["id"])
    for key, here in found.items():
        if [event["type"] for event in here] != EVENTS:
            problems.append(f"not once and whole: {key}: {here}")
    for writer in writers:
        for key, position in writer.acknowledged.items():
            here = found.pop(key, [{"position": None}])
            if here[-1]["position"] != position:
                problems.append(f"acknowledged at {position}: {key}, found {here}")
        if writer.may_be_recorded:
            found.pop(writer.open, None)
    return problems + [f"it was never said that {key} may be there" for key in found]


def settle(client, writers):
    """Has each writer send what is open until it is acknowledged; tells what never is."""
    return [w.open for w in writers if not wait_until(lambda writer=w: writer.step(client))]


def check_answers(checks, writers, crowd, what):
    """Those who wrote and read heard what they may hear."""
    strange = [answer for writer in writers for answer in writer.strange]
    checks.that(not strange, f"{what}: each write gets a 201 or a clear 503", strange)
    checks.that(not crowd.reader.strange, f"{what}: reads go on", crowd.reader.strange)
    for writer in writers:
        writer.strange = []


def check_recovery(checks, client, writers, what):
    """Without a fault, everything is acknowledged, and there once."""
    problems = wrong(client.events(), writers)
    checks.that(not problems, f"{what}: what was acknowledged is kept, once", problems)
    left = settle(client, writers)
    checks.that(not left, f"{what}: what was not is acknowledged when it is sent again", left)
    problems = wrong(client.events(), writers)
    checks.that(not problems, f"{what}: then everything is there, once", problems)
    level = wait_until(client.is_level)
    checks.that(level, f"{what}: the read models are level", client.send("GET", "/readyz"))
