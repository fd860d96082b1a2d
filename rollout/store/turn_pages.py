"""Pages of turns and items, read from the files of a lineage and from nothing else.

Newest-first pages of a paginated thread scan backward and stop when the page is
certain; a legacy history is numbered from its start and read whole.
Format: docs/format.md, "Turns" and "Paging".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from rollout.errors import NotFound
from rollout.format.record import Damage
from rollout.replay.lineage import Lineage
from rollout.replay.sealed import SealWatch, refuse_broken
from rollout.store.projecting import TurnReading, read_all_turns
from rollout.turns.model import Turn, TurnItem
from rollout.turns.paging import (
    ItemsView,
    Page,
    PageExtras,
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
from rollout.turns.rows import ItemRow, TurnRow, in_order, shown_item, shown_turn

if TYPE_CHECKING:
    from rollout.store.cataloged_turns import IndexedTurns

FindIndexed = Callable[[SealWatch, int | None, int, bool], "IndexedTurns | None"]
"""Given a reading's seals, an anchor, a number of turns and whether newest first: the turns, or None."""

T = TypeVar("T")

_END: Final = float("inf")


class _Trust:
    """The seals of one reading, and what becomes of it when one does not hold."""

    def __init__(self, lineage: Lineage, *, allow_damage: bool, reading: TurnReading | None = None) -> None:
        self._reading = reading
        self.seals = reading.seals if reading is not None else SealWatch(lineage)
        self._thread_id = lineage.thread_id
        self._allow_damage = allow_damage
        self._broken: list[Damage] = []

    def verify(self) -> None:
        """Raise DamagedLog, unless damage is allowed, when something read is not what was sealed."""
        self._broken = (self._reading or self.seals).find_broken()
        if not self._allow_damage:
            refuse_broken(self._thread_id, self._broken)

    def marked(self, page: Page[T]) -> Page[T]:
        """Return a page with the damage found."""
        return msgspec.structs.replace(page, rollout=PageExtras(self._broken)) if self._broken else page


def read_turns(lineage: Lineage, view: ItemsView, *, allow_damage: bool = False) -> list[Turn]:
    """Return all turns of a thread, oldest first. Raise DamagedLog on a broken seal."""
    trust = _Trust(lineage, allow_damage=allow_damage)
    turns = read_all_turns(lineage, view, trust.seals)
    trust.verify()
    return turns


def read_turn_page(
    lineage: Lineage,
    request: PageRequest,
    view: ItemsView,
    *,
    allow_damage: bool = False,
    reading: TurnReading | None = None,
    find_indexed: FindIndexed | None = None,
) -> Page[Turn]:
    """Return one page of turns.

    `reading` is one of the same lineage to go on with, where pages are read one after the other.
    `find_indexed` spares a page that is not of the newest turns the reading of what lies behind it.
    Raise InvalidCursor when the cursor was not made for this, DamagedLog on a broken seal.
    """
    thread_id = lineage.thread_id
    reading = (reading or TurnReading(lineage)) if lineage.is_paginated else None
    trust = _Trust(lineage, allow_damage=allow_damage, reading=reading)
    if reading is None:
        turns = read_all_turns(lineage, view, trust.seals)
        trust.verify()
        keys = [_RowKey(turn.id) for turn in turns]
        return trust.marked(_row_page(turns, keys, thread_id, request, wants_item=False))
    anchor = _anchor(request, thread_id, Scope.TURNS)
    is_descending = request.direction is SortDirection.DESC

    def is_enough(projection: Projection) -> bool:
        if not is_descending:
            return anchor is not None and projection.are_turns_certain_above(anchor)
        return projection.is_turn_page_certain(request.size, _END if anchor is None else anchor)

    def cursor_of(row: TurnRow, includes: bool) -> str:
        return make_ordinal_cursor(thread_id, Scope.TURNS, row.ordinal or 0, includes_anchor=includes)

    is_near = is_descending and anchor is None
    if find_indexed is not None and not is_near and not reading.is_enough(is_enough):
        own = _Trust(lineage, allow_damage=allow_damage)
        found = find_indexed(own.seals, anchor, request.size, is_descending)
        if found is not None:
            own.verify()
            chosen = found.rows[::-1] if is_descending else found.rows
            return own.marked(
                Page(
                    [shown_turn(row, view) for row in chosen],
                    cursor_of(chosen[-1], False) if found.has_more else None,
                    cursor_of(chosen[0], True),
                )
            )
    rows = reading.until(is_enough).turns()
    trust.verify()
    ordinals = [row.ordinal or 0 for row in rows]
    start = _ordinal_start(ordinals, anchor, is_descending=is_descending)
    page = slice_rows(rows, start, request, cursor_of)
    shown = [shown_turn(row, view) for row in page.data]
    return trust.marked(Page(shown, page.next_cursor, page.backwards_cursor))


