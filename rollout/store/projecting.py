"""Turns from the files of a lineage: which records are folded, and how far is read.

Ordinals decide: those below a segment's beginning, behind its cut, or used before, are passed
over. Format: docs/format.md, "Turns of a paginated file".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeGuard

import msgspec
from msgspec import Struct

from rollout.format.record import Damage, Era, Line, Record, Rejected
from rollout.format.seals import find_seal
from rollout.format.vocabulary import EVENT_MSG, TURN_ENDS
from rollout.log.lines import Span, iter_lines, iter_lines_backward
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.sealed import SealWatch
from rollout.turns.legacy import LegacyTurns
from rollout.turns.model import Turn, TurnStatus
from rollout.turns.paging import ItemsView
from rollout.turns.projection import Bounds, Projection
from rollout.turns.rows import TurnRow, public_items, shown_turn

_EVENT: Final = EVENT_MSG.encode()
_NOTHING: Final[frozenset[tuple[int, int]]] = frozenset()


IsEnough = Callable[[Projection], bool]


def project(lineage: Lineage, seals: SealWatch, is_enough: IsEnough | None = None) -> Projection:
    """Fold the paginated segments newest first, until `is_enough` or to their beginning.

    Where ordinals turn out to go down, the first of equal or higher ones counts: then all is
    read twice. `seals` is shown what is read.
    """
    return TurnReading(lineage, seals).until(is_enough)


class TurnReading:
    """One reading of a lineage's turns, newest first, that goes on where it stopped when more is wanted.

    So page after page reads every byte once. It holds what it has read, and shows the lineage as it was.
    """

    def __init__(self, lineage: Lineage, seals: SealWatch | None = None) -> None:
        self._lineage = lineage
        self.seals = seals if seals is not None else SealWatch(lineage)
        self._projection = Projection()
        self._steps = _fold(lineage, self._projection, self.seals, _NOTHING)
        self._broken: list[Damage] = []
        self._steps_taken = 0
        self._verified_at = 0
        self.is_broken_off = False
        """Whether it failed half-way, and must not be gone on with."""

    def is_enough(self, is_enough: IsEnough) -> bool:
        """Tell whether what has been read so far is enough."""
        return self._steps_taken > 0 and is_enough(self._projection)

    def until(self, is_enough: IsEnough | None) -> Projection:
        """Return the rows once they are enough, or once there is no more. None is never enough."""
        if is_enough is not None and self._steps_taken and is_enough(self._projection):
            return self._projection
        try:
            self._go_on(is_enough)
        except BaseException:
            self.is_broken_off = True
            raise
        return self._projection

    def _go_on(self, is_enough: IsEnough | None) -> None:
        for _ in self._steps:
            self._steps_taken += 1
            if self._projection.is_disordered:
                self._projection = Projection()
                passed_over = _find_regressed(self._lineage)
                self._steps = _fold(self._lineage, self._projection, self.seals, passed_over)
                for _ in self._steps:
                    self._steps_taken += 1
                return
            if is_enough is not None and is_enough(self._projection):
                return

    def find_broken(self) -> list[Damage]:
        """Return what the seals over all that was read prove altered, oldest first."""
        if self._verified_at < self._steps_taken:
            self._broken = self.seals.find_broken()
            self._verified_at = self._steps_taken
        return self._broken


def _fold(
    lineage: Lineage, projection: Projection, seals: SealWatch, passed_over: frozenset[tuple[int, int]]
) -> Iterator[None]:
    """Feed a projection, newest batch first; step by step, each with its seals noted."""
    for place in reversed(range(len(lineage.segments))):
        segment = lineage.segments[place]
        if not segment.is_paginated:
            continue
        bounds = _bounds(segment, place)
        seals.enter(segment)
        for batch in iter_lines_backward(lineage.source(segment), _event_span(lineage, segment)):
            _feed_batch(projection, batch, bounds, seals, passed_over)
            seals.leave(batch[0].start_offset if batch else segment.end_offset)
            yield
        seals.leave(segment.start_offset)
    projection.finish()
    yield


class Range(Struct, frozen=True):
    """A part of a segment, from one start of a line to another. `sealed_end` is what `note_end_at` takes."""

    place: int
    start_offset: int
    end_offset: int
    sealed_end: int | None = None


def project_ranges(lineage: Lineage, seals: SealWatch, ranges: Sequence[Range]) -> Projection | None:
    """Fold ranges of paginated segments, oldest first, as if nothing else were there. None on disorder."""
    projection = Projection()
    for one in reversed(ranges):
        segment = lineage.segments[one.place]
        bounds = _bounds(segment, one.place)
        span = msgspec.structs.replace(
            _event_span(lineage, segment), start_offset=one.start_offset, end_offset=one.end_offset
        )
        seals.enter(segment)
        if one.sealed_end is not None:
            seals.note_end_at(one.sealed_end)
        for batch in iter_lines_backward(lineage.source(segment), span):
            _feed_batch(projection, batch, bounds, seals, _NOTHING)
        seals.leave(one.start_offset)
    projection.finish()
    return None if projection.is_disordered else projection


def _feed_batch(
    projection: Projection,
    batch: list[Line],
    bounds: Bounds,
    seals: SealWatch,
    passed_over: frozenset[tuple[int, int]],
) -> None:
    for line in reversed(batch):
        if isinstance(line, Rejected):
            seals.note_rejected(line)
            continue
        envelope = line.envelope
        if envelope.type != EVENT_MSG:
            continue
        if seals.is_wanted and envelope.payload.type in TURN_ENDS:
            seals.note(line)
        if not passed_over or (bounds.segment, line.start_offset) not in passed_over:
            projection.feed(line, bounds)


def first_ordinal_of(segment: Segment) -> int:
    """Return the lowest ordinal of a segment that is projected."""
    return max(segment.first_ordinal, segment.header.meta.subagent_history_start_ordinal or 0)


def _bounds(segment: Segment, place: int) -> Bounds:
    first = first_ordinal_of(segment)
    if segment.end_ordinal is None:
        return Bounds(place, first)
    return Bounds(place, first, segment.end_ordinal)


def _find_regressed(lineage: Lineage) -> frozenset[tuple[int, int]]:
    """Return segment and offset of every event whose ordinal was used or passed before it."""
    found: set[tuple[int, int]] = set()
    for place, segment in enumerate(lineage.segments):
        if not segment.is_paginated:
            continue
        next_ordinal = segment.first_ordinal
        for batch in iter_lines(lineage.source(segment), _event_span(lineage, segment)):
            for line in batch:
                if not _is_event(line) or not line.is_terminated or line.ordinal is None:
                    continue
                if line.ordinal < next_ordinal:
                    found.add((place, line.start_offset))
                else:
                    next_ordinal = line.ordinal + 1
    return frozenset(found)


def _is_event(line: Line) -> TypeGuard[Record]:
    return isinstance(line, Record) and line.envelope.type == EVENT_MSG


def _event_span(lineage: Lineage, segment: Segment) -> Span:
    return msgspec.structs.replace(lineage.span(segment), only_type=_EVENT)


def read_all_turns(lineage: Lineage, view: ItemsView, seals: SealWatch) -> list[Turn]:
    """Return all turns of a lineage, oldest first. It may begin with a legacy segment."""
    if lineage.is_paginated:
        return [shown_turn(row, view) for row in project(lineage, seals).turns()]
    legacy = _read_legacy(lineage, lineage.segments[0], view, seals)
    if len(lineage.segments) == 1:
        return legacy
    projection = project(lineage, seals)
    elders = {turn.id: turn for turn in legacy}
    newer = [_continued(elders.get(row.turn_id), row, view) for row in projection.turns()]
    hidden = {turn.id for turn in newer}
    if view is ItemsView.FULL:
        late = {turn.id: public_items(projection.items(turn.id)) for turn in elders.values()}
        legacy = [
            msgspec.structs.replace(turn, items=turn.items + late[turn.id])
            if late[turn.id] and turn is elders[turn.id]
            else turn
            for turn in legacy
        ]
    return [turn for turn in legacy if turn.id not in hidden] + newer


def _continued(elder: Turn | None, row: TurnRow, view: ItemsView) -> Turn:
    """Return a turn that goes on with the items of the legacy turn that it hides."""
    turn = shown_turn(row, view)
    if elder is None:
        return turn
    if view is ItemsView.FULL:
        return msgspec.structs.replace(turn, items=elder.items + turn.items)
    if not turn.items and turn.status is TurnStatus.INTERRUPTED:
        return msgspec.structs.replace(turn, items=elder.items)
    return turn


def _read_legacy(lineage: Lineage, segment: Segment, view: ItemsView, seals: SealWatch) -> list[Turn]:
    fold = LegacyTurns(reads_bare_items=segment.header.era is Era.BARE)
    ends: list[Line] = []  # which of them is the newest that is sealed is known at the end
    for batch in iter_lines(lineage.source(segment), lineage.span(segment)):
        for line in batch:
            if isinstance(line, Rejected):
                ends.append(line)
                continue
            if line.envelope.payload.type in TURN_ENDS and find_seal(line.stored, line.start_offset):
                ends.append(line)
            fold.feed(line)
    seals.enter(segment)
    for line in reversed(ends):
        if not seals.is_wanted:
            break
        if isinstance(line, Rejected):
            seals.note_rejected(line)
        else:
            seals.note(line)
    seals.leave(segment.start_offset)
    return fold.result(view)
