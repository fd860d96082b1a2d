"""What the links of a lineage found in its ancestors, kept for the next opening.

A fork a hundred deep has a hundred of them, most of them short and all of them still. What is kept counts
while the file is the same, of the same size and time; the time must have been settled when it was
read. Invariant 1: it may be dropped at any moment.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

from msgspec import Struct

from rollout.fs.api import FileIdentity, FileStat, FileSystem
from rollout.log.header import Header

SHORT_BYTES: Final = 64 << 10
"""What lies before a base that is no further than that is held."""
_SETTLED_MS: Final = 2_000
"""A file that changed this short a while before it was read may change again unseen."""
_MOST_FILES: Final = 4_096
_MOST_BYTES: Final = 16 << 20


class Ancestor(Struct):
    """What is known of a rollout: its header, its first bytes if few are wanted, anchors by offset.

    `size_bytes` of decoded bytes are known to be there.
    """

    stat: FileStat
    identity: FileIdentity
    header: Header
    content: bytes | None
    size_bytes: int
    read_at: int
    anchors: dict[int, str]


class Ancestors:
    """The rollouts that links led to, newest use last. Safe to share between threads."""

    def __init__(self, fs: FileSystem, clock: Callable[[], int]) -> None:
        self._fs = fs
        self._clock = clock
        self._lock = Lock()
        self._known: OrderedDict[str, Ancestor] = OrderedDict()
        self._held_bytes = 0

    def now_ms(self) -> int:
        """Return UTC milliseconds."""
        return self._clock()

    def find(self, path: str) -> Ancestor | None:
        """Return what is known of the rollout at `path`, if that is the file still."""
        known = self._known.get(path)
        if known is None or known.stat.modified_at >= known.read_at - _SETTLED_MS:
            return None
        stat = self._fs.find_stat(path)
        if stat is None or stat != known.stat or stat.identity != known.identity:
            return None
        return known

    def keep(self, path: str, ancestor: Ancestor) -> None:
        """Keep what was found of a rollout, in place of what was known."""
        with self._lock:
            self._drop(self._known.pop(path, None))
            self._known[path] = ancestor
            self._held_bytes += len(ancestor.content or b"")
            while len(self._known) > _MOST_FILES or self._held_bytes > _MOST_BYTES:
                self._drop(self._known.popitem(last=False)[1])

    def _drop(self, ancestor: Ancestor | None) -> None:
        if ancestor is not None:
            self._held_bytes -= len(ancestor.content or b"")

    def forget(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._known.clear()
            self._held_bytes = 0
