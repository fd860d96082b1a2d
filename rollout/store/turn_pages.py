"""Pages of turns and items, read from the files of a lineage and from nothing else.

Newest-first pages of a paginated thread scan backward and stop when the page is
certain; a legacy history is numbered from its start and read whole.
Format: docs/format.md, "Turns" and "Paging".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from rollout.errors import NotFound
from rollout.format.record import Era, Record
from rollout.format.vocabulary import EVENT_MSG
from rollout.log.lines import iter_lines, iter_lines_backward
from rollout.replay.lineage import Lineage, Segment
from rollout.turns.legacy import LegacyTurns
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
from rollout.turns.projection import ItemRow, Projection, shown_item, shown_turn

_EVENT: Final = EVENT_MSG.encode()


def read_turns(lineage: Lineage, view: ItemsView) -> list[Turn]:
    """Return all turns of a thread, oldest first."""
    if lineage.is_paginated:
        return [shown_turn(row, view) for row in _project(lineage).rows()]
    return _read_mixed(lineage, view)


def read_turn_page(lineage: Lineage, request: PageRequest, view: ItemsView) -> Page[Turn]:
    """Return one page of turns. Raise InvalidCursor when the cursor was not made for this."""
    thread_id = lineage.thread_id
    if not lineage.is_paginated:
        turns = _read_mixed(lineage, view)
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
            return anchor is not None and projection.is_certain_above(anchor)
        return projection.certain_count(below=anchor) > request.size

    rows = _project(lineage, is_enough).rows()
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
            return anchor is not None and projection.is_certain_above(anchor)
        return projection.certain_item_count(below=anchor) > request.size

    projection = _project(lineage, is_enough)
    rows = projection.rows()
    if turn_id is not None:
        rows = [row for row in rows if row.turn_id == turn_id]
        if not rows:
            raise _no_turn(thread_id, turn_id)
    found: list[tuple[ItemRow, TurnItem]] = []
    for row in rows:
        for item_row in row.items.values():
            entry = shown_item(row.turn_id, item_row)
            if entry is not None:
                found.append((item_row, entry))
    found.sort(key=lambda pair: pair[0].ordinal)
    page = slice_rows(
        found,
        _ordinal_start([pair[0].ordinal for pair in found], anchor, is_descending=is_descending),
        request,
        lambda pair, includes: make_ordinal_cursor(
            thread_id, Scope.ITEMS, pair[0].ordinal, includes_anchor=includes
        ),
    )
    return Page([pair[1] for pair in page.data], page.next_cursor, page.backwards_cursor)


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
    turns = _read_mixed(lineage, ItemsView.FULL)
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


def _project(lineage: Lineage, is_enough: Callable[[Projection], bool] | None = None) -> Projection:
    """Fold the lineage newest first, until `is_enough` or to its beginning."""
    projection = Projection(lineage.newest.header.meta.subagent_history_start_ordinal or 0)
    for place in reversed(range(len(lineage.segments))):
        if _project_segment(lineage, lineage.segments[place], place, projection, is_enough):
            return projection
    projection.finish()
    return projection


def _project_segment(
    lineage: Lineage,
    segment: Segment,
    place: int,
    projection: Projection,
    is_enough: Callable[[Projection], bool] | None,
) -> bool:
    span = msgspec.structs.replace(lineage.span(segment), only_type=_EVENT)
    end_ordinal = segment.end_ordinal
    for batch in iter_lines_backward(lineage.source(segment), span):
        for line in reversed(batch):
            if not isinstance(line, Record) or line.envelope.type != EVENT_MSG:
                continue
            ordinal = line.envelope.ordinal
            if end_ordinal is None or ordinal is None or ordinal < end_ordinal:
                projection.feed(line, place)
        if is_enough is not None and is_enough(projection):
            return True
    return False


def _read_mixed(lineage: Lineage, view: ItemsView) -> list[Turn]:
    """Return the turns of a lineage that begins with a legacy segment, oldest first."""
    turns: list[Turn] = []
    projection = Projection(lineage.newest.header.meta.subagent_history_start_ordinal or 0)
    for place in reversed(range(len(lineage.segments))):
        segment = lineage.segments[place]
        if segment.is_paginated:
            _project_segment(lineage, segment, place, projection, None)
        else:
            turns = _read_legacy(lineage, segment, view)
    projection.finish()
    newer = [shown_turn(row, view) for row in projection.rows()]
    hidden = {turn.id for turn in newer}
    return [turn for turn in turns if turn.id not in hidden] + newer


def _read_legacy(lineage: Lineage, segment: Segment, view: ItemsView) -> list[Turn]:
    fold = LegacyTurns(reads_bare_items=segment.header.era is Era.BARE)
    for batch in iter_lines(lineage.source(segment), lineage.span(segment)):
        for line in batch:
            if isinstance(line, Record):
                fold.feed(line)
    return fold.result(view)
