"""Pages hold for any log: however they are walked, they are the turns, and the turns are the oracle's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.errors import InvalidCursor
from rollout.log import chunks
from rollout.replay.lineage import Lineage
from rollout.store.turn_pages import read_item_page, read_turn_page, read_turns
from rollout.testing.strategies import LEGACY, PAGINATED, Cut, Line, lineages, logs, write_lineage, write_log
from rollout.turns.paging import ItemsView, PageRequest, SortDirection
from tests.builders import DAY, Home, plain, thread, uuid
from tests.property.oracle import lineage_of
from tests.property.oracle_turns import Turn, all_items_of, goes_down, legacy_turns_of, turns_of

ASC, DESC = SortDirection.ASC, SortDirection.DESC
VIEWS = st.sampled_from(list(ItemsView))
LIMITS = st.lists(st.integers(-1, 5), min_size=1, max_size=4)
BLOCKS = st.sampled_from([128, 512, 1 << 16])


@contextmanager
def small_blocks(block_bytes: int) -> Iterator[None]:
    """Let logs be read in small blocks, so that a page can be full before the log begins."""
    sizes = {"_FIRST_BLOCK_BYTES": block_bytes, "_LAST_BLOCK_BYTES": 2 * block_bytes}
    with mock.patch.multiple(chunks, **sizes):
        yield


class World:
    """A home with the files of one lineage, oldest first; the last file may grow."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.home = Home()
        self.files = files
        self.newest = list(files)[-1]
        for rollout_id, content in files.items():
            self.home.fs.put(self.path_of(rollout_id), content)

    def path_of(self, rollout_id: str) -> str:
        """Return where a rollout lies."""
        return f"{DAY}/rollout-2026-11-21T04-09-33-{rollout_id}.jsonl"

    @property
    def goes_down(self) -> bool:
        """Whether ordinals go down in one of its files."""
        return goes_down([one for one in lineage_of(self.files, self.newest) if one.is_paginated])

    def grow(self, content: bytes) -> None:
        """Give the newest file more bytes."""
        self.files[self.newest] = content
        self.home.fs.change(self.path_of(self.newest), content)

    def open(self) -> Lineage:
        """Open the newest thread."""
        return self.home.open(thread(int(self.newest[-4:], 16)))

    def walk(self, ask: Any, direction: SortDirection, limits: list[int]) -> list[Any]:
        """Return the rows of all pages; every page is read on a thread that was freshly opened."""
        rows: list[Any] = []
        cursor: str | None = None
        for page_number in range(1000):
            limit = limits[page_number % len(limits)]
            with self.open() as lineage:
                page = ask(lineage, PageRequest(limit, cursor, direction))
            rows += plain(page.data)
            assert len(page.data) <= max(1, limit)
            assert (page.backwards_cursor is None) is (not page.data)
            cursor = page.next_cursor
            if cursor is None:
                return rows
        raise AssertionError("the pages do not end")


def outline(turn: dict[str, Any]) -> list[Any]:
    """Return what of a turn the oracle knows."""
    error = turn["error"]["message"] if turn["error"] is not None else None
    times = [turn["startedAt"], turn["completedAt"], turn["rootTurnId"]]
    return [turn["id"], turn["status"], *times, error, [shown(item) for item in turn["items"]]]


def shown(item: dict[str, Any]) -> list[str]:
    """Return what of an item the oracle knows: id, kind, text."""
    kind = item["type"]
    if kind == "reasoning":
        parts = [f"reasoning:{text};" for text in item["summary"]] + [
            f"w_content:{text};" for text in item["content"]
        ]
        return [item["id"], kind, "".join(sorted(parts))]
    if kind == "userMessage":
        return [item["id"], kind, "".join(part["text"] for part in item["content"])]
    return [item["id"], kind, item.get("text", item.get("query", ""))]


def wanted(turns: list[Turn], view: ItemsView) -> list[Any]:
    """Return the oracle's turns in a view."""
    found = [turn.outline(view.value) for turn in turns]
    for turn in found:
        for item in turn[-1]:
            if item[1] == "reasoning":  # summary and content are two lists, each in its order
                item[2] = "".join(sorted(f"{part};" for part in item[2].split(";") if part))
    return found


def files_of(cuts: list[Cut]) -> dict[str, bytes]:
    """Write a lineage; return its files by rollout id, oldest first."""
    ids = [uuid(number) for number in range(1, len(cuts) + 1)]
    return dict(zip(ids, (made.content for made in write_lineage(ids, cuts)), strict=True))


def check_turn_pages(world: World, view: ItemsView, limits: list[int]) -> list[Any]:
    """Assert that all ways to read the turns agree; return them.

    Where ordinals go down, a page of the newest cannot know what older lines had used: it must
    be read without error, and that is all.
    """
    with world.open() as lineage:
        whole: list[Any] = plain(read_turns(lineage, view))

    def ask(lineage: Lineage, request: PageRequest) -> Any:
        return read_turn_page(lineage, request, view)

    if world.goes_down:
        world.walk(ask, DESC, limits)
        return whole
    assert world.walk(ask, ASC, limits) == whole
    assert world.walk(ask, DESC, limits) == whole[::-1]
    return whole


def check_item_pages(world: World, limits: list[int]) -> list[Any]:
    """Assert that both ways to walk the items agree; return them."""
    whole = world.walk(read_item_page, ASC, [100])
    if world.goes_down:
        world.walk(read_item_page, DESC, limits)
        return whole
    assert world.walk(read_item_page, ASC, limits) == whole
    assert world.walk(read_item_page, DESC, limits) == whole[::-1]
    return whole


