"""One look at every name in a folder: what a walk over tens of thousands of files can afford.

Beside the door's other verbs, for it tells times in nanoseconds. POSIX and Windows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from msgspec import Struct

from rollout.errors import StorageFailed


class FoundName(Struct, frozen=True, gc=False):
    """One name in a folder, and what one look at it told. A folder has no size."""

    name: str
    is_folder: bool
    size_bytes: int
    changed_ns: int
    inode: int


def iter_found(path: str) -> Iterator[FoundName]:
    """Yield the names in a folder, in no order; none when there is no such folder.

    A link that leads nowhere, and a name that vanished meanwhile, are left out. Raise StorageFailed.
    """
    try:
        with os.scandir(path) as names:
            for name in names:
                try:
                    is_folder = name.is_dir()
                    found = name.stat()
                except FileNotFoundError:
                    continue
                yield FoundName(name.name, is_folder, found.st_size, found.st_mtime_ns, found.st_ino)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        raise StorageFailed(
            f"listing {path}: {error}", hint="Check that you may read it, then try again."
        ) from error


def find_found(path: str) -> FoundName | None:
    """Return what one look at a path tells, or None when nothing is there. Raise StorageFailed."""
    try:
        found = os.stat(path)  # noqa: PTH116  # paths are plain text below the store
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise StorageFailed(
            f"looking at {path}: {error}", hint="Check that you may read it, then try again."
        ) from error
    is_folder = (found.st_mode & 0o170000) == 0o040000
    return FoundName(path, is_folder, found.st_size, found.st_mtime_ns, found.st_ino)
