"""One walk over the folders of a home, with one look at every file.

Names are taken apart only where the catalog does not know them yet.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import Final

from msgspec import Struct

from rollout.errors import StorageFailed
from rollout.fs.stats import FoundName, find_found, iter_found
from rollout.log.layout import (
    ACTIVE_FOLDER,
    ARCHIVED_FOLDER,
    COMPRESSED_SUFFIX,
    PLAIN_SUFFIX,
    RolloutFile,
    RolloutName,
    find_name,
    join,
)

_MAX_DEPTH: Final = 16
_ROOTS: Final = ((ACTIVE_FOLDER, False), (ARCHIVED_FOLDER, True))


class Seen(Struct, frozen=True, gc=False):
    """A rollout's file as the walk saw it. `name` is None where the catalog knows the path."""

    path: str
    is_archived: bool
    size_bytes: int
    changed_ns: int
    inode: int
    name: RolloutName | None = None

    def file(self) -> RolloutFile:
        """Return it as the layers below name it. Its path is a rollout's."""
        name = self.name or find_name(self.path.rpartition("/")[2])
        assert name is not None, "only rollouts are seen"
        return RolloutFile(self.path, name, self.is_archived)


class Walk(Struct):
    """What one walk met: rollouts by path, logs under names that are none, folders that were refused.

    `unkeepable` are rollouts whose path is no text, so that no row can hold it; `folders` tells when each
    folder had last changed just before it was listed, 0 for one that is not there.
    """

    files: dict[str, Seen] = {}
    strays: list[str] = []
    unreadable_folders: list[str] = []
    unkeepable: list[str] = []
    folders: dict[str, int] = {}


def walk_home(
    home: str, known: Container[str], iter_names: Callable[[str], Iterator[FoundName]] = iter_found
) -> Walk:
    """Walk over the rollouts of a home."""
    walk = Walk({}, [], [], [], {})
    walked: set[int] = set()
    for root, is_archived in _ROOTS:
        _walk(walk, walked, known, iter_names, join(home, root), is_archived, 0)
    return walk


def _walk(
    walk: Walk,
    walked: set[int],
    known: Container[str],
    iter_names: Callable[[str], Iterator[FoundName]],
    folder: str,
    is_archived: bool,
    depth: int,
) -> None:
    try:
        before = find_found(folder)
        walk.folders[folder] = before.changed_ns if before is not None else 0
        below = []
        for found in iter_names(folder):
            path = f"{folder}/{found.name}"
            if found.is_folder:
                if found.inode not in walked:  # else a link leads back to where we have been
                    walked.add(found.inode)
                    below.append(path)
            elif path in known:
                walk.files[path] = Seen(path, is_archived, found.size_bytes, found.changed_ns, found.inode)
            elif found.name.endswith((PLAIN_SUFFIX, COMPRESSED_SUFFIX)):
                name = find_name(found.name)
                if name is None:
                    walk.strays.append(path)
                elif not _is_text(path):
                    walk.unkeepable.append(path)
                else:
                    walk.files[path] = Seen(
                        path, is_archived, found.size_bytes, found.changed_ns, found.inode, name
                    )
    except StorageFailed:
        walk.unreadable_folders.append(folder)
        return
    if depth < _MAX_DEPTH:
        for path in below:
            _walk(walk, walked, known, iter_names, path, is_archived, depth + 1)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def find_seen(home: str, path: str) -> Seen | None:
    """Return one rollout as it is now, or None when no rollout of this home is there."""
    name = find_name(path.rpartition("/")[2])
    root = next(
        (is_archived for root, is_archived in _ROOTS if path.startswith(f"{join(home, root)}/")), None
    )
    if name is None or root is None or not _is_text(path):
        return None
    found = find_found(path)
    if found is None or found.is_folder:
        return None
    return Seen(path, root, found.size_bytes, found.changed_ns, found.inode, name)
