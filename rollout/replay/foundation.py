"""What a checkpoint lets a resume stand on: checked against the files, then read from them.

A checkpoint that is not about this lineage, or whose lines are not what it says, is as good as
none: whoever asked reads on. Format: docs/format.md, "Checkpoints".
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from io import BytesIO
from itertools import accumulate
from typing import Final, Protocol

from msgspec import Raw, Struct

from rollout.format import vocabulary
from rollout.format.codec import decode_pieces
from rollout.format.decoding import UNDECODABLE, decode_payload, payload_of
from rollout.format.items import is_history
from rollout.format.making import make_decoder
from rollout.format.payloads import Compacted, TurnContext, WorldState
from rollout.format.record import Era, Record
from rollout.log.anchor import anchor_of
from rollout.replay.checkpoint import Checkpoint, Digest, Part, Place, UnlikeError, digest_of, find_checkpoint
from rollout.replay.history import HistoryItem, replay
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.world import fold_world

_GAP_BYTES: Final = 16 << 10
_BLOCK_BYTES: Final = 128 << 10


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


class Verified(Struct, frozen=True):
    """One part of a checkpoint's history, its bytes held against their digest and not decoded.

    Each of `runs` is a line of segment `place`, or several side by side, and begins at one of `starts`.
    `count` is the number of items that they must hold.
    """

    part: Part
    place: int
    era: Era
    runs: list[bytes]
    starts: list[int]
    count: int

    def items(self, places: dict[int, int] | None = None) -> list[HistoryItem]:
        """Return the items. Raise UnlikeError when the lines hold no such thing."""
        if self.part.inline:
            return [HistoryItem(json=raw) for raw in self.part.inline]
        records = self._records()
        if places is not None:
            places.update((id(record), self.place) for record in records)
        if self.part.replaced:
            return [
                HistoryItem(records[0], raw, at)
                for at, raw in zip(self.part.indexes(), self._replaced(), strict=True)
            ]
        if not all(map(_is_item, records)):
            raise UnlikeError
        return replay([], records).items

    def jsons(self) -> list[Raw]:
        """Return the items' JSON, as stored, without looking into it. Raise UnlikeError as `items` does."""
        if self.part.inline:
            return self.part.inline
        if self.part.replaced:
            return self._replaced()
        if self.era is not Era.ENVELOPE:
            return [item.read_json() for item in self.items()]
        try:
            found = [line for run in self.runs for line in _decode_payloads(run)]
        except UNDECODABLE as error:
            raise UnlikeError from error
        if len(found) != self.count:
            raise UnlikeError
        if all(line.type == vocabulary.RESPONSE_ITEM for line in found):
            return [line.payload for line in found]
        return [item.read_json() for item in self.items()]

    def _replaced(self) -> list[Raw]:
        compacted = decode_payload(self._records()[0], Compacted)
        raws = compacted.replacement_history if compacted is not None else None
        indexes = list(self.part.indexes())
        if raws is None or max(indexes, default=0) >= len(raws):
            raise UnlikeError
        return [raws[at] for at in indexes]

    def _records(self) -> list[Record]:
        return _records(self.runs, self.starts, self.era)


class _Payload(Struct, frozen=True, gc=False):
    type: str
    payload: Raw


_decode_payloads: Final = make_decoder(_Payload).decode_lines


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


class Want(Enum):
    """What a reading wants of the items that a checkpoint names."""

    NOTHING = "nothing"
    PLACES = "places"
    BYTES = "bytes"
    ITEMS = "items"


class Loaded(Struct, frozen=True):
    """What was read for a checkpoint: its single lines, and what was wanted of its items.

    `parts` say where the items are, `verified` holds their bytes, `items` is what these say.
    """

    named: Named
    parts: list[Part] | None = None
    verified: list[Verified] | None = None
    items: list[HistoryItem] | None = None


def load_foundation(
    lineage: Lineage, checkpoint: Checkpoint, want: Want, places: dict[int, int] | None = None
) -> Loaded | None:
    """Return what is wanted of a checkpoint, or None when the files do not hold it.

    `places` notes the segment of every record of an item, by the record's identity.
    """
    try:
        named = _Loader(lineage, checkpoint).named()
        if want is Want.NOTHING:
            return Loaded(named)
        if want is Want.PLACES:
            return Loaded(named, parts=checkpoint.parts())
        verified = load_verified(lineage, checkpoint)
        if want is Want.BYTES:
            return Loaded(named, verified=verified)
        return Loaded(named, items=[item for part in verified for item in part.items(places)])
    except UnlikeError:
        return None


def load_verified(lineage: Lineage, checkpoint: Checkpoint) -> list[Verified]:
    """Return the bytes that a checkpoint names as items. Raise UnlikeError when the files hold others."""
    loader = _Loader(lineage, checkpoint)
    found = [loader.verified(part) for part in checkpoint.parts()]
    if sum(one.count for one in found) != checkpoint.count:
        raise UnlikeError
    return found


class _Loader:
    def __init__(self, lineage: Lineage, checkpoint: Checkpoint) -> None:
        self._lineage = lineage
        self._checkpoint = checkpoint

    def verified(self, part: Part) -> Verified:
        if part.inline:
            return Verified(part, 0, Era.ENVELOPE, [], [], part.count)
        places = list(part.places()) if part.lines else [part.compaction]
        runs: list[bytes] = []
        digest = Digest()
        for group in _grouped(places):
            for run in self._read(group):
                digest.add([run])
                runs.append(run)
        if digest.text() != part.digest:
            raise UnlikeError
        place = places[0].segment if places else 0
        era = self._lineage.segments[place].header.era
        count = part.count or sum(run.count(b"\n") + (not run.endswith(b"\n")) for run in runs)
        return Verified(part, place, era, runs, [one.start_offset for one in places], count)

    def named(self) -> Named:
        checkpoint = self._checkpoint
        records = [self._read_one(place) for place in checkpoint.named_lines()]
        if digest_of(record.stored for record in records) != checkpoint.lines_digest:
            raise UnlikeError
        rest = iter(records)
        reference = payload_of(next(rest)) if checkpoint.reference is not None else None
        context = decode_payload(next(rest), TurnContext) if checkpoint.latest_context is not None else None
        world = checkpoint.world
        if world is None or world.state is not None:
            return Named(reference, context, world.state if world is not None else None)
        return Named(reference, context, fold_world([decode_payload(one, WorldState) for one in rest]))

    def _read_one(self, place: Place) -> Record:
        records = _records(
            self._read([place]), [place.start_offset], self._lineage.segments[place.segment].header.era
        )
        if len(records) != 1:
            raise UnlikeError
        return records[0]

    def _read(self, group: list[Place]) -> list[bytes]:
        """Return the bytes of places that are near to each other."""
        place = group[0].segment
        if place > self._checkpoint.place:
            raise UnlikeError
        segment = self._lineage.segments[place]
        start, end = group[0].start_offset, group[-1].end_offset
        content = self._lineage.source(segment).read_at(start, end - start)
        if start < segment.start_offset or len(content) != end - start:
            raise UnlikeError
        return [content[run.start_offset - start : run.end_offset - start] for run in group]


def _records(runs: list[bytes], starts: list[int], era: Era) -> list[Record]:
    lines: list[bytes] = []
    offsets: list[int] = []
    for run, start in zip(runs, starts, strict=True):
        cut = BytesIO(run).readlines()
        lines += cut
        offsets += accumulate(map(len, cut[:-1]), initial=start)
    found = decode_pieces(lines, offsets, era)
    records = [line for line in found if isinstance(line, Record)]
    if len(records) != len(lines):
        raise UnlikeError
    return records


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
