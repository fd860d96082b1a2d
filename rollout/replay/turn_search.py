"""Where a turn starts and ends, found by its id without reading on from either end of a history.

Ids of version 7 hold the time they were made at, and so do lines: where a turn must lie is found by
halving, and proved by the record that stands there. Any other id is looked for in the raw bytes.
Format: docs/format.md, "Fork points".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final

from msgspec import Struct

from rollout.format import vocabulary
from rollout.format.codec import examine
from rollout.format.decoding import decode_payload
from rollout.format.payloads import TaskComplete, TaskStarted, TurnAborted
from rollout.format.record import Era, Record
from rollout.ids import is_uuid7
from rollout.log.source import Source
from rollout.replay.lineage import Lineage, Segment

_BLOCK_BYTES: Final = 1 << 20
_NEAR_BYTES: Final = 64 << 10
_FAR_BYTES: Final = 8 << 20
_BEHIND_BYTES: Final = 256 << 10
"""How much is searched behind the place that the time of an id points to."""
_LONGEST_MARK: Final = 1 << 16
"""The start or the end of a turn is a short line."""
_ROLLED_BACK: Final = f'"{vocabulary.ROLLED_BACK}"'.encode()
_ENDS: Final = [f'"{kind}"'.encode() for kind in sorted(vocabulary.TURN_ENDS)]
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]+")
_FRONT: Final = re.compile(rb'\{"timestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"')


class Found(Struct, frozen=True):
    """A record of a lineage. `place` numbers its segment, oldest first."""

    place: int
    record: Record


def find_turn_start(lineage: Lineage, turn_id: str) -> Found | None:
    """Return the record that opens a turn, or None where there is none, or none that is sure to count.

    In a legacy segment a turn that a later rollback may have taken back is not sure, and neither is
    one that no record opens: `turns.legacy` knows, who reads all of it.
    """
    found = _find_start(lineage, turn_id)
    if found is None or lineage.segments[found.place].is_paginated:
        return found
    segment = lineage.segments[found.place]
    behind = partial(_mentions, needle=_ROLLED_BACK, start=found.record.end_offset, end=segment.end_offset)
    return found if next(behind(lineage.source(segment)), None) is None else None


def _find_start(lineage: Lineage, turn_id: str) -> Found | None:
    needle = _needle(turn_id)
    if is_uuid7(turn_id):
        place = _likely_place(lineage, turn_id)
        if place is not None:
            segment = lineage.segments[place]
            near = _near_time(lineage.source(segment), segment, turn_id)
            if near is not None:
                for record in _iter_marks(
                    lineage, segment, partial(_mentions, needle=needle, start=near[0], end=near[1])
                ):
                    if _opens(record, turn_id):
                        return Found(place, record)
    for place in reversed(range(len(lineage.segments))):
        segment = lineage.segments[place]
        if segment.header.era is Era.ENVELOPE:
            everywhere = partial(
                _mentions_backward, needle=needle, start=segment.start_offset, end=segment.end_offset
            )
            for record in _iter_marks(lineage, segment, everywhere):
                if _opens(record, turn_id):
                    return Found(place, record)
    return None


def find_turn_end(lineage: Lineage, start: Found, turn_id: str) -> Found | None:
    """Return the first record behind its start that ends a turn, or None.

    None, too, in a legacy segment where an end that names nothing, or something else, may have ended it:
    `turns.legacy` knows.
    """
    needle = _needle(turn_id)
    for place in range(start.place, len(lineage.segments)):
        segment = lineage.segments[place]
        begin = start.record.end_offset if place == start.place else segment.start_offset
        behind = partial(_mentions, needle=needle, start=begin, end=segment.end_offset)
        for record in _iter_marks(lineage, segment, behind):
            if _ends(record, turn_id):
                found = Found(place, record)
                return found if segment.is_paginated or _is_only_end(lineage, start, found) else None
    return None


def _is_only_end(lineage: Lineage, start: Found, end: Found) -> bool:
    """Tell whether no other turn's end stands between a start and an end of a legacy segment."""
    segment = lineage.segments[end.place]
    source = lineage.source(segment)
    return all(
        next(_mentions(source, needle, start.record.end_offset, end.record.start_offset), None) is None
        for needle in _ENDS
    )


def _needle(turn_id: str) -> bytes:
    """Return what every line that names a turn has in it: its id, or if that may be escaped the member."""
    return f'"{turn_id}"'.encode() if _PLAIN.fullmatch(turn_id) else b'"turn_id"'


def _likely_place(lineage: Lineage, turn_id: str) -> int | None:
    """Return the newest segment that was begun before the turn's id was made."""
    stamp = _stamp_of(turn_id).decode()
    for place in reversed(range(len(lineage.segments))):
        segment = lineage.segments[place]
        if segment.header.era is Era.ENVELOPE and segment.header.meta.timestamp <= stamp:
            return place
    return None


