"""Listings of what is below a thread: what was said of who spawned whom counts, by rows and by files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.catalog.query import ThreadFilter
from rollout.log.spawns import SpawnStatus
from rollout.store.listing import ListRequest
from rollout.store.root import open_store
from rollout.store.store import Store
from tests.builders import thread, uuid
from tests.catalog_home import DiskHome


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A home in which headers say that 1 spawned 2, and 2 spawned 3; 4 and 5 are nobody's."""
    disk = DiskHome(tmp_path)
    for number, spawner in ((1, None), (2, 1), (3, 2), (4, None), (5, None)):
        named = {"parent_thread_id": uuid(spawner)} if spawner is not None else {}
        disk.put(thread(number, **named).turn(f"Thread {number}"), minute=number)
    with open_store(disk.path) as opened:
        yield opened
    disk.close()


def listed(store: Store, **members: object) -> list[int]:
    """Return the numbers of the threads that pass a filter, which rows and files agree on."""
    request = ListRequest(where=ThreadFilter(**members))
    rows = store.catalog.page_of_rows(request)
    assert rows is not None
    found = [one.id for one in rows.data]
    assert [one.id for one in store.catalog.page_of_files(request).data] == found
    return sorted(int(one[-4:], 16) for one in found)


def test_headers_count_where_nothing_was_said(store: Store) -> None:
    """Children, and all that is below."""
    assert (listed(store, parent_id=uuid(1)), listed(store, ancestor_id=uuid(1))) == ([2], [2, 3])


def test_an_edge_that_was_said_is_found_from_its_parent(store: Store) -> None:
    """Open or closed."""
    store.agents.add_edge(uuid(1), uuid(4), SpawnStatus.CLOSED)
    assert listed(store, parent_id=uuid(1)) == [2, 4]


def test_an_edge_that_was_said_is_found_from_above(store: Store) -> None:
    """With what headers say is below it."""
    store.agents.add_edge(uuid(4), uuid(2))
    assert (listed(store, ancestor_id=uuid(4)), listed(store, ancestor_id=uuid(1))) == ([2, 3], [])


def test_other_filters_hold_beside_it(store: Store) -> None:
    """Both must let a thread through."""
    store.agents.add_edge(uuid(3), uuid(5))
    assert listed(store, ancestor_id=uuid(1), term="Thread 5") == [5]


def test_nothing_is_below_a_thread_that_is_not_there(store: Store) -> None:
    """Whatever else was said."""
    store.agents.add_edge(uuid(3), uuid(5))
    assert listed(store, ancestor_id=uuid(9)) == []


def test_rows_and_headers_give_the_same_edges(tmp_path: Path) -> None:
    """Also where a header is another thread's, is spelled oddly, names nobody, or was written anew."""
    disk = DiskHome(tmp_path)
    reverted = thread(6, parent_thread_id=uuid(1)).turn("six")
    spawn = {"subagent": {"thread_spawn": {"parent_thread_id": uuid(1).upper(), "depth": 1}}}
    odd = [
        thread(1).turn("one"),
        thread(2, id=uuid(8), parent_thread_id=uuid(1)).turn("two"),
        thread(3, parent_thread_id="nobody").turn("three"),
        thread(4, source=spawn).turn("four"),
        thread(5, "legacy", parent_thread_id=uuid(3)),
        reverted,
        reverted.revert(7, reverted.position).turn("again"),
    ]
    for minute, rollout in enumerate(odd):
        disk.put(rollout, minute=minute)
    disk.write(disk.path / "sessions/2026/11/21" / thread(9).name(), b"no rollout\n")
    with open_store(disk.path) as opened:
        by_headers = opened.agents.graph().edges
        opened.catalog.rebuild()
        assert opened.agents.graph().edges == by_headers
    disk.close()
