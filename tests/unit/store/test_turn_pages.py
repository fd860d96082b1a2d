"""Pages of turns and items, straight from the files: cut, walked, cursored, while a thread grows."""

from __future__ import annotations

import json
from unittest import mock

import pytest

from rollout.errors import InvalidCursor, NotFound
from rollout.log import chunks
from rollout.replay.lineage import Lineage
from rollout.store.turn_pages import read_item_page, read_turn_page
from rollout.turns.paging import ItemsView, PageRequest, SortDirection
from tests.builders import Home, Json, Rollout, home, thread
from tests.unit.store.page_walk import SMALL, ids, item_pages, turn_pages, walk

ASC, DESC = SortDirection.ASC, SortDirection.DESC


def long_thread(mode: str = "paginated", turns: int = 40) -> Rollout:
    """Return a rollout with as many turns, t1, t2, …"""
    made = thread(mode=mode)
    for number in range(turns):
        made.turn(f"q{number}")
    return made


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
@pytest.mark.parametrize("direction", [ASC, DESC])
def test_walking_meets_every_turn_once(mode: str, direction: SortDirection) -> None:
    """In order, whatever the block size."""
    one = long_thread(mode)
    expected = [f"t{number}" for number in range(1, 41)]
    found = walk(turn_pages(home(one, max_line_bytes=SMALL), one), direction)
    assert found == (expected if direction is ASC else expected[::-1])


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
@pytest.mark.parametrize("direction", [ASC, DESC])
def test_walking_meets_every_item_once(mode: str, direction: SortDirection) -> None:
    """Those of every turn's full view, in order."""
    one = long_thread(mode, 10)
    made = home(one, max_line_bytes=SMALL)
    expected = [item["id"] for turn in made.turns(one) for item in turn["items"]]
    assert walk(item_pages(made, one), direction) == (expected if direction is ASC else expected[::-1])


def test_the_newest_page_reads_only_the_end() -> None:
    """As far as the turn before the last one of the page has begun."""
    one = long_thread(turns=200)
    with home(one, max_line_bytes=SMALL).open(one) as lineage:
        head = lineage.bytes_read
        page = read_turn_page(lineage, PageRequest(3), ItemsView.FULL)
        assert [turn.id for turn in page.data] == ["t200", "t199", "t198"]
        assert lineage.bytes_read - head < 16 * SMALL < lineage.bytes_total


def test_the_newest_items_read_only_the_end() -> None:
    """As far as their turn has begun, and the one before."""
    one = long_thread(turns=200)
    with home(one, max_line_bytes=SMALL).open(one) as lineage:
        head = lineage.bytes_read
        page = read_item_page(lineage, PageRequest(3, None, DESC))
        assert [entry.item.id for entry in page.data] == ["t200-said", "t200-asked", "t199-said"]
        assert lineage.bytes_read - head < 16 * SMALL


def test_items_of_a_turn_read_no_further_than_that_turn() -> None:
    """From the end back to where it began."""
    one = long_thread(turns=200)
    with home(one, max_line_bytes=SMALL).open(one) as lineage:
        head = lineage.bytes_read
        page = read_item_page(lineage, PageRequest(3, None, ASC), "t199")
        assert [entry.item.id for entry in page.data] == ["t199-asked", "t199-said"]
        assert lineage.bytes_read - head < 16 * SMALL


@pytest.mark.parametrize("direction", [ASC, DESC])
def test_a_page_that_is_exactly_full_is_the_last(direction: SortDirection) -> None:
    """No cursor leads to an empty page."""
    one = long_thread(turns=6)
    made = home(one, max_line_bytes=SMALL)
    assert turn_pages(made, one)(PageRequest(6, None, direction))["nextCursor"] is None
    assert turn_pages(made, one)(PageRequest(5, None, direction))["nextCursor"] is not None