def _stamp_of(turn_id: str) -> bytes:
    seconds, millis = divmod(int(turn_id[:8] + turn_id[9:13], 16), 1000)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z".encode()
    except (ValueError, OverflowError, OSError):
        return b"9999"


def _near_time(source: Source, segment: Segment, turn_id: str) -> tuple[int, int] | None:
    """Return a range of a segment that holds the first lines written once an id was made.

    None where times do not show: it is then looked for everywhere.
    """
    stamp = _stamp_of(turn_id)
    low, high = segment.start_offset, segment.end_offset
    while high - low > _NEAR_BYTES:
        middle = (low + high) // 2
        line = _next_line(source, middle, high)
        if line is None:
            high = middle
            continue
        offset, front = line
        matched = _FRONT.match(front)
        if matched is None:
            return None
        if matched.group(1) < stamp:
            low = offset
        else:
            high = middle
    return low, min(segment.end_offset, high + _BEHIND_BYTES)


def _next_line(source: Source, offset: int, end: int) -> tuple[int, bytes] | None:
    """Return where the next line begins behind an offset, and its front; None where none does."""
    size = 4 << 10
    while offset < end:
        block = source.read_at(offset, min(size, end - offset))
        newline = block.find(b"\n")
        if newline >= 0:
            start = offset + newline + 1
            return (start, source.read_at(start, 64)) if start < end else None
        offset += len(block)
        size = min(_FAR_BYTES, size * 4)
    return None


def _iter_marks(
    lineage: Lineage, segment: Segment, mentions: Callable[[Source], Iterator[int]]
) -> Iterator[Record]:
    """Yield the short event lines of a segment in which something is mentioned, each once."""
    source = lineage.source(segment)
    judged: Record | None = None
    for offset in mentions(source):
        if judged is not None and judged.start_offset <= offset < judged.end_offset:
            continue
        judged = _mark_at(source, segment, offset)
        if judged is not None and _is_within(judged, segment):
            yield judged


def _mentions(source: Source, needle: bytes, start: int, end: int) -> Iterator[int]:
    """Yield where `needle` stands in a range, oldest first."""
    while start < end:
        block = source.read_at(start, min(_BLOCK_BYTES, end - start))
        at = block.find(needle)
        while at >= 0:
            yield start + at
            at = block.find(needle, at + len(needle))
        if start + len(block) >= end:
            return
        start += len(block) - len(needle) + 1


def _mentions_backward(source: Source, needle: bytes, start: int, end: int) -> Iterator[int]:
    """Yield where `needle` stands in a range, newest first."""
    while end > start:
        begin = max(start, end - _BLOCK_BYTES)
        block = source.read_at(begin, end - begin)
        at = block.rfind(needle)
        while at >= 0:
            yield begin + at
            at = block.rfind(needle, 0, at)
        if begin == start:
            return
        end = begin + len(needle) - 1


def _mark_at(source: Source, segment: Segment, offset: int) -> Record | None:
    """Return the event whose line lies around an offset, if it is a short one that can be read."""
    low = max(0, offset - _LONGEST_MARK)
    for reach in (4 << 10, _LONGEST_MARK):
        start = max(low, offset - reach)
        block = source.read_at(start, min(segment.end_offset, offset + reach) - start)
        first = block.rfind(b"\n", 0, offset - start) + 1
        last = block.find(b"\n", offset - start)
        if last >= 0 and (first > 0 or start == 0):
            line = examine(block[first : last + 1], start + first, segment.header.era)
            is_event = isinstance(line, Record) and line.envelope.type == vocabulary.EVENT_MSG
            return line if isinstance(line, Record) and is_event else None
    return None


def _is_within(record: Record, segment: Segment) -> bool:
    """Tell whether a record of a segment's file is one of its turns' records."""
    if not segment.start_offset <= record.start_offset or record.end_offset > segment.end_offset:
        return False
    if not segment.is_paginated:
        return True
    first = max(segment.first_ordinal, segment.header.meta.subagent_history_start_ordinal or 0)
    if record.ordinal is None or record.ordinal < first:
        return False
    return segment.end_ordinal is None or record.ordinal < segment.end_ordinal


def started_turn(record: Record) -> str | None:
    """Return which turn a record starts; None if it cannot be told."""
    started = decode_payload(record, TaskStarted)
    return started.turn_id if started is not None else None


def ended_turn(record: Record) -> str | None:
    """Return which turn an end names; None if it names none."""
    if record.kind == vocabulary.TURN_ABORTED:
        aborted = decode_payload(record, TurnAborted)
        return aborted.turn_id if aborted is not None else None
    ended = decode_payload(record, TaskComplete)
    return ended.turn_id if ended is not None else None


def _opens(record: Record, turn_id: str) -> bool:
    return record.kind in vocabulary.TASK_STARTED and started_turn(record) == turn_id


def _ends(record: Record, turn_id: str) -> bool:
    return record.kind in vocabulary.TURN_ENDS and ended_turn(record) == turn_id
