"""The frames of a zstd file, cut into blocks without being unpacked.

A block holds at most 128 KiB of content however few bytes it takes, so whoever unpacks block
by block stays in bounded memory, and knows at every moment whether the stream may end here.
Format: docs/format.md, "Compressed files".
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rollout.fs.api import ReadFile

_FIRST_READ_BYTES: Final = 16 << 10
_LAST_READ_BYTES: Final = 256 << 10
_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_SKIPPED_MAGIC: Final = b"\x2a\x4d\x18"  # behind a byte of 0x50 to 0x5f
_DICTIONARY_BYTES: Final = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES: Final = (0, 2, 4, 8)
_ONE_BYTE_REPEATED: Final = 1
_RESERVED: Final = 3


class BrokenFrames(Exception):  # never leaves the log: the source makes a Rejected of it
    """The packed bytes are no whole zstd stream. The message says where they stop being one."""


class Piece(Struct, frozen=True):
    """Packed bytes that unpack to one block of content at most. `is_first`: a frame begins here."""

    content: bytes
    is_first: bool


class FrameWalker:
    """Hands out the blocks of a zstd file in order, up to a byte of it; skippable frames are passed over."""

    def __init__(self, file: ReadFile, size_bytes: int, start_offset: int = 0) -> None:
        self._file = file
        self._size_bytes = size_bytes
        self._buffer = b""
        self._buffer_start = start_offset
        self._at = start_offset
        self._read_bytes = _FIRST_READ_BYTES
        self._is_inside = False
        self._has_checksum = False
        self._owes_checksum = False
        self.frame_start = start_offset
        """Where the frame of the last piece begins."""
        self.bytes_read = 0

    def next_piece(self) -> Piece | None:
        """Return the next block, or None at the end. Raise BrokenFrames where there is no next one."""
        if self._owes_checksum:
            self._owes_checksum = False
            return Piece(self._take(4), is_first=False)
        if self._is_inside:
            return Piece(self._take_block(), is_first=False)
        if not self._find_frame():
            return None
        header = self._take_header()
        self._is_inside = True
        return Piece(header + self._take_block(), is_first=True)

    def _find_frame(self) -> bool:
        while self._at < self._size_bytes:
            start = self._at
            magic = self._take(min(4, self._size_bytes - start))
            if magic == _MAGIC:
                self.frame_start = start
                return True
            if magic[1:] != _SKIPPED_MAGIC or magic[0] & 0xF0 != 0x50:
                raise BrokenFrames(f"no frame begins at byte {start} of {self._size_bytes}")
            skipped_bytes = int.from_bytes(self._take(4), "little")
            self._at += skipped_bytes
            if self._at > self._size_bytes:
                raise self._cut_off()
        return False

    def _take_header(self) -> bytes:
        descriptor = self._take(1)
        flags = descriptor[0]
        is_single_segment = bool(flags & 0x20)
        self._has_checksum = bool(flags & 0x04)
        content_size_bytes = _CONTENT_SIZE_BYTES[flags >> 6]
        if is_single_segment:
            content_size_bytes = content_size_bytes or 1
        else:
            content_size_bytes += 1  # the window, which a single segment does not state
        return _MAGIC + descriptor + self._take(_DICTIONARY_BYTES[flags & 0x03] + content_size_bytes)

    def _take_block(self) -> bytes:
        start = self._at
        header = self._take(3)
        bits = int.from_bytes(header, "little")
        kind, size_bytes = bits >> 1 & 0x03, bits >> 3
        if kind == _RESERVED:
            raise BrokenFrames(f"the block at byte {start} of {self._size_bytes} is of no known kind")
        block = header + self._take(1 if kind == _ONE_BYTE_REPEATED else size_bytes)
        if bits & 1:
            self._is_inside = False
            self._owes_checksum = self._has_checksum
        return block

    def _take(self, size_bytes: int) -> bytes:
        """Return exactly the next bytes of the file."""
        end = self._at + size_bytes
        if end > self._size_bytes:
            raise self._cut_off()
        if end > self._buffer_start + len(self._buffer):
            self._fill(size_bytes)
        start = self._at - self._buffer_start
        taken = self._buffer[start : start + size_bytes]
        if len(taken) < size_bytes:
            raise self._cut_off()
        self._at = end
        return taken

    def _fill(self, size_bytes: int) -> None:
        """Have at least `size_bytes` from the current byte on in the buffer, if the file has them."""
        kept = self._buffer[self._at - self._buffer_start :]
        self._read_bytes = min(2 * self._read_bytes, _LAST_READ_BYTES)
        wanted = min(max(self._read_bytes, size_bytes), self._size_bytes - self._at)
        fresh = self._file.read_at(self._at + len(kept), wanted - len(kept))
        self._buffer_start = self._at
        self._buffer = kept + fresh
        self.bytes_read += len(fresh)

    def _cut_off(self) -> BrokenFrames:
        return BrokenFrames(f"the file ends inside a frame, after {self._size_bytes} bytes")
