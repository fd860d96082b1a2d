"""Where turns begin and end, by rollout and along a lineage."""

from __future__ import annotations

import pytest

from rollout.catalog.turn_index import Stretch, count_turns, iter_turn_starts
from tests.builders import Rollout, thread
from tests.catalog_home import DiskHome


def counted(disk: DiskHome, *stretches: Stretch) -> int | None:
    """Return how many turns a lineage has started."""
    catalog = disk.catalog()
    catalog.refresh()
    return catalog.ask("counting", lambda connection: count_turns(connection, stretches))


def started(disk: DiskHome, first: int, limit: int, *stretches: Stretch) -> list[tuple[int, str | None]]:
    """Return number and id of some turns of a lineage."""
    catalog = disk.catalog()
    catalog.refresh()
    return catalog.ask(
        "finding turns",
        lambda connection: [
            (turn.number, turn.turn_id) for turn in iter_turn_starts(connection, stretches, first, limit)
        ],
    )


def whole(rollout: Rollout) -> Stretch:
    """Return all of a rollout."""
    return Stretch(rollout.rollout_id)


def test_turns_are_counted_and_placed(disk: DiskHome) -> None:
    """Each at the byte where its first line begins."""
    rollout = thread()
    starts = []
    for number in range(5):
        starts.append(len(rollout.content))
        rollout.turn(f"Question {number}")
    disk.put(rollout)
    assert counted(disk, whole(rollout)) == 5
    catalog = disk.catalog()
    rows = catalog.ask("finding", lambda c: list(iter_turn_starts(c, [whole(rollout)], 0, 100)))
    assert [row.start_offset for row in rows] == starts
    assert [row.end_offset for row in rows] == [*starts[1:], len(rollout.content)]
    assert all(row.is_completed for row in rows)


def test_a_fork_counts_its_parents_turns_up_to_where_it_leaves(disk: DiskHome) -> None:
    """The rows are the parent's own, and its later turns are not the child's."""
    parent = thread(1).turn("One").turn("Two")
    child = parent.fork(2)
    base = parent.position["end_byte_offset"]
    disk.put(parent.turn("Three"))
    disk.put(child.turn("Another three").turn("Four"))
    lineage = [Stretch(parent.rollout_id, base), whole(child)]
    assert counted(disk, *lineage) == 4
    assert [number for number, _ in started(disk, 1, 2, *lineage)] == [1, 2]
    assert started(disk, 3, 9, *lineage) == started(disk, 0, 9, *lineage)[3:]
    assert counted(disk, whole(parent)) == 3


def test_a_turn_that_goes_on_over_two_refreshes_is_one(disk: DiskHome) -> None:
    """Its end is found by its id when it comes."""
    rollout = thread().start("a").start("b")
    disk.put(rollout)
    assert counted(disk, whole(rollout)) == 2
    disk.put(rollout.end("a").abort("b").start("c"))
    assert counted(disk, whole(rollout)) == 3
    catalog = disk.catalog()
    rows = catalog.ask("finding", lambda c: list(iter_turn_starts(c, [whole(rollout)], 0, 100)))
    assert [(row.turn_id, row.is_completed) for row in rows] == [("a", True), ("b", False), ("c", None)]


def test_after_a_rollback_starts_do_not_tell_the_count(disk: DiskHome) -> None:
    """No count is better than a wrong one."""
    rollout = thread(mode="legacy").turn("One").turn("Two").rollback(1)
    disk.put(rollout)
    assert counted(disk, whole(rollout)) is None


@pytest.mark.parametrize("missing", [True, False])
def test_a_base_that_is_not_absorbed_leaves_no_count(disk: DiskHome, missing: bool) -> None:
    """So it is for a rollout that is not there, or holds nothing yet."""
    parent = thread(1).turn("One")
    child = parent.fork(2)
    disk.put(child)
    if not missing:
        disk.write(disk.path / "sessions/2026/11/21" / parent.name(), b"")
    assert counted(disk, whole(parent), whole(child)) is None
