"""With a turn index or without one, a page is the same page: rows, cursors, and what is wrong with it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.errors import RolloutError
from rollout.replay.lineage import Lineage
from rollout.store.cataloged_turns import find_turn_count
from rollout.store.thread import Thread
from rollout.store.turn_pages import read_turn_page, read_turns
from rollout.testing.strategies import PAGINATED, Cut, Line, lineages, logs, write_log
from rollout.turns.paging import ItemsView, PageRequest, Scope, SortDirection, make_ordinal_cursor
from tests.builders import plain, thread, uuid
from tests.catalog_home import DiskHome
from tests.property.test_pages import BLOCKS, files_of, small_blocks

VIEW = ItemsView.FULL
ANCHORS = st.none() | st.tuples(st.integers(0, 60), st.booleans())


def put(disk: DiskHome, files: dict[str, bytes]) -> str:
    """Write the files of a lineage; return the id of its newest thread."""
    for rollout_id, content in files.items():
        name = f"rollout-2026-11-21T04-09-33-{rollout_id}.jsonl"
        disk.write(disk.path / "sessions/2026/11/21" / name, content)
    return thread(int(list(files)[-1][-4:], 16)).thread_id


def page_of(lineage: Lineage, request: PageRequest, find_indexed: Any = None) -> Any:
    """Return a page as plain values, or the error in its place."""
    try:
        return plain(read_turn_page(lineage, request, VIEW, find_indexed=find_indexed))
    except RolloutError as error:
        return (error.code, error.message)


def check(files: dict[str, bytes], requests: list[PageRequest]) -> int:
    """Assert that every page is what it is without the index; return how many the index made."""
    with tempfile.TemporaryDirectory() as folder:
        disk = DiskHome(Path(folder))
        thread_id = put(disk, files)
        disk.catalog().refresh()
        store = disk.store()
        made = 0
        for request in requests:
            with store.open_thread(thread_id) as opened:
                made += check_page(opened, request)
        with store.open_thread(thread_id) as opened:
            count = find_turn_count(store.catalog, opened.lineage)
            assert count in {None, len(read_turns(opened.lineage, VIEW, allow_damage=True))}
        disk.close()
        return made


def check_page(opened: Thread, request: PageRequest) -> bool:
    """Assert the same of one page."""
    found: list[object] = []

    def find(*asked: Any) -> Any:
        found.append(opened._find_indexed(*asked))
        return found[-1]

    with_index = page_of(opened.lineage, request, find)
    assert with_index == page_of(opened.lineage, request)
    return any(one is not None for one in found)


def requests_of(thread_id: str, anchors: list[tuple[int, bool] | None], limit: int) -> list[PageRequest]:
    """Return the requests for pages from some ordinals, in both directions."""
    cursors = [
        make_ordinal_cursor(thread_id, Scope.TURNS, anchor[0], includes_anchor=anchor[1]) if anchor else None
        for anchor in anchors
    ]
    return [PageRequest(limit, cursor, direction) for cursor in cursors for direction in SortDirection]


@settings(max_examples=300, deadline=None)
@given(
    cuts=lineages(),
    anchors=st.lists(ANCHORS, min_size=1, max_size=4),
    limit=st.integers(1, 4),
    block_bytes=BLOCKS,
)
def test_pages_of_a_lineage(
    cuts: list[Cut], anchors: list[tuple[int, bool] | None], limit: int, block_bytes: int
) -> None:
    """From any ordinal, in either direction, of any threads that stand on each other."""
    files = files_of(cuts)
    thread_id = thread(int(list(files)[-1][-4:], 16)).thread_id
    with small_blocks(block_bytes):
        check(files, requests_of(thread_id, anchors, limit))


@settings(max_examples=100, deadline=None)
@given(cuts=lineages(is_orderly=True), anchors=st.lists(ANCHORS, max_size=3), limit=st.integers(1, 3))
def test_pages_of_an_orderly_lineage(
    cuts: list[Cut], anchors: list[tuple[int, bool] | None], limit: int
) -> None:
    """The same, where turns seldom mix and so most pages are ranges."""
    files = files_of(cuts)
    thread_id = thread(int(list(files)[-1][-4:], 16)).thread_id
    check(files, requests_of(thread_id, [None, *anchors], limit))


@settings(max_examples=100, deadline=None)
@given(lines=logs(is_orderly=True, max_size=8), limit=st.integers(1, 3))
def test_orderly_logs_are_read_by_the_index(lines: list[Line], limit: int) -> None:
    """Where every turn has its start and keeps to itself, the oldest page is made from a range."""
    files = {uuid(1): write_log(uuid(1), PAGINATED, lines).content}
    check(files, [PageRequest(limit, None, SortDirection.ASC)])
