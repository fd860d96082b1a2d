"""The catalog's file: found, made, opened, and set aside when it is no catalog.

Only a bad file is set aside (`schema.BadCatalog`): one that is busy, full or cannot be read is left
alone, and whoever asked does without.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from rollout.catalog.domains import Domain, are_current, generation_of, register
from rollout.catalog.schema import BadCatalog, connect, transaction, translated
from rollout.errors import Conflict, StorageFailed
from rollout.fs.mutation import Lock, MutableFileSystem
from rollout.fs.posix_write import current_pid
from rollout.fs.stats import find_found
from rollout.log.layout import join

T = TypeVar("T")

FILE_NAME: Final = "catalog.sqlite"
_ASIDE: Final = ".aside"
_KEPT_ASIDE: Final = 3
_LOCK_WAIT_MILLIS: Final = 10_000


class _Opened(threading.local):
    connection: sqlite3.Connection | None = None
    pid: int = 0
    inode: int = 0
    generation: str = ""


class Database:
    """The file below `folder`. Safe to share between threads: each has a connection of its own."""

    def __init__(
        self,
        fs: MutableFileSystem,
        folder: str,
        domains: Sequence[Domain],
        keys: dict[str, str],
        clock: Callable[[], int],
    ) -> None:
        self._fs = fs
        self.folder = folder
        self.path = join(folder, FILE_NAME)
        self.domains = tuple(domains)
        self.keys = keys
        self._clock = clock
        self._opened = _Opened()
        self._all: list[tuple[int, sqlite3.Connection]] = []
        self._guard = threading.Lock()

    @property
    def is_there(self) -> bool:
        """Tell whether there is a file to open."""
        try:
            return find_found(self.path) is not None
        except StorageFailed:
            return False

    def run(self, act: str, body: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `body` gives for a connection, making the file if need be.

        A file that turns out bad is set aside, and `body` is called once more. Raise Conflict while the
        file stays locked, StorageFailed when the system refuses.
        """
        try:
            return self._run(act, body)
        except BadCatalog:
            self._set_aside(self._opened.inode)
        try:
            return self._run(act, body)
        except BadCatalog as error:
            raise StorageFailed(f"{act}: {error}", hint="Delete the catalog; nothing is lost.") from error

    def _run(self, act: str, body: Callable[[sqlite3.Connection], T]) -> T:
        with translated(act):
            return body(self._connection())

    def read(self, act: str, generation: str, body: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `body` reads, if the rows are those of a generation that was refreshed before.

        Raise Conflict when they are not: the file was deleted, set aside, or made anew meanwhile, so that
        rows may be missing. Else as `run` does.
        """

        def check_and_read(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN")
            try:
                if generation_of(connection) != generation:
                    raise Conflict(f"{act}: the catalog was made anew meanwhile", hint="Ask again.")
                return body(connection)
            finally:
                connection.execute("ROLLBACK")

        return self.run(act, check_and_read)

    @property
    def generation(self) -> str:
        """The generation that this thread's connection knows."""
        return self._opened.generation

    def write(self, connection: sqlite3.Connection, body: Callable[[], T]) -> T:
        """Return what `body` gives, run in one write transaction."""
        with transaction(connection):
            return body()

    def lock(self, name: str, *, shared: bool = False, wait_millis: int = _LOCK_WAIT_MILLIS) -> Lock | None:
        """Take one of the catalog's locks, among threads and processes; None when it cannot be had."""
        self._fs.make_folders(self.folder)
        return self._fs.find_lock(join(self.folder, f"{name}.lock"), shared=shared, wait_millis=wait_millis)

    def close(self) -> None:
        """Close every connection that this process has. Idempotent; it may be used again."""
        with self._guard:
            mine = [connection for pid, connection in self._all if pid == current_pid()]
            # A forked child neither closes its parent's nor lets go of them, which would close them.
            self._all = [known for known in self._all if known[0] != current_pid()]
        self._opened = _Opened()
        for connection in mine:
            connection.close()

    def _connection(self) -> sqlite3.Connection:
        opened = self._opened
        found = find_found(self.path)
        is_mine = opened.connection is not None and opened.pid == current_pid()
        if opened.connection is not None and is_mine:
            if found is not None and found.inode == opened.inode:
                if generation_of(opened.connection) != opened.generation:
                    self._register(opened.connection)  # another release has been here
                return opened.connection
            opened.connection.close()  # it has been deleted, or set aside
        opened.connection = None
        # Several at once may open a file, one alone may make it.
        lock = self._named_lock("file", shared=found is not None and found.size_bytes > 0)
        try:
            with suppress(Conflict):
                self._fs.create(self.path).close()  # by us, so that nobody else may read it
            found = find_found(self.path)
            opened.inode = found.inode if found is not None else 0
            connection = connect(self.path)
        finally:
            lock.release()
        with self._guard:
            self._all.append((current_pid(), connection))
        self._register(connection)
        opened.connection, opened.pid = connection, current_pid()
        return connection

    def _register(self, connection: sqlite3.Connection) -> None:
        if not are_current(connection, self.domains, self.keys):
            self.write(connection, lambda: register(connection, self.domains, self.keys))
        self._opened.generation = generation_of(connection)

    def _named_lock(self, name: str, *, shared: bool) -> Lock:
        lock = self.lock(name, shared=shared)
        if lock is None:
            raise Conflict(
                f"opening the catalog {self.path}: another process has been opening it for"
                f" {_LOCK_WAIT_MILLIS // 1000} s",
                hint="Wait for it, then try again.",
            )
        return lock

    def _set_aside(self, inode: int) -> None:
        """Give a bad file another name, unless another process has done so. The newest few are kept."""
        opened, self._opened.connection = self._opened.connection, None
        if opened is not None:
            opened.close()
        lock = self._named_lock("file", shared=False)
        try:
            found = find_found(self.path)
            if found is None or found.inode != inode:
                return
            # The log first: beside a new file, it would be read into that one.
            for suffix in ("-wal", "-shm"):
                self._fs.remove(f"{self.path}{suffix}")
            self._fs.replace(self.path, f"{self.path}.{self._clock()}{_ASIDE}")
            names = [entry.name for entry in self._fs.iter_folder(self.folder) if entry.name.endswith(_ASIDE)]
            for name in sorted(names)[:-_KEPT_ASIDE]:
                self._fs.remove(join(self.folder, name))
        finally:
            lock.release()
