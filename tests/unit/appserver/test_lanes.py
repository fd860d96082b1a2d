"""Lanes: order within one, none between two."""

from __future__ import annotations

from threading import Barrier, Event

from rollout.appserver.lanes import Lanes

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
