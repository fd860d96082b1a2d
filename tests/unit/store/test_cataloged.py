"""A catalog is used where there is one to use, and missed by nobody where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fork import fork_thread
from rollout.catalog.query import ThreadFilter
from rollout.errors import InvalidCursor, InvalidRequest, StorageFailed
from rollout.store.listing import ListRequest
from rollout.store.places import SortKey
from rollout.store.root import open_store
from rollout.testing.memory import MemoryFileSystem
from tests.altered import record_turns
from tests.builders import thread
from tests.catalog_home import DiskHome
from tests.unit.store.small_home import log_of, path_of, store_of

FILTERED = ListRequest(where=ThreadFilter(term="e"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskHome]:
    """A home with a thread."""
    home = DiskHome(tmp_path)
    home.put(thread(1).turn("Hey"))
    yield home
    home.close()


def test_a_plain_listing_makes_no_catalog(disk: DiskHome) -> None:
    """Nobody waits for a whole archive to be read, and nothing is written, to see a page."""
    for sort in SortKey:
        assert len(disk.listings().list_threads(ListRequest(sort=sort)).data) == 1
    assert not disk.state.exists()


def test_a_filtered_listing_makes_one(disk: DiskHome) -> None:
    """Otherwise every page would read the whole home."""
    assert len(disk.listings().list_threads(FILTERED).data) == 1
    assert disk.database.exists()


def test_a_plain_listing_does_not_wait_for_a_catalog_far_behind(
    disk: DiskHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files answer, and the catalog takes in as much as may be read for one listing."""
    monkeypatch.setattr("rollout.store.cataloged._LISTING_BUDGET_BYTES", len(thread(2).content) + 10)
    disk.listings().list_threads(FILTERED)
    disk.put(thread(2).turn("x" * 10_000))
    disk.put(thread(3))
    request = ListRequest(sort=SortKey.UPDATED)
    assert len(disk.listings().list_threads(request).data) == 3
    assert disk.listings().page_of_rows(request) is None
    catalog = disk.catalog()
    assert catalog.refresh().left == 0
    assert disk.listings().page_of_rows(request) is not None


def test_a_second_plain_page_by_creation_asks_an_existing_catalog(disk: DiskHome) -> None:
    """One page is found by names faster than by a refresh; who asks again is given rows, the newest too."""
    disk.listings().list_threads(FILTERED)
    listings = disk.listings()
    assert listings.page_of_rows(ListRequest()) is None
    disk.put(thread(2).turn("Ho"))
    second = listings.page_of_rows(ListRequest())
    assert second is not None
    assert second == listings.page_of_files(ListRequest())


def test_a_filter_that_most_threads_pass_makes_no_catalog(disk: DiskHome) -> None:
    """The files have a page as soon; a first listing by kind once read a whole archive."""
    dense = ListRequest(where=ThreadFilter(source_kinds=("vscode",)))
    assert [row.id for row in disk.listings().list_threads(dense).data] == [thread(1).thread_id]
    assert not disk.state.exists()


def test_without_a_folder_for_derived_files_the_files_answer(disk: DiskHome) -> None:
    """The same rows, and nothing is written."""
    with open_store(disk.path, state_dir=None) as store:
        found = store.catalog.list_threads(FILTERED)
        with pytest.raises(InvalidRequest, match="nowhere to keep one"):
            store.catalog.rebuild()
        assert store.catalog.stats() is None
    assert [row.id for row in found.data] == [thread(1).thread_id]
    assert not disk.state.exists()


def test_a_home_in_memory_is_listed_with_a_filter() -> None:
    """SQLite needs a disk; a listing does not."""
    fs = MemoryFileSystem({path_of(number): log_of(number, f"Question {number}") for number in range(5)})
    with store_of(fs) as store:
        page = store.list_threads(where=ThreadFilter(term="3"))
    assert [row.preview for row in page.data] == ["Question 3"]


def test_a_catalog_that_cannot_be_made_fails_no_listing(disk: DiskHome) -> None:
    """Where the folder should be there is a file."""
    disk.state.write_bytes(b"")
    assert len(disk.listings().list_threads(FILTERED).data) == 1
    with pytest.raises(StorageFailed):
        disk.listings().rebuild()


def test_a_cursor_is_judged_whoever_answers(disk: DiskHome) -> None:
    """A bad one is the caller's, and is not covered up by reading the files."""
    with pytest.raises(InvalidCursor):
        disk.listings().list_threads(ListRequest(cursor="junk", where=FILTERED.where))


def test_a_change_that_was_told_of_is_taken_in(disk: DiskHome) -> None:
    """Without a walk; where no catalog is, none is made."""
    path = disk.put(thread(2).turn("Hello"))
    disk.listings().note_change(str(path))
    assert not disk.state.exists()
    disk.listings().list_threads(FILTERED)
    disk.put(thread(2).turn("Hello").turn("And now?"))
    disk.listings().note_change(str(path))
    assert disk.catalog().refresh().absorbed == 0


def test_a_change_that_cannot_be_taken_in_fails_nobody(disk: DiskHome) -> None:
    """Whoever recorded has recorded."""
    disk.listings().list_threads(FILTERED)
    disk.close()
    disk.database.write_bytes(b"spoilt" * 1000)
    disk.listings().note_change(str(disk.path / "sessions"))


def test_what_was_written_is_in_the_catalog_when_the_store_is_closed(disk: DiskHome) -> None:
    """Threads that were made, forked, reverted and recorded: a refresh finds nothing to read."""
    with open_store(disk.path) as store:
        store.catalog.rebuild()
    with open_store(disk.path) as store:
        made = store.create_thread(cwd="/src/app", model="m")
        made.close()
        record_turns(store, made.id, "Yes.", "No.")
        turns = store.turns(made.id).data
        fork_thread(store, made.id, before_turn=turns[0].id)
        store.revert_thread(made.id, before_turn=turns[0].id).close()
    done = disk.catalog().refresh()
    assert (done.absorbed, done.seen) == (0, done.fresh)


def test_writing_makes_no_catalog(disk: DiskHome) -> None:
    """Who never lists pays nothing for lists."""
    with open_store(disk.path) as store:
        store.create_thread(cwd="/src/app", model="m").close()
    assert not disk.database.exists()


def test_writing_does_not_fail_with_the_catalog(disk: DiskHome) -> None:
    """A bad one is made anew, or left alone."""
    disk.listings().list_threads(FILTERED)
    disk.close()
    disk.database.write_bytes(b"spoilt" * 1000)
    with open_store(disk.path) as store:
        made = store.create_thread(cwd="/src/app", model="m")
        made.close()
    with open_store(disk.path) as store:
        assert made.id in {row.id for row in store.list_threads(limit=100).data}


def test_a_deleted_thread_is_hidden(disk: DiskHome) -> None:
    """Its rows stay, for its bytes do."""
    with open_store(disk.path) as store:
        store.catalog.list_threads(FILTERED)
        store.delete_thread(thread(1).thread_id)
        assert store.list_threads(where=FILTERED.where).data == []
        assert store.list_threads(sort=SortKey.UPDATED).data == []


def test_readers_without_a_catalog_do_not_import_sqlite(disk: DiskHome) -> None:
    """A listing by creation, or a resume, costs no database."""
    script = (
        "import sys\nfrom rollout import open_store\n"
        f"with open_store({str(disk.path)!r}) as store:\n"
        "    assert len(store.list_threads().data) == 1\n"
        "assert 'sqlite3' not in sys.modules\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env=environment)
