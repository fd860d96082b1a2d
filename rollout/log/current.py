"""The index of a home, kept between calls and brought up to date where a folder has changed.

A folder's own time moves when a name appears in it or leaves it, so an unchanged tree
costs one look a folder. Invariant 1: what is kept may be dropped at any moment.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final

from rollout.fs.api import FileSystem
from rollout.log.index import RolloutIndex

_SETTLED_MS: Final = 2_000
"""A folder that changed this short a while before it was listed may change again unseen."""


class CurrentIndex:
    """The rollout files of a home as they are now. `clock` gives UTC milliseconds."""

    def __init__(self, fs: FileSystem, home: str, clock: Callable[[], int]) -> None:
        self._fs = fs
        self._home = home
        self._clock = clock
        self._lock = Lock()
        self._index: RolloutIndex | None = None
        self._listed_at: dict[str, int] = {}

    @property
    def kept(self) -> RolloutIndex:
        """The index as it was got last: files may have come and gone since."""
        return self._index if self._index is not None else self.get()

    def get(self) -> RolloutIndex:
        """Return the index, listing anew only folders that may have changed."""
        with self._lock:
            now = self._clock()
            if self._index is None or self._index.unreadable_folders:
                self._index = RolloutIndex(self._fs, self._home)
                self._listed_at = dict.fromkeys(self._index.folders, now)
                return self._index
            index = self._index
            for folder in self._changed_folders(index):
                if folder in index.folders:  # not gone with a folder above it
                    index.relist(self._fs, folder)
                    self._listed_at[folder] = now
            if index.folders.keys() != self._listed_at.keys():
                self._listed_at = {folder: self._listed_at.get(folder, now) for folder in index.folders}
            return index

    def forget(self) -> None:
        """Let go of the index; the next use walks the folders."""
        self._index = None

    def _changed_folders(self, index: RolloutIndex) -> list[str]:
        changed = []
        for folder, modified_at in index.folders.items():
            stat = self._fs.find_stat(folder)
            now = stat.modified_at if stat is not None else None
            unsettled_from = self._listed_at[folder] - _SETTLED_MS
            if now != modified_at or (modified_at is not None and modified_at >= unsettled_from):
                changed.append(folder)
        return changed
