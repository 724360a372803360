"""What an official Python client, kurrentdbclient, makes of the double.

Usage: client.py DOUBLE [OPTION...], where DOUBLE is the program `esdb-double` and the options are
its own. Ends with `N passed, N failed`.
"""

import json
import subprocess
import sys
import traceback
from uuid import uuid4

from kurrentdbclient import KurrentDBClient, NewEvent, StreamState
from kurrentdbclient.events import CaughtUp, Checkpoint
from kurrentdbclient.exceptions import (
    FailedPreconditionError,
    KurrentDBClientError,
    NodeIsNotLeaderError,
    NotFoundError,
    StreamIsDeletedError,
    WrongCurrentVersionError,
)

CASES = []


def case(function):
    """A test; its name says what it shows."""
    CASES.append(function)
    return function


class Double:
    """The double, as a process that is told what to do by lines."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.uri = self.process.stdout.readline().strip()

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer.startswith("ok"), f"{line}: {answer}"
        return answer[3:]

    def client(self, options=""):
        return KurrentDBClient(self.uri + options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)


def event(name="DeploymentRequested", **data):
    metadata = {"$correlationId": str(uuid4())}
    return NewEvent(
        type=name, data=json.dumps(data).encode(), metadata=json.dumps(metadata).encode()
    )


def events(count, name="DeploymentRequested"):
    return [event(name, number=number) for number in range(count)]


def same(left, right):
    assert left == right, f"{left!r} is not {right!r}"


def fails(error, call):
    try:
        call()
    except error as failure:
        return failure
    raise AssertionError(f"it did not fail with {error.__name__}")


@case
def an_append_with_the_right_revision_is_read_both_ways(double):
    with double.client() as client:
        sent = events(5)
        position = client.append_to_stream("lane-a", events=sent, current_version=StreamState.NO_STREAM)
        later = client.append_to_stream("lane-a", events=event("DeploymentSucceeded"), current_version=4)
        assert later > position > 0
        forwards = client.get_stream("lane-a")
        same([it.id for it in forwards][:5], [it.id for it in sent])
        same([it.stream_position for it in forwards], list(range(6)))
        same(forwards[5].commit_position, later)
        same(forwards[0].content_type, "application/json")
        same(json.loads(forwards[3].data), {"number": 3})
        assert forwards[0].recorded_at is not None
        backwards = client.get_stream("lane-a", backwards=True, limit=2)
        same([it.stream_position for it in backwards], [5, 4])
        same([it.stream_position for it in client.get_stream("lane-a", stream_position=4)], [4, 5])
        same(client.get_current_version("lane-a"), 5)


@case
def an_append_with_a_wrong_revision_is_refused(double):
    with double.client() as client:
        for sent in (event(), events(2)):
            client.append_to_stream("lane-b", events=sent, current_version=StreamState.ANY)
            for wrong in (StreamState.NO_STREAM, 7, 0 if sent is not None and isinstance(sent, list) else 3):
                fails(
                    WrongCurrentVersionError,
                    lambda: client.append_to_stream("lane-b", events=events(1), current_version=wrong),
                )
                fails(
                    WrongCurrentVersionError,
                    lambda: client.append_to_stream("lane-b", events=event(), current_version=wrong),
                )
        fails(
            WrongCurrentVersionError,
            lambda: client.append_to_stream("lane-none", events=event(), current_version=StreamState.EXISTS),
        )
        same(len(client.get_stream("lane-b")), 3)


@case
def the_same_ids_are_recorded_once(double):
    with double.client() as client:
        sent, more = events(3), events(2)
        first = client.append_to_stream("lane-c", events=sent, current_version=StreamState.NO_STREAM)
        client.append_to_stream("lane-c", events=more, current_version=2)
        again = client.append_to_stream("lane-c", events=sent, current_version=StreamState.NO_STREAM)
        same(again, first)
        same(client.append_to_stream("lane-c", events=sent, current_version=StreamState.ANY), first)
        partly = [sent[0], event()]
        fails(
            WrongCurrentVersionError,
            lambda: client.append_to_stream("lane-c", events=partly, current_version=StreamState.NO_STREAM),
        )
        same(len(client.get_stream("lane-c")), 5)


@case
def what_is_not_there_is_not_found(double):
    with double.client() as client:
        fails(NotFoundError, lambda: client.get_stream("lane-nowhere"))
        same(client.get_current_version("lane-nowhere"), StreamState.NO_STREAM)


@case
def a_deleted_stream_comes_back_and_a_buried_one_does_not(double):
    with double.client() as client:
        client.append_to_stream("lane-d", events=events(3), current_version=StreamState.NO_STREAM)
        client.delete_stream("lane-d", current_version=2)
        fails(NotFoundError, lambda: client.get_stream("lane-d"))
        client.append_to_stream("lane-d", events=event(), current_version=StreamState.NO_STREAM)
        same([it.stream_position for it in client.get_stream("lane-d")], [3])
        client.tombstone_stream("lane-d", current_version=StreamState.ANY)
        fails(StreamIsDeletedError, lambda: client.get_stream("lane-d"))
        # The two ways to append say the same in different words.
        for again, error in ((event(), FailedPreconditionError), (events(1), StreamIsDeletedError)):
            fails(
                error,
                lambda: client.append_to_stream("lane-d", events=again, current_version=StreamState.ANY),
            )


@case
def an_append_over_the_limit_is_refused(double):
    with double.client() as client:
        large = NewEvent(type="Large", data=b"x" * (1 << 20))
        error = fails(
            KurrentDBClientError,
            lambda: client.append_to_stream("lane-e", events=large, current_version=StreamState.ANY),
        )
        assert "Maximum Append Size of 1048576 Exceeded" in str(error), error
        fails(
            KurrentDBClientError,
            lambda: client.append_to_stream("lane-e", events=[large], current_version=StreamState.ANY),
        )
        fails(NotFoundError, lambda: client.get_stream("lane-e"))


@case
def all_is_read_filtered_both_ways(double):
    with double.client() as client:
        sent = events(4, "FilteredIn")
        client.append_to_stream("filtered-1", events=sent, current_version=StreamState.NO_STREAM)
        client.append_to_stream("other-1", events=events(4), current_version=StreamState.NO_STREAM)
        ids = [it.id for it in sent]
        by_type = list(client.read_all(filter_include=["FilteredIn"]))
        same([it.id for it in by_type], ids)
        by_stream = list(client.read_all(filter_include=[r"filtered-\d"], filter_by_stream_name=True))
        same([it.id for it in by_stream], ids)
        backwards = list(client.read_all(filter_include=["FilteredIn"], backwards=True))
        same([it.id for it in backwards], ids[::-1])
        # The client leaves system events out unless it is told otherwise.
        assert all(not it.type.startswith("$") for it in client.read_all())
        everything = list(client.read_all(filter_exclude=[]))
        assert any(it.type == "$metadata" for it in everything)
        positions = [it.commit_position for it in everything]
        same(positions, sorted(set(positions)))
        rest = list(client.read_all(commit_position=by_type[2].commit_position, filter_include=["FilteredIn"]))
        same([it.id for it in rest], ids[2:])
        same(client.get_commit_position(filter_include=["FilteredIn"]), by_type[3].commit_position)


@case
def links_are_resolved(double):
    with double.client() as client:
        client.append_to_stream("shop-1", events=events(2, "ShopOpened"), current_version=StreamState.NO_STREAM)
        client.append_to_stream("shop-2", events=events(1, "ShopOpened"), current_version=StreamState.NO_STREAM)
        for stream in ("$ce-shop", "$et-ShopOpened"):
            resolved = client.get_stream(stream, resolve_links=True)
            same([(it.stream_name, it.stream_position) for it in resolved], [("shop-1", 0), ("shop-1", 1), ("shop-2", 0)])
            same(resolved[0].link.stream_name, stream)
        same([it.data for it in client.get_stream("$ce-shop")], [b"0@shop-1", b"1@shop-1", b"0@shop-2"])


@case
def a_subscription_catches_up_and_goes_on_live(double):
    with double.client() as client:
        before, after = events(40, "Caught"), events(40, "Caught")
        client.append_to_stream("catch-1", events=before, current_version=StreamState.NO_STREAM)
        with client.subscribe_to_all(
            filter_include=["Caught"], include_checkpoints=True, include_caught_up=True
        ) as subscription:
            seen = []
            for it in subscription:
                if isinstance(it, CaughtUp):
                    break
                seen.append(it)
            assert any(isinstance(it, Checkpoint) for it in seen)
            same([it.id for it in seen if not isinstance(it, Checkpoint)], [it.id for it in before])
            for sent in after:
                client.append_to_stream("catch-1", events=sent, current_version=StreamState.ANY)
            live = (it for it in subscription if not isinstance(it, (Checkpoint, CaughtUp)))
            first = [next(live) for _ in range(20)]
            same([it.id for it in first], [it.id for it in after[:20]])
        with client.subscribe_to_all(
            filter_include=["Caught"], commit_position=first[-1].commit_position
        ) as subscription:
            same([next(subscription).id for _ in range(20)], [it.id for it in after[20:]])
        with client.subscribe_to_stream("catch-1", stream_position=78) as subscription:
            same(next(subscription).id, after[39].id)


@case
def a_subscription_that_ends_is_noticed(double):
    with double.client() as client:
        client.append_to_stream("ends-1", events=events(1), current_version=StreamState.NO_STREAM)
        subscription = client.subscribe_to_stream("ends-1")
        next(subscription)
        double.tell("close error")
        fails(KurrentDBClientError, lambda: next(subscription))
        subscription = client.subscribe_to_stream("ends-1")
        next(subscription)
        double.tell("close ok")
        fails(StopIteration, lambda: next(subscription))


@case
def a_client_goes_on_after_a_restart(double):
    with double.client() as client:
        sent = events(2)
        first = client.append_to_stream("again-1", events=sent, current_version=StreamState.NO_STREAM)
        double.tell("stop 0")
        double.tell("restart 0")
        same([it.id for it in client.get_stream("again-1")], [it.id for it in sent])
        same(client.append_to_stream("again-1", events=sent, current_version=StreamState.NO_STREAM), first)


@case
def a_server_that_is_stopped_is_not_there(double):
    with Double(double.process.args) as stopped, stopped.client() as client:
        client.append_to_stream("gone-1", events=event(), current_version=StreamState.NO_STREAM)
        stopped.tell("stop 0")
        fails(KurrentDBClientError, lambda: client.get_stream("gone-1"))


@case
def an_append_without_an_answer_is_settled_by_trying_again(double):
    with double.client() as client:
        client.append_to_stream("lost-1", events=events(1), current_version=StreamState.NO_STREAM)
        sent = events(2)
        double.tell("drop-answers 2")
        # The client itself may try once more.
        try:
            client.append_to_stream("lost-1", events=sent, current_version=0)
        except KurrentDBClientError:
            pass
        double.tell("clear")
        client.append_to_stream("lost-1", events=sent, current_version=0)
        same([it.id for it in client.get_stream("lost-1")][1:], [it.id for it in sent])


@case
def a_client_that_wants_the_leader_follows_it(double):
    with Double(double.process.args + ["--nodes", "3"]) as cluster:
        with cluster.client("&nodePreference=leader") as client:
            sent = events(3)
            for number, it in enumerate(sent):
                cluster.tell(f"lead {number}")
                client.append_to_stream("moved-1", events=it, current_version=StreamState.ANY)
            cluster.tell("stop 2")
            same([it.id for it in client.get_stream("moved-1")], [it.id for it in sent])
        # This client wants each of its writes answered by the leader, and says so.
        with cluster.client("&nodePreference=follower") as client:
            same([it.id for it in client.get_stream("moved-1")], [it.id for it in sent])
            append = lambda: client.append_to_stream("moved-1", events=event(), current_version=2)
            fails(NodeIsNotLeaderError, append)


def main():
    passed = failed = 0
    with Double(sys.argv[1:]) as double:
        for function in CASES:
            name = function.__name__.replace("_", " ")
            try:
                function(double)
                passed += 1
                print(f"ok      {name}")
            except Exception:
                failed += 1
                print(f"FAILED  {name}")
                traceback.print_exc(file=sys.stdout)
                double.tell("clear")
                double.tell("restart 0")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
