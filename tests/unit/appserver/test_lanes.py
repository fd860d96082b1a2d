"""Lanes: order within one, none between two."""

from __future__ import annotations

import json
from threading import Barrier, Event

import pytest

from rollout.appserver.dispatch import Prepared, prepare
from rollout.appserver.lanes import Gate, Lanes
from rollout.appserver.protocol import parse_message
from tests.served import serve

WAIT_SECONDS = 30
"""How long a test that has gone wrong waits; one that is right does not wait at all."""


def test_work_of_one_lane_is_done_in_order() -> None:
    """However many workers there are."""
    lanes, done, last = Lanes(), [], Event()
    for number in range(100):
        lanes.submit("one", lambda number=number: done.append(number))  # type: ignore[misc]  # binds now
    lanes.submit("one", last.set)
    assert last.wait(WAIT_SECONDS)
    lanes.close()
    assert done == list(range(100))


def test_a_slow_lane_delays_no_other() -> None:
    """The other lane's work is done while the slow one still waits."""
    lanes, slow, other = Lanes(), Event(), Event()
    lanes.submit("slow", lambda: (slow.wait(WAIT_SECONDS), None)[1])
    lanes.submit("slow", slow.clear)
    lanes.submit("other", other.set)
    assert other.wait(WAIT_SECONDS)
    assert not slow.is_set()
    slow.set()
    lanes.close()


def test_work_without_a_lane_runs_side_by_side() -> None:
    """Three that wait for each other all get there."""
    lanes, together = Lanes(), Barrier(3)
    met = Event()
    for _ in range(3):
        lanes.submit(None, lambda: met.set() if together.wait(WAIT_SECONDS) >= 0 else None)
    assert met.wait(WAIT_SECONDS)
    lanes.close()


def test_a_lane_that_was_empty_is_used_again() -> None:
    """It is forgotten in between."""
    lanes = Lanes()
    for _ in range(3):
        done = Event()
        lanes.submit("one", done.set)
        assert done.wait(WAIT_SECONDS)
    lanes.close()


def test_what_waits_at_a_gate_is_done_when_it_opens() -> None:
    """In order, and once; behind an open gate nothing waits."""
    gate, done = Gate(), []
    gate.when_open(lambda: done.append("one"))
    gate.when_open(lambda: done.append("two"))
    assert (done, gate.is_open) == ([], False)
    gate.open()
    gate.open()
    gate.when_open(lambda: done.append("three"))
    assert done == ["one", "two", "three"]


def test_what_comes_after_the_end_is_dropped() -> None:
    """Somebody may only hear of the end afterwards."""
    lanes, done = Lanes(), []
    lanes.close()
    lanes.submit(None, lambda: done.append(1))
    lanes.submit("one", lambda: done.append(1))
    assert done == []


@pytest.mark.parametrize(
    ("method", "params", "is_slow"),
    [
        ("thread/search", {"searchTerm": "x"}, True),
        ("thread/list", {"searchTerm": "x"}, True),
        ("thread/list", {"cwd": "/src"}, True),
        ("thread/list", {}, False),
        ("thread/loaded/list", {}, False),
    ],
)
def test_requests_that_look_through_many_threads_share_few_lanes(
    method: str, params: dict[str, str], is_slow: bool
) -> None:
    """So that however many clients search, whoever names a thread finds a worker."""
    served, lanes = serve(), set()
    for _ in range(20):
        client = served.server.connect(served.outbox)
        served.shake_hands(client)
        request = parse_message(json.dumps({"id": 1, "method": method, "params": params}).encode())
        prepared = prepare(served.server, client, request)  # type: ignore[arg-type]  # a request it is
        assert isinstance(prepared, Prepared)
        lanes.add(prepared.lane)
    assert (None not in lanes) is is_slow
    assert len(lanes) <= 2
