"""Whole lines of a source in bounded memory, from either end.

Both directions cut at the same line ends and report the same over-long lines, so they
agree on every input. Memory stays below twice the line cap plus two blocks.
Format: docs/format.md, "Lines".
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Final

from msgspec import Struct

from rollout.format.record import Reason, Rejected
from rollout.log.source import Source

MAX_LINE_BYTES: Final = 64 << 20
"""The default cap: a longer line is reported as damage with its span, and the rest is read."""

_FIRST_BLOCK_BYTES: Final = 64 << 10
_LAST_BLOCK_BYTES: Final = 128 << 10


class Chunk(Struct, frozen=True, gc=False):
    """Bytes that begin at a line start and end at a line end, or at the end of the range."""

    start_offset: int
    content: bytes


class Lines(Struct, frozen=True, gc=False):
    """Lines next to each other, oldest first, each with its newline; only the last of a range may lack it."""

    start_offset: int
    pieces: list[bytes]

    @property
    def content(self) -> bytes:
        """Their bytes."""
        return b"".join(self.pieces)


def _too_long(start: int, end: int, cap: int) -> Rejected:
    return Rejected(start, end, Reason.TOO_LONG, f"a line of {end - start} bytes, over the cap of {cap}")


def _block_bytes(read_bytes: int, max_line_bytes: int) -> int:
    """Return how much to read next: an eighth of what has been read, so that little is read in vain."""
    return min(max(read_bytes // 8, _FIRST_BLOCK_BYTES), _LAST_BLOCK_BYTES, max_line_bytes)


def _joined(pieces: list[bytes]) -> bytes:
    """Return the pieces as one and let go of them: whoever decodes the whole needs the memory."""
    whole = b"".join(pieces)
    pieces.clear()
    return whole


def iter_chunks(
    source: Source, start: int, end: int, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Chunk | Rejected]:
    """Yield the lines of `[start, end)`, oldest first; `start` is a line start.

    A line of more than `max_line_bytes`, newline not counted, comes as Rejected.
    """
    block_bytes = _block_bytes(0, max_line_bytes)
    carry: list[bytes] = []
    carried = 0
    line_start = at = start
    while at < end:
        block = source.read_at(at, min(block_bytes, end - at))
        if not block:
            break
        block_bytes = _block_bytes(at - start, max_line_bytes)
        first = block.find(b"\n")
        if first < 0:
            at += len(block)
            carried += len(block)
            if carried > max_line_bytes:
                carry.clear()
            else:
                carry.append(block)
            continue
        last = block.rfind(b"\n")
        if carried + first > max_line_bytes:
            yield _too_long(line_start, at + first + 1, max_line_bytes)
            if last > first:
                yield Chunk(at + first + 1, block[first + 1 : last + 1])
        else:
            carry.append(block[: last + 1])
            yield Chunk(line_start, _joined(carry))
        at += len(block)
        carry = [block[last + 1 :]]
        carried = len(carry[0])
        line_start = at - carried
    if carried > max_line_bytes:
        yield _too_long(line_start, at, max_line_bytes)
    elif carried:
        yield Chunk(line_start, _joined(carry))


def iter_chunks_backward(
    source: Source, start: int, end: int, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Lines | Rejected]:
    """Yield the lines of `[start, end)`, newest chunk first, each chunk oldest line first.

    `start` is a line start. The same lines, spans and refusals as `iter_chunks`.
    """
    block_bytes = _block_bytes(0, max_line_bytes)
    carry: list[bytes] = []  # pieces of the one line that ends at `line_end`, newest first
    carried = 0  # their length, kept even when an over-long line's pieces are let go
    newline = 0  # 1 when that line ends with a newline
    line_end = at = end
    while at > start:
        size = min(block_bytes, at - start)
        at -= size
        block = source.read_at(at, size)
        block_bytes = _block_bytes(end - at, max_line_bytes)
        limit = len(block)
        if not carried and block.endswith(b"\n"):
            newline = 1
            limit -= 1  # this newline belongs to the line we begin to collect
        last = block.rfind(b"\n", 0, limit)
        if last < 0:
            carried += len(block)
            if carried - newline > max_line_bytes:
                carry.clear()
            else:
                carry.append(block)
            continue
        first = block.find(b"\n", 0, limit)
        if carried + len(block) - last - 1 - newline > max_line_bytes:
            yield _too_long(at + last + 1, line_end, max_line_bytes)
            if last > first:
                yield Lines(at + first + 1, _cut(block, first + 1, last + 1))
        else:
            carry.append(block[last + 1 :])
            carry.reverse()
            yield Lines(at + first + 1, [*_cut(block, first + 1, last + 1), _joined(carry)])
        carry = [block[: first + 1]]
        carried = first + 1
        newline = 1
        line_end = at + carried
    if carried - newline > max_line_bytes:
        yield _too_long(start, line_end, max_line_bytes)
    elif carried:
        carry.reverse()
        yield Lines(start, [_joined(carry)])


def _cut(block: bytes, start: int, end: int) -> list[bytes]:
    """Return the lines of a part of a block: by the stream, which finds newlines faster than `split`."""
    return BytesIO(block[start:end]).readlines()
