"""The rule of forks, over every file system: a base is stored only where it can be found again.

Where it cannot, the child is a copy of all that it inherits, and says why; where it can, nothing is copied.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import pytest

import fork
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.ids import mint_uuid7
from rollout.store.store import Store
from rollout.store.thread import Thread
from rollout.testing.crashfs import CrashFS
from tests.builders import STAMP, Rollout, thread, uuid

PARENT = thread(1).turn("hello").turn("again")
ORPHAN = PARENT.fork(2, forked_from_id=uuid(1)).turn("and now?")
LEGACY = thread(4, mode="legacy").turn("hello").turn("again")
NOW_MS = 1_795_248_374_000


class Place(Protocol):
    """A file system, and a folder of it to build homes in."""

    fs: MutableFileSystem
    folder: str


class OnDisk:
    """The real one."""

    def __init__(self, tmp_path: Path) -> None:
        self.fs: MutableFileSystem = POSIX_MUTABLE
        self.folder = str(tmp_path)


class InMemory:
    """The one that tests run on."""

    def __init__(self, _: Path) -> None:
        self.fs: MutableFileSystem = CrashFS({}, folders=["/world"])
        self.folder = "/world"


@pytest.fixture(params=[OnDisk, InMemory])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return each file system in turn."""
    made: Place = request.param(tmp_path)
    return made


def put(place: Place, path: str, rollout: Rollout) -> str:
    """Write a rollout under a name of the test's choice; return where."""
    whole = f"{place.folder}/{path}"
    place.fs.make_folders(whole.rpartition("/")[0])
    with place.fs.create(whole) as file:
        file.append(rollout.content)
    return whole


def store_of(place: Place) -> Store:
    """Return a store over the home of a place."""
    home = f"{place.folder}/home"
    place.fs.make_folders(f"{home}/sessions")
    ticks = count(NOW_MS)
    return Store(place.fs, home, 1 << 20, lambda: next(ticks), lambda: mint_uuid7(NOW_MS, os.urandom(10)))


def outside(place: Place, store: Store, parent: Rollout) -> Thread:
    """Open a file that lies outside the home."""
    return store.open_path(put(place, f"elsewhere/{parent.name()}", parent))


def misnamed(place: Place, store: Store, parent: Rollout) -> Thread:
    """Open a file of the home whose name says that it belongs to another thread."""
    other = parent.name().replace(parent.thread_id, f"{uuid(9)}_{parent.thread_id}")
    return store.open_path(put(place, f"home/sessions/2026/11/21/{other}", parent))


def nameless(place: Place, store: Store, parent: Rollout) -> Thread:
    """Open a file of the home under a name that is no rollout's."""
    return store.open_path(put(place, "home/sessions/2026/11/21/saved.jsonl", parent))


def twin(place: Place, store: Store, parent: Rollout) -> Thread:
    """Open a file outside a home that has another one under the same rollout id."""
    put(
        place,
        f"home/sessions/2026/11/21/{parent.name()}",
        Rollout(int(parent.thread_id[-4:], 16), parent.mode),
    )
    return outside(place, store, parent)


def replaced(place: Place, store: Store, parent: Rollout) -> Thread:
    """Open a file of the home, which another one then takes the place of."""
    path = put(place, f"home/sessions/2026/11/21/{parent.name()}", parent)
    opened = store.open_path(path)
    put(place, "home/draft", Rollout(int(parent.thread_id[-4:], 16), parent.mode))
    place.fs.replace(f"{place.folder}/home/draft", path)
    return opened


OBSTACLES = [outside, misnamed, nameless, twin, replaced]
Obstacle = Callable[[Place, Store, Rollout], Thread]


def shown(opened: Thread) -> list[Any]:
    """Return what a thread shows."""
    return [opened.all_turns(), opened.context().input_json()]


@pytest.mark.parametrize("parent", [PARENT, LEGACY], ids=["paginated", "legacy"])
@pytest.mark.parametrize("obstacle", OBSTACLES, ids=lambda one: one.__name__)
def test_a_base_that_cannot_be_found_again_is_a_copy(
    place: Place, obstacle: Obstacle, parent: Rollout
) -> None:
    """It says why, shows the same, and depends on nothing; the parent stays as it is."""
    with store_of(place) as store, obstacle(place, store, parent) as opened:
        before = shown(opened)
        child = fork.fork_thread(store, opened)
        source = opened.lineage.newest_source
        assert source.read_at(0, source.size_bytes) == parent.content
        assert child.base is None
        assert child.copied_because
        with store.open_thread(child.id) as copied:
            assert shown(copied) == before
            assert len(copied.segments()) == 1


def test_a_copy_stops_where_it_was_told_to(place: Place) -> None:
    """At a turn in the middle, as a child by reference does."""
    with store_of(place) as store, outside(place, store, PARENT) as opened:
        child = fork.fork_thread(store, opened, before_turn="t2")
        with store.open_thread(child.id) as copied:
            assert copied.all_turns() == opened.all_turns()[:1]


def test_a_copy_takes_settings_as_a_child_does(place: Place) -> None:
    """They hold from there on."""
    with store_of(place) as store, outside(place, store, PARENT) as opened:
        child = fork.fork_thread(store, opened, model="model-two", cwd="/elsewhere")
        with store.record(child.id) as recorder, recorder.turn("Go on."):
            pass
        assert store.summary(child.id).model == "model-two"
        assert store.summary(child.id).cwd == "/elsewhere"


def test_a_copy_holds_what_its_parent_inherited(place: Place) -> None:
    """All of its lineage, not its own part alone."""
    with store_of(place) as store:
        put(place, f"home/sessions/2026/11/21/{PARENT.name()}", PARENT)
        with outside(place, store, ORPHAN) as opened:
            child = fork.fork_thread(store, opened)
            assert child.copied_because
            with store.open_thread(child.id) as copied:
                assert [turn.id for turn in copied.all_turns()] == ["t1", "t2", "t3"]
                assert len(copied.segments()) == 1


@pytest.mark.parametrize("parent", [PARENT, LEGACY], ids=["paginated", "legacy"])
def test_a_base_that_can_be_found_again_is_referred_to(place: Place, parent: Rollout) -> None:
    """The child holds less than 2 kB, and what it shows is the parent's."""
    with store_of(place) as store:
        put(place, f"home/sessions/2026/11/21/{parent.name(STAMP)}", parent)
        with store.open_thread(parent.thread_id) as opened:
            before = shown(opened)
            child = fork.fork_thread(store, opened)
        assert child.copied_because is None
        assert child.base is not None
        assert child.base.rollout_id == parent.rollout_id
        assert child.bytes_written < 2000
        with store.open_thread(child.id) as heir:
            assert shown(heir) == before