def test_an_empty_thread_has_an_empty_page() -> None:
    """With no cursors."""
    page = turn_pages(home(thread()), thread())(PageRequest())
    assert page == {"data": [], "nextCursor": None, "backwardsCursor": None}


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
@pytest.mark.parametrize("direction", [ASC, DESC])
def test_the_backwards_cursor_turns_round(mode: str, direction: SortDirection) -> None:
    """Read in the other direction it begins with the first row of its page."""
    one = long_thread(mode, 9)
    pages = turn_pages(home(one, max_line_bytes=SMALL), one)
    second = pages(PageRequest(3, pages(PageRequest(3, None, direction))["nextCursor"], direction))
    other = DESC if direction is ASC else ASC
    back = pages(PageRequest(9, second["backwardsCursor"], other))
    assert ids(back)[0] == ids(second)[0]
    assert len(back["data"]) == 4


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
def test_a_cursor_outlives_what_is_appended(mode: str) -> None:
    """Going on from an old page, nothing is met twice and nothing is missing."""
    one = long_thread(mode, 9)
    made = Home(SMALL)
    path = made.put(one)
    pages = turn_pages(made, one)
    first = pages(PageRequest(3, None, DESC))
    made.fs.change(path, one.turn("late").turn("later").log())
    assert ids(pages(PageRequest(9, first["nextCursor"], DESC))) == [f"t{n}" for n in range(6, 0, -1)]
    assert ids(pages(PageRequest(9, first["backwardsCursor"], ASC))) == ["t9", "t10", "t11"]


def test_the_last_page_of_a_growing_thread_can_be_asked_again() -> None:
    """Oldest first, the backwards cursor finds what came since."""
    one = thread().turn("a")
    made = Home()
    path = made.put(one)
    pages = item_pages(made, one)
    page = pages(PageRequest(9, None, ASC))
    made.fs.change(path, one.turn("b").log())
    assert ids(pages(PageRequest(9, page["backwardsCursor"], ASC))) == [
        "t1-asked",
        "t1-said",
        "t2-asked",
        "t2-said",
    ]


def test_a_turn_that_ends_late_is_on_the_page_of_its_beginning() -> None:
    """Its end alone says that it is somewhere further back."""
    one = thread().start("slow")
    for number in range(4):
        one.turn(f"q{number}")
    one.end("slow").shows("slow", "late")
    made = home(one, max_line_bytes=SMALL)
    with mock.patch.multiple(chunks, _FIRST_BLOCK_BYTES=64, _LAST_BLOCK_BYTES=64):
        assert walk(turn_pages(made, one), DESC, 1) == ["t4", "t3", "t2", "t1", "slow"]


@pytest.mark.parametrize("view", list(ItemsView))
def test_a_page_shows_what_the_whole_shows(view: ItemsView) -> None:
    """Also next to ends without start, items without turn, and items before and behind their turn."""
    one = thread().turn("a").end("lone").shows("nowhere", "g").shows("t9", "early").start("t9")
    one.shows("t9", "i").start("next").shows("t9", "late").end("t9").end("next").abort("t1")
    for _ in range(6):
        one.turn("x")
    made = home(one, max_line_bytes=SMALL)
    expected = made.turns(one, view)
    for limit in (1, 2, 3, 100):
        found: list[Json] = []
        cursor: str | None = None
        while cursor is not None or not found:
            page = turn_pages(made, one, view)(PageRequest(limit, cursor, DESC))
            found += page["data"]
            cursor = page["nextCursor"]
            if cursor is None:
                break
        assert found[::-1] == expected


def test_items_without_a_public_form_leave_no_gap() -> None:
    """A page is filled with what can be shown."""
    one = thread().start("a")
    for number in range(30):
        one.shows("a", f"u{number}", kind="FromNextYear").shows("a", f"k{number}")
    one.end("a").turn("b").turn("c")
    made = home(one, max_line_bytes=SMALL)
    expected = [*(f"k{number}" for number in range(30)), "t1-asked", "t1-said", "t2-asked", "t2-said"]
    assert walk(item_pages(made, one), DESC, 4) == expected[::-1]
    assert walk(item_pages(made, one), ASC, 4) == expected


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
def test_items_of_a_turn_that_is_not_there_are_not_found(mode: str) -> None:
    """A wrong id is not an empty turn."""
    one = thread(mode=mode).start("empty").end("empty")
    made = home(one)
    assert item_pages(made, one, "empty")(PageRequest())["data"] == []
    with pytest.raises(NotFound, match="it has no turn nobody"):
        item_pages(made, one, "nobody")(PageRequest())


