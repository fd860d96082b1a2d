"""Where turns begin and end in one rollout, and whether that is all there is of them."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.catalog.turn_places import (
    NO_END,
    Extent,
    TurnStretch,
    count_turns,
    find_indexed,
    find_stretch,
)
from tests.builders import Rollout, thread
from tests.catalog_home import DiskHome, column, rows_of


def indexed(disk: DiskHome, rollout: Rollout) -> Extent | None:
    """Return all of a rollout as a refreshed index has it; None where it cannot tell its turns apart."""
    path = disk.put(rollout)
    catalog = disk.catalog()
    catalog.refresh()
    found = catalog.ask("finding", lambda connection: find_indexed(connection, str(path)))
    return Extent(found.file_id, NO_END, 1) if found is not None else None


def counted(disk: DiskHome, rollout: Rollout) -> int | None:
    """Return how many turns a rollout has."""
    extent = indexed(disk, rollout)
    assert extent is not None
    return disk.catalog().ask("counting", lambda connection: count_turns(connection, [extent]))


def stretch(disk: DiskHome, rollout: Rollout, *asked: Any, is_descending: bool = False) -> TurnStretch | None:
    """Return some turns of a rollout."""
    extent = indexed(disk, rollout)
    assert extent is not None
    return disk.catalog().ask(
        "finding", lambda connection: find_stretch(connection, [extent], *asked, is_descending=is_descending)
    )


def named(found: TurnStretch | None) -> list[str] | None:
    """Return the turns of a stretch."""
    return [turn.turn_id for turn in found.turns] if found is not None else None


def test_turns_are_placed_where_their_first_lines_begin(disk: DiskHome) -> None:
    """And end where their last lines do."""
    rollout = thread()
    starts = []
    for number in range(5):
        starts.append(len(rollout.content))
        rollout.turn(f"Question {number}")
    found = stretch(disk, rollout, None, 100)
    assert found is not None
    assert [turn.start_offset for turn in found.turns] == starts
    ends = column(disk.catalog(), "SELECT end_offset FROM turns ORDER BY start_offset")
    assert ends == [*starts[1:], len(rollout.content)]


def test_a_stretch_ends_where_the_next_turn_begins(disk: DiskHome) -> None:
    """In either direction, and says whether more follow."""
    rollout = thread().turn("One").turn("Two").turn("Three").turn("Four")
    found = stretch(disk, rollout, None, 2)
    assert found is not None
    assert (named(found), found.behind and found.behind.turn_id, found.has_more) == (["t1", "t2"], "t3", True)
    anchor = found.behind.ordinal if found.behind is not None else -1
    newest = stretch(disk, rollout, anchor - 1, 2)
    assert newest is not None
    assert (named(newest), newest.behind, newest.has_more) == (["t3", "t4"], None, False)
    below = stretch(disk, rollout, anchor, 1, is_descending=True)
    assert below is not None
    assert (named(below), below.behind and below.behind.turn_id, below.has_more) == (["t2"], "t3", True)


def test_a_turn_that_goes_on_over_two_refreshes_is_one(disk: DiskHome) -> None:
    """Its end is found by its id when it comes."""
    rollout = thread().turn("One").start("b")
    assert counted(disk, rollout) == 2
    assert counted(disk, rollout.shows("b", "i").end("b").start("c")) == 3
    assert column(disk.catalog(), "SELECT is_completed FROM turns ORDER BY start_offset") == [1, 1, None]


def test_a_turn_that_is_named_elsewhere_is_no_range(disk: DiskHome) -> None:
    """Its late item belongs to it; turns that nobody names keep their pages."""
    rollout = thread().turn("One").turn("Two").turn("Three").shows("t1", "late", "And one more thing")
    assert stretch(disk, rollout, None, 1) is None
    second = stretch(disk, rollout, None, 2, is_descending=True)
    assert named(second) == ["t2", "t3"]
    assert counted(disk, rollout) == 3


def test_a_turn_that_is_started_twice_is_no_range(disk: DiskHome) -> None:
    """Which of them counts, the log tells."""
    rollout = thread().turn("One", turn_id="a").turn("Two", turn_id="b").turn("Three", turn_id="a")
    assert stretch(disk, rollout, None, 1) is None
    assert counted(disk, rollout) is None


def test_an_end_without_a_start_is_a_turn_that_the_index_does_not_know(disk: DiskHome) -> None:
    """So no page around it, and no count."""
    rollout = thread().turn("One").end("nobody").turn("Two")
    assert stretch(disk, rollout, None, 1) is None
    assert named(stretch(disk, rollout, None, 1, is_descending=True)) == ["t2"]
    assert counted(disk, rollout) is None


def test_an_extent_that_begins_within_a_turn_is_not_told_of(disk: DiskHome) -> None:
    """That turn has its end there, and its start belongs to nobody."""
    extent = indexed(disk, thread().turn("One").turn("Two"))
    assert extent is not None
    within = [Extent(extent.file_id, NO_END, 2)]
    catalog = disk.catalog()
    assert catalog.ask("counting", lambda connection: count_turns(connection, within)) is None
    found = catalog.ask(
        "finding", lambda connection: find_stretch(connection, within, None, 1, is_descending=False)
    )
    assert found is None


UNCLEAR = {
    "ordinals that go down": lambda: (
        thread().turn("One").record("event_msg", {"type": "warning"}, ordinal=3).turn("Two")
    ),
    "an ordinal used twice": lambda: (
        thread().turn("One").record("event_msg", {"type": "warning"}, ordinal=8).turn("Two")
    ),
    "a line that is none": lambda: thread().turn("One").raw(b"none at all\n").turn("Two"),
    "an event with its members in another order": lambda: (
        thread().turn("One").raw(b'{"type":"event_msg","ordinal":9,"payload":{"type":"x"},"timestamp":"x"}\n')
    ),
    "an item that names its turn late": lambda: (
        thread().turn("One").event("item_completed", item={"type": "AgentMessage", "id": "1"}, turn_id="t1")
    ),
    "a start that is none": lambda: thread().turn("One").start("b", started_at="yesterday"),
    "a rollback": lambda: thread().turn("One").rollback(1),
    "no ordinals": lambda: thread(mode="legacy").turn("One").turn("Two"),
}


@pytest.mark.parametrize("make", UNCLEAR.values(), ids=UNCLEAR)
def test_where_fronts_do_not_tell_nothing_is_claimed(disk: DiskHome, make: Any) -> None:
    """Such a rollout is read as if there were no index."""
    assert indexed(disk, make()) is None


def test_what_is_claimed_does_not_depend_on_when_it_was_read(disk: DiskHome) -> None:
    """Followed line by line, the rows are those of one reading."""
    rollout = thread().turn("One").shows("t9", "early").turn("Two").end("t1").turn("Three")
    whole, lines = rollout.content, rollout.content.splitlines(keepends=True)
    followed = disk.catalog()
    for number in range(1, len(lines) + 1):
        rollout.content = b"".join(lines[:number])
        disk.put(rollout)
        followed.refresh()
    assert rollout.content == whole
    anew = disk.catalog(state=disk.path / "anew")
    anew.refresh()
    for table in ("turns", "turn_orders", "strays"):
        assert rows_of(followed)[table] == rows_of(anew)[table]
