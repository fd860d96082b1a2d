"""Pages of turns and items, read from the files of a lineage and from nothing else.

Newest-first pages of a paginated thread scan backward and stop when the page is
certain; a legacy history is numbered from its start and read whole.
Format: docs/format.md, "Turns" and "Paging".
"""

from __future__ import annotations

from typing import Final

from rollout.errors import NotFound
from rollout.replay.lineage import Lineage
from rollout.store.projecting import project, read_all_turns
from rollout.turns.model import ItemsView, Turn, TurnItem
from rollout.turns.paging import (
    Page,
    PageRequest,
    Scope,
    SortDirection,
    invalid_anchor,
    make_ordinal_cursor,
    make_row_cursor,
    parse_ordinal_cursor,
    parse_row_cursor,
    slice_rows,
)
from rollout.turns.projection import Projection
from rollout.turns.rows import ItemRow, in_order, shown_item, shown_turn

_END: Final = float("inf")


def read_turns(lineage: Lineage, view: ItemsView) -> list[Turn]:
    """Return all turns of a thread, oldest first."""
    return read_all_turns(lineage, view)


def read_turn_page(lineage: Lineage, request: PageRequest, view: ItemsView) -> Page[Turn]:
    """Return one page of turns. Raise InvalidCursor when the cursor was not made for this."""
    thread_id = lineage.thread_id
    if not lineage.is_paginated:
        turns = read_all_turns(lineage, view)
        start = _row_start(turns, request, thread_id)
        return slice_rows(
            turns,
            start,
            request,
            lambda turn, includes: make_row_cursor(thread_id, turn.id, None, includes_anchor=includes),
        )
    anchor = _anchor(request, thread_id, Scope.TURNS)
    is_descending = request.direction is SortDirection.DESC

    def is_enough(projection: Projection) -> bool:
        if not is_descending:
            return anchor is not None and projection.are_turns_certain_above(anchor)
        return projection.is_turn_page_certain(request.size, _END if anchor is None else anchor)

    rows = project(lineage, is_enough).turns()
    ordinals = [row.ordinal or 0 for row in rows]
    page = slice_rows(
        rows,
        _ordinal_start(ordinals, anchor, is_descending=is_descending),
        request,
        lambda row, includes: make_ordinal_cursor(
            thread_id, Scope.TURNS, row.ordinal or 0, includes_anchor=includes
        ),
    )
    return Page([shown_turn(row, view) for row in page.data], page.next_cursor, page.backwards_cursor)


def read_item_page(lineage: Lineage, request: PageRequest, turn_id: str | None = None) -> Page[TurnItem]:
    """Return one page of items, of the whole thread or of one turn.

    Raise NotFound when there is no such turn, InvalidCursor when the cursor was not made for this.
    """
    thread_id = lineage.thread_id
    if not lineage.is_paginated:
        return _legacy_item_page(lineage, request, turn_id)
    anchor = _anchor(request, thread_id, Scope.ITEMS)
    is_descending = request.direction is SortDirection.DESC

    def is_enough(projection: Projection) -> bool:
        if turn_id is not None:
            return projection.is_settled(turn_id)
        if not is_descending:
            return anchor is not None and projection.are_items_certain_above(anchor)
        return projection.is_item_page_certain(request.size, _END if anchor is None else anchor)

    projection = project(lineage, is_enough)
    found = projection.items(turn_id)
    if turn_id is not None and not found and all(row.turn_id != turn_id for row in projection.turns()):
        raise _no_turn(thread_id, turn_id)
    rows = [row for row in in_order(found) if shown_item(row) is not None]

    def cursor_of(row: ItemRow, includes: bool) -> str:
        return make_ordinal_cursor(thread_id, Scope.ITEMS, row.ordinal, includes_anchor=includes)

    start = _ordinal_start([row.ordinal for row in rows], anchor, is_descending=is_descending)
    page = slice_rows(rows, start, request, cursor_of)
    entries = [entry for row in page.data if (entry := shown_item(row)) is not None]
    return Page(entries, page.next_cursor, page.backwards_cursor)


def _no_turn(thread_id: str, turn_id: str) -> NotFound:
    return NotFound(
        f"listing items of thread {thread_id}: it has no turn {turn_id}",
        hint=f"Run `rollout turns {thread_id}` to see its turns.",
    )


def _anchor(request: PageRequest, thread_id: str, scope: Scope) -> float | None:
    """Return where the page begins: rows strictly beyond this number, in the page's direction."""
    if request.cursor is None:
        return None
    cursor = parse_ordinal_cursor(request.cursor, thread_id, scope)
    if not cursor.include_anchor:
        return cursor.rollout_ordinal
    nudge = 0.5 if request.direction is SortDirection.DESC else -0.5
    return cursor.rollout_ordinal + nudge


def _ordinal_start(ordinals: list[int], anchor: float | None, *, is_descending: bool) -> int | None:
    if anchor is None:
        return None
    if is_descending:
        return next((index for index in reversed(range(len(ordinals))) if ordinals[index] < anchor), -1)
    return next((index for index, ordinal in enumerate(ordinals) if ordinal > anchor), len(ordinals))


def _row_start(turns: list[Turn], request: PageRequest, thread_id: str) -> int | None:
    if request.cursor is None:
        return None
    cursor = parse_row_cursor(request.cursor, thread_id, wants_item=False)
    place = next((index for index, turn in enumerate(turns) if turn.id == cursor.turn_id), None)
    if place is None:
        raise invalid_anchor(request.cursor)
    if cursor.include_anchor:
        return place
    return place - 1 if request.direction is SortDirection.DESC else place + 1


def _legacy_item_page(lineage: Lineage, request: PageRequest, turn_id: str | None) -> Page[TurnItem]:
    thread_id = lineage.thread_id
    turns = read_all_turns(lineage, ItemsView.FULL)
    if turn_id is not None:
        turns = [turn for turn in turns if turn.id == turn_id]
        if not turns:
            raise _no_turn(thread_id, turn_id)
    entries = [
        TurnItem(turn.id, item, item.started_at_ms, item.completed_at_ms)
        for turn in turns
        for item in turn.items
    ]
    start = None
    if request.cursor is not None:
        cursor = parse_row_cursor(request.cursor, thread_id, wants_item=True)
        keys = [(entry.turn_id, entry.item.id) for entry in entries]
        key = (cursor.turn_id, cursor.item_id or "")
        if key not in keys:
            raise invalid_anchor(request.cursor)
        step = -1 if request.direction is SortDirection.DESC else 1
        start = keys.index(key) + (0 if cursor.include_anchor else step)
    return slice_rows(
        entries,
        start,
        request,
        lambda entry, includes: make_row_cursor(
            thread_id, entry.turn_id, entry.item.id, includes_anchor=includes
        ),
    )
