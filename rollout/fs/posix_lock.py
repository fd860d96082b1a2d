"""Locks on files by flock, and what the system's refusals are called: shared by all that writes on POSIX.

Where there are no POSIX locks (Windows) this module can be imported, and taking a lock fails.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from rollout.errors import StorageFailed

FILE_MODE: Final = 0o600
CLOSED_ON_EXEC: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)

_HINTS: Final = {
    errno.ENOSPC: "Free some space, then open again.",
    errno.EDQUOT: "Free some space, then open again.",
    errno.EROFS: "Make the file system writable, or work on a copy of the home.",
    errno.EACCES: "Check that you may write there, then open again.",
    errno.EPERM: "Check that you may write there, then open again.",
    errno.ENOENT: "Check that the folder is still there, then open again.",
    errno.ENOTDIR: "Check that the folder is still there, then open again.",
}


def refused(act: str, path: str, error: OSError | ValueError) -> StorageFailed:
    """Return what to raise for a refusal: the system's words, and what to do about them."""
    number = error.errno if isinstance(error, OSError) else None
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    hint = _HINTS.get(number or 0, "Mend what the system complains of, then open again.")
    return StorageFailed(f"{act} {path}: {words}", hint=hint)


class _PosixLock:
    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._taken_by = os.getpid()

    @property
    def path(self) -> str:
        return self._path

    @property
    def is_held(self) -> bool:
        # A lock belongs to the open file, which a forked child shares.
        return self._descriptor >= 0 and os.getpid() == self._taken_by

    def release(self, *, removes_file: bool = False) -> None:
        is_held = self.is_held
        descriptor, self._descriptor = self._descriptor, -1
        try:
            if is_held:
                self._unlock(descriptor, removes_file=removes_file)
        except OSError as error:
            raise refused("unlocking", self._path, error) from error
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _unlock(self, descriptor: int, *, removes_file: bool) -> None:
        import fcntl  # there, or the lock would not have been taken

        try:
            if removes_file and _has_name(descriptor, self._path):
                os.unlink(self._path)  # noqa: PTH108  # paths are plain text below the store
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing alone would leave it with forked children


def _has_name(descriptor: int, path: str) -> bool:
    """Tell whether `path` names the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def try_lock(path: str, *, shared: bool) -> _PosixLock | None:
    """Take a lock on a file, made if missing; None while somebody else has it."""
    try:
        import fcntl  # absent on Windows, where reading must work
    except ImportError as error:
        raise StorageFailed(
            f"locking {path}: this platform has no POSIX locks", hint="Write on Linux or macOS."
        ) from error

    how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | CLOSED_ON_EXEC | NO_LINK, FILE_MODE)
        except (OSError, ValueError) as error:
            raise refused("locking", path, error) from error
        is_taken = False
        try:
            fcntl.flock(descriptor, how)
            # Its last holder may have removed the file between our opening and our locking it.
            is_taken = _has_name(descriptor, path)
        except BlockingIOError:
            return None
        except OSError as error:
            raise refused("locking", path, error) from error
        finally:
            if not is_taken:
                os.close(descriptor)
        if is_taken:
            return _PosixLock(path, descriptor)
