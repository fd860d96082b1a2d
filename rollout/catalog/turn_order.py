"""What proves that a turn's records lie between its start and the next one: so that a page is a range.

Looks at the front of every event, as the projection of turns would meet it. What cannot be told from there
leaves the rollout unclear, and its pages are read as if there were no index.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final

from msgspec import Struct

from rollout.catalog.picking import Block
from rollout.format import vocabulary
from rollout.format.decoding import decode_payload
from rollout.format.payloads import TaskStarted
from rollout.format.record import Era, Record

_FRONT_BYTES: Final = 256
_EVENTS: Final = re.compile(
    rb'\n\{"timestamp":"[^"\\\n]{1,64}","ordinal":(\d{1,18}),"type":"event_msg","payload":\{"type":"(\w+)"'
    rb'(?:,"thread_id":"[^"\\\n]*","turn_id":"([^"\\\n]+)")?'
).findall
_EVENT: Final = b',"type":"event_msg","payload":'
_ITEM: Final = vocabulary.ITEM_COMPLETED.encode()
_STARTS: Final = frozenset(label.encode() for label in vocabulary.TASK_STARTED)
_MARKS: Final = _STARTS | {label.encode() for label in vocabulary.TURN_ENDS}
_NONE: Final = (-1, None)


class Stray(Struct, frozen=True):
    """A record that names another turn than the one that was started last before it."""

    ordinal: int
    turn_id: str
    is_end: bool


class TurnOrder:
    """Follows a rollout's events. Goes on where it stopped, if it was clear up to there."""

    def __init__(self, last_ordinal: int = -1, current: str | None = None, *, is_clear: bool = True) -> None:
        """`current` is the turn that was started last."""
        self.last_ordinal = last_ordinal
        self.is_clear = is_clear
        self.strays: list[Stray] = []
        self._current = current
        self._met: list[tuple[int, bytes, str | None]] = []
        self._marks: list[tuple[int, str | None] | None] = []

    def look(self, block: Block, start_offset: int, *, is_clear: bool) -> None:
        """Take the next lines; those before an offset are known. `is_clear`: all fronts show their types."""
        self.settle()
        if not self.is_clear:
            return
        pieces = block.pieces
        if block.start_offset < start_offset:
            starts = accumulate(map(len, pieces), initial=block.start_offset)
            pieces = [piece for start, piece in zip(starts, pieces, strict=False) if start >= start_offset]
        # All fronts at once: one by one they cost twice as much.
        fronts = b"\n" + b"\n".join([piece[:_FRONT_BYTES] for piece in pieces])
        events = _EVENTS(fronts)
        if not is_clear or block.era is not Era.ENVELOPE or len(events) != fronts.count(_EVENT):
            self._give_up()
            return
        last, met = self.last_ordinal, self._met
        for digits, kind, turn_id in events:
            ordinal = int(digits)
            if ordinal <= last:
                self._give_up()
                return
            last = ordinal
            if kind == _ITEM:
                if not turn_id or not turn_id.isascii():
                    self._give_up()
                    return
                met.append((ordinal, kind, turn_id.decode()))
            elif kind in _MARKS:
                met.append((ordinal, kind, None))
        self.last_ordinal = last

    def feed(self, record: Record) -> None:
        """Take a start or an end of the lines that were looked at, decoded."""
        if record.label in vocabulary.TASK_STARTED and decode_payload(record, TaskStarted) is None:
            self._marks.append(None)
        elif record.label != vocabulary.ROLLED_BACK:
            self._marks.append(
                (-1 if record.ordinal is None else record.ordinal, record.envelope.payload.turn_id)
            )

    def settle(self) -> None:
        """Draw the conclusions of what was taken."""
        met, marks = self._met, iter(self._marks)
        self._met, self._marks = [], []
        if not self.is_clear:
            return
        for ordinal, kind, named in met:
            turn_id = named
            if kind in _MARKS:
                mark = next(marks, None)
                if mark is None or mark[0] != ordinal:
                    self._give_up()
                    return
                turn_id = mark[1]
            if kind in _STARTS:
                self._current = turn_id
            elif turn_id is not None and turn_id != self._current:
                self.strays.append(Stray(ordinal, turn_id, kind != _ITEM))
        if next(marks, _NONE) is not _NONE:
            self._give_up()

    def _give_up(self) -> None:
        """Claim nothing of the rollout any more; where it came to that is chance, and leaves no trace."""
        self.is_clear, self.last_ordinal, self._current = False, -1, None
        self.strays, self._met = [], []
