"""A checkpoint kept up while its log is written, so that nothing is read twice to make it.

What was appended is folded onto what is known, some turns at a time, by the fold that every
reading uses; what cannot be added that way sends its owner back to a reading. Format:
docs/format.md, "Checkpoints".
"""

from __future__ import annotations

import re
from contextlib import suppress
from io import BytesIO
from itertools import accumulate, compress
from typing import Final

from msgspec import Raw, Struct

from rollout.format.codec import decode_pieces
from rollout.format.decoding import decode_line
from rollout.format.record import Era, Record
from rollout.log.source import Source
from rollout.replay.checkpoint import Parts, UnlikeError, find_checkpoint
from rollout.replay.context import settle
from rollout.replay.lineage import Lineage
from rollout.replay.positions import MadeCheckpoint, add_items, complete, describe_beside
from rollout.replay.reading import Reading

_LONGEST_STEP_BYTES: Final = 16 << 20
_BLOCK_BYTES: Final = 1 << 20
_LINE_BYTES: Final = 64 << 10
_LONGEST_FRONT_BYTES: Final = 160
_FRONT: Final = rb'\{"timestamp":"[^"\\]*",(?:"ordinal":[0-9]+,)?"type":"'
_SAYS_NOTHING: Final = re.compile(
    _FRONT + rb'(?:checkpoint"|event_msg","payload":\{"type":"item_completed")'
).match
"""What the recorder itself writes in quantity, and no checkpoint holds."""
_CHECKPOINT: Final = re.compile(_FRONT + rb'checkpoint"').match
_STOP: Final = re.compile(_FRONT + rb'(?:checkpoint|compacted)","payload":').match
_STOP_WORDS: Final = (b'"type":"checkpoint","payload":', b'"type":"compacted","payload":')


class GrowingCheckpoint:
    """What a log adds up to at a turn's end, moved on with the log by whoever writes it."""

    def __init__(self, made: MadeCheckpoint) -> None:
        self._beside = made.checkpoint
        self._parts = Parts(made.checkpoint.parts(), made.checkpoint.count)
        self.since_offset = made.checkpoint.offset - made.since_bytes
        """Where a resume would stop reading, were none written."""

    @property
    def size_bytes(self) -> int:
        """How many bytes of model history it names."""
        return self._parts.size_bytes

    def advance(self, lineage: Lineage) -> bool:
        """Take what was written since, up to the end of the lineage and of a turn.

        False when that cannot be added to what is known: a compaction, a rollback, damage. Then it is
        of no use any more.
        """
        start, end = self._beside.offset, lineage.newest.end_offset
        if not 0 <= end - start <= _LONGEST_STEP_BYTES or lineage.newest.header.era is not Era.ENVELOPE:
            return False
        pieces = BytesIO(lineage.newest_source.read_at(start, end - start)).readlines()
        is_wanted = [not _SAYS_NOTHING(piece) for piece in pieces]
        newest = next((at for at in range(len(pieces) - 1, -1, -1) if not _CHECKPOINT(pieces[at])), None)
        if newest is not None:
            is_wanted[newest] = True  # whatever it says, the last record has the last ordinal
        starts = accumulate(map(len, pieces[:-1]), initial=start)
        lines = decode_pieces(list(compress(pieces, is_wanted)), list(compress(starts, is_wanted)))
        reading = Reading(lineage, is_for_checkpoint=True)
        is_known = all(isinstance(line, Record) for line in lines)
        if not is_known or not reading.run_behind(self._beside, lines):
            return False
        settled = settle(reading)
        add_items(self._parts, reading, settled.items)
        self._parts.digest()
        self._beside = describe_beside(reading, settled)
        return True

    def make(self, lineage: Lineage) -> MadeCheckpoint | None:
        """Return the checkpoint as it stands; None when a number or a nesting in it cannot be stored."""
        return complete(lineage, self._beside, self._parts, self.since_offset)


class Stop(Struct, frozen=True):
    """A line behind which a resume may stop reading, and how many bytes of model history it names, if any."""

    start_offset: int
    end_offset: int
    named_bytes: int


def find_stop(source: Source, start_offset: int, end_offset: int) -> Stop | None:
    """Return the newest line of a range that looks like a checkpoint or a compaction. Decodes no other."""
    at = end_offset
    while at > start_offset:
        block_start = max(start_offset, at - _BLOCK_BYTES)
        block = source.read_at(block_start, min(at + _LONGEST_FRONT_BYTES, end_offset) - block_start)
        found = _find_front(block, is_first=block_start == start_offset)
        if found is not None:
            return _stop_at(source, block_start + found, end_offset)
        at = block_start
    return None


def _find_front(block: bytes, *, is_first: bool) -> int | None:
    """Return where the newest line with the front of a stop begins. A block may begin inside a line."""
    end = len(block)
    while (end := max(block.rfind(word, 0, end) for word in _STOP_WORDS)) >= 0:
        line_start = block.rfind(b"\n", 0, end) + 1
        if (line_start > 0 or is_first) and _STOP(block, line_start):
            return line_start
    return None


def _stop_at(source: Source, start_offset: int, end_offset: int) -> Stop:
    pieces: list[bytes] = []
    at = start_offset
    while at < end_offset and not (pieces and b"\n" in pieces[-1]):
        pieces.append(source.read_at(at, min(_LINE_BYTES, end_offset - at)))
        at += len(pieces[-1])
    content = b"".join(pieces)
    line = content[: content.find(b"\n") + 1 or len(content)]
    payload = decode_line(line, Raw)
    known = find_checkpoint(bytes(payload)) if payload is not None else None
    named_bytes = 0
    if known is not None:
        with suppress(UnlikeError):
            named_bytes = sum(part.size_bytes for part in known.parts())
    return Stop(start_offset, start_offset + len(line), named_bytes)
