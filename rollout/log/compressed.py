"""A compressed rollout as a source: unpacked forward into scratch space, as far as somebody asks.

Whatever the file claims, memory holds one packed block, one unpacked block and the window.
What could be unpacked is kept; where it stops being a zstd stream is the source's defect.
Format: docs/format.md, "Compressed files".
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from rollout.format.record import Reason, Rejected
from rollout.fs.api import FileSystem, ReadFile
from rollout.log.frames import BrokenFrames, FrameWalker
from rollout.log.seekable import SeekTable

MAX_WINDOW_BYTES: Final = 128 << 20
"""A frame that needs more memory than this is not unpacked; zstd writes none unless told to."""


class Unpacking:
    """The frames in a range of a file, unpacked forward into scratch space as far as somebody asks.

    `trouble` says why it cannot go on, once it cannot. With a `table`, frames must be where it says.
    """

    def __init__(
        self,
        file: ReadFile,
        fs: FileSystem,
        start_offset: int,
        end_offset: int,
        table: SeekTable | None = None,
    ) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._zstd = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
        self._unpack = self._zstd.decompressobj()
        self._frames = FrameWalker(file, end_offset, start_offset)
        self._spool = fs.spool()
        self._said = dict(zip(table.packed_starts, table.decoded_starts, strict=True)) if table else None
        self._table = table
        self.size_bytes = 0
        """How many bytes were unpacked so far."""
        self.is_done = False
        self.trouble: str | None = None

    @property
    def bytes_read(self) -> int:
        """Packed bytes read so far."""
        return self._frames.bytes_read

    def reaches(self, offset: int) -> bool:
        """Unpack until `offset` bytes are there, and no further; tell whether they are."""
        while not self.is_done and self.size_bytes < offset:
            self.advance()
        return self.size_bytes >= offset

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to `size_bytes` of what was unpacked, from `offset`."""
        return self._spool.read_at(offset, max(0, min(size_bytes, self.size_bytes - offset)))

    def advance(self) -> None:
        """Unpack one more block."""
        try:
            piece = self._frames.next_piece()
            if piece is None:
                self.is_done = True
                if self._table is not None and self.size_bytes != self._table.decoded_bytes:
                    self.trouble = "the seek table claims another size"
                return
            if piece.is_first:
                self._unpack = self._zstd.decompressobj()
                if self._said is not None and self._said.get(self._frames.frame_start) != self.size_bytes:
                    raise BrokenFrames("the seek table does not tell where the frames are")
            content = self._unpack.decompress(piece.content)
            self._spool.append(content)
            self.size_bytes += len(content)
        except (BrokenFrames, self._error) as bad:
            self.is_done = True
            self.trouble = str(bad)

    def close(self) -> None:
        """Give the space back. Idempotent."""
        self._spool.close()


class CompressedSource:
    """The decoded bytes of any zstd stream, by position. See `rollout.log.source.Source`.

    A `table` is not used for reading, but found out if it is wrong.
    """

    def __init__(
        self, file: ReadFile, fs: FileSystem, table: SeekTable | None = None, bytes_read: int = 0
    ) -> None:
        self._file = file
        self._bytes_read = bytes_read
        self.stat = file.stat()
        self._unpacking = Unpacking(file, fs, 0, self.stat.size_bytes, table)
        self.path = file.path
        self.identity = file.identity

    @property
    def bytes_read(self) -> int:
        """Packed bytes read so far, those that were looked at for a table among them."""
        return self._bytes_read + self._unpacking.bytes_read

    @property
    def size_bytes(self) -> int:
        """The decoded size. Unpacks everything."""
        while not self._unpacking.is_done:
            self._unpacking.advance()
        return self._unpacking.size_bytes

    @property
    def defect(self) -> Rejected | None:
        """Where unpacking had to stop, and why; known once the end has been reached."""
        trouble = self._unpacking.trouble
        if trouble is None and self._unpacking.is_done and self.stat.size_bytes == 0:
            trouble = "the file is empty"
        if trouble is None:
            return None
        size = self._unpacking.size_bytes
        detail = f"the compressed stream breaks off after {size} decoded bytes: {trouble}"
        return Rejected(size, size, Reason.BAD_COMPRESSION, detail)

    def reaches(self, offset: int) -> bool:
        """Tell whether at least `offset` decoded bytes are there, unpacking no further than that."""
        return self._unpacking.reaches(offset)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to `size_bytes` from `offset`; fewer only at the end."""
        self._unpacking.reaches(offset + size_bytes)
        return self._unpacking.read_at(offset, size_bytes)

    def close(self) -> None:
        """Close it. Idempotent."""
        self._file.close()
        self._unpacking.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
