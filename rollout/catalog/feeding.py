"""One pass over a rollout's lines for all domains: each gets the records that it asks for, and no more.

Of records of which only the newest counts, the older ones of a block are not even decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from msgspec import Struct

from rollout.catalog.domains import LookingReader, Reader
from rollout.catalog.picking import UNCLEAR, Block, Event, Picked, iter_blocks
from rollout.format.record import Record
from rollout.log.header import Header
from rollout.log.source import Source


class Feed(Struct, frozen=True):
    """A reader, and the offset from which on it is fed."""

    reader: Reader
    start_offset: int


class _Looker(Struct, frozen=True):
    """A reader that looks at events too, and the offset from which on it does."""

    reader: LookingReader
    start_offset: int


def feed(
    source: Source, header: Header, start_offset: int, max_line_bytes: int, feeds: Sequence[Feed]
) -> int:
    """Feed every record from `start_offset` on to whoever wants it; return where the last whole line ends."""
    end = start_offset
    lookers = [_Looker(reader, one.start_offset) for one in feeds if (reader := _looking(one.reader))]
    for block in iter_blocks(source, start_offset, header.era, max_line_bytes):
        fed = [one for one in feeds if one.start_offset < block.end_offset]
        _feed_block(block, fed, [one for one in lookers if one.start_offset < block.end_offset])
        end = block.end_offset
    return end


def _looking(reader: Reader) -> LookingReader | None:
    """Return a reader that looks at events as one. Asking a protocol takes as long as reading a short log."""
    return cast(LookingReader, reader) if hasattr(reader, "look") else None


def _feed_block(block: Block, feeds: Sequence[Feed], lookers: Sequence[_Looker]) -> None:
    singly = frozenset[str]().union(*(one.reader.labels for one in feeds))
    newest = frozenset[str]().union(*(group for one in feeds for group in one.reader.newest))
    looking = [looker for looker in lookers if looker.reader.is_looking]
    events: list[Event] | None = [] if looking else None
    picked = block.pick(singly | newest, events)
    is_clear = UNCLEAR not in [line.label for line in picked]
    for looker in looking:
        looker.reader.look(events or [], looker.start_offset, is_clear=is_clear)
    if not is_clear:
        decoded = block.decode(picked)
        for one in feeds:
            _feed_singly(one, decoded)
            for group in one.reader.newest:
                own = [record for record in decoded if record.label in group]
                one.reader.feed_newest(group, _from(one, reversed(own)))
        return
    records = block.decode(line for line in picked if line.label in singly)
    for one in feeds:
        _feed_singly(one, records)
        for group in one.reader.newest:
            lines = [line for line in picked if line.label in group]
            if lines:
                one.reader.feed_newest(group, _from(one, _decoded_backward(block, lines)))


def _feed_singly(one: Feed, records: Sequence[Record]) -> None:
    labels = one.reader.labels
    take = one.reader.feed
    start = one.start_offset
    for record in records:
        if record.label in labels and record.start_offset >= start:
            take(record)


def _decoded_backward(block: Block, lines: Sequence[Picked]) -> Iterator[Record]:
    for line in reversed(lines):
        yield from block.decode([line])


def _from(one: Feed, records: Iterator[Record]) -> Iterator[Record]:
    return (record for record in records if record.start_offset >= one.start_offset)