def read_item_page(
    lineage: Lineage,
    request: PageRequest,
    turn_id: str | None = None,
    *,
    allow_damage: bool = False,
    reading: TurnReading | None = None,
) -> Page[TurnItem]:
    """Return one page of items, of the whole thread or of one turn.

    `reading` is as for turns. Raise NotFound when there is no such turn, InvalidCursor when the cursor
    was not made for this, DamagedLog on a broken seal.
    """
    thread_id = lineage.thread_id
    reading = (reading or TurnReading(lineage)) if lineage.is_paginated else None
    trust = _Trust(lineage, allow_damage=allow_damage, reading=reading)
    if reading is None:
        return _legacy_item_page(lineage, request, turn_id, trust)
    anchor = _anchor(request, thread_id, Scope.ITEMS)
    is_descending = request.direction is SortDirection.DESC

    def is_enough(projection: Projection) -> bool:
        if turn_id is not None:
            return projection.is_settled(turn_id)
        if not is_descending:
            return anchor is not None and projection.are_items_certain_above(anchor)
        return projection.is_item_page_certain(request.size, _END if anchor is None else anchor)

    projection = reading.until(is_enough)
    trust.verify()
    found = projection.items(turn_id)
    if turn_id is not None and not found and all(row.turn_id != turn_id for row in projection.turns()):
        raise _no_turn(thread_id, turn_id)
    rows = [row for row in in_order(found) if shown_item(row) is not None]

    def cursor_of(row: ItemRow, includes: bool) -> str:
        return make_ordinal_cursor(thread_id, Scope.ITEMS, row.ordinal, includes_anchor=includes)

    start = _ordinal_start([row.ordinal for row in rows], anchor, is_descending=is_descending)
    page = slice_rows(rows, start, request, cursor_of)
    entries = [entry for row in page.data if (entry := shown_item(row)) is not None]
    return trust.marked(Page(entries, page.next_cursor, page.backwards_cursor))


def _no_turn(thread_id: str, turn_id: str) -> NotFound:
    return NotFound(
        f"listing items of thread {thread_id}: it has no turn {turn_id}",
        hint=f"Run `rollout turns {thread_id}` to see its turns.",
    )


def _anchor(request: PageRequest, thread_id: str, scope: Scope) -> int | None:
    """Return where the page begins: rows strictly beyond this number, in the page's direction."""
    if request.cursor is None:
        return None
    cursor = parse_ordinal_cursor(request.cursor, thread_id, scope)
    if not cursor.include_anchor:
        return cursor.rollout_ordinal
    return cursor.rollout_ordinal + (1 if request.direction is SortDirection.DESC else -1)


def _ordinal_start(ordinals: list[int], anchor: int | None, *, is_descending: bool) -> int | None:
    if anchor is None:
        return None
    if is_descending:
        return next((index for index in reversed(range(len(ordinals))) if ordinals[index] < anchor), -1)
    return next((index for index, ordinal in enumerate(ordinals) if ordinal > anchor), len(ordinals))


class _RowKey(Struct, frozen=True):
    """What names a row of a legacy thread. See `RowCursor`."""

    turn_id: str
    item_id: str | None = None
    copy: int = 0


class _Row(Struct, Generic[T], frozen=True):
    value: T
    key: _RowKey


def _row_page(
    values: Sequence[T], keys: Sequence[_RowKey], thread_id: str, request: PageRequest, *, wants_item: bool
) -> Page[T]:
    """Return the page of rows that have no ordinals, oldest first, each with the key of its id."""
    met: Counter[_RowKey] = Counter()
    rows: list[_Row[T]] = []
    for value, key in zip(values, keys, strict=True):
        rows.append(_Row(value, _RowKey(key.turn_id, key.item_id, met[key])))
        met[key] += 1
    start = None
    if request.cursor is not None:
        cursor = parse_row_cursor(request.cursor, thread_id, wants_item=wants_item)
        anchor = _RowKey(cursor.turn_id, cursor.item_id, cursor.copy or 0)
        place = next((index for index, row in enumerate(rows) if row.key == anchor), None)
        if place is None:
            raise invalid_anchor(request.cursor)
        step = -1 if request.direction is SortDirection.DESC else 1
        start = place if cursor.include_anchor else place + step

    def cursor_of(row: _Row[T], includes: bool) -> str:
        key = row.key
        return make_row_cursor(thread_id, key.turn_id, key.item_id, copy=key.copy, includes_anchor=includes)

    page = slice_rows(rows, start, request, cursor_of)
    return Page([row.value for row in page.data], page.next_cursor, page.backwards_cursor)


def _legacy_item_page(
    lineage: Lineage, request: PageRequest, turn_id: str | None, trust: _Trust
) -> Page[TurnItem]:
    thread_id = lineage.thread_id
    turns = read_all_turns(lineage, ItemsView.FULL, trust.seals)
    trust.verify()
    if turn_id is not None:
        turns = [turn for turn in turns if turn.id == turn_id]
        if not turns:
            raise _no_turn(thread_id, turn_id)
    entries = [
        TurnItem(turn.id, item, item.started_at_ms, item.completed_at_ms)
        for turn in turns
        for item in turn.items
    ]
    keys = [_RowKey(entry.turn_id, entry.item.id) for entry in entries]
    return trust.marked(_row_page(entries, keys, thread_id, request, wants_item=True))
