"""Threads that were read lately, kept open, with the pages that were made of them.

Identity first: what is kept is used only while the home names the same file as the thread's newest,
that file and every ancestor is the one that was opened, of the same size and time, and the
thread was not deleted. Otherwise it is opened anew, by its id.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final, TypeVar

import msgspec
from msgspec import Raw

from rollout.fs.api import FileStat
from rollout.ids import ThreadId
from rollout.log.facts import KnownFacts
from rollout.log.layout import NAMES_FILE, facts_path, join
from rollout.log.names import read_names
from rollout.store.headers import Rollouts
from rollout.store.store import Store
from rollout.store.summary import ThreadSummary, read_summary
from rollout.store.thread import Thread
from rollout.store.tombstones import is_deleted

T = TypeVar("T")

_MOST_THREADS: Final = 32
_MOST_READ_BYTES: Final = 256 << 20
_MOST_SUMMARIES: Final = 4_096
_MOST_PAGE_BYTES: Final = 8 << 20
"""What is kept of the pages of one thread."""


class Opened:
    """One open thread. Lent to one request at a time."""

    def __init__(self, thread: Thread, names: Names) -> None:
        self.thread = thread
        self._names = names
        self._summary: ThreadSummary | None = None
        self._pages: OrderedDict[str, Raw] = OrderedDict()
        self._page_bytes = 0
        self._held: dict[str, object] = {}

    @property
    def id(self) -> ThreadId:
        """The id in the header."""
        return self.thread.id

    @property
    def is_archived(self) -> bool:
        """Whether its newest rollout lies in the archive."""
        return self.thread.lineage.newest.file.is_archived

    @property
    def is_paginated(self) -> bool:
        """Whether its newest rollout is."""
        return self.thread.lineage.newest.is_paginated

    def summary(self) -> ThreadSummary:
        """Return what a listing says of the thread, under the name that it has now."""
        if self._summary is None:
            self._summary = read_summary(self.thread.lineage)
        return msgspec.structs.replace(self._summary, name=self._names.find(self.id))

    @property
    def read_bytes(self) -> int:
        """What was read of it: about as much as keeping it takes, at most."""
        return self.thread.lineage.bytes_read

    def close(self) -> None:
        """Close its files. Idempotent."""
        self.thread.close()

    def page(self, key: str, read: Callable[[], Raw]) -> Raw:
        """Return the page of that key, read when it is not known."""
        known = self._pages.get(key)
        if known is not None:
            self._pages.move_to_end(key)
            return known
        made = read()
        size = len(bytes(made))
        if size <= _MOST_PAGE_BYTES // 4:
            self._pages[key] = made
            self._page_bytes += size
            while self._page_bytes > _MOST_PAGE_BYTES:
                self._page_bytes -= len(bytes(self._pages.popitem(last=False)[1]))
        return made

    def hold(self, key: str, make: Callable[[], T]) -> T:
        """Return what `make` gave when it was first asked for under that key."""
        if key not in self._held:
            self._held[key] = make()
        found: T = self._held[key]  # type: ignore[assignment]  # one type a key
        return found

    def is_current(self, rollouts: Rollouts) -> bool:
        """Tell whether opening the thread now would open the same files, unchanged."""
        lineage = self.thread.lineage
        files = rollouts.index.files_of(self.id)
        if not files or files[0].path != lineage.newest.file.path:
            return False
        if not _is_same(rollouts, files[0].path, lineage.newest_source.stat):
            return False
        for segment in lineage.segments[:-1]:
            file = rollouts.index.find_rollout(segment.rollout_id)
            if file is None or file.path != segment.file.path:
                return False
            stat = rollouts.fs.find_stat(file.path)
            if stat is None or stat.identity != segment.identity:
                return False
        return not is_deleted(rollouts.fs, rollouts.home, self.id)


def _is_same(rollouts: Rollouts, path: str, known: FileStat) -> bool:
    return rollouts.fs.find_stat(path) == known


class Names:
    """The names of a home's threads, read anew when one of the files that give them has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._stats: tuple[FileStat | None, FileStat | None] = (None, None)
        self._names: dict[ThreadId, str] = {}

    def find(self, thread_id: ThreadId) -> str | None:
        """Return the name of a thread, or None."""
        fs, home = self._store.fs, self._store.home
        stats = (fs.find_stat(join(home, NAMES_FILE)), fs.find_stat(facts_path(home)))
        with self._lock:
            if stats != self._stats:
                self._names, self._stats = read_names(fs, home), stats
            return self._names.get(thread_id)


class Summaries:
    """What listings said of threads, kept while their newest file is the same, of the same size and time."""

    def __init__(self, store: Store, names: Names) -> None:
        self._store = store
        self._names = names
        self._lock = Lock()
        self._known: OrderedDict[str, _Summarised] = OrderedDict()

    def read(self, thread_id: ThreadId, path: str) -> ThreadSummary:
        """Return what a listing says of a thread whose newest rollout is at `path`. Raise as opening does."""
        stat = self._store.fs.find_stat(path)
        known = self._known.get(path)
        if known is None or stat is None or known.stat != stat or known.summary.id != thread_id:
            with self._store.open_thread(thread_id) as thread:
                source = thread.lineage.newest_source
                known = _Summarised(source.stat, read_summary(thread.lineage))
                path = source.path
            with self._lock:
                self._known[path] = known
                while len(self._known) > _MOST_SUMMARIES:
                    self._known.popitem(last=False)
        return msgspec.structs.replace(known.summary, name=self._names.find(thread_id))


class _Summarised(msgspec.Struct, frozen=True):
    stat: FileStat
    summary: ThreadSummary


class OpenedThreads:
    """The open threads of a server, newest use last. Safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._kept: OrderedDict[ThreadId, Opened] = OrderedDict()
        self.names = Names(store)
        self.facts = KnownFacts(store.fs, store.home)
        self.summaries = Summaries(store, self.names)

    def take(self, thread_id: ThreadId) -> Opened:
        """Return the thread of an id as it is now, for one borrower. Raise as `Store.open_thread` does."""
        with self._lock:
            known = self._kept.pop(thread_id, None)
        if known is not None:
            if known.is_current(self._store.rollouts()):
                return known
            known.close()
        return Opened(self._store.open_thread(thread_id), self.names)

    def give_back(self, opened: Opened) -> None:
        """Keep a thread that was taken, for the next borrower."""
        dropped: list[Opened] = []
        with self._lock:
            other = self._kept.pop(opened.id, None)
            if other is not None:
                dropped.append(other)
            self._kept[opened.id] = opened
            read_bytes = sum(one.read_bytes for one in self._kept.values())
            while len(self._kept) > _MOST_THREADS or (len(self._kept) > 1 and read_bytes > _MOST_READ_BYTES):
                oldest = self._kept.popitem(last=False)[1]
                read_bytes -= oldest.read_bytes
                dropped.append(oldest)
        for one in dropped:
            one.close()

    def close(self) -> None:
        """Close all of them. Idempotent."""
        with self._lock:
            kept, self._kept = self._kept, OrderedDict()
        for one in kept.values():
            one.close()
