"""A log packed into frames that end where lines do, and the table of where they are.

Small frames, so that reading a page unpacks little. Where long strings come back again and again, as
images do that every checkpoint repeats, frames grow with their distance from the end: a repetition costs
nothing inside a frame, and what is read most lies at the end. Format: docs/format.md, "Compressed files".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from rollout.log.seekable import encode_table
from rollout.log.source import Source

if TYPE_CHECKING:
    import zstandard

DEFAULT_LEVEL: Final = 3
_READ_BYTES: Final = 128 << 10
_FIRST_FRAME_BYTES: Final = 32 << 10
"""Whoever lists threads reads their headers, and no more than this of each."""
_FRAME_BYTES: Final = 512 << 10
_LONGEST_FRAME_BYTES: Final = 64 << 20
_STREAMED_BYTES: Final = 4 << 20
_LONG_FRAME_BYTES: Final = (4 << 20, 32 << 20, 128 << 20)
"""Frames of a log that repeats itself, from its end on; the last size goes on to its beginning."""
_WINDOW_LOG: Final = 24
"""A repetition is found over 16 MiB; a decoder needs as much memory."""
_LONG_LINE_BYTES: Final = 64 << 10
_STRING_BYTES: Final = 8 << 10
_MOST_STRINGS: Final = 1 << 16
_REPEATED_SHARE: Final = 4
"""A log of which this part is repeated strings is packed for them."""


class Frame(Struct, frozen=True):
    """A stretch of decoded bytes, newline included."""

    start_offset: int
    end_offset: int


class Packing(Struct, frozen=True):
    """How a log is to be packed, and the digest of what is."""

    frames: list[Frame]
    is_long: bool
    digest: bytes
    size_bytes: int


def plan_packing(source: Source) -> Packing:
    """Return how to pack a log, all of which is read."""
    from blake3 import blake3

    hasher = blake3()
    repeats = _Repeats(source)
    ends: list[int] = []
    at = frame_start = line_start = 0
    while block := source.read_at(at, _READ_BYTES):
        hasher.update(block)
        newline = block.find(b"\n")
        if newline >= 0:
            repeats.look(line_start, at + newline)
            line_start = at + block.rfind(b"\n") + 1
            if not ends:
                frame_start = at + _first_end(block, at)
                ends.append(frame_start)
            elif line_start - frame_start >= _FRAME_BYTES:
                frame_start = line_start
                ends.append(frame_start)
        at += len(block)
        if at - frame_start >= _LONGEST_FRAME_BYTES:
            frame_start = at  # inside a line, which nobody reads as one
            ends.append(at)
    repeats.look(line_start, at)
    if frame_start < at or not ends:
        ends.append(at)
    is_long = repeats.repeated_bytes * _REPEATED_SHARE >= at > 0
    if is_long:
        ends = _grown(ends)
    frames = [Frame(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    return Packing(frames, is_long, hasher.digest(), at)


def _first_end(block: bytes, at: int) -> int:
    """Return where in the first block with a line end the first frame is to end.

    Behind as much as readers of headers read, but before a long line that follows the header.
    """
    wanted = max(0, _FIRST_FRAME_BYTES - at)
    behind = block.find(b"\n", wanted, max(0, 2 * _FIRST_FRAME_BYTES - at))
    if behind < 0:
        behind = block.rfind(b"\n", 0, wanted)
    return (behind if behind >= 0 else block.find(b"\n")) + 1


class _Repeats:
    """Counts the bytes of long strings in long lines that had been met before."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._met: set[bytes] = set()
        self.repeated_bytes = 0

    def look(self, start: int, end: int) -> None:
        """Take the next line."""
        if not _LONG_LINE_BYTES <= end - start <= _LONGEST_FRAME_BYTES:
            return
        from blake3 import blake3

        for string in self._source.read_at(start, end - start).split(b'"'):
            if len(string) < _STRING_BYTES:
                continue
            digest = blake3(string).digest(16)
            if digest in self._met:
                self.repeated_bytes += len(string)
            elif len(self._met) < _MOST_STRINGS:
                self._met.add(digest)


def _grown(ends: list[int]) -> list[int]:
    """Return fewer ends: of frames that are the larger the further from the end they are. The first stays."""
    kept = [ends[-1]]
    sizes = iter(_LONG_FRAME_BYTES)
    wanted_bytes = next(sizes)
    for end in reversed(ends[1:-1]):
        if kept[-1] - end >= wanted_bytes:
            kept.append(end)
            wanted_bytes = next(sizes, wanted_bytes)
    if len(ends) > 1:
        kept.append(ends[0])
    return kept[::-1]


def iter_packed(source: Source, packing: Packing, level: int = DEFAULT_LEVEL) -> Iterator[bytes]:
    """Yield the bytes of a sealed file: its frames, each with its size and a checksum, then the table.

    Memory holds a small frame, or of a large one a block and the window.
    """
    pack = _compressor(packing, level)
    sizes: list[tuple[int, int]] = []
    for frame in packing.frames:
        packed_bytes = 0
        for piece in _iter_frame(pack, source, frame):
            packed_bytes += len(piece)
            yield piece
        sizes.append((packed_bytes, frame.end_offset - frame.start_offset))
    yield encode_table(sizes)


def _compressor(packing: Packing, level: int) -> zstandard.ZstdCompressor:
    import zstandard

    if not packing.is_long:
        return zstandard.ZstdCompressor(level=level, write_checksum=True, write_content_size=True)
    given = zstandard.ZstdCompressionParameters.from_level(
        level, window_log=_WINDOW_LOG, enable_ldm=True, write_checksum=True, write_content_size=True
    )
    return zstandard.ZstdCompressor(compression_params=given)


def _iter_frame(pack: zstandard.ZstdCompressor, source: Source, frame: Frame) -> Iterator[bytes]:
    size_bytes = frame.end_offset - frame.start_offset
    if size_bytes < _STREAMED_BYTES:
        yield pack.compress(source.read_at(frame.start_offset, size_bytes))
        return
    packer = pack.compressobj(size=size_bytes)
    for at in range(frame.start_offset, frame.end_offset, _READ_BYTES):
        yield packer.compress(source.read_at(at, min(_READ_BYTES, frame.end_offset - at)))
    yield packer.flush()
