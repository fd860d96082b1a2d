"""Which rollouts a home holds: one walk over its folders, then lookups by thread or rollout id.

The walk reads names, never contents. Invariant 1: it is made anew from the folders,
not from any database. Format: docs/format.md, "Finding files".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

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


class RolloutIndex:
    """The rollout files of one home, as they were when it was made.

    Where `X.jsonl` and `X.jsonl.zst` both exist, the plain one counts; where one rollout
    lies in both places, the active one.
    """

    def __init__(self, fs: FileSystem | None = None, home: str = "") -> None:
        self._by_rollout: dict[RolloutId, RolloutFile] = {}
        self._by_thread: dict[ThreadId, list[RolloutFile]] = {}
        self._walked: set[FileIdentity] = set()
        self.superseded: list[RolloutFile] = []
        """Files whose rollout is read from another one."""
        self.unreadable_folders: list[str] = []
        """Folders that the operating system did not let us list."""
        self.strays: list[str] = []
        """Logs that lie among the rollouts under names that are none."""
        self.folders: dict[str, int | None] = {}
        """Every folder walked, and when it had last changed just before."""
        if fs is None:
            return
        for folder, is_archived in ((ACTIVE_FOLDER, False), (ARCHIVED_FOLDER, True)):
            for file in self._walk(fs, join(home, folder), is_archived, 0):
                self._add(file)
        for files in self._by_thread.values():
            files.sort(key=_age, reverse=True)

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
        for group in index._by_thread.values():
            group.sort(key=_age, reverse=True)
        return index

    def _walk(self, fs: FileSystem, folder: str, is_archived: bool, depth: int) -> Iterator[RolloutFile]:
        try:
            stat = fs.find_stat(folder)
            identity = stat.identity if stat is not None else None
            if identity is not None:
                if identity in self._walked:
                    return  # a link leads back to where we have been
                self._walked.add(identity)
            self.folders[folder] = stat.modified_at if stat is not None else None
            entries = list(fs.iter_folder(folder))
        except StorageFailed:
            self.unreadable_folders.append(folder)
            return
        for entry in entries:
            if entry.is_folder:
                if depth < _MAX_DEPTH:
                    yield from self._walk(fs, join(folder, entry.name), is_archived, depth + 1)
                continue
            name = find_name(entry.name)
            if name is not None:
                yield RolloutFile(join(folder, entry.name), name, is_archived)
            elif entry.name.endswith((PLAIN_SUFFIX, COMPRESSED_SUFFIX)):
                self.strays.append(join(folder, entry.name))

    def _add(self, file: RolloutFile) -> None:
        known = self._by_rollout.get(file.name.rollout_id)
        if known is not None:
            if not _supersedes(file, known):
                self.superseded.append(file)
                return
            self._by_thread[known.name.thread_id].remove(known)
            self.superseded.append(known)
        self._by_rollout[file.name.rollout_id] = file
        self._by_thread.setdefault(file.name.thread_id, []).append(file)

    def files_of(self, thread_id: ThreadId) -> list[RolloutFile]:
        """Return the rollouts of a thread, newest name first; empty when there are none."""
        return list(self._by_thread.get(thread_id, ()))

    def find_rollout(self, rollout_id: RolloutId) -> RolloutFile | None:
        """Return the file of a rollout, or None."""
        return self._by_rollout.get(rollout_id)

    def current_files(self) -> list[RolloutFile]:
        """Return the newest rollout of every thread, in no order."""
        return [files[0] for files in self._by_thread.values() if files]

    def all_files(self) -> list[RolloutFile]:
        """Return every rollout, in no order."""
        return list(self._by_rollout.values())

    def ids_with_prefix(self, prefix: str) -> list[ThreadId]:
        """Return the thread ids that begin with `prefix`, sorted."""
        return sorted(
            thread_id
            for thread_id, files in self._by_thread.items()
            if files and thread_id.startswith(prefix)
        )


def _age(file: RolloutFile) -> tuple[str, str]:
    return file.name.stamp, file.name.rollout_id


def _supersedes(new: RolloutFile, known: RolloutFile) -> bool:
    """Tell whether `new` is the one to read of two files of the same rollout."""

    def rank(file: RolloutFile) -> tuple[bool, bool, str, str]:
        return not file.is_archived, not file.name.is_compressed, file.name.stamp, file.path

    return rank(new) > rank(known)
