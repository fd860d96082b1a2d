"""A sealed rollout as a source: of its frames only those are unpacked that somebody reads.

The seek table is believed as far as its sums go; each frame is held to it when it is unpacked, and
one that is not what the table says is damage, never other bytes. Memory holds a few small frames; a
large one goes into scratch space, block by block. Format: docs/format.md, "Compressed files".
"""

from __future__ import annotations

from collections import OrderedDict
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from rollout.errors import DamagedLog
from rollout.format.record import Rejected
from rollout.fs.api import FileSystem, ReadFile
from rollout.log.compressed import MAX_WINDOW_BYTES, CompressedSource, Unpacking
from rollout.log.seekable import FOOTER_BYTES, SeekTable, parse_table, table_size_bytes

if TYPE_CHECKING:
    from zstandard import ZstdDecompressor

_SMALL_BYTES: Final = 8 << 20
"""A frame that holds more, as stored or decoded, goes into scratch space."""
_HELD_BYTES: Final = 8 << 20
_OPEN_FRAMES: Final = 2


class FramedSource:
    """The decoded bytes of a file with a seek table, by position. See `rollout.log.source.Source`.

    Raise DamagedLog where a frame that is needed cannot be unpacked.
    """

    defect: Rejected | None = None

    def __init__(self, file: ReadFile, fs: FileSystem, table: SeekTable, bytes_read: int = 0) -> None:
        self._file = file
        self._fs = fs
        self._table = table
        self._bytes_read = bytes_read
        self._zstd: ZstdDecompressor | None = None
        self._held: OrderedDict[int, bytes] = OrderedDict()
        self._held_bytes = 0
        self._unpacking: OrderedDict[int, Unpacking] = OrderedDict()
        self.stat = file.stat()
        self.size_bytes = table.decoded_bytes
        self.path = file.path
        self.identity = file.identity

    @property
    def bytes_read(self) -> int:
        """Packed bytes read so far, those of the table included."""
        return self._bytes_read + sum(one.bytes_read for one in self._unpacking.values())

    def reaches(self, offset: int) -> bool:
        """Tell whether at least `offset` decoded bytes are there. Unpacks nothing."""
        return offset <= self.size_bytes

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to `size_bytes` from `offset`; fewer only at the end."""
        end = min(offset + size_bytes, self.size_bytes)
        pieces = []
        while offset < end:
            number = self._table.find_frame(offset)
            start, frame_end = self._table.decoded_starts[number : number + 2]
            piece_end = min(end, frame_end)
            pieces.append(self._read(number, offset - start, piece_end - start))
            offset = piece_end
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read(self, number: int, start: int, end: int) -> bytes:
        """Return a range of what one frame holds."""
        held = self._held.get(number)
        if held is not None:
            self._held.move_to_end(number)
            return held[start:end]
        packed_start, packed_end = self._table.packed_starts[number : number + 2]
        decoded_bytes = self._decoded_bytes(number)
        if max(packed_end - packed_start, decoded_bytes) > _SMALL_BYTES:
            return self._read_large(number, start, end)
        packed = self._file.read_at(packed_start, packed_end - packed_start)
        self._bytes_read += len(packed)
        content = self._unpacked(number, packed, decoded_bytes)
        self._held[number] = content
        self._held_bytes += decoded_bytes
        while self._held_bytes > _HELD_BYTES and len(self._held) > 1:
            self._held_bytes -= len(self._held.popitem(last=False)[1])
        return content[start:end]

    def _unpacked(self, number: int, packed: bytes, decoded_bytes: int) -> bytes:
        import zstandard

        if self._zstd is None:
            self._zstd = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
        try:
            # Asked before anything is allocated: the frame decides how much that would be.
            stated_bytes = zstandard.frame_content_size(packed)
            if stated_bytes not in (-1, decoded_bytes):
                raise self._damage(number, f"the frame states {stated_bytes} bytes")
            content = self._zstd.decompress(packed, max_output_size=decoded_bytes, allow_extra_data=False)
        except zstandard.ZstdError as bad:
            raise self._damage(number, str(bad)) from bad
        if len(content) != decoded_bytes:
            raise self._damage(number, f"it holds {len(content)} bytes")
        return content

    def _read_large(self, number: int, start: int, end: int) -> bytes:
        decoded_bytes = self._decoded_bytes(number)
        known = self._unpacking.get(number)
        if known is None:
            packed_start, packed_end = self._table.packed_starts[number : number + 2]
            known = self._unpacking[number] = Unpacking(self._file, self._fs, packed_start, packed_end)
            if len(self._unpacking) > _OPEN_FRAMES:
                _, oldest = self._unpacking.popitem(last=False)
                self._bytes_read += oldest.bytes_read
                oldest.close()
        self._unpacking.move_to_end(number)
        known.reaches(end)
        while end == decoded_bytes and not known.is_done and known.size_bytes <= decoded_bytes:
            known.advance()  # to the checksum, and whatever should not follow it
        if known.trouble is not None:
            raise self._damage(number, known.trouble)
        if known.size_bytes > decoded_bytes or (known.is_done and known.size_bytes < decoded_bytes):
            how = "more" if known.size_bytes > decoded_bytes else f"{known.size_bytes} bytes"
            raise self._damage(number, f"it holds {how}")
        return known.read_at(start, end - start)

    def _decoded_bytes(self, number: int) -> int:
        start, end = self._table.decoded_starts[number : number + 2]
        return end - start

    def _damage(self, number: int, why: str) -> DamagedLog:
        start, end = self._table.decoded_starts[number : number + 2]
        packed_start, packed_end = self._table.packed_starts[number : number + 2]
        return DamagedLog(
            f"reading {self.path}: expected the {end - start} decoded bytes {start}-{end} in the frame at "
            f"bytes {packed_start}-{packed_end}: {why}",
            hint="Run `rollout check` to see what can be read, or get the file back from a copy.",
        )

    def close(self) -> None:
        """Close it. Idempotent."""
        self._file.close()
        for one in self._unpacking.values():
            one.close()
        self._held.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_compressed(
    file: ReadFile, fs: FileSystem, *, reads_all: bool = False
) -> FramedSource | CompressedSource:
    """Return a compressed file as a source, by its frames if it has a seek table that adds up.

    `reads_all`: everything will be read, and where it breaks off is a defect. Takes `file` over.
    """
    size_bytes = file.stat().size_bytes
    footer = file.read_at(max(0, size_bytes - FOOTER_BYTES), min(size_bytes, FOOTER_BYTES))
    table_bytes = table_size_bytes(footer)
    if table_bytes is None or table_bytes > size_bytes:
        return CompressedSource(file, fs, bytes_read=len(footer))
    stored = file.read_at(size_bytes - table_bytes, table_bytes)
    bytes_read = len(footer) + len(stored)
    table = parse_table(stored, size_bytes)
    if table is None or reads_all:
        return CompressedSource(file, fs, table, bytes_read)
    return FramedSource(file, fs, table, bytes_read)
