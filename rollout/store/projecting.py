"""Turns from the files of a lineage: which records are folded, and how far is read.

Ordinals decide: those below a segment's beginning, behind its cut, or used before, are passed
over. Format: docs/format.md, "Turns of a paginated file".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeGuard

import msgspec

from rollout.format.record import Era, Line, Record, Rejected
from rollout.format.seals import find_seal
from rollout.format.vocabulary import EVENT_MSG, TURN_ENDS
from rollout.log.lines import Span, iter_lines, iter_lines_backward
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.sealed import SealWatch
from rollout.turns.legacy import LegacyTurns
from rollout.turns.model import ItemsView, Turn, TurnStatus
from rollout.turns.projection import Bounds, Projection
from rollout.turns.rows import TurnRow, public_items, shown_turn

_EVENT: Final = EVENT_MSG.encode()
_NOTHING: Final[frozenset[tuple[int, int]]] = frozenset()


def project(
    lineage: Lineage, seals: SealWatch, is_enough: Callable[[Projection], bool] | None = None
) -> Projection:
    """Fold the paginated segments newest first, until `is_enough` or to their beginning.

    Where ordinals turn out to go down, the first of equal or higher ones counts: then all is
    read twice. `seals` is shown what is read.
    """
    projection = Projection()
    _fold(lineage, projection, seals, is_enough, _NOTHING)
    if projection.is_disordered:
        projection = Projection()
        _fold(lineage, projection, seals, None, _find_regressed(lineage))
    return projection


def _fold(
    lineage: Lineage,
    projection: Projection,
    seals: SealWatch,
    is_enough: Callable[[Projection], bool] | None,
    passed_over: frozenset[tuple[int, int]],
) -> None:
    for place in reversed(range(len(lineage.segments))):
        segment = lineage.segments[place]
        if not segment.is_paginated:
            continue
        bounds = _bounds(segment, place)
        seals.enter(segment)
        for batch in iter_lines_backward(lineage.source(segment), _event_span(lineage, segment)):
            for line in reversed(batch):
                if isinstance(line, Rejected):
                    seals.note_rejected(line)
                    continue
                envelope = line.envelope
                if envelope.type != EVENT_MSG:
                    continue
                if seals.is_wanted and envelope.payload.type in TURN_ENDS:
                    seals.note(line)
                if not passed_over or (place, line.start_offset) not in passed_over:
                    projection.feed(line, bounds)
            if projection.is_disordered or (is_enough is not None and is_enough(projection)):
                seals.leave(batch[0].start_offset if batch else segment.end_offset)
                return
        seals.leave(segment.start_offset)
    projection.finish()


def _bounds(segment: Segment, place: int) -> Bounds:
    first = max(segment.first_ordinal, segment.header.meta.subagent_history_start_ordinal or 0)
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
