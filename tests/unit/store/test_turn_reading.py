"""One reading that goes on: page after page reads every byte once, and shows what a fresh reading shows."""

from __future__ import annotations

import pytest

from rollout.errors import StorageFailed
from rollout.store.projecting import TurnReading
from rollout.store.turn_pages import read_item_page, read_turn_page
from rollout.turns.paging import ItemsView, PageRequest, SortDirection
from tests.builders import Rollout, home, thread

SMALL_BLOCKS = 1 << 12


def long_thread(turns: int = 60) -> Rollout:
    """Return a thread of many turns, longer than a block."""
    rollout = thread()
    for number in range(turns):
        rollout.turn(f"question {number} " + "x" * 300)
    return rollout


@pytest.mark.parametrize("direction", list(SortDirection))
def test_pages_are_those_of_fresh_readings(direction: SortDirection) -> None:
    """Turns and items by turns, from either end."""
    rollout = long_thread()
    with home(rollout, max_line_bytes=SMALL_BLOCKS).open(rollout) as lineage:
        reading = TurnReading(lineage)
        turns = items = PageRequest(7, None, direction)
        for _ in range(9):
            page = read_turn_page(lineage, turns, ItemsView.SUMMARY, reading=reading)
            assert page == read_turn_page(lineage, turns, ItemsView.SUMMARY)
            shown = read_item_page(lineage, items, reading=reading)
            assert shown == read_item_page(lineage, items)
            turns = PageRequest(7, page.next_cursor, direction)
            items = PageRequest(7, shown.next_cursor, direction)


def test_every_byte_is_read_once() -> None:
    """All pages together read about what the log holds, not that times their number."""
    rollout = long_thread()
    with home(rollout, max_line_bytes=SMALL_BLOCKS).open(rollout) as lineage:
        reading, cursor, pages = TurnReading(lineage), None, 0
        while True:
            page = read_turn_page(lineage, PageRequest(3, cursor), ItemsView.SUMMARY, reading=reading)
            cursor, pages = page.next_cursor, pages + 1
            if cursor is None:
                break
        assert pages == 20
        assert lineage.bytes_read < 2 * len(rollout.content)


def test_a_reading_that_failed_is_not_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a history must not pass for all of it."""
    rollout = long_thread()
    with home(rollout, max_line_bytes=SMALL_BLOCKS).open(rollout) as lineage:
        reading = TurnReading(lineage)
        read_turn_page(lineage, PageRequest(1), ItemsView.SUMMARY, reading=reading)

        def refuse(*_: object) -> bytes:
            raise StorageFailed("the disk is gone")

        monkeypatch.setattr(lineage.newest_source, "read_at", refuse)
        with pytest.raises(StorageFailed):
            reading.until(None)
        assert reading.is_broken_off
