"""The decoded bytes of one rollout, plain or compressed, read by position.

The size is fixed when the source is opened: whatever is appended later is not seen
through it. All offsets count decoded bytes. Format: docs/format.md, "Compressed files".
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, Protocol, Self

from rollout.errors import DamagedLog
from rollout.format.record import Rejected
from rollout.fs.api import FileIdentity, FileStat, FileSystem, ReadFile
from rollout.log.layout import COMPRESSED_SUFFIX

_HEAD_BYTES: Final = 64 << 10


class Source(Protocol):
    """Decoded bytes by position, with a count of what was read."""

    @property
    def bytes_read(self) -> int:
        """Stored bytes read so far."""

    @property
    def path(self) -> str: ...

    @property
    def identity(self) -> FileIdentity: ...

    @property
    def stat(self) -> FileStat:
        """Size as stored and time of the last change, when the source was opened."""

    @property
    def size_bytes(self) -> int:
        """The decoded size. Unpacks all of a compressed file that has no seek table."""

    @property
    def defect(self) -> Rejected | None:
        """Where unpacking had to stop, and why; known once the end has been reached."""

    def reaches(self, offset: int) -> bool:
        """Tell whether at least `offset` decoded bytes are there, unpacking no further than that."""

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to `size_bytes` from `offset`; fewer only at the end."""

    def close(self) -> None:
        """Close it. Idempotent."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _PlainSource:
    defect: Rejected | None = None

    def __init__(self, file: ReadFile) -> None:
        self._file = file
        self.stat = file.stat()
        self.size_bytes = self.stat.size_bytes
        self.bytes_read = 0
        self.path = file.path
        self.identity = file.identity
        self._head = b""

    def reaches(self, offset: int) -> bool:
        return offset <= self.size_bytes

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        wanted = max(0, min(size_bytes, self.size_bytes - offset))
        known = self._head[offset : offset + wanted]
        if len(known) == wanted:
            return known
        content = self._file.read_at(offset + len(known), wanted - len(known))
        self.bytes_read += len(content)
        if len(known) + len(content) < wanted:
            raise DamagedLog(
                f"reading {self.path}: it shrank while it was read: expected {self.size_bytes} bytes, "
                f"found {offset + len(known) + len(content)}",
                hint="A log only grows; find out who cut it, then read it again.",
            )
        if known:
            return known + content
        if offset == 0 and wanted <= _HEAD_BYTES:
            self._head = content  # the header's reader was here; what follows often asks again
        return content

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LentSource:
    """A source that somebody else opened, and closes."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.path = source.path
        self.identity = source.identity
        self.stat = source.stat

    @property
    def bytes_read(self) -> int:
        return self._source.bytes_read

    @property
    def size_bytes(self) -> int:
        return self._source.size_bytes

    @property
    def defect(self) -> Rejected | None:
        return self._source.defect

    def reaches(self, offset: int) -> bool:
        return self._source.reaches(offset)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        return self._source.read_at(offset, size_bytes)

    def close(self) -> None:
        """Leave it open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_source(fs: FileSystem, path: str, *, reads_all: bool = False) -> Source:
    """Open a rollout for reading; compressed when its name says so. Raise NotFound or StorageFailed.

    `reads_all`: where a compressed one breaks off is its defect, whatever lies behind; for whoever
    reads everything, and says what is wrong.
    """
    file = fs.open_read(path)
    try:
        if path.endswith(COMPRESSED_SUFFIX):
            from rollout.log.framed import open_compressed

            return open_compressed(file, fs, reads_all=reads_all)
        return _PlainSource(file)
    except BaseException:
        file.close()
        raise
