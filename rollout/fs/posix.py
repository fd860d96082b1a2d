"""The real file system: pread on plain descriptors, scratch space in the system's temporary folder.

OS errors are translated here and nowhere else.
"""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from rollout.errors import NotFound, StorageFailed
from rollout.fs.api import FileIdentity, FileStat, FileSystem, FolderEntry, ReadFile, Spool

random_bytes: Final = os.urandom
"""Returns as many bytes as asked for, of a kind that nobody can foretell."""
_SPOOL_IN_MEMORY_BYTES: Final = 8 << 20
_NANOS_A_MILLI: Final = 1_000_000


def _refused(act: str, path: str, error: OSError | ValueError) -> StorageFailed:
    return StorageFailed(
        f"{act} {path}: {error.strerror if isinstance(error, OSError) and error.strerror else error}",
        hint="Check that the path exists and that you may read it, then try again.",
    )


def _stat_of(found: os.stat_result) -> FileStat:
    identity = FileIdentity(found.st_dev, found.st_ino)
    return FileStat(found.st_size, found.st_mtime_ns // _NANOS_A_MILLI, identity)


class _PosixFile:
    def __init__(self, path: str) -> None:
        flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            self._descriptor = os.open(path, flags)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(
                f"opening {path}: there is no such file", hint="Run `rollout list` to see what is there."
            ) from error
        except (OSError, ValueError) as error:
            raise _refused("opening", path, error) from error
        try:
            try:
                found = os.fstat(self._descriptor)
            except OSError as error:
                raise _refused("looking at", path, error) from error
            if not modes.S_ISREG(found.st_mode):
                raise StorageFailed(
                    f"opening {path}: expected a regular file, found something else",
                    hint="Name a rollout, or a thread by its id.",
                )
        except BaseException:
            os.close(self._descriptor)
            raise
        self._path = path
        self._identity = FileIdentity(found.st_dev, found.st_ino)

    @property
    def identity(self) -> FileIdentity:
        return self._identity

    @property
    def path(self) -> str:
        return self._path

    def stat(self) -> FileStat:
        try:
            found = os.fstat(self._descriptor)
        except OSError as error:
            raise _refused("looking at", self._path, error) from error
        return _stat_of(found)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        try:
            content = os.pread(self._descriptor, size_bytes, offset)
            if len(content) == size_bytes or not content:
                return content
            pieces = [content]
            have = len(content)
            while have < size_bytes:
                piece = os.pread(self._descriptor, size_bytes - have, offset + have)
                if not piece:
                    break
                pieces.append(piece)
                have += len(piece)
        except OSError as error:
            raise _refused("reading", self._path, error) from error
        return b"".join(pieces)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1  # the number may be given to another file at once

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _PosixSpool:
    def __init__(self) -> None:
        import tempfile  # only compressed rollouts need it, and it is slow to import

        self._file = tempfile.SpooledTemporaryFile(max_size=_SPOOL_IN_MEMORY_BYTES)  # noqa: SIM115  # closed by close()
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def append(self, content: bytes) -> None:
        try:
            self._file.seek(self._size_bytes)
            self._file.write(content)
        except OSError as error:
            raise _refused("unpacking into", "the temporary folder", error) from error
        self._size_bytes += len(content)

    def read_at(self, offset: int, size_bytes: int) -> bytes:
        try:
            self._file.seek(offset)
            return self._file.read(size_bytes)
        except OSError as error:
            raise _refused("reading back from", "the temporary folder", error) from error

    def close(self) -> None:
        self._file.close()


class PosixFileSystem:
    """The file system of this machine. Holds no state; safe to share between threads."""

    def open_read(self, path: str) -> ReadFile:
        """Open a regular file for reading. Raise NotFound or StorageFailed."""
        return _PosixFile(path)

    def iter_folder(self, path: str) -> Iterator[FolderEntry]:
        """Yield the names in a folder, in no order; none when there is no such folder."""
        try:
            with os.scandir(path) as names:
                for name in names:
                    yield FolderEntry(name.name, name.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return
        except (OSError, ValueError) as error:
            raise _refused("listing", path, error) from error

    def find_stat(self, path: str) -> FileStat | None:
        """Return size and time of the file at `path`, or None when there is none."""
        try:
            found = os.stat(path)  # noqa: PTH116  # paths are plain text below the store
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise _refused("looking at", path, error) from error
        return _stat_of(found)

    def is_folder(self, path: str) -> bool:
        """Tell whether `path` is a folder that can be listed."""
        return os.path.isdir(path)  # noqa: PTH112  # paths are plain text below the store

    def spool(self) -> Spool:
        """Open scratch space; up to 8 MiB of it stay in memory."""
        return _PosixSpool()


POSIX: Final[FileSystem] = PosixFileSystem()
"""The one instance; it has no state."""
