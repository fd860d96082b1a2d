"""Every short paginated log there is, page by page: a page is certain when it says so.

Exhaustive in a small scope, with blocks of one line, so that reading may stop behind any of them.
"""

from __future__ import annotations

import itertools

import pytest

from rollout.store.turn_pages import read_item_page, read_turn_page, read_turns
from rollout.testing.payloads import REASONS
from rollout.testing.strategies import PAGINATED, Line, write_log
from rollout.turns.paging import ItemsView, SortDirection
from tests.builders import plain, uuid
from tests.property.oracle import lineage_of
from tests.property.oracle_turns import all_items_of, turns_of
from tests.property.test_pages import World, outline, shown, small_blocks, wanted

ASC, DESC = SortDirection.ASC, SortDirection.DESC
FULL = ItemsView.FULL
LETTERS = ["start-a", "start-b", "start-c", "end-a", "item-a", "item-b", "abort-b"]


def line_of(letter: str) -> Line:
    """Return the event that a letter stands for."""
    kind, _, turn_id = letter.partition("-")
    if kind == "item":
        item = {"type": "AgentMessage", "id": "i", "content": [{"type": "Text", "text": turn_id}]}
        return Line(
            "event_msg", {"type": "item_completed", "thread_id": uuid(1), "turn_id": turn_id, "item": item}
        )
    names = {"start": "task_started", "end": "task_complete", "abort": "turn_aborted"}
    return Line("event_msg", {"type": names[kind], "turn_id": turn_id, "reason": REASONS[0]})


def world_of(lines: list[Line]) -> World:
    """Return a home with one thread of these lines."""
    return World({uuid(1): write_log(uuid(1), PAGINATED, lines).content})


@pytest.mark.parametrize("first", LETTERS)
def test_every_log_of_four_events(first: str) -> None:
    """Walked one row at a time from either end: turns and items are the oracle's."""
    for rest in itertools.product(LETTERS, repeat=3):
        world = world_of([line_of(letter) for letter in (first, *rest)])
        segments = lineage_of(world.files, world.newest)
        with small_blocks(64):
            with world.open() as lineage:
                turns = plain(read_turns(lineage, FULL))
            assert [outline(turn) for turn in turns] == wanted(turns_of(segments), FULL), rest
            newest_first = world.walk(lambda lineage, page: read_turn_page(lineage, page, FULL), DESC, [1])
            assert newest_first == turns[::-1], rest
            items = world.walk(read_item_page, DESC, [1])[::-1]
        found = [[row["turnId"], *shown(row["item"])] for row in items]
        assert found == [[item.turn_id, *item.outline] for item in all_items_of(segments)], rest


@pytest.mark.parametrize("first", LETTERS)
def test_going_on_from_the_middle(first: str) -> None:
    """From the row of any page, oldest first, come the rows behind it."""
    for rest in itertools.product(LETTERS, repeat=2):
        lines = [line_of(letter) for letter in (first, *rest, "start-c", "item-a", "end-a")]
        world = world_of(lines)
        with small_blocks(64):
            for ask in (lambda lineage, page: read_turn_page(lineage, page, FULL), read_item_page):
                rows = world.walk(ask, ASC, [100])
                assert world.walk(ask, ASC, [1]) == rows, rest
