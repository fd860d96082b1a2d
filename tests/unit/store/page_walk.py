"""Asking for pages, one after the other: every one of a thread that was freshly opened."""

from __future__ import annotations

from collections.abc import Callable

from rollout.store.turn_pages import read_item_page, read_turn_page
from rollout.turns.paging import ItemsView, PageRequest, SortDirection
from tests.builders import Home, Json, Rollout, plain

SMALL = 2048
"""A line cap that keeps the blocks of a read small, so that pages end before the log begins."""

Pages = Callable[[PageRequest], Json]


def turn_pages(made: Home, rollout: Rollout, view: ItemsView = ItemsView.SUMMARY) -> Pages:
    """Return how to ask for a page of turns, on a thread freshly opened every time."""

    def ask(request: PageRequest) -> Json:
        answer: Json = plain(made.ask(rollout, lambda lineage: read_turn_page(lineage, request, view)))
        return answer

    return ask


def item_pages(made: Home, rollout: Rollout, turn_id: str | None = None) -> Pages:
    """Return how to ask for a page of items."""

    def ask(request: PageRequest) -> Json:
        answer: Json = plain(made.ask(rollout, lambda lineage: read_item_page(lineage, request, turn_id)))
        return answer

    return ask


def walk(pages: Pages, direction: SortDirection, limit: int = 3) -> list[str]:
    """Follow next cursors to the end; return the ids of all rows."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = pages(PageRequest(limit, cursor, direction))
        found += [row["item"]["id"] if "item" in row else row["id"] for row in page["data"]]
        cursor = page["nextCursor"]
        if cursor is None:
            return found
        assert len(page["data"]) == limit


def ids(page: Json) -> list[str]:
    """Return the ids of a page's rows."""
    return [row["item"]["id"] if "item" in row else row["id"] for row in page["data"]]
