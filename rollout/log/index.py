"""Which rollouts a home holds: one walk over its folders, then lookups by thread or rollout id.

The walk reads names, never contents. Invariant 1: it is made anew from the folders,
not from any database. Format: docs/format.md, "Finding files".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from rollout.errors import StorageFailed
from rollout.fs.api import FileIdentity, FileSystem
from rollout.ids import RolloutId, ThreadId
from rollout.log.layout import (
    ACTIVE_FOLDER,
    ARCHIVED_FOLDER,
    COMPRESSED_SUFFIX,
    PLAIN_SUFFIX,
    RolloutFile,
    find_name,
    join,
)

_MAX_DEPTH: Final = 16


class _Listing(Struct, frozen=True):
    """One folder as it was listed."""

    is_archived: bool
    depth: int
    files: dict[str, RolloutFile]
    strays: tuple[str, ...]
    subfolders: frozenset[str]
    identity: FileIdentity | None


class RolloutIndex:
    """The rollout files of one home, as they were when each folder was last listed.

    Where `X.jsonl` and `X.jsonl.zst` both exist, the plain one counts; where one rollout
    lies in both places, the active one.
    """

    def __init__(self, fs: FileSystem | None = None, home: str = "") -> None:
        self._by_rollout: dict[RolloutId, RolloutFile] = {}
        self._others: dict[RolloutId, list[RolloutFile]] = {}
        self._by_thread: dict[ThreadId, list[RolloutFile]] = {}
        self._unsorted: set[ThreadId] = set()
        self._listings: dict[str, _Listing] = {}
        self._identities: set[FileIdentity] = set()
        self.unreadable_folders: list[str] = []
        """Folders that the operating system did not let us list."""
        self.folders: dict[str, int | None] = {}
        """Every folder walked, and when it had last changed just before."""
        if fs is None:
            return
        for folder, is_archived in ((ACTIVE_FOLDER, False), (ARCHIVED_FOLDER, True)):
            self._enter(fs, join(home, folder), is_archived, 0)
        self._sort()

    @classmethod
    def empty(cls) -> RolloutIndex:
        """Return an index of nothing, for a lineage that has no base to look up."""
        return cls()

    @classmethod
    def of(cls, files: Iterable[RolloutFile]) -> RolloutIndex:
        """Return an index of these files and no others, by the same rules."""
        index = cls()
        for file in files:
            index._add(file)
        index._sort()
        return index

    @property
    def strays(self) -> list[str]:
        """Logs that lie among the rollouts under names that are none."""
        return [path for listing in list(self._listings.values()) for path in listing.strays]

    @property
    def superseded(self) -> list[RolloutFile]:
        """Files whose rollout is read from another one."""
        return [file for files in list(self._others.values()) for file in files]

    def relist(self, fs: FileSystem, folder: str) -> None:
        """Take in what one folder of the index holds now, and folders below it that are new."""
        known = self._listings[folder]
        listing = self._list(fs, folder, known.is_archived, known.depth)
        if listing is None:
            return
        for name in known.files.keys() - listing.files.keys():
            self._remove(known.files[name])
        for name in listing.files.keys() - known.files.keys():
            self._add(listing.files[name])
        for path in known.subfolders - listing.subfolders:
            self._leave(path)
        self._listings[folder] = listing
        for path in listing.subfolders - known.subfolders:
            self._enter(fs, path, known.is_archived, known.depth + 1)
        self._sort()

    def _enter(self, fs: FileSystem, folder: str, is_archived: bool, depth: int) -> None:
        listing = self._list(fs, folder, is_archived, depth)
        if listing is None:
            return
        self._listings[folder] = listing
        for file in listing.files.values():
            self._add(file)
        for path in listing.subfolders:
            self._enter(fs, path, is_archived, depth + 1)

    def _leave(self, folder: str) -> None:
        listing = self._listings.pop(folder, None)
        if listing is None:
            return
        del self.folders[folder]
        if listing.identity is not None:
            self._identities.discard(listing.identity)
        for file in listing.files.values():
            self._remove(file)
        for path in listing.subfolders:
            self._leave(path)

    def _list(self, fs: FileSystem, folder: str, is_archived: bool, depth: int) -> _Listing | None:
        """Return what a folder holds; None when it cannot be listed, or was walked under another name."""
        known = self._listings.get(folder)
        try:
            stat = fs.find_stat(folder)
            identity = stat.identity if stat is not None else None
            if known is not None and known.identity is not None:
                self._identities.discard(known.identity)
            if identity is not None:
                if identity in self._identities:
                    return None  # a link leads back to where we have been
                self._identities.add(identity)
            self.folders[folder] = stat.modified_at if stat is not None else None
            entries = list(fs.iter_folder(folder))
        except StorageFailed:
            self.unreadable_folders.append(folder)
            return None
        files: dict[str, RolloutFile] = {}
        strays: list[str] = []
        subfolders: list[str] = []
        parsed = known.files if known is not None else {}
        for entry in entries:
            file = parsed.get(entry.name)
            if file is not None and not entry.is_folder:
                files[entry.name] = file
                continue
            if entry.is_folder:
                if depth < _MAX_DEPTH:
                    subfolders.append(join(folder, entry.name))
                continue
            name = find_name(entry.name)
            if name is not None:
                files[entry.name] = RolloutFile(join(folder, entry.name), name, is_archived)
            elif entry.name.endswith((PLAIN_SUFFIX, COMPRESSED_SUFFIX)):
                strays.append(join(folder, entry.name))
        return _Listing(is_archived, depth, files, tuple(strays), frozenset(subfolders), identity)

    def _add(self, file: RolloutFile) -> None:
        known = self._by_rollout.get(file.name.rollout_id)
        if known is not None:
            others = self._others.setdefault(file.name.rollout_id, [])
            if not _supersedes(file, known):
                others.append(file)
                return
            others.append(known)
            self._by_thread[known.name.thread_id].remove(known)
        self._take(file)

    def _take(self, file: RolloutFile) -> None:
        self._by_rollout[file.name.rollout_id] = file
        self._by_thread.setdefault(file.name.thread_id, []).append(file)
        self._unsorted.add(file.name.thread_id)

    def _remove(self, file: RolloutFile) -> None:
        rollout_id = file.name.rollout_id
        others = self._others.get(rollout_id, [])
        if self._by_rollout.get(rollout_id) != file:
            others.remove(file)
        else:
            del self._by_rollout[rollout_id]
            files = self._by_thread[file.name.thread_id]
            files.remove(file)
            if not files:
                del self._by_thread[file.name.thread_id]
            if others:
                best = max(others, key=_rank)
                others.remove(best)
                self._take(best)
        if not others:
            self._others.pop(rollout_id, None)

    def _sort(self) -> None:
        for thread_id in self._unsorted:
            files = self._by_thread.get(thread_id)
            if files is not None and len(files) > 1:
                files.sort(key=_age, reverse=True)
        self._unsorted.clear()

    def files_of(self, thread_id: ThreadId) -> list[RolloutFile]:
        """Return the rollouts of a thread, newest name first; empty when there are none."""
        return list(self._by_thread.get(thread_id, ()))

    def find_rollout(self, rollout_id: RolloutId) -> RolloutFile | None:
        """Return the file of a rollout, or None."""
        return self._by_rollout.get(rollout_id)

    def current_files(self) -> list[RolloutFile]:
        """Return the newest rollout of every thread, in no order."""
        return [files[0] for files in list(self._by_thread.values()) if files]

    def all_files(self) -> list[RolloutFile]:
        """Return every rollout, in no order."""
        return list(self._by_rollout.values())

    def ids_with_prefix(self, prefix: str) -> list[ThreadId]:
        """Return the thread ids that begin with `prefix`, sorted."""
        return sorted(
            thread_id
            for thread_id, files in list(self._by_thread.items())
            if files and thread_id.startswith(prefix)
        )


def _age(file: RolloutFile) -> tuple[str, str]:
    return file.name.stamp, file.name.rollout_id


def _rank(file: RolloutFile) -> tuple[bool, bool, str, str]:
    return not file.is_archived, not file.name.is_compressed, file.name.stamp, file.path


def _supersedes(new: RolloutFile, known: RolloutFile) -> bool:
    """Tell whether `new` is the one to read of two files of the same rollout."""
    return _rank(new) > _rank(known)
