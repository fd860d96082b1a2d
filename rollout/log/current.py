"""The index of a home, kept between calls and made anew when a folder has changed.

A folder's own time moves when a name appears in it or leaves it, so an unchanged tree
costs one look a folder. Invariant 1: what is kept may be dropped at any moment.
"""

from __future__ import annotations

from collections.abc import Callable
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
        self._index: RolloutIndex | None = None
        self._listed_at = 0

    def get(self) -> RolloutIndex:
        """Return the index, walking the folders only if one of them may have changed."""
        if self._index is None or not self._is_unchanged(self._index):
            self._listed_at = self._clock()
            self._index = RolloutIndex(self._fs, self._home)
        return self._index

    def forget(self) -> None:
        """Let go of the index; the next use walks the folders."""
        self._index = None

    def _is_unchanged(self, index: RolloutIndex) -> bool:
        if index.unreadable_folders:
            return False
        settled_before = self._listed_at - _SETTLED_MS
        for folder, modified_at in index.folders.items():
            stat = self._fs.find_stat(folder)
            now = stat.modified_at if stat is not None else None
            if now != modified_at or (modified_at is not None and modified_at >= settled_before):
                return False
        return True
