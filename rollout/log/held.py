"""A short rollout held in memory: read once, then read from as often as is needed."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rollout.format.record import Rejected
from rollout.fs.api import FileIdentity, FileStat


class HeldSource:
    """The bytes of a plain rollout as they were when it was read. A `Source` that has no file open."""

    defect: Rejected | None = None
    bytes_read = 0

    def __init__(self, path: str, stat: FileStat, identity: FileIdentity, content: bytes) -> None:
        self.path = path
        self.stat = stat
        self.identity = identity
        self.size_bytes = len(content)
        self._content = content

    def reaches(self, offset: int) -> bool:
        """Tell whether at least `offset` bytes are there."""
        return offset <= self.size_bytes

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        """Return up to `size_bytes` from `offset`; fewer only at the end."""
        return self._content[offset : offset + size_bytes]

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
