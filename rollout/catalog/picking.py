"""The records that somebody wants out of a rollout, at the speed of looking at every line's beginning.

A line that begins as clients write it is told by its first bytes; any other is decoded. So what is picked
is what a full decode would give, and most lines cost half a microsecond.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Final

from msgspec import Struct

from rollout.format.codec import decode_pieces
from rollout.format.record import Era, Record, Rejected
from rollout.log.chunks import iter_chunks
from rollout.log.source import Source

_HEAD: Final = re.compile(
    rb'\{"timestamp":"[^"\\]{1,64}",(?:"ordinal":(\d{1,20}),)?"type":"(\w+)","payload":\{'
    rb'(?:"type":"(\w+)"(?:,"thread_id":"[^"\\]*","turn_id":"([^"\\]+)")?)?'
).match
_EVENT: Final = b"event_msg"
UNCLEAR: Final = "?"
"""Stands where the label, too, takes decoding."""

Event = tuple[int, bytes | None, bytes, bytes | None]
"""What the front of an event's line shows: where it begins, its ordinal if any, its kind, its turn."""


class Block(Struct, frozen=True):
    """Some whole lines of a rollout that lie next to each other."""

    pieces: list[bytes]
    start_offset: int
    end_offset: int
    era: Era

    def pick(self, labels: frozenset[str], events: list[Event] | None = None) -> list[Picked]:
        """Return the lines that may be records of these labels, oldest first, not yet decoded.

        `events` is given all those that are events for sure.
        """
        is_enveloped = self.era is Era.ENVELOPE
        wanted = {label.encode(): label for label in labels}
        found: list[Picked] = []
        start = self.start_offset
        for piece in self.pieces:
            head = _HEAD(piece) if is_enveloped else None
            if head is None:
                found.append(Picked(UNCLEAR, start, piece))
            else:
                ordinal, type_, kind, turn_id = head.groups()
                name = kind if type_ == _EVENT else type_
                if events is not None and type_ == _EVENT and kind is not None:
                    events.append((start, ordinal, kind, turn_id))
                if name is None:
                    found.append(Picked(UNCLEAR, start, piece))
                elif name in wanted:
                    found.append(Picked(wanted[name], start, piece))
            start += len(piece)
        return found

    def decode(self, picked: Iterable[Picked]) -> list[Record]:
        """Return those of some lines that are records."""
        lines = list(picked)
        decoded = decode_pieces(
            [line.piece for line in lines], [line.start_offset for line in lines], self.era
        )
        return [line for line in decoded if isinstance(line, Record)]


class Picked(Struct, frozen=True, gc=False):
    """A line whose beginning says which label it has, or `UNCLEAR`; decoding tells whether it is a record."""

    label: str
    start_offset: int
    piece: bytes


def iter_blocks(source: Source, start_offset: int, era: Era, max_line_bytes: int) -> Iterator[Block]:
    """Yield the whole lines from an offset on, block by block; those over the cap are in none.

    An incomplete last line is left for the next time. The end of the last block, which may hold no line,
    is how far reading came.
    """
    for chunk in iter_chunks(source, start_offset, source.size_bytes, max_line_bytes):
        if isinstance(chunk, Rejected):
            if source.read_at(chunk.end_offset - 1, 1) == b"\n":
                yield Block([], chunk.start_offset, chunk.end_offset, era)
            continue
        pieces = BytesIO(chunk.content).readlines()
        end = chunk.start_offset + len(chunk.content)
        if not pieces[-1].endswith(b"\n"):
            end -= len(pieces.pop())
        yield Block(pieces, chunk.start_offset, end, era)