def test_items_of_no_turn_can_be_asked_for() -> None:
    """Their turn may have begun before the history does."""
    one = thread().shows("nowhere", "i").turn("a")
    assert ids(item_pages(home(one), one, "nowhere")(PageRequest())) == ["i"]


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
def test_a_cursor_of_all_items_serves_for_one_turns(mode: str) -> None:
    """And the other way round."""
    one = long_thread(mode, 3)
    made = home(one)
    whole = item_pages(made, one)(PageRequest(3, None, ASC))
    of_turn = item_pages(made, one, "t2")(PageRequest(9, whole["nextCursor"], ASC))
    assert len(of_turn["data"]) == 1
    first = item_pages(made, one, "t2")(PageRequest(1, None, ASC))
    assert len(item_pages(made, one)(PageRequest(9, first["nextCursor"], ASC))["data"]) == 3


def test_a_cursor_of_a_turn_that_was_rolled_back_is_refused() -> None:
    """Its row is gone."""
    one = long_thread("legacy", 5)
    made = Home()
    path = made.put(one)
    cursor = turn_pages(made, one)(PageRequest(2, None, DESC))["backwardsCursor"]
    made.fs.change(path, one.rollback(2).log())
    with pytest.raises(InvalidCursor, match="anchor turn is no longer present"):
        turn_pages(made, one)(PageRequest(2, cursor, DESC))


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
def test_a_cursor_of_another_thread_is_refused(mode: str) -> None:
    """Also of a fork, in which the same turn stands."""
    one, other = long_thread(mode, 5), thread(2, mode).turn("a").turn("b")
    made = home(one, other)
    for pages in (turn_pages, item_pages):
        cursor = pages(made, other)(PageRequest(1, None, ASC))["nextCursor"]
        with pytest.raises(InvalidCursor, match="it belongs to thread"):
            pages(made, one)(PageRequest(1, cursor, ASC))


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
def test_a_cursor_of_the_other_scope_is_refused(mode: str) -> None:
    """Turns and items are paged apart."""
    one = long_thread(mode, 5)
    made = home(one)
    for mine, other in ((turn_pages, item_pages), (item_pages, turn_pages)):
        cursor = other(made, one)(PageRequest(1, None, ASC))["nextCursor"]
        with pytest.raises(InvalidCursor, match="it pages"):
            mine(made, one)(PageRequest(1, cursor, ASC))


def test_an_anchor_need_not_exist() -> None:
    """An ordinal between two turns is a place as well."""
    one = long_thread(turns=3)
    page = turn_pages(home(one), one)(PageRequest(1, None, ASC))
    anchor = json.loads(page["backwardsCursor"]) | {"rolloutOrdinal": 5}
    pages = turn_pages(home(one), one)
    assert ids(pages(PageRequest(9, json.dumps(anchor), ASC))) == ["t2", "t3"]
    assert ids(pages(PageRequest(9, json.dumps(anchor), DESC))) == ["t1"]
    far = json.dumps(anchor | {"rolloutOrdinal": 10**30})
    assert ids(pages(PageRequest(9, far, ASC))) == []
    assert ids(pages(PageRequest(9, far, DESC))) == ["t3", "t2", "t1"]


def test_a_page_is_of_the_thread_as_it_was_opened() -> None:
    """What is appended while it is open shows when it is opened again."""
    one = thread().turn("a")
    made = Home()
    path = made.put(one)

    def ask(lineage: Lineage) -> list[str]:
        made.fs.change(path, one.turn("b").log())
        return [turn.id for turn in read_turn_page(lineage, PageRequest(), ItemsView.FULL).data]

    assert made.ask(one, ask) == ["t1"]
    assert ids(turn_pages(made, one)(PageRequest())) == ["t2", "t1"]
