"""Turns of a paginated history, folded newest record first.

Each record stands on its own: a start, an end, an item of a named turn. Rows settle as
their start is met, so the newest page needs only the end of the log.
Format: docs/format.md, "Turns of a paginated file".
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw, Struct

from rollout.format import vocabulary
from rollout.format.decoding import decode_json, decode_payload
from rollout.format.payloads import ItemCompleted, TaskComplete, TaskStarted, TurnAborted
from rollout.format.record import Record
from rollout.turns.failure import TurnFailure, public_failure
from rollout.turns.items import ThreadItem
from rollout.turns.model import ItemsView, Turn, TurnItem, TurnStatus, summarise
from rollout.turns.stored import public_item


class ItemRow(Struct):
    """One item of a turn: the ordinal it first appeared at, and its newest record."""

    id: str
    ordinal: int
    record: Record


class TurnRow(Struct):
    """One turn as far as it has been read. `segment` counts segments from the oldest."""

    turn_id: str
    segment: int
    items: dict[str, ItemRow]
    start_ordinal: int | None = None
    end_ordinal: int | None = None
    started: TaskStarted | None = None
    ended: TaskComplete | TurnAborted | None = None
    error: TurnFailure | None = None

    @property
    def ordinal(self) -> int | None:
        """Where the turn stands; None while neither its start nor its end has been met."""
        return self.start_ordinal if self.start_ordinal is not None else self.end_ordinal


class _ItemKey(Struct, frozen=True):
    id: str
    type: str = ""


class Projection:
    """Rows folded over records, newest first."""

    def __init__(self, first_ordinal: int = 0) -> None:
        self._rows: dict[str, TurnRow] = {}
        self._waiting: Record | None = None
        self._waiting_segment = 0
        self._first_ordinal = first_ordinal
        self._unsettled: dict[str, int] = {}
        self._lowest: float = float("inf")

    def feed(self, record: Record, segment: int) -> None:
        """Take the next older event record of a segment.

        A record that shares its ordinal with the one before it in the log is not projected,
        so each waits until its elder is known.
        """
        ordinal = record.envelope.ordinal
        if ordinal is None or ordinal < self._first_ordinal or not record.is_terminated:
            return
        waiting, self._waiting = self._waiting, record
        waiting_segment, self._waiting_segment = self._waiting_segment, segment
        if waiting is not None and not (
            waiting_segment == segment and waiting.envelope.ordinal == record.envelope.ordinal
        ):
            self._apply(waiting, waiting_segment)

    def finish(self) -> None:
        """Take the record still waiting: nothing older follows."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._apply(waiting, self._waiting_segment)

    def _apply(self, record: Record, segment: int) -> None:
        kind = record.envelope.payload.type
        self._lowest = min(self._lowest, record.envelope.ordinal or 0)
        if kind == vocabulary.ITEM_COMPLETED:
            self._item(record, segment)
        elif kind in vocabulary.TASK_STARTED:
            started = decode_payload(record, TaskStarted)
            row = self._row(started.turn_id, segment) if started is not None else None
            if row is not None:
                row.start_ordinal, row.started = record.ordinal, started
                self._unsettled.pop(row.turn_id, None)
        elif kind in vocabulary.TASK_COMPLETE:
            self._end(record, segment, decode_payload(record, TaskComplete))
        elif kind == vocabulary.TURN_ABORTED:
            self._end(record, segment, decode_payload(record, TurnAborted))

    def _row(self, turn_id: str | None, segment: int) -> TurnRow | None:
        """Return the row of a turn; None when a newer segment has a turn of that id."""
        if turn_id is None:
            return None
        row = self._rows.get(turn_id)
        if row is None:
            row = self._rows[turn_id] = TurnRow(turn_id, segment, {})
        return row if row.segment == segment else None

    def _end(self, record: Record, segment: int, ended: TaskComplete | TurnAborted | None) -> None:
        row = self._row(ended.turn_id, segment) if ended is not None else None
        if row is None or ended is None:
            return
        error = public_failure(ended.error) if ended.error else None
        if error is None and ended.error and bytes(ended.error) != b"null":
            return  # an error of unknown shape rejects the line
        row.ended, row.error, row.end_ordinal = ended, error, record.ordinal
        if row.start_ordinal is None and record.ordinal is not None:
            self._unsettled[row.turn_id] = record.ordinal

    def _item(self, record: Record, segment: int) -> None:
        probe = record.envelope.payload
        key = decode_json(probe.item, _ItemKey)
        row = self._row(probe.turn_id, segment)
        if row is None or key is None or record.ordinal is None:
            return
        known = row.items.get(key.id)
        if known is None:
            row.items[key.id] = ItemRow(key.id, record.ordinal, record)
        else:
            known.ordinal = record.ordinal

    def is_settled(self, turn_id: str) -> bool:
        """Tell whether the start of a turn has been met, and so everything of it."""
        row = self._rows.get(turn_id)
        return row is not None and row.start_ordinal is not None

    def is_certain_above(self, ordinal: float) -> bool:
        """Tell whether every turn and item that stands above `ordinal` has been met and placed.

        An end whose start has not been met may be a turn of its own, standing there.
        """
        return self._lowest <= ordinal and not any(end > ordinal for end in self._unsettled.values())

    def certain_count(self, below: float | None) -> int:
        """Return how many turns below `below` have certain places: newer than any open question."""
        bar = max(self._unsettled.values(), default=-1)
        top = float("inf") if below is None else below
        return sum(1 for row in self._rows.values() if bar < (row.start_ordinal or -1) < top)

    def certain_item_count(self, below: float | None) -> int:
        """Return how many items below `below` have certain places.

        Counted are items newer than every item whose turn's start has not been met.
        """
        top = float("inf") if below is None else below
        bar = -1
        settled: list[int] = []
        for row in self._rows.values():
            places = [item.ordinal for item in row.items.values() if item.ordinal < top]
            if row.start_ordinal is None:
                bar = max([bar, *places])
            else:
                settled.extend(places)
        return sum(1 for place in settled if place > bar)

    def rows(self) -> list[TurnRow]:
        """Return the turns met so far, oldest first; a turn without start or end is none."""
        found = [row for row in self._rows.values() if row.ordinal is not None]
        found.sort(key=lambda row: row.ordinal or 0)
        return found


