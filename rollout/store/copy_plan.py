"""What of a segment a copy carries over: its bytes as they are, but for a few lines.

Most logs are told at a glance to be in order; of the others every line is decoded, and what one
file would show otherwise than a lineage does is kept out of its turns. Nothing is written here.
Format: docs/format.md, "Copies".
"""

from __future__ import annotations

import re
from io import BytesIO
from itertools import accumulate
from operator import lt, methodcaller
from typing import Final

import msgspec
from msgspec import Raw, Struct

from rollout.format.decoding import decode_line
from rollout.format.record import Reason, Record, Rejected
from rollout.format.seals import Seal, find_seal, find_seal_remains
from rollout.format.vocabulary import EVENT_MSG, ITEM_COMPLETED, TASK_STARTED, TURN_ENDS
from rollout.log.chunks import iter_chunks
from rollout.log.lines import iter_lines
from rollout.log.seal import iter_broken_seals
from rollout.log.source import Source
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.sealed import find_broken_seals, find_rejected_seal, refuse_broken

_FRONT: Final = re.compile(
    rb'\{"timestamp":"[^"\\]*",(?:"ordinal":(0|[1-9][0-9]{0,17}),)?"type":"([a-z_]+)","payload":\{'
    rb'(?:"type":"([a-z_]+)"(?:,"thread_id":"[^"\\]*","turn_id":"([^"\\]*)")?)?'
).match
_EVENT: Final = EVENT_MSG.encode()
_ITEM: Final = ITEM_COMPLETED.encode()
_CHECKPOINT: Final = b"checkpoint"
_ENDS: Final = frozenset(word.encode() for word in TURN_ENDS)
_MARKS: Final = _ENDS | {word.encode() for word in TASK_STARTED}
_SHOWN: Final = TASK_STARTED | TURN_ENDS | {ITEM_COMPLETED}
_LEFT_OUT: Final = frozenset({Reason.CHECKPOINT, Reason.TORN_TAIL, Reason.CUT_LINE})
_WATCHED: Final = _MARKS | {_CHECKPOINT}
_IS_WHOLE: Final = methodcaller("endswith", b"}\n")
_QUOTE: Final = ord('"')


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

    `filled_ordinal` is the ordinal of a header that is not carried over. `ends_turn`: the last line
    is a sealed end of a turn.
    """

    segment: Segment
    edits: list[Edit]
    filled_ordinal: int | None = None
    ends_turn: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the segment holds no record."""
        return self.segment.start_offset >= self.segment.end_offset


class CopyPlan(Struct, frozen=True):
    """What a copy is made of, oldest first. `is_plain`: one file shows it as the lineage does, surely."""

    parts: list[Carried]
    is_plain: bool

    @property
    def has_seals(self) -> bool:
        """Whether any line is sealed."""
        return any(edit.seal_at is not None for part in self.parts for edit in part.edits)

    @property
    def ends_turn(self) -> bool:
        """Whether it surely ends with the end of a turn."""
        return next((one.ends_turn for one in reversed(self.parts) if not one.is_empty), False)


class _Named(Struct, frozen=True):
    turn_id: str


class _UnclearError(Exception):
    """A closer look is due."""


def plan_copy(lineage: Lineage) -> CopyPlan:
    """Return how the records of a lineage of paginated rollouts go into one file.

    Reads all of it, and verifies its seals: raise DamagedLog when one does not hold.
    """
    try:
        parts = _plan_plainly(lineage)
    except _UnclearError:
        refuse_broken(lineage.thread_id, find_broken_seals(lineage))
        return CopyPlan(_plan_with_care(lineage), is_plain=False)
    return CopyPlan(parts, is_plain=True)


def filled_ordinal(lineage: Lineage, place: int) -> int | None:
    """Return the ordinal of the header of a segment, if one file has no header there."""
    return lineage.segments[place - 1].end_ordinal if place > 0 else None


