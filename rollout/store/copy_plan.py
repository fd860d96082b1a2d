"""What of a segment a copy carries over: its bytes as they are, but for a few lines.

Every line is decoded, and what one file would show otherwise than a lineage does is kept out of its
turns. Nothing is written here. Format: docs/format.md, "Copies".
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw, Struct

from rollout.format.record import Reason, Record, Rejected
from rollout.format.seals import Seal, find_seal
from rollout.format.vocabulary import EVENT_MSG, ITEM_COMPLETED, TASK_STARTED, TURN_ENDS
from rollout.log.lines import iter_lines
from rollout.log.source import Source
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.sealed import find_broken_seals, find_rejected_seal, refuse_broken

_SHOWN: Final = TASK_STARTED | TURN_ENDS | {ITEM_COMPLETED}
LEFT_OUT: Final = frozenset({Reason.CHECKPOINT, Reason.TORN_TAIL, Reason.CUT_LINE})
"""Lines that are no part of any history."""


class Edit(Struct, frozen=True, gc=False):
    """Bytes of a segment, half-open, that a copy has other content for.

    Behind the first `seal_at` bytes of the content comes the copy's own seal, unless that is None.
    """

    start_offset: int
    end_offset: int
    content: bytes = b""
    seal_at: int | None = None


class Carried(Struct, frozen=True):
    """What a copy takes of one segment: all its bytes but for the edits, oldest first.

    `filled_ordinal` is the ordinal of a header that is not carried over.
    """

    segment: Segment
    edits: list[Edit]
    filled_ordinal: int | None = None


def plan_copy(lineage: Lineage) -> list[Carried]:
    """Return how the records of a lineage of paginated rollouts go into one file.

    Reads all of it, and verifies its seals: raise DamagedLog when one does not hold. What is in no
    turn of the lineage has no ordinal in the copy, and is in none there.
    """
    refuse_broken(lineage.thread_id, find_broken_seals(lineage))
    parts: list[Carried] = []
    newer: set[str] = set()
    shown_from = lineage.newest.header.meta.subagent_history_start_ordinal or 0
    for place in reversed(range(len(lineage.segments))):
        care = _Care(lineage, place, newer, shown_from)
        parts.append(Carried(lineage.segments[place], care.edits(), filled_ordinal(lineage, place)))
        newer |= care.marked
    parts.reverse()
    return parts


def filled_ordinal(lineage: Lineage, place: int) -> int | None:
    """Return the ordinal of the header of a segment, if one file has no header there."""
    return lineage.segments[place - 1].end_ordinal if place > 0 else None


class _Care:
    """One segment, every line decoded. `newer`: the turns that a newer segment starts or ends."""

    def __init__(self, lineage: Lineage, place: int, newer: set[str], shown_from: int) -> None:
        self._lineage = lineage
        self._segment = lineage.segments[place]
        self._is_newest = place == len(lineage.segments) - 1
        self._newer = newer
        own = self._segment.header.meta.subagent_history_start_ordinal or 0
        self._hidden_below = own if own > shown_from else 0
        self._next_ordinal = self._segment.first_ordinal
        self.marked: set[str] = set()

    def edits(self) -> list[Edit]:
        """Return what is not carried over as it is."""
        segment, source = self._segment, self._lineage.source(self._segment)
        end = segment.end_offset
        found: list[Edit] = []
        for batch in iter_lines(source, self._lineage.span(segment)):
            for line in batch:
                edit = self._rejected(source, line) if isinstance(line, Rejected) else self._record(line)
                if edit is not None:
                    found.append(edit)
                if isinstance(line, Rejected) and line.reason in LEFT_OUT and line.end_offset == end:
                    end = line.start_offset
        if not self._is_newest and end > segment.start_offset and source.read_at(end - 1, 1) != b"\n":
            found.append(Edit(segment.end_offset, segment.end_offset, b"\n"))
        return found

    def _rejected(self, source: Source, line: Rejected) -> Edit | None:
        if line.reason in LEFT_OUT:
            return Edit(line.start_offset, line.end_offset)
        return resealed(source, line)

    def _record(self, line: Record) -> Edit | None:
        if line.envelope.type == EVENT_MSG and line.ordinal is not None and not self._is_shown(line):
            return unnumbered(line)
        return sealed_edit(line)

    def _is_shown(self, line: Record) -> bool:
        """Tell whether one file shows an event where the lineage does: else its number goes."""
        ordinal, is_ended = line.ordinal or 0, self._segment.end_ordinal
        if not line.is_terminated:
            return self._is_newest
        if ordinal < self._next_ordinal:
            return False
        self._next_ordinal = ordinal + 1
        if ordinal < self._hidden_below or (is_ended is not None and ordinal >= is_ended):
            return False
        turn_id = line.envelope.payload.turn_id
        if line.kind in _SHOWN and line.kind != ITEM_COMPLETED and turn_id is not None:
            self.marked.add(turn_id)
            return turn_id not in self._newer
        return True


def resealed(source: Source, line: Rejected) -> Edit | None:
    """Return the edit that seals anew a line which is no record and is sealed, or None."""
    seal = find_rejected_seal(source, line)
    if seal is None or seal.digest is None:
        return None
    rest = source.read_at(seal.covered_to, line.end_offset - seal.covered_to)
    return Edit(seal.covered_to, line.end_offset, rest[rest.rfind(b"}") :], 0)


def sealed_edit(line: Record) -> Edit | None:
    """Return the edit that seals anew a record that is sealed, or None."""
    seal = _seal_of(line)
    if seal is None:
        return None
    return Edit(seal.covered_to, line.end_offset, line.stored[line.stored.rfind(b"}") :], 0)


def unnumbered(line: Record) -> Edit | None:
    """Return the edit that takes a line's ordinal away, every other member as it is stored."""
    seal = _seal_of(line)
    if line.ordinal is None:
        return sealed_edit(line)
    members = msgspec.json.decode(line.stored, type=dict[str, Raw])
    kept = [
        msgspec.json.encode(key) + b":" + raw
        for key, raw in members.items()
        if key != "ordinal" and not (key == "seal" and seal is not None)
    ]
    front, rest = b"{" + b",".join(kept), line.stored[line.stored.rfind(b"}") :]
    return Edit(line.start_offset, line.end_offset, front + rest, len(front) if seal is not None else None)


def _seal_of(line: Record) -> Seal | None:
    return find_seal(line.stored, line.start_offset) if line.kind in TURN_ENDS else None
