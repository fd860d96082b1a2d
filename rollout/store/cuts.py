"""Where a history may be left: at its head, before a turn, through a turn.

A cut never lies inside a turn, and never depends on anything but the log. Format: docs/format.md,
"Fork points".
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from rollout.errors import InvalidRequest, NotFound
from rollout.format import vocabulary
from rollout.format.items import is_history
from rollout.format.record import Era, Record
from rollout.fs.api import FileSystem
from rollout.log.lines import Span, iter_lines, iter_lines_backward
from rollout.log.source import LentSource, Source, open_source
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.positions import find_line_end
from rollout.replay.turn_search import ended_turn, find_turn_end, find_turn_start, started_turn
from rollout.turns.legacy import LegacyTurns, TurnSpan


class _Newest(Struct, frozen=True):
    """The newest turn of a rollout, and the `last` event, of whatever kind.

    `started` is the record that opened the turn if it still runs, else None.
    """

    last: Record
    started: Record | None = None


class Cut(Struct, frozen=True):
    """Everything before `end_offset` of the segment at `place`, and all segments older than that.

    `end_ordinal` is exclusive; None in a legacy segment, which stores none. `open_turn` is the
    turn that was still running, and is left out.
    """

    place: int
    end_ordinal: int | None
    end_offset: int
    open_turn: str | None = None


def cut_at_head(lineage: Lineage) -> Cut:
    """Return the end of the last complete turn, and of what was recorded behind it.

    Reads back to where the newest turn starts or ends. A turn that has no end is left out, whoever
    records it. Raise InvalidRequest when there is nothing but that, or nothing at all.
    """
    place = len(lineage.segments) - 1
    segment = lineage.newest
    line_end = find_line_end(lineage, segment.end_offset)
    cut = Cut(place, None, max(line_end, segment.start_offset, segment.header.end_offset))
    newest = _find_newest_turn(lineage, segment, cut.end_offset)
    started = newest.started if newest is not None else None
    if started is not None:
        cut = Cut(place, started.ordinal, started.start_offset, started_turn(started) or "")
    elif newest is not None and newest.last.end_offset == line_end and newest.last.ordinal is not None:
        cut = msgspec.structs.replace(cut, end_ordinal=newest.last.ordinal + 1)  # none need be looked for
    cut = _numbered(lineage, cut)
    has_ended = newest is not None and started is None
    if not has_ended and not _holds_anything(lineage, cut):
        raise _empty(lineage, cut)
    return cut


def cut_before_turn(lineage: Lineage, turn_id: str) -> Cut:
    """Return the position right before the record that opens a turn. Raise NotFound."""
    start = find_turn_start(lineage, turn_id)
    if start is not None:
        is_numbered = lineage.segments[start.place].is_paginated
        return Cut(start.place, start.record.ordinal if is_numbered else None, start.record.start_offset)
    span = _find_legacy(lineage, turn_id)
    return Cut(0, None, span.start_offset)


def cut_through_turn(lineage: Lineage, turn_id: str) -> Cut:
    """Return the position right behind the record that ends a turn.

    Raise NotFound for an unknown turn, InvalidRequest for one that has no end.
    """
    start = find_turn_start(lineage, turn_id)
    if start is not None:
        end = find_turn_end(lineage, start, turn_id)
        if end is not None:
            ordinal = end.record.ordinal
            if not lineage.segments[end.place].is_paginated or ordinal is None:
                return Cut(end.place, None, end.record.end_offset)
            return Cut(end.place, ordinal + 1, end.record.end_offset)
        if lineage.segments[start.place].is_paginated:
            raise _in_progress(lineage, turn_id)
    span = _find_legacy(lineage, turn_id)
    if span.end_offset is None:
        raise _in_progress(lineage, turn_id)
    return Cut(0, None, span.end_offset)


def lineage_at(fs: FileSystem, lineage: Lineage, cut: Cut) -> Lineage:
    """Return a lineage that ends at a cut.

    Where the cut lies in the newest rollout, it reads the file that is open, whatever has its name now;
    so close it first.
    """
    segment = lineage.segments[cut.place]
    if segment is lineage.newest:
        source: Source = LentSource(lineage.newest_source)
    else:
        source = open_source(fs, segment.file.path)
    if source.identity != segment.identity:
        source.close()
        raise NotFound(
            f"reading thread {lineage.thread_id}: {segment.file.path} was replaced while it was read",
            hint="Try again.",
        )
    ended = msgspec.structs.replace(segment, end_offset=cut.end_offset, end_ordinal=cut.end_ordinal)
    return Lineage(fs, [*lineage.segments[: cut.place], ended], source, lineage.max_line_bytes)


def _find_newest_turn(lineage: Lineage, segment: Segment, end_offset: int) -> _Newest | None:
    """Return the newest turn of a segment, or None if no record starts or ends one.

    An end that names another turn says nothing. A rollback of a legacy thread ends what runs.
    """
    span = Span(
        segment.start_offset,
        end_offset,
        segment.header.era,
        max_line_bytes=lineage.max_line_bytes,
        only_type=vocabulary.EVENT_MSG.encode(),
    )
    ended: set[str] = set()
    last: Record | None = None
    for batch in iter_lines_backward(lineage.source(segment), span):
        for line in reversed(batch):
            if not isinstance(line, Record) or line.envelope.type != vocabulary.EVENT_MSG:
                continue
            last = last or line
            if line.kind in vocabulary.TASK_STARTED:
                return _Newest(last) if started_turn(line) in ended else _Newest(last, line)
            if line.kind == vocabulary.ROLLED_BACK and not segment.is_paginated:
                return _Newest(last)
            if line.kind in vocabulary.TURN_ENDS:
                named = ended_turn(line)
                if named is None:
                    return _Newest(last)
                ended.add(named)
    return _Newest(last) if last is not None and ended else None


def _numbered(lineage: Lineage, cut: Cut) -> Cut:
    """Return a cut with the ordinal that the next record would have there."""
    segment = lineage.segments[cut.place]
    if not segment.is_paginated:
        return msgspec.structs.replace(cut, end_ordinal=None)
    if cut.end_ordinal is not None:
        return cut
    span = Span(
        segment.start_offset, cut.end_offset, segment.header.era, max_line_bytes=lineage.max_line_bytes
    )
    for batch in iter_lines_backward(lineage.source(segment), span):
        for line in reversed(batch):
            if isinstance(line, Record) and line.ordinal is not None:
                return msgspec.structs.replace(cut, end_ordinal=line.ordinal + 1)
    return msgspec.structs.replace(cut, end_ordinal=segment.first_ordinal)


def _holds_anything(lineage: Lineage, cut: Cut) -> bool:
    """Tell whether an end of a turn, or anything that a model is given, stands before a cut.

    Read from the beginning, where the first turn soon answers.
    """
    for segment in lineage.segments[: cut.place + 1]:
        span = lineage.span(segment)
        if segment is lineage.segments[cut.place]:
            span = msgspec.structs.replace(span, end_offset=cut.end_offset)
        for batch in iter_lines(lineage.source(segment), span):
            if any(isinstance(line, Record) and _counts(line) for line in batch):
                return True
    return False


def _counts(record: Record) -> bool:
    return (
        record.type == vocabulary.COMPACTED
        or record.label in vocabulary.TURN_ENDS
        or (record.type == vocabulary.RESPONSE_ITEM and is_history(record.envelope.payload))
    )


def _find_legacy(lineage: Lineage, turn_id: str) -> TurnSpan:
    """Return where a visible turn of the legacy segment lies. Reads all of it. Raise NotFound."""
    segment = lineage.segments[0]
    if not segment.is_paginated:
        fold = LegacyTurns(reads_bare_items=segment.header.era is Era.BARE)
        for batch in iter_lines(lineage.source(segment), lineage.span(segment)):
            for line in batch:
                if isinstance(line, Record):
                    fold.feed(line)
        for span in reversed(fold.spans()):
            if span.turn_id == turn_id:
                return span
    raise NotFound(
        f"looking for a turn of thread {lineage.thread_id}: turn not found: {turn_id:.80}",
        hint=f"Run `rollout turns {lineage.thread_id}` to see its turns.",
    )


def _in_progress(lineage: Lineage, turn_id: str) -> InvalidRequest:
    return InvalidRequest(
        f"leaving thread {lineage.thread_id} through turn {turn_id}: "
        "it is an in-progress turn: no record says that it ended",
        hint="Leave it before that turn, or through an older one.",
    )


def _empty(lineage: Lineage, cut: Cut) -> InvalidRequest:
    if cut.open_turn is not None:
        return InvalidRequest(
            f"leaving thread {lineage.thread_id} at its head: its only turn, {cut.open_turn}, has not ended",
            hint="Wait for its end, or end it: whoever records the thread next may interrupt it.",
        )
    return InvalidRequest(
        f"leaving thread {lineage.thread_id} at its head: it is empty, nothing was recorded yet",
        hint="Make a new thread instead.",
    )
