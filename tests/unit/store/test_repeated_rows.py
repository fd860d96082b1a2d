"""Legacy rows that share an id, and ordinals of any size: walking meets each row once all the same."""

from __future__ import annotations

import pytest

from rollout.format.record import MAX_COUNT
from rollout.turns.paging import SortDirection
from tests.builders import home, thread
from tests.unit.store.page_walk import item_pages, turn_pages, walk

ASC, DESC = SortDirection.ASC, SortDirection.DESC


@pytest.mark.parametrize("direction", [ASC, DESC])
@pytest.mark.parametrize("turn_ids", [["a", "a"], ["a", "b", "a", "c"], ["a", "b", "a", "b", "a"]])
def test_a_turn_started_twice_is_met_twice(turn_ids: list[str], direction: SortDirection) -> None:
    """The same id twice makes two turns; a cursor that knew the id alone went round in a circle."""
    one = thread(mode="legacy")
    for number, turn_id in enumerate(turn_ids):
        one.turn(f"q{number}", turn_id=turn_id)
    assert walk(turn_pages(home(one), one), direction, 1) == (
        turn_ids if direction is ASC else turn_ids[::-1]
    )


@pytest.mark.parametrize("direction", [ASC, DESC])
def test_items_of_a_turn_started_twice_are_met_once_each(direction: SortDirection) -> None:
    """Also where both turns show an item of one id."""
    one = thread(mode="legacy")
    for turn_id in ("a", "b", "a"):
        one.start(turn_id).event("web_search_end", call_id="call", query="q", action={"type": "other"})
        one.end(turn_id)
    made = home(one)
    expected = [item["id"] for turn in made.turns(one) for item in turn["items"]]
    assert expected == ["call"] * 3
    assert walk(item_pages(made, one), direction, 1) == expected


@pytest.mark.parametrize("direction", [ASC, DESC])
def test_the_largest_ordinals_are_paged(direction: SortDirection) -> None:
    """Beyond what a floating-point number can tell apart."""
    one = thread().turn("q0")
    one.next_ordinal = MAX_COUNT - 13
    one.turn("q1").turn("q2")
    expected = ["t1", "t2", "t3"]
    assert walk(turn_pages(home(one), one), direction, 1) == (
        expected if direction is ASC else expected[::-1]
    )
