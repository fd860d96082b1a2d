"""Homes on a real disk for tests of the catalog, and everything that a catalog holds, for comparing two."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rollout.catalog.catalog import Catalog
from rollout.catalog.domains import Domain
from rollout.catalog.keys import KEYS
from rollout.catalog.registry import DOMAINS
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.store.cataloged import Cataloged
from rollout.store.described import describe
from rollout.store.opening import Opener
from rollout.store.root import open_store
from rollout.store.store import Store
from tests.builders import Rollout

_TABLES = {
    "files": "SELECT * FROM files ORDER BY path",
    "threads": "SELECT * FROM threads ORDER BY thread_id",
    "extracts": "SELECT path, stored FROM extracts JOIN files USING(file_id) ORDER BY path",
    "turns": "SELECT path, turns.* FROM turns JOIN files USING(file_id) ORDER BY path, start_offset",
    "rollbacks": "SELECT path, start_offset FROM rollbacks JOIN files USING(file_id)"
    " ORDER BY path, start_offset",
    "turn_orders": "SELECT path, turn_orders.* FROM turn_orders JOIN files USING(file_id) ORDER BY path",
    "strays": "SELECT path, strays.* FROM strays JOIN files USING(file_id) ORDER BY path, ordinal",
    "names": "SELECT * FROM names ORDER BY thread_id",
    "facts": "SELECT * FROM facts ORDER BY thread_id",
    "tags": "SELECT * FROM tags ORDER BY tag, thread_id",
    "unsettled": "SELECT * FROM unsettled",
    "orphans": "SELECT file_id FROM extracts WHERE file_id NOT IN (SELECT file_id FROM files)"
    " UNION ALL SELECT file_id FROM turns WHERE file_id NOT IN (SELECT file_id FROM files)"
    " UNION ALL SELECT file_id FROM threads WHERE file_id NOT IN (SELECT file_id FROM files)",
}
_NUMBERS = {"file_id", "revision"}


class DiskHome:
    """A home below a folder of the test's own, and catalogs of it. Times of files are what a test says."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "home"
        self.path.mkdir()
        self.state = self.path / ".rollout"
        self._ticks = 0
        self._opened: list[Catalog | Store] = []

    def close(self) -> None:
        """Let go of all that was opened over it."""
        for one in self._opened:
            one.close()

    def put(
        self, rollout: Rollout, *, archived: bool = False, day: str = "2026/11/21", minute: int = 0
    ) -> Path:
        """Write a rollout as it is now, as if at another moment than any write before; return its path."""
        stamp = f"2026-11-21T04-{minute:02d}-33"
        folder = self.path / ("archived_sessions" if archived else f"sessions/{day}")
        return self.write(folder / rollout.name(stamp), rollout.content)

    def write(self, path: Path, content: bytes) -> Path:
        """Write a file, at another moment than any write before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.touch(path)

    def touch(self, path: Path) -> Path:
        """Let a file have changed at another moment than any before."""
        self._ticks += 1
        at = 1_795_240_000 + self._ticks
        os.utime(path, (at, at))
        return path

    def catalog(
        self,
        domains: Sequence[Domain] = DOMAINS,
        keys: dict[str, str] = KEYS,
        state: Path | None = None,
    ) -> Catalog:
        """Return a catalog of the home as another process would open it."""
        home = str(self.path)
        opener = Opener(POSIX_MUTABLE, home, MAX_LINE_BYTES)
        catalog = Catalog(
            POSIX_MUTABLE,
            home,
            str(state or self.state),
            lambda index, file: describe(POSIX_MUTABLE, opener, index, file),
            lambda: 1_795_250_000_000 + self._ticks,
            MAX_LINE_BYTES,
            domains,
            keys,
        )
        self._opened.append(catalog)
        return catalog

    def store(self) -> Store:
        """Return a store over the home, as another process would open it."""
        store = open_store(self.path)
        self._opened.append(store)
        return store

    def listings(self) -> Cataloged:
        """Return the listings of such a store."""
        return self.store().catalog

    @property
    def database(self) -> Path:
        """Where the catalog lies."""
        return self.state / "catalog" / "catalog.sqlite"


def rows_of(catalog: Catalog) -> dict[str, list[dict[str, Any]]]:
    """Return every row of a catalog without the numbers that depend on what came first."""

    def read(connection: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
        found = {}
        for table, sql in _TABLES.items():
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description]
            found[table] = [
                {name: value for name, value in zip(names, row, strict=True) if name not in _NUMBERS}
                for row in cursor
            ]
        return found

    return catalog.ask("comparing catalogs", read)


def column(catalog: Catalog, sql: str, *values: object) -> list[Any]:
    """Return the first column of what a query gives."""
    return catalog.ask("asking", lambda connection: [row[0] for row in connection.execute(sql, values)])


def row_of(catalog: Catalog, thread_id: str) -> dict[str, Any]:
    """Return the row of one thread."""
    (row,) = [row for row in rows_of(catalog)["threads"] if row["thread_id"] == thread_id]
    return row