def _plan_plainly(lineage: Lineage) -> list[Carried]:
    """Plan a log whose lines all begin as every writer writes them, whose seals hold, whose ordinals rise,
    and in which no turn goes on behind a fork."""
    known: set[bytes] = set()
    parts: list[Carried] = []
    for place, segment in enumerate(lineage.segments):
        meta = segment.header.meta
        if not segment.header.is_first or meta.subagent_history_start_ordinal:
            raise _UnclearError
        glance, source = _Glance(segment), lineage.source(segment)
        for chunk in iter_chunks(source, segment.start_offset, segment.end_offset, lineage.max_line_bytes):
            if isinstance(chunk, Rejected):
                raise _UnclearError
            glance.take(chunk.content, chunk.start_offset)
        seal = glance.newest_seal
        if seal is not None and any(iter_broken_seals(source, seal, segment.start_offset)):
            raise _UnclearError
        if not known.isdisjoint(glance.turn_ids):
            raise _UnclearError
        known |= glance.turn_ids
        parts.append(Carried(segment, glance.edits, filled_ordinal(lineage, place), glance.ends_turn))
    return parts


class _Glance:
    """One segment as its lines' fronts and ends show it."""

    def __init__(self, segment: Segment) -> None:
        self._next_ordinal = segment.first_ordinal
        self._end_ordinal = segment.end_ordinal
        self.edits: list[Edit] = []
        self.turn_ids: set[bytes] = set()
        self.ends_turn = False
        self.newest_seal: Seal | None = None

    def take(self, content: bytes, start: int) -> None:
        """Take the next lines, one at least. Raise _UnclearError for any that is not as expected."""
        lines = BytesIO(content).readlines()
        fronts = [front for front in map(_FRONT, lines) if front is not None]
        if len(fronts) < len(lines) or not all(map(_IS_WHOLE, lines)):
            raise _UnclearError
        self._count([int(number) for front in fronts if (number := front[1]) is not None])
        kinds = [front[3] or front[2] for front in fronts]
        named = [turn_id for front in fronts if (turn_id := front[4]) is not None]
        if kinds.count(_ITEM) > len(named):
            raise _UnclearError
        self.turn_ids.update(named)
        starts = list(accumulate(map(len, lines), initial=start))
        for index, kind in enumerate(kinds):
            if kind in _WATCHED or lines[index][-3] == _QUOTE:
                self._watch(lines[index], starts[index], kind, fronts[index][2])
        last = next((index for index in reversed(range(len(kinds))) if kinds[index] != _CHECKPOINT), None)
        if last is not None:
            self.ends_turn = self.newest_seal is not None and self.newest_seal.covered_to > starts[last]

    def _count(self, ordinals: list[int]) -> None:
        if not ordinals:
            return
        if ordinals[0] < self._next_ordinal or not all(map(lt, ordinals, ordinals[1:])):
            raise _UnclearError
        self._next_ordinal = ordinals[-1] + 1
        if self._end_ordinal is not None and self._next_ordinal > self._end_ordinal:
            raise _UnclearError

    def _watch(self, line: bytes, start: int, kind: bytes, type_: bytes) -> None:
        if kind == type_ == _CHECKPOINT:
            self.edits.append(Edit(start, start + len(line)))
            return
        if kind in _MARKS:
            self.turn_ids.add(_turn_of(line))
        seal = find_seal_remains(line, start) if kind in _ENDS else find_seal(line, start)
        if seal is None:
            return
        if seal.digest is None or kind not in _ENDS or type_ != _EVENT:
            raise _UnclearError
        self.edits.append(Edit(seal.covered_to, start + len(line), b"}\n", 0))
        self.newest_seal = seal


def _turn_of(line: bytes) -> bytes:
    named = decode_line(line, _Named)
    if named is None:
        raise _UnclearError
    return named.turn_id.encode()


def _plan_with_care(lineage: Lineage) -> list[Carried]:
    """Plan any log: what is in no turn of the lineage has no ordinal in the copy, and is in none there."""
    parts: list[Carried] = []
    newer: set[str] = set()
    shown_from = lineage.newest.header.meta.subagent_history_start_ordinal or 0
    for place in reversed(range(len(lineage.segments))):
        care = _Care(lineage, place, newer, shown_from)
        parts.append(Carried(lineage.segments[place], care.edits(), filled_ordinal(lineage, place)))
        newer |= care.marked
    parts.reverse()
    return parts


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
                if isinstance(line, Rejected) and line.reason in _LEFT_OUT and line.end_offset == end:
                    end = line.start_offset
        if not self._is_newest and end > segment.start_offset and source.read_at(end - 1, 1) != b"\n":
            found.append(Edit(segment.end_offset, segment.end_offset, b"\n"))
        return found

    def _rejected(self, source: Source, line: Rejected) -> Edit | None:
        if line.reason in _LEFT_OUT:
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
