"""What proves that a turn's records lie between its start and the next one: so that a page is a range.

Looks at the front of every event, as the projection of turns would meet it. What cannot be told from there
leaves the rollout unclear, and its pages are read as if there were no index.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rollout.catalog.picking import Event
from rollout.format import vocabulary
from rollout.format.decoding import decode_payload
from rollout.format.payloads import TaskStarted
from rollout.format.record import MAX_COUNT, Record

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

    def look(self, events: list[Event], start_offset: int, *, is_clear: bool) -> None:
        """Take the next events; those before an offset are known. `is_clear`: none is missing."""
        self.settle()
        if not self.is_clear:
            return
        if not is_clear:
            self._give_up()
            return
        last, met = self.last_ordinal, self._met
        for start, digits, kind, named in events:
            if digits is None or start < start_offset:
                continue
            ordinal = int(digits)
            if ordinal <= last or ordinal > MAX_COUNT:
                self._give_up()
                return
            last = ordinal
            if kind == _ITEM:
                if named is None or not named.isascii():
                    self._give_up()
                    return
                met.append((ordinal, kind, named.decode()))
            elif kind in _MARKS:
                met.append((ordinal, kind, None))
        self.last_ordinal = last

    def feed(self, record: Record, label: str | None) -> None:
        """Take a start or an end of the events that were looked at, decoded."""
        if not self.is_clear or label == vocabulary.ROLLED_BACK:
            return
        if label in vocabulary.TASK_STARTED and decode_payload(record, TaskStarted) is None:
            self._marks.append(None)
            return
        envelope = record.envelope
        self._marks.append((-1 if envelope.ordinal is None else envelope.ordinal, envelope.payload.turn_id))

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
