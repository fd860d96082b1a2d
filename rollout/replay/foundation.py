"""What a checkpoint lets a resume stand on: checked against the files, then read from them.

A checkpoint that is not about this lineage, or whose lines are not what it says, is as good as
none: whoever asked reads on. Format: docs/format.md, "Checkpoints".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import accumulate
from typing import Final, Protocol

from msgspec import Raw, Struct

from rollout.format import vocabulary
from rollout.format.codec import decode_pieces
from rollout.format.decoding import decode_payload, payload_of
from rollout.format.items import is_history
from rollout.format.payloads import Compacted, TurnContext, WorldState
from rollout.format.record import Record
from rollout.log.anchor import anchor_of
from rollout.replay.checkpoint import Checkpoint, Part, Place, digest_of, find_checkpoint
from rollout.replay.history import HistoryItem, replay
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.world import fold_world

_GAP_BYTES: Final = 16 << 10
_BLOCK_BYTES: Final = 1 << 20


class Sidecars(Protocol):
    """Where checkpoints of rollouts that are not ours are kept, beside the log."""

    def find(self, segment: Segment) -> bytes | None:
        """Return what is kept for a segment's rollout."""

    def offer(self, segment: Segment, content: bytes) -> None:
        """Keep a checkpoint for a segment's rollout, if that can be done."""


class Named(Struct, frozen=True):
    """What single lines say at the position of a checkpoint."""

    reference: Raw | None
    latest_context: TurnContext | None
    world: Raw | None


class Loaded(Struct, frozen=True):
    """What the records before the position add up to, read."""

    items: list[HistoryItem]
    named: Named


class _UnlikeError(Exception):
    """The files do not hold what the checkpoint says."""


def find_foundation(
    lineage: Lineage, place: int, content: bytes, position: int | None = None
) -> Checkpoint | None:
    """Return the checkpoint that `content` holds, if it is about the lineage up to segment `place`.

    `position` is where it must be about, if that is known. Reads what the anchor covers.
    """
    checkpoint = find_checkpoint(content)
    if checkpoint is None or checkpoint.place != place:
        return None
    segment = lineage.segments[place]
    offset = checkpoint.offset
    is_same = (
        checkpoint.max_line_bytes == lineage.max_line_bytes
        and (position is None or position == offset)
        and max(segment.start_offset, segment.header.end_offset) <= offset <= segment.end_offset
        and all(
            ended.rollout_id == known.rollout_id
            and (known is segment or ended.end_offset == known.end_offset)
            for ended, known in zip(checkpoint.segments, lineage.segments, strict=False)
        )
    )
    if not is_same:
        return None
    anchor = anchor_of(lineage.source(segment), segment.header.end_offset, offset)
    return checkpoint if anchor == checkpoint.anchor else None


def load_foundation(
    lineage: Lineage, checkpoint: Checkpoint, places: dict[int, int] | None = None
) -> Loaded | None:
    """Return what a checkpoint names, or None when the files do not hold it.

    `places` notes the segment of every record read, by the record's identity.
    """
    loader = _Loader(lineage, checkpoint, places)
    try:
        return Loaded(loader.items(), loader.named())
    except _UnlikeError:
        return None


def load_named(lineage: Lineage, checkpoint: Checkpoint) -> Named | None:
    """Return what the single lines of a checkpoint say, or None when the files do not hold them."""
    try:
        return _Loader(lineage, checkpoint, None).named()
    except _UnlikeError:
        return None


class _Loader:
    def __init__(self, lineage: Lineage, checkpoint: Checkpoint, places: dict[int, int] | None) -> None:
        self._lineage = lineage
        self._checkpoint = checkpoint
        self._places = places

    def items(self) -> list[HistoryItem]:
        items: list[HistoryItem] = []
        for part in self._checkpoint.items:
            if part.lines:
                items += self._stored(part)
            elif part.replaced:
                items += self._replaced(part)
            else:
                items += [HistoryItem(json=raw) for raw in part.inline]
        if len(items) != self._checkpoint.count:
            raise _UnlikeError
        return items

    def _stored(self, part: Part) -> list[HistoryItem]:
        records = list(self._read(part.places()))
        if not all(map(_is_item, records)) or digest_of(one.stored for one in records) != part.digest:
            raise _UnlikeError
        return replay([], records).items

    def _replaced(self, part: Part) -> list[HistoryItem]:
        record = self._read_one(part.compaction)
        if digest_of([record.stored]) != part.digest:
            raise _UnlikeError
        compacted = decode_payload(record, Compacted)
        raws = compacted.replacement_history if compacted is not None else None
        indexes = list(part.indexes())
        if raws is None or max(indexes, default=0) >= len(raws):
            raise _UnlikeError
        return [HistoryItem(record, raws[at], at) for at in indexes]

    def named(self) -> Named:
        checkpoint = self._checkpoint
        records = [self._read_one(place) for place in checkpoint.named_lines()]
        if digest_of(record.stored for record in records) != checkpoint.lines_digest:
            raise _UnlikeError
        rest = iter(records)
        reference = payload_of(next(rest)) if checkpoint.reference is not None else None
        context = decode_payload(next(rest), TurnContext) if checkpoint.latest_context is not None else None
        world = checkpoint.world
        if world is None or world.state is not None:
            return Named(reference, context, world.state if world is not None else None)
        return Named(reference, context, fold_world([decode_payload(one, WorldState) for one in rest]))

    def _read_one(self, place: Place) -> Record:
        records = list(self._read([place]))
        if len(records) != 1:
            raise _UnlikeError
        return records[0]

    def _read(self, places: Iterable[Place]) -> Iterator[Record]:
        for group in _grouped(places):
            yield from self._read_group(group)

    def _read_group(self, group: list[Place]) -> Iterator[Record]:
        place = group[0].segment
        if place > self._checkpoint.place:
            raise _UnlikeError
        segment = self._lineage.segments[place]
        start, end = group[0].start_offset, group[-1].end_offset
        content = self._lineage.source(segment).read_at(start, end - start)
        if start < segment.start_offset or len(content) != end - start:
            raise _UnlikeError
        pieces: list[bytes] = []
        starts: list[int] = []
        for run in group:
            found = content[run.start_offset - start : run.end_offset - start]
            lines = [found] if found.find(b"\n") == len(found) - 1 else BytesIO(found).readlines()
            starts += accumulate(map(len, lines[:-1]), initial=run.start_offset)
            pieces += lines
        records = decode_pieces(pieces, starts, segment.header.era)
        if len(records) != len(pieces):
            raise _UnlikeError
        for record in records:
            if not isinstance(record, Record):
                raise _UnlikeError
            if self._places is not None:
                self._places[id(record)] = place
            yield record


def _is_item(record: Record) -> bool:
    if record.envelope.type == vocabulary.RESPONSE_ITEM:
        return is_history(record.envelope.payload)
    return record.envelope.type == vocabulary.AGENT_COMMUNICATION


def _grouped(places: Iterable[Place]) -> Iterator[list[Place]]:
    """Yield places that one read serves: near to each other, in one segment, in order."""
    group: list[Place] = []
    for place in places:
        if group:
            gap = place.start_offset - group[-1].end_offset
            size = place.end_offset - group[0].start_offset
            is_near = place.segment == group[0].segment and 0 <= gap <= _GAP_BYTES and size <= _BLOCK_BYTES
            if not is_near:
                yield group
                group = []
        group.append(place)
    if group:
        yield group
