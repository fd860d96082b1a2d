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

MAX_WINDOW_BYTES: Final = 128 << 20
"""A frame that needs more memory than this is not unpacked; zstd writes none unless told to."""


class CompressedSource:
    """The decoded bytes of any zstd stream, by position. See `rollout.log.source.Source`."""

    def __init__(self, file: ReadFile, fs: FileSystem) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._zstd = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
        self._unpack = self._zstd.decompressobj()
        self._file = file
        self._spool = fs.spool()
        self._is_done = False
        self.stat = file.stat()
        self._frames = FrameWalker(file, self.stat.size_bytes)
        self.defect: Rejected | None = None
        self.path = file.path
        self.identity = file.identity

    @property
    def bytes_read(self) -> int:
        """Packed bytes read so far."""
        return self._frames.bytes_read

    @property
    def size_bytes(self) -> int:
        """The decoded size. Unpacks everything."""
        while not self._is_done:
            self._advance()
        return self._spool.size_bytes

    def reaches(self, offset: int) -> bool:
        """Tell whether at least `offset` decoded bytes are there, unpacking no further than that."""
        while not self._is_done and self._spool.size_bytes < offset:
            self._advance()
        return self._spool.size_bytes >= offset

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to `size_bytes` from `offset`; fewer only at the end."""
        self.reaches(offset + size_bytes)
        return self._spool.read_at(offset, max(0, min(size_bytes, self._spool.size_bytes - offset)))

    def _advance(self) -> None:
        """Unpack one more block."""
        try:
            piece = self._frames.next_piece()
            if piece is None:
                self._is_done = True
                if self.stat.size_bytes == 0:
                    self._stop("the file is empty")
                return
            if piece.is_first:
                self._unpack = self._zstd.decompressobj()
            self._spool.append(self._unpack.decompress(piece.content))
        except (BrokenFrames, self._error) as bad:
            self._stop(str(bad))

    def _stop(self, why: str) -> None:
        self._is_done = True
        size = self._spool.size_bytes
        detail = f"the compressed stream breaks off after {size} decoded bytes: {why}"
        self.defect = Rejected(size, size, Reason.BAD_COMPRESSION, detail)

    def close(self) -> None:
        """Close it. Idempotent."""
        self._file.close()
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
