"""Pages and counts by the turn index, of a thread as it is on disk now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.errors import DamagedLog
from rollout.store.cataloged_turns import find_turn_count
from rollout.store.root import open_store
from rollout.store.store import Store
from rollout.turns.paging import SortDirection
from tests.altered import record_turns
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


def test_a_page_reads_its_own_turns(tmp_path: Path) -> None:
    """Of a long log, no more than they take: the oldest ones, and some in the middle."""
    home = DiskHome(tmp_path)
    rollout = thread()
    for number in range(100):
        rollout.turn(f"Question {number}", "x" * 10_000)
    home.put(rollout)
    with open_store(home.path) as store:
        store.catalog.rebuild()
        cursor = None
        for _ in range(3):
            with store.open_thread(rollout.thread_id) as opened:
                before = opened.lineage.bytes_read
                page = opened.turns(limit=2, cursor=cursor, direction=SortDirection.ASC)
                assert opened.lineage.bytes_read - before < 250_000
            cursor = page.next_cursor
    assert [turn.id for turn in page.data] == ["t5", "t6"]


def test_rows_of_other_bytes_are_not_believed(disk: DiskHome) -> None:
    """A file that was altered in place, its size and times kept, is read as it is."""
    before = thread(1).turn("One").turn("Two").turn("Three")
    path = disk.put(before)
    with open_store(disk.path) as store:
        store.catalog.rebuild()
        seen = path.stat()
        with path.open("r+b") as file:
            file.write(before.content.replace(b'"t2"', b'"t4"'))
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        page = store.turns(before.thread_id, direction=SortDirection.ASC)
    assert [turn.id for turn in page.data] == ["t1", "t4", "t3"]


def test_a_seal_that_does_not_hold_is_found_where_a_page_is_read(tmp_path: Path) -> None:
    """The oldest page is verified, up to the seal over its end."""
    folder = tmp_path / "home"
    folder.mkdir()
    with open_store(folder) as store:
        made = store.create_thread(cwd="/src/app", model="m")
        record_turns(store, made.id, *("a long answer" for _ in range(4)))
        path = Path(made.files()[0].path)
        made.close()
        store.catalog.rebuild()
        seen = path.stat()
        content = path.read_bytes().replace(b"a long answer", b"a wrong answer"[:13], 1)
        with path.open("r+b") as file:
            file.write(content)
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        with pytest.raises(DamagedLog, match="seal"):
            store.turns(made.id, limit=1, direction=SortDirection.ASC)


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
