"""After a refresh, by whichever process, a page is found without a walk, and nothing is missed by it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from rollout.catalog import refresh
from rollout.catalog.keys import KEYS
from rollout.catalog.query import ThreadFilter
from rollout.store.cataloged import Cataloged
from rollout.store.listing import ListRequest
from rollout.store.places import SortKey
from rollout.store.root import open_store
from tests.builders import thread
from tests.catalog_home import DiskHome

BY_KIND = ListRequest(where=ThreadFilter(source_kinds=("cli",)))
BY_TITLE = ListRequest(where=ThreadFilter(term="Question"))
LONG_AFTER = 1 << 50


@pytest.fixture
def listings(disk: DiskHome) -> Iterator[Cataloged]:
    """The listings of a home of three threads, long after its folders changed, once refreshed."""
    for number in (1, 2, 3):
        disk.put(thread(number, source="cli").turn(f"Question {number}"), minute=number)
    with open_store(disk.path, clock=lambda: LONG_AFTER) as store:
        store.catalog.get().refresh()
        assert len(store.catalog.list_threads(BY_KIND).data) == 3
        yield store.catalog


@pytest.fixture
def walks(listings: Cataloged, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every walk from now on."""
    noted: list[str] = []
    walk = refresh.walk_home

    def noting(home: str, known: object) -> object:
        noted.append(home)
        return walk(home, known)  # type: ignore[arg-type]  # as it was given

    monkeypatch.setattr(refresh, "walk_home", noting)
    return noted


def same(listings: Cataloged, request: ListRequest = BY_KIND) -> int:
    """Check that rows say what files say; return how many there are."""
    found = listings.list_threads(request)
    assert found == listings.page_of_files(request)
    return len(found.data)


def test_an_unchanged_home_is_not_walked(listings: Cataloged, walks: list[str]) -> None:
    """One look a folder tells that there is nothing new."""
    assert same(listings) == 3
    assert walks == []


def test_another_process_need_not_walk(disk: DiskHome, listings: Cataloged, walks: list[str]) -> None:
    """What one has seen is kept with the rows."""
    with open_store(disk.path, clock=lambda: LONG_AFTER) as store:
        assert same(store.catalog) == 3
    assert walks == []


def test_another_process_sees_what_is_new(disk: DiskHome, listings: Cataloged, walks: list[str]) -> None:
    """A file, a line, a folder: as the one that refreshed would."""
    disk.put(thread(2, source="cli").turn("Question 2").turn("And now?", model="model-two"), minute=2)
    disk.put(thread(4, source="cli"), day="2027/01/01")
    with open_store(disk.path, clock=lambda: LONG_AFTER) as store:
        assert same(store.catalog) == 4
    assert len(walks) == 1


def test_rows_that_were_made_anew_are_not_spoken_for(disk: DiskHome, walks: list[str]) -> None:
    """Another release threw them away: what was kept is of no use."""
    disk.catalog(keys={**KEYS, "threads": "another"}).refresh()
    with open_store(disk.path, clock=lambda: LONG_AFTER) as store:
        assert same(store.catalog) == 3
    assert len(walks) == 2


def test_what_is_kept_may_be_spoilt(disk: DiskHome, listings: Cataloged, walks: list[str]) -> None:
    """It is a cache like the rest."""
    listings.get().ask(
        "spoiling",
        lambda connection: connection.execute("UPDATE state SET value = 'x' WHERE name = 'recent'"),
    )
    with open_store(disk.path, clock=lambda: LONG_AFTER) as store:
        assert same(store.catalog) == 3


def test_an_append_to_a_file_of_the_page_is_seen(
    disk: DiskHome, listings: Cataloged, walks: list[str]
) -> None:
    """It changes no folder."""
    rollout = thread(2, source="cli").turn("Question 2").turn("And now?", model="model-two")
    disk.put(rollout, minute=2)
    assert same(listings) == 3
    assert walks == []


def test_a_new_file_is_seen(disk: DiskHome, listings: Cataloged, walks: list[str]) -> None:
    """Its folder has changed, so that there is a walk."""
    disk.put(thread(4, source="cli"), minute=4)
    assert same(listings) == 4
    assert len(walks) == 1


def test_a_file_in_a_new_folder_is_seen(disk: DiskHome, listings: Cataloged) -> None:
    """The folder above has changed."""
    disk.put(thread(4, source="cli"), day="2027/01/01")
    assert same(listings) == 4


def test_the_first_archived_file_is_seen(disk: DiskHome, listings: Cataloged) -> None:
    """A folder that was not there is remembered as such."""
    disk.put(thread(4, source="cli"), archived=True)
    request = ListRequest(is_archived=True, where=BY_KIND.where)
    assert same(listings, request) == 1


def test_a_file_that_is_gone_is_seen(disk: DiskHome, listings: Cataloged) -> None:
    """Its folder has changed, too."""
    next(disk.path.rglob(f"*{thread(2).thread_id}.jsonl")).unlink()
    assert same(listings) == 2


def test_a_header_that_comes_late_is_seen(disk: DiskHome, listings: Cataloged) -> None:
    """Another client made the file, and wrote its header after we had looked."""
    rollout = thread(4, source="cli").turn("Late")
    path = disk.write(disk.path / "sessions/2026/11/21" / rollout.name(), b"")
    assert same(listings) == 3
    disk.write(path, rollout.content)
    assert same(listings) == 4


def test_a_name_that_is_given_is_seen(disk: DiskHome, listings: Cataloged, walks: list[str]) -> None:
    """Names have a file of their own."""
    line = f'{{"id":"{thread(2).thread_id}","thread_name":"math","updated_at":"x"}}\n'
    disk.write(disk.path / "session_index.jsonl", line.encode())
    assert same(listings) == 3
    assert walks == []


@pytest.mark.parametrize(
    "request_",
    [
        BY_TITLE,
        ListRequest(where=ThreadFilter(cwds=("/src/app",))),
        ListRequest(sort=SortKey.UPDATED, where=BY_KIND.where),
        ListRequest(sort=SortKey.RECENCY, where=BY_KIND.where),
    ],
)
def test_what_appends_may_move_takes_a_walk(
    listings: Cataloged, walks: list[str], request_: ListRequest
) -> None:
    """A title, a folder and a time of change may come from any file."""
    assert same(listings, request_) == 3
    assert len(walks) == 1


def test_a_catalog_that_was_deleted_meanwhile_is_made_again(
    disk: DiskHome, listings: Cataloged, walks: list[str]
) -> None:
    """An empty one in its place would hide every thread. Files answer until somebody needs the rows."""
    shutil.rmtree(disk.state)
    assert same(listings) == 3
    assert walks == []
    assert same(listings, BY_TITLE) == 3
    assert len(walks) == 1
    assert same(listings) == 3
    assert len(walks) == 1


def test_a_catalog_that_was_spoilt_meanwhile_is_made_again(disk: DiskHome, listings: Cataloged) -> None:
    """So would one that was set aside while it was asked."""
    disk.database.with_name("catalog.sqlite-wal").unlink(missing_ok=True)
    disk.database.write_bytes(b"spoilt" * 5000)
    assert same(listings) == 3


def test_a_home_that_changed_just_now_is_walked(disk: DiskHome) -> None:
    """A folder may change twice within one tick of its clock."""
    disk.put(thread(1, source="cli"))
    changed_ms = (disk.path / "sessions/2026/11/21").stat().st_mtime_ns // 1_000_000
    with open_store(disk.path, clock=lambda: changed_ms + 1000) as store:
        store.catalog.get().refresh()
        store.catalog.list_threads(BY_KIND)
        assert store.catalog.get()._recent is None
