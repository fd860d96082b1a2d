"""The recorded threads, paged: turns, items, views and cursors equal the reference client's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from rollout.errors import InvalidCursor
from rollout.store.turn_pages import read_item_page, read_turn_page, read_turns
from rollout.turns.paging import ItemsView, PageRequest, SortDirection
from tests.conformance.recorded import CASES, expected_of, open_lineage

VIEWS = list(ItemsView)
DIRECTIONS = list(SortDirection)


def plain(value: Any) -> Any:
    """Return a value as its JSON reads."""
    return msgspec.json.decode(msgspec.json.encode(value))


def same_anchor(ours: str | None, theirs: str | None) -> bool:
    """Tell whether two cursors name the same place; ours say more about a legacy thread."""
    if ours is None or theirs is None:
        return ours is theirs
    mine, wanted = msgspec.json.decode(ours), msgspec.json.decode(theirs)
    return {key: mine.get(key) for key in wanted} == wanted


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_turns_are_the_clients(home: Path, thread_id: str, view: ItemsView) -> None:
    """All turns, in every view."""
    with open_lineage(home, thread_id) as lineage:
        assert plain(read_turns(lineage, view)) == expected_of(home, thread_id)["turns"][view.value]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_turn_pages_are_the_clients(
    home: Path, thread_id: str, view: ItemsView, direction: SortDirection
) -> None:
    """Page by page with two turns a page, cursors included; every page is read on a cold thread."""
    turns = {turn["id"]: turn for turn in expected_of(home, thread_id)["turns"][view.value]}
    request = PageRequest(2, None, direction)
    for wanted in expected_of(home, thread_id)["turn_pages"][view.value][direction.value]:
        with open_lineage(home, thread_id) as lineage:
            page = read_turn_page(lineage, request, view)
        assert plain(page.data) == [turns[turn_id] for turn_id in wanted["ids"]]
        assert same_anchor(page.next_cursor, wanted["nextCursor"])
        assert same_anchor(page.backwards_cursor, wanted["backwardsCursor"])
        request = PageRequest(2, page.next_cursor, direction)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_item_pages_are_the_clients(home: Path, thread_id: str, direction: SortDirection) -> None:
    """Items page by page. Of a legacy thread, which the client refuses, the items of its turns."""
    expected = expected_of(home, thread_id)
    if expected["items"] is None:
        wanted_items = [item for turn in expected["turns"]["full"] for item in turn["items"]]
        with open_lineage(home, thread_id) as lineage:
            page = read_item_page(lineage, PageRequest(100, None, direction))
        ours = plain([entry.item for entry in page.data])
        assert (ours if direction is SortDirection.ASC else ours[::-1]) == wanted_items
        return
    entries = {(entry["turnId"], entry["item"]["id"]): entry for entry in expected["items"]}
    request = PageRequest(2, None, direction)
    for wanted in expected["item_pages"][direction.value]:
        with open_lineage(home, thread_id) as lineage:
            page = read_item_page(lineage, request)
        ids = [entry.item.id for entry in page.data]
        assert ids == wanted["ids"]
        assert plain(page.data) == [entries[entry.turn_id, entry.item.id] for entry in page.data]
        assert same_anchor(page.next_cursor, wanted["nextCursor"])
        assert same_anchor(page.backwards_cursor, wanted["backwardsCursor"])
        request = PageRequest(2, page.next_cursor, direction)


@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_items_of_a_turn_are_those_of_its_full_view(home: Path, thread_id: str) -> None:
    """Asking for one turn's items gives what the turn shows."""
    for turn in expected_of(home, thread_id)["turns"]["full"]:
        with open_lineage(home, thread_id) as lineage:
            page = read_item_page(lineage, PageRequest(100, None, SortDirection.ASC), turn["id"])
        assert plain([entry.item for entry in page.data]) == turn["items"]


@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_a_cursor_of_another_thread_is_refused(home: Path, thread_id: str) -> None:
    """A cursor carries its thread, and is refused anywhere else."""
    foreign = '{"requestedThreadId":"%s","rolloutOrdinal":1,"includeAnchor":true,"scope":{"kind":"turns"}}'
    for cursor in (foreign % "01a1fc4a-0000-7000-8000-000000000000", "", "junk", "{}"):
        with open_lineage(home, thread_id) as lineage, pytest.raises(InvalidCursor, match="invalid cursor"):
            read_turn_page(lineage, PageRequest(2, cursor), ItemsView.SUMMARY)
