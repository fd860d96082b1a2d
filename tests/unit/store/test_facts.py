"""What people say of threads, through the store: checked, kept, and shown in place of what the log says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from rollout.catalog.query import ThreadFilter
from rollout.errors import InvalidRequest, NotFound
from rollout.log.facts import FactsPatch, GitPatch
from rollout.store.listing import ListRequest
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from rollout.wire.threads import thread as shown
from tests.builders import ARCHIVE, DAY, HOME, thread, uuid
from tests.catalog_home import DiskHome

GIT = {"commit_hash": "1", "branch": "main", "repository_url": "u"}
ONE = uuid(1)
BOTH = ["rows", "files"]


def store_with(*, archived: bool = False, **members: Any) -> Store:
    """Return a store with one thread."""
    said = thread(1, **members).turn("Hey").context(cwd="/src")
    fs = CrashFS({f"{ARCHIVE if archived else DAY}/{said.name()}": said.log()}, folders=[HOME])
    ticks = count(1_795_248_374_000)
    return Store(fs, HOME, 1 << 20, lambda: next(ticks), lambda: uuid(99))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskHome]:
    """A home on a real disk, with three threads in two folders."""
    made = DiskHome(tmp_path)
    for number, cwd in ((1, "/a"), (2, "/a"), (3, "/b")):
        made.put(thread(number, git=GIT).turn(f"Question {number}").context(cwd=cwd), minute=number)
    yield made
    made.close()


def test_a_summary_shows_what_was_said() -> None:
    """In place of what header and turns say; the log stays as it is."""
    store = store_with(git=GIT)
    patch = FactsPatch(
        name=" Hey ",
        is_pinned=True,
        git_info=GitPatch(sha=None, branch="x"),
        tags={"b": True, "a": True},
        cwd="/m",
    )
    before = store.resume(ONE).input_json()
    store.set_facts(ONE, patch)
    found = store.summary(ONE)
    assert (found.name, found.is_pinned, found.tags, found.cwd) == ("Hey", True, ("a", "b"), "/m")
    assert found.git is not None
    assert (found.git.commit_hash, found.git.branch, found.git.repository_url) == (None, "x", "u")
    assert store.resume(ONE).input_json() == before


def test_a_cleared_git_state_stays_cleared() -> None:
    """However often the thread is read, whatever its header says."""
    store = store_with(git=GIT)
    store.set_facts(ONE, FactsPatch(git_info=None))
    assert store.summary(ONE).git is None
    assert store.facts(ONE).git_info == GitPatch(sha=None, branch=None, origin_url=None)


def test_what_is_taken_away_is_what_the_log_says() -> None:
    """Of the working directory, which every thread has."""
    store = store_with()
    store.set_facts(ONE, FactsPatch(cwd="/m"))
    store.set_facts(ONE, FactsPatch(cwd=None))
    assert store.summary(ONE).cwd == "/src"


def test_extras_are_shown_where_there_are_any() -> None:
    """Under one key, which is absent otherwise."""
    store = store_with()
    assert not shown(store.summary(ONE)).rollout
    store.set_facts(ONE, FactsPatch(memory_mode="disabled", tags={"t": True}))
    extras = shown(store.summary(ONE)).rollout
    assert extras
    assert (extras.memory_mode, extras.tags, extras.is_pinned) == ("disabled", ("t",), False)


def test_an_archived_thread_is_told_of_where_it_is() -> None:
    """Nothing said of it brings it back, or keeps it there."""
    store = store_with(archived=True)
    assert store.set_facts(ONE, FactsPatch(is_pinned=True)).is_archived
    found = store.set_facts(ONE, FactsPatch(is_archived=False, cwd="/m"))
    assert (found.is_archived, found.is_pinned, found.cwd) == (False, True, "/m")
    assert store.set_facts(ONE, FactsPatch(is_archived=True)).is_archived


@pytest.mark.parametrize(
    "patch",
    [
        FactsPatch(),
        FactsPatch(git_info=GitPatch()),
        FactsPatch(tags={}),
        FactsPatch(name="  "),
        FactsPatch(git_info=GitPatch(branch=" ")),
        FactsPatch(cwd="src"),
        FactsPatch(tags={"": True}),
        FactsPatch(tags={f"{number}": True for number in range(101)}),
        FactsPatch(memory_mode="polluted"),
        FactsPatch(git_info=GitPatch(sha="\ud800")),
    ],
)
def test_a_patch_that_cannot_be_stored_is_refused(patch: FactsPatch) -> None:
    """Before anything is written."""
    store = store_with()
    with pytest.raises(InvalidRequest):
        store.set_facts(ONE, patch)
    assert store.facts(ONE).tags == ()


def test_a_deleted_thread_is_told_nothing_more_of() -> None:
    """But what was said of it is there again when it is brought back."""
    store = store_with()
    store.set_facts(ONE, FactsPatch(is_pinned=True))
    store.delete_thread(ONE)
    with pytest.raises(NotFound):
        store.set_facts(ONE, FactsPatch(is_pinned=False))
    store.undelete_thread(ONE)
    assert store.summary(ONE).is_pinned


def test_a_thread_that_nobody_knows_has_no_facts() -> None:
    """Neither to be read nor to be set."""
    store = store_with()
    with pytest.raises(NotFound):
        store.set_facts(uuid(2), FactsPatch(is_pinned=True))
    with pytest.raises(NotFound):
        store.facts(uuid(2))


def listed(store: Store, way: str, **where: Any) -> list[str]:
    """Return the threads of a filtered listing, by the catalog or by the files."""
    request = ListRequest(where=ThreadFilter(**where))
    page = store.catalog.page_of_rows(request) if way == "rows" else store.catalog.page_of_files(request)
    assert page is not None
    return sorted(one.id for one in page.data)


@pytest.mark.parametrize("way", BOTH)
def test_threads_are_found_by_what_was_said(disk: DiskHome, way: str) -> None:
    """A pin, tags of which all are needed, and the folder that a thread has moved to."""
    store = disk.store()
    listed(store, way, is_pinned=True)
    store.set_facts(uuid(1), FactsPatch(is_pinned=True, tags={"x": True, "y": True}))
    store.set_facts(uuid(2), FactsPatch(tags={"x": True}, cwd="/b"))
    assert listed(store, way, is_pinned=True) == [uuid(1)]
    assert listed(store, way, is_pinned=False) == [uuid(2), uuid(3)]
    assert listed(store, way, tags=("x",)) == [uuid(1), uuid(2)]
    assert listed(store, way, tags=("x", "y")) == [uuid(1)]
    assert listed(store, way, cwds=("/b",)) == [uuid(2), uuid(3)]
    assert listed(store, way, cwds=("/a",)) == [uuid(1)]
    store.set_facts(uuid(1), FactsPatch(is_pinned=None, tags=None))
    store.set_facts(uuid(2), FactsPatch(cwd=None))
    assert listed(store, way, is_pinned=True) == []
    assert listed(store, way, tags=("y",)) == []
    assert listed(store, way, cwds=("/a",)) == [uuid(1), uuid(2)]


def test_rows_and_files_show_the_same(disk: DiskHome) -> None:
    """All members of every summary; of a thread that cannot be read as well."""
    disk.write(disk.path / f"sessions/2026/11/21/{thread(4).name()}", b"junk\n")
    store = disk.store()
    store.set_facts(
        uuid(1), FactsPatch(name="n", git_info=GitPatch(branch=None), memory_mode="disabled", cwd="/m")
    )
    store.set_facts(uuid(4), FactsPatch(is_pinned=True))
    request = ListRequest(where=ThreadFilter(since_ms=0))
    rows, files = store.catalog.page_of_rows(request), store.catalog.page_of_files(request)
    assert rows is not None
    assert rows.data == files.data
    assert [one.is_pinned for one in files.data if one.id == uuid(4)] == [True]


def test_a_rebuild_loses_nothing_that_was_said(disk: DiskHome) -> None:
    """Nor does taking the catalog away: it is a cache."""
    store = disk.store()
    store.set_facts(uuid(1), FactsPatch(is_pinned=True, git_info=GitPatch(sha=None), cwd="/m"))
    listing = listed(store, "rows", is_pinned=True)
    store.catalog.rebuild()
    assert listed(store, "rows", is_pinned=True) == listing == [uuid(1)]
    store.close()
    for path in (disk.state / "catalog").iterdir():
        path.unlink()
    fresh = disk.store()
    assert listed(fresh, "rows", is_pinned=True) == [uuid(1)]
    assert fresh.summary(uuid(1)).git is not None


def test_the_files_of_facts_are_for_their_owner_alone(disk: DiskHome) -> None:
    """Mode 0600, on whatever was made."""
    store = disk.store()
    store.set_facts(uuid(1), FactsPatch(name="n", tags={"t": True}))
    made = [disk.state / "facts.jsonl", disk.state / "facts.jsonl.lock", disk.path / "session_index.jsonl"]
    assert [oct(path.stat().st_mode & 0o777) for path in made] == ["0o600"] * 3