@settings(max_examples=500)
@given(cuts=lineages(), view=VIEWS, limits=LIMITS, block_bytes=BLOCKS)
def test_turns_of_a_lineage(cuts: list[Cut], view: ItemsView, limits: list[int], block_bytes: int) -> None:
    """Walked from either end, with any limits: read_turns, and the oracle's turns."""
    world = World(files_of(cuts))
    with small_blocks(block_bytes):
        found = check_turn_pages(world, view, limits)
    expected = turns_of(lineage_of(world.files, world.newest))
    assert [outline(turn) for turn in found] == wanted(expected, view)


@settings(max_examples=300)
@given(cuts=lineages(), limits=LIMITS, block_bytes=BLOCKS)
def test_items_of_a_lineage(cuts: list[Cut], limits: list[int], block_bytes: int) -> None:
    """Walked from either end, with any limits: the oracle's items; those of a turn are its full view's."""
    world = World(files_of(cuts))
    with small_blocks(block_bytes):
        found = check_item_pages(world, limits)
        expected = all_items_of(lineage_of(world.files, world.newest))
        assert [[row["turnId"], *shown(row["item"])] for row in found] == [
            [item.turn_id, *item.outline] for item in expected
        ]
        with world.open() as lineage:
            turns = read_turns(lineage, ItemsView.FULL)
        for turn in turns if not world.goes_down else []:
            with world.open() as lineage:
                page = read_item_page(lineage, PageRequest(100, None, ASC), turn.id)
            assert [row.item for row in page.data] == turn.items


@settings(max_examples=300)
@given(lines=logs(), view=VIEWS, limits=LIMITS)
def test_turns_of_a_legacy_file(lines: list[Line], view: ItemsView, limits: list[int]) -> None:
    """The same, numbered from the start of the file."""
    world = World({uuid(1): write_log(uuid(1), LEGACY, lines).content})
    found = check_turn_pages(world, view, limits)
    (segment,) = lineage_of(world.files, world.newest)
    assert [outline(turn) for turn in found] == wanted(legacy_turns_of(segment), view)
    items = check_item_pages(world, limits)
    assert len(items) == sum(len(turn.items) for turn in legacy_turns_of(segment))


@pytest.mark.parametrize("mode", [LEGACY, PAGINATED])
@given(data=st.data(), lines=logs(max_size=6), view=VIEWS)
def test_any_prefix(mode: str, data: st.DataObject, lines: list[Line], view: ItemsView) -> None:
    """A log that a crash cut anywhere behind its header shows the turns of its complete lines."""
    made = write_log(uuid(1), mode, lines)
    end = data.draw(st.integers(made.ends[0][0], len(made.content)))
    world = World({uuid(1): made.content[:end]})
    segments = lineage_of(world.files, world.newest)
    expected = legacy_turns_of(segments[0]) if mode == LEGACY else turns_of(segments)
    found = check_turn_pages(world, view, [2])
    assert [outline(turn) for turn in found] == wanted(expected, view)


@pytest.mark.parametrize("mode", [LEGACY, PAGINATED])
@given(
    data=st.data(), old=logs(is_orderly=True), new=logs(is_orderly=True, max_size=4), limit=st.integers(1, 4)
)
def test_a_page_goes_on_after_the_log_has_grown(
    mode: str, data: st.DataObject, old: list[Line], new: list[Line], limit: int
) -> None:
    """Going on from an old cursor, what was there before is met once; the other way, what is new too."""
    old = [line for line in old if line.payload.get("type") != "thread_rolled_back"]
    new = [Line(line.type, _renamed(line.payload)) for line in new]
    before, after = write_log(uuid(1), mode, old).content, write_log(uuid(1), mode, old + new).content
    world = World({uuid(1): before})
    view = ItemsView.NOT_LOADED
    with world.open() as lineage:
        known = [turn.id for turn in read_turns(lineage, view)]
        first = read_turn_page(lineage, PageRequest(limit, None, DESC), view)
    world.grow(after)
    rest: list[str] = []
    cursor = first.next_cursor
    while cursor is not None:
        with world.open() as lineage:
            page = read_turn_page(lineage, PageRequest(data.draw(st.integers(1, 4)), cursor, DESC), view)
        rest += [turn.id for turn in page.data]
        cursor = page.next_cursor
    assert [turn.id for turn in first.data] + rest == known[::-1]
    if first.backwards_cursor is not None:
        with world.open() as lineage:
            newer = read_turn_page(lineage, PageRequest(100, first.backwards_cursor, ASC), view)
            now = [turn.id for turn in read_turns(lineage, view)]
        assert [turn.id for turn in newer.data] == now[now.index(known[-1]) :]


def _renamed(payload: Any) -> Any:
    """Return a payload of a later turn."""
    if "turn_id" in payload:
        return {**payload, "turn_id": f"later-{payload['turn_id']}"}
    return payload


@given(cuts=lineages(), view=VIEWS, edit=st.data())
def test_an_edited_cursor_is_refused_or_read(cuts: list[Cut], view: ItemsView, edit: st.DataObject) -> None:
    """Junk in a cursor gives an error of ours, or some page; never anything else."""
    world = World(files_of(cuts))
    with world.open() as lineage:
        page = read_turn_page(lineage, PageRequest(1, None, ASC), view)
        cursor = page.next_cursor or page.backwards_cursor or "{}"
        at = edit.draw(st.integers(0, len(cursor)))
        end = edit.draw(st.integers(at, min(len(cursor), at + 3)))
        edited = cursor[:at] + edit.draw(st.text(max_size=3)) + cursor[end:]
        try:
            found = read_turn_page(lineage, PageRequest(9, edited, DESC), view)
        except InvalidCursor:
            return
        known = [turn.id for turn in read_turns(lineage, view)]
    assert {turn.id for turn in found.data} <= set(known)