def shown_turn(row: TurnRow, view: ItemsView) -> Turn:
    """Return a row as a turn of a thread that nobody runs."""
    started, ended = row.started, row.ended
    status = TurnStatus.INTERRUPTED
    if isinstance(ended, TaskComplete):
        status = TurnStatus.COMPLETED if row.error is None else TurnStatus.FAILED
    items: list[ThreadItem] = []
    if view is not ItemsView.NOT_LOADED:
        items = [entry.item for entry in turn_items(row)]
    if view is ItemsView.SUMMARY:
        items = summarise(items, takes_any_phase=False, takes_unphased=ended is not None)
    return Turn(
        row.turn_id,
        _root(started, ended),
        view,
        status,
        row.error,
        (ended if ended is not None else started or _NEVER).started_at,
        ended.completed_at if ended is not None else None,
        ended.duration_ms if ended is not None else None,
        items,
    )


_NEVER: Final = TaskStarted("")


def _root(started: TaskStarted | None, ended: TaskComplete | TurnAborted | None) -> str | None:
    if started is not None and started.root_turn_id is not None:
        return started.root_turn_id
    return ended.root_turn_id if ended is not None else None


def turn_items(row: TurnRow) -> list[TurnItem]:
    """Return the items of a turn that have a public form, in order of first appearance."""
    entries: list[TurnItem] = []
    for item_row in sorted(row.items.values(), key=lambda found: found.ordinal):
        entry = shown_item(row.turn_id, item_row)
        if entry is not None:
            entries.append(entry)
    return entries


def shown_item(turn_id: str, item_row: ItemRow) -> TurnItem | None:
    """Return an item as its users see it, or None when it has no public form."""
    stored = decode_payload(item_row.record, ItemCompleted)
    if stored is None:
        return None
    item = public_item(
        Raw(bytes(stored.item)), started_at_ms=stored.started_at_ms, completed_at_ms=stored.completed_at_ms
    )
    if item is None:
        return None
    return TurnItem(turn_id, item, item.started_at_ms, item.completed_at_ms)
