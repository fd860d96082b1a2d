"""Where turns begin, of a thread as it is on disk now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.store.cataloged_turns import find_turn_count, find_turn_starts
from rollout.store.root import open_store
from rollout.store.store import Store
from rollout.turns.paging import SortDirection
from tests.builders import thread
from tests.catalog_home import DiskHome


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskHome]:
    """A home with a parent of three turns, and a child that leaves it after two."""
    home = DiskHome(tmp_path)
    parent = thread(1).turn("One").turn("Two")
    child = parent.fork(2).turn("Another three").turn("Four")
    home.put(parent.turn("Three"))
    home.put(child)
    yield home
    home.close()


def counted(store: Store, number: int) -> int | None:
    """Return the turns of a thread, by the catalog."""
    lineage = store._opener.open_thread(thread(number).thread_id)
    with lineage:
        return find_turn_count(store.catalog, lineage)


def test_without_a_catalog_nothing_is_told(disk: DiskHome) -> None:
    """And none is made."""
    with open_store(disk.path) as store:
        assert counted(store, 1) is None
    assert not disk.state.exists()


def test_turns_are_counted_along_the_lineage(disk: DiskHome) -> None:
    """As many as a reading of the log finds."""
    with open_store(disk.path) as store:
        store.catalog.rebuild()
        for number in (1, 2):
            page = store.turns(thread(number).thread_id, limit=100)
            assert counted(store, number) == len(page.data)


def test_what_was_appended_meanwhile_counts(disk: DiskHome) -> None:
    """The files are looked at before the rows are believed."""
    with open_store(disk.path) as store:
        store.catalog.rebuild()
        disk.put(thread(1).turn("One").turn("Two").turn("Three").turn("Four"))
        assert counted(store, 1) == 4


def test_starts_are_those_of_the_turns(disk: DiskHome) -> None:
    """In the order of the pages, from any place on."""
    with open_store(disk.path) as store:
        store.catalog.rebuild()
        page = store.turns(thread(2).thread_id, limit=100, direction=SortDirection.ASC)
        with store._opener.open_thread(thread(2).thread_id) as lineage:
            found = find_turn_starts(store.catalog, lineage, 1, 2)
        assert found is not None
        assert [start.turn_id for start in found] == [turn.id for turn in page.data[1:3]]
        assert [start.number for start in found] == [1, 2]


def test_a_legacy_thread_is_not_told_of(disk: DiskHome) -> None:
    """Its turns are numbered by reading it."""
    disk.put(thread(3, "legacy").turn("One"))
    with open_store(disk.path) as store:
        store.catalog.rebuild()
        assert counted(store, 3) is None


def test_a_spoilt_catalog_tells_nothing_wrong(disk: DiskHome) -> None:
    """It is made anew, and knows what it has read since."""
    with open_store(disk.path) as store:
        store.catalog.rebuild()
    disk.database.write_bytes(b"spoilt" * 1000)
    with open_store(disk.path) as store:
        assert counted(store, 2) in {None, 4}
