"""Turns of a paginated history, folded newest record first.

Each record stands on its own: a start, an end, an item of a named turn. A turn is closed once
the start of another turn has been met behind its own: nothing older belongs to it. So the
newest page needs only the end of the log, and equals what a reading of all of it gives.
Format: docs/format.md, "Turns of a paginated file".
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from rollout.format import vocabulary
from rollout.format.decoding import decode_json, decode_payload
from rollout.format.payloads import TaskComplete, TaskStarted, TurnAborted
from rollout.format.record import Record
from rollout.turns.failure import public_failure
from rollout.turns.rows import ItemRow, Stretch, TurnRow, shown_item

_NEWLINE: Final = ord("\n")


class Bounds(Struct, frozen=True):
    """A segment, counted from the oldest, and the range of its ordinals that is projected."""

    segment: int
    first_ordinal: int
    end_ordinal: float = float("inf")


class _ItemKey(Struct, frozen=True):
    id: str
    type: str = ""


class Projection:
    """Rows folded over records, newest first.

    `is_disordered`: an older record of a segment had the higher ordinal. Which of the two counts
    only the records before them can tell, so the rows mean nothing then.
    """

    def __init__(self) -> None:
        self.is_disordered = False
        self._count = 0
        self._open: list[TurnRow] = []
        self._closed: list[TurnRow] = []
        self._unplaced: list[TurnRow] = []
        """Closed rows of which nobody has asked yet where their items stand."""
        self._turn_places: list[int] = []
        self._item_places: list[int] = []
        """Where closed turns, and their items, stand: ascending."""
        self._latest: dict[str, TurnRow] = {}
        self._started: TurnRow | None = None
        self._waiting: Record | None = None
        self._bounds = Bounds(-1, 0)
        self._lowest: float = float("inf")

    def feed(self, record: Record, bounds: Bounds) -> None:
        """Take the next older event record of a segment.

        Of records with one ordinal only the oldest is projected, so each waits for its elder.
        """
        ordinal = record.envelope.ordinal
        if ordinal is None or ordinal < bounds.first_ordinal or record.stored[-1] != _NEWLINE:
            return
        waiting, waiting_bounds = self._waiting, self._bounds
        self._waiting = record
        if waiting is not None and waiting_bounds.segment == bounds.segment:
            newer = waiting.envelope.ordinal or 0
            self.is_disordered |= ordinal > newer
            if ordinal == newer:
                return
        if waiting is not None:
            self._apply(waiting)
        self._bounds = bounds

    def finish(self) -> None:
        """Take the record still waiting: nothing older follows."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._apply(waiting)
        for row in tuple(self._open):
            self._close(row)

    def _apply(self, record: Record) -> None:
        ordinal = record.envelope.ordinal or 0
        self._lowest = min(self._lowest, ordinal)
        if ordinal >= self._bounds.end_ordinal:
            return
        kind = record.envelope.payload.type
        if kind == vocabulary.ITEM_COMPLETED:
            self._item(record, ordinal)
        elif kind in vocabulary.TASK_STARTED:
            self._start(decode_payload(record, TaskStarted), ordinal)
        elif kind in vocabulary.TASK_COMPLETE:
            self._end(decode_payload(record, TaskComplete), ordinal)
        elif kind == vocabulary.TURN_ABORTED:
            self._end(decode_payload(record, TurnAborted), ordinal)

    def _row(self, turn_id: str) -> TurnRow:
        row = self._latest.get(turn_id)
        if row is None or row.is_closed:
            row = self._latest[turn_id] = TurnRow(turn_id, row is not None, [], self._count)
            self._count += 1
            self._open.append(row)
        return row

    def _close(self, row: TurnRow) -> None:
        row.close()
        self._open.remove(row)
        self._closed.append(row)
        self._unplaced.append(row)
        if row.ordinal is not None:
            insort(self._turn_places, row.ordinal)

    def _stretch(self, row: TurnRow) -> Stretch:
        segment = self._bounds.segment
        if not row.stretches or row.stretches[-1].segment != segment:
            row.stretches.append(Stretch(segment, {}))
        return row.stretches[-1]

    def _item(self, record: Record, ordinal: int) -> None:
        probe = record.envelope.payload
        key = decode_json(probe.item, _ItemKey)
        if key is None or probe.turn_id is None:
            return
        items = self._stretch(self._row(probe.turn_id)).items
        known = items.get(key.id)
        elder = ItemRow(probe.turn_id, key.id, key.type, ordinal, record)
        if known is None or shown_item(known) is None:
            items[key.id] = elder
        elif shown_item(elder) is not None:
            known.ordinal = ordinal

    def _start(self, started: TaskStarted | None, ordinal: int) -> None:
        if started is None:
            return
        row = self._row(started.turn_id)
        if self._started is not None and self._started is not row and not self._started.is_closed:
            self._close(self._started)
        self._started = row
        stretch = self._stretch(row)
        stretch.ordinal = ordinal
        stretch.started = stretch.started or started
        stretch.root_turn_id = started.root_turn_id or stretch.root_turn_id

    def _end(self, ended: TaskComplete | TurnAborted | None, ordinal: int) -> None:
        if ended is None or ended.turn_id is None:
            return
        error = public_failure(ended.error) if ended.error else None
        if error is None and ended.error and bytes(ended.error) != b"null":
            return  # an error of unknown shape rejects the line
        stretch = self._stretch(self._row(ended.turn_id))
        stretch.ordinal = stretch.end_ordinal = ordinal
        stretch.ended, stretch.error, stretch.root_turn_id = ended, error, ended.root_turn_id

    def is_settled(self, turn_id: str) -> bool:
        """Tell whether all that belongs to a turn has been met."""
        row = self._latest.get(turn_id)
        return row is not None and (row.is_closed or row.is_superseded)

    def is_turn_page_certain(self, size: int, below: float) -> bool:
        """Tell whether the newest `size` turns below `below` are certain, and whether more follow."""
        return _is_certain(size, below, self._turn_places, self._open_turn_places())

    def is_item_page_certain(self, size: int, below: float) -> bool:
        """Tell whether the newest `size` items below `below` are certain, and whether more follow."""
        for row in self._unplaced:
            for item in row.items:
                if shown_item(item) is not None:
                    insort(self._item_places, item.ordinal)
        self._unplaced.clear()
        return _is_certain(size, below, self._item_places, self._open_item_places())

    def are_turns_certain_above(self, ordinal: float) -> bool:
        """Tell whether every turn that stands above `ordinal` has been met and placed."""
        return self._lowest <= ordinal and max(self._open_turn_places(), default=-1) <= ordinal

    def are_items_certain_above(self, ordinal: float) -> bool:
        """Tell whether every item that first appeared above `ordinal` has been met and placed."""
        return self._lowest <= ordinal and max(self._open_item_places(), default=-1) <= ordinal

    def _open_turn_places(self) -> Iterator[int]:
        for row in self._open:
            if row.ordinal is not None:
                yield row.ordinal

    def _open_item_places(self) -> Iterator[int]:
        for row in self._open:
            yield from (item.ordinal for item in row.items if shown_item(item) is not None)

    @property
    def _rows(self) -> list[TurnRow]:
        """All rows, in the order in which they were met."""
        return sorted([*self._closed, *self._open], key=lambda row: row.number)

    def turns(self) -> list[TurnRow]:
        """Return the turns met so far, oldest first; a row without start or end is none."""
        found = [row for row in self._rows if row.ordinal is not None]
        found.sort(key=lambda row: row.ordinal or 0)
        return found

    def items(self, turn_id: str | None = None) -> list[ItemRow]:
        """Return the items met so far, in no order: all of them, or those of the turn of that id."""
        if turn_id is None:
            return [item for row in self._rows for item in row.items]
        rows = (row for row in self._rows if row.turn_id == turn_id and not row.is_superseded)
        return [item for row in rows for item in row.items]


def _is_certain(size: int, below: float, closed: list[int], still_open: Iterator[int]) -> bool:
    """Tell whether `size` closed places, ascending, stand next below `below`, with something behind them.

    What is still open may yet move, but only to behind everything that has been read.
    """
    uncertain = max((place for place in still_open if place < below), default=-1)
    certain = bisect_left(closed, below) - bisect_right(closed, uncertain)
    return certain > size or (certain == size and uncertain >= 0)
