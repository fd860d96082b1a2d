"""Is a whole lineage what it was: every link, every seal up to its cut, and what nothing vouches for.

Opening a lineage holds each link's id, bounds and anchor against the parent. A check goes on from
there: the cut lies between two lines, ordinals run on over it, and every seal before it holds.
Reads everything, changes nothing. Format: docs/format.md, "Lineage" and "Seals".
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rollout.format.codec import examine
from rollout.format.decoding import decode_json
from rollout.format.record import Damage, Reason, Record, Rejected
from rollout.format.seals import LONGEST_SEAL_BYTES, Seal
from rollout.ids import RolloutId, ThreadId
from rollout.log.anchor import ANCHOR_TAIL_BYTES, anchor_of
from rollout.log.lines import iter_lines
from rollout.log.source import Source
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.sealed import damage_of
from rollout.store.tally import Tally

_LINE_BYTES: Final = 4 << 10
_BLOCK_BYTES: Final = 1 << 20


class SegmentCheck(Struct, frozen=True):
    """What a check found in one segment. Bytes are decoded bytes of its file up to where it is left.

    Of `size_bytes`, seals that hold vouch for `sealed_bytes`, beside them the anchor of the child's
    base for `anchored_bytes`, and nothing for `unvouched_bytes`.
    """

    rollout_id: RolloutId
    thread_id: ThreadId
    path: str
    size_bytes: int
    end_ordinal: int | None
    records: int
    sealed_bytes: int
    anchored_bytes: int
    unvouched_bytes: int
    has_anchor: bool
    damage: list[Damage]
    torn_tail: Damage | None = None


class LineageCheck(Struct, frozen=True):
    """What a check found along a lineage, oldest segment first."""

    thread_id: ThreadId
    segments: list[SegmentCheck]

    @property
    def damage(self) -> list[Damage]:
        """What contradicts the format, oldest first."""
        return [damage for segment in self.segments for damage in segment.damage]

    @property
    def is_sound(self) -> bool:
        """Whether nothing does."""
        return not self.damage


def check_lineage(lineage: Lineage) -> LineageCheck:
    """Read every segment of an open lineage up to where it is left, and say what is wrong with it."""
    children = [*lineage.segments[1:], None]
    checks = [
        _check_segment(lineage, segment, child)
        for segment, child in zip(lineage.segments, children, strict=True)
    ]
    return LineageCheck(lineage.thread_id, checks)


def _check_segment(lineage: Lineage, segment: Segment, child: Segment | None) -> SegmentCheck:
    source = lineage.source(segment)
    tally = Tally(segment.file, segment.header, source)
    last_ordinal = segment.header.ordinal
    for batch in iter_lines(source, lineage.span(segment)):
        for line in batch:
            tally.take(line)
            if isinstance(line, Record) and line.ordinal is not None:
                last_ordinal = line.ordinal
    tally.verify_seals()
    damage = list(tally.damage)
    anchor = None
    if child is not None:
        anchor = _stored_anchor(child)
        found = [
            _find_bad_border(source, segment),
            _find_bad_ordinal(source, segment, child, last_ordinal),
            _find_bad_anchor(source, segment, anchor),
        ]
        damage += (_damage(segment, one) for one in found if one is not None)
    sealed = [(seal.covered_from, _line_end(source, seal)) for seal in tally.sound_seals]
    anchored = [(0, segment.header.end_offset), (segment.end_offset - ANCHOR_TAIL_BYTES, segment.end_offset)]
    sealed_bytes = _covered(sealed, segment.end_offset)
    vouched_bytes = _covered(sealed + (anchored if anchor is not None else []), segment.end_offset)
    return SegmentCheck(
        segment.rollout_id,
        segment.header.thread_id,
        segment.file.path,
        segment.end_offset,
        segment.end_ordinal,
        tally.records,
        sealed_bytes,
        vouched_bytes - sealed_bytes,
        segment.end_offset - vouched_bytes,
        anchor is not None,
        damage,
        tally.torn_tail,
    )


def _find_bad_border(source: Source, segment: Segment) -> Rejected | None:
    """Return a cut that is not behind a newline. What it leaves of its line is damage of its own."""
    at = segment.end_offset
    if at > 0 and source.read_at(at - 1, 1) == b"\n":
        return None
    return Rejected(max(0, at - 1), at, Reason.CUT_LINE, f"the base ends inside the line around byte {at}")


def _find_bad_ordinal(
    source: Source, segment: Segment, child: Segment, last_ordinal: int | None
) -> Rejected | None:
    """Return a cut at which ordinals do not run on from parent to child."""
    expected, at = segment.end_ordinal, segment.end_offset
    if expected is None:
        return None
    if not segment.is_paginated:
        found = _count_lines(source, at)
        where = f"expected ordinal {found}, the number of lines before it"
    else:
        behind = _ordinal_behind(source, segment)
        is_next = behind == expected and (last_ordinal is None or last_ordinal < expected)
        found = expected if is_next or last_ordinal is None else last_ordinal + 1
        where = f"expected ordinal {found}, one more than the last before it"
    if found != expected:
        return Rejected(at, at, Reason.ORDINAL, f"the base at byte {at}: {where}, found {expected}")
    first = child.header.ordinal
    if child.is_paginated and first is not None and first != expected:
        detail = f"the base at byte {at}: expected the child's header at ordinal {expected}, found {first}"
        return Rejected(at, at, Reason.ORDINAL, detail)
    return None


def _find_bad_anchor(source: Source, segment: Segment, wanted: str | None) -> Rejected | None:
    """Return the range before a cut if it is not what the child knew."""
    at = segment.end_offset
    found = anchor_of(source, segment.header.end_offset, at) if wanted is not None else None
    if found == wanted:
        return None
    detail = f"expected the anchor {wanted} at byte {at}, found {found}"
    return Rejected(max(0, at - ANCHOR_TAIL_BYTES), at, Reason.BROKEN_SEAL, detail)


def _stored_anchor(child: Segment) -> str | None:
    stored = child.header.meta.base_anchor
    return decode_json(stored, str) if bytes(stored) not in {b"", b"null"} else None


def _ordinal_behind(source: Source, segment: Segment) -> int | None:
    """Return the ordinal of the line behind a cut, if there is one that can be read."""
    block = source.read_at(segment.end_offset, _LINE_BYTES)
    end = block.find(b"\n") + 1
    line = examine(block[:end], segment.end_offset, segment.header.era) if end else None
    return line.ordinal if isinstance(line, Record) else None


def _count_lines(source: Source, end: int) -> int:
    blocks = range(0, end, _BLOCK_BYTES)
    return sum(source.read_at(at, min(_BLOCK_BYTES, end - at)).count(b"\n") for at in blocks)


def _line_end(source: Source, seal: Seal) -> int:
    """Return where the line of a seal ends: who alters the seal breaks it."""
    rest = source.read_at(seal.covered_to, LONGEST_SEAL_BYTES)
    return seal.covered_to + (rest.find(b"\n") + 1 or len(rest))


def _covered(ranges: list[tuple[int, int]], end_offset: int) -> int:
    """Return how many bytes before an offset lie in at least one range."""
    total = reached = 0
    for start, end in sorted(ranges):
        start, end = max(start, reached), min(end, end_offset)
        if end > start:
            total += end - start
            reached = end
    return total


def _damage(segment: Segment, found: Rejected) -> Damage:
    return damage_of(segment.rollout_id, segment.file.path, found)
