"""The catalog's own tables, and how a connection to them behaves.

Rows and watermark move together: whoever writes does so in one `transaction`. Domains bring
their tables with them (`domains.py`). Deleting the file loses nothing (invariant 1).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rollout.errors import Conflict, RolloutError, StorageFailed

APPLICATION_ID: Final = 0x524F4C4C
"""Says whose SQLite file this is."""
SCHEMA_VERSION: Final = 1
BUSY_MILLIS: Final = 10_000
_CACHE_KIB: Final = 16_384

TABLES: Final = """
CREATE TABLE domains(
  name TEXT PRIMARY KEY,
  bit INTEGER NOT NULL UNIQUE,
  key TEXT NOT NULL
) STRICT;
CREATE TABLE state(
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
CREATE TABLE files(
  file_id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  stamp TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  rollout_id TEXT NOT NULL,
  is_archived INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  changed_ns INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  header_end INTEGER NOT NULL,
  watermark INTEGER NOT NULL,
  anchor TEXT NOT NULL,
  base_id TEXT,
  due INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  problem_code TEXT,
  problem TEXT
) STRICT;
CREATE INDEX files_by_thread ON files(thread_id);
CREATE INDEX files_by_rollout ON files(rollout_id);
CREATE INDEX files_by_base ON files(base_id) WHERE base_id IS NOT NULL;
CREATE INDEX files_in_trouble ON files(path) WHERE problem_code IS NOT NULL;
CREATE TABLE unsettled(thread_id TEXT PRIMARY KEY) STRICT;
CREATE TABLE names(
  thread_id TEXT PRIMARY KEY,
  name TEXT NOT NULL
) STRICT;
CREATE TABLE facts(
  thread_id TEXT PRIMARY KEY,
  is_pinned INTEGER NOT NULL,
  moved_to TEXT
) STRICT;
CREATE TABLE tags(
  tag TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  PRIMARY KEY(tag, thread_id)
) STRICT, WITHOUT ROWID;
"""
"""`due` has a bit for each domain whose rows are not those of the bytes before `watermark`;
`revision` grows with every change of the row, so that a slow scan never overwrites a newer one."""


class BadCatalog(Exception):
    """The file is not a catalog that this release can use: it is set aside and made anew.

    Raised for a corrupt, foreign, older or newer file, never for one that is busy or cannot be read.
    """


@contextmanager
def translated(act: str) -> Iterator[None]:
    """Turn SQLite's errors into BadCatalog for a bad file, Conflict for a busy one, else StorageFailed."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(act, error) from error


def _translate(act: str, error: sqlite3.Error) -> BadCatalog | RolloutError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA}:
        return BadCatalog(f"{act}: {error}")
    if primary == sqlite3.SQLITE_ERROR and str(error).startswith(("no such table", "no such column")):
        return BadCatalog(f"{act}: {error}")
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return Conflict(f"{act}: {error}", hint="Wait for the other process, then try again.")
    return StorageFailed(
        f"{act}: {error}", hint="Mend what the system complains of; threads are read without."
    )


def connect(path: str) -> sqlite3.Connection:
    """Open the file at `path`, which is there, and check that it is a catalog of this release.

    An empty file becomes one. Raise BadCatalog, Conflict or StorageFailed.
    """
    with translated(f"opening the catalog {path}"):
        connection = sqlite3.connect(
            f"file:{_quoted(path)}?mode=rw",
            uri=True,
            timeout=BUSY_MILLIS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
    try:
        with translated(f"opening the catalog {path}"):
            connection.execute(f"PRAGMA busy_timeout={BUSY_MILLIS}")
            connection.execute("PRAGMA synchronous=NORMAL")
            _identify(connection, path)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path)


def _identify(connection: sqlite3.Connection, path: str) -> None:
    """Make an empty file a catalog; raise BadCatalog unless it is one."""
    if _ids(connection) == (0, 0) and not _tables(connection):
        connection.execute("PRAGMA journal_mode=WAL")  # before the first write, which is cheaper in it
        with transaction(connection):
            if not _tables(connection):  # another process may have been first
                for statement in TABLES.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    found = _ids(connection)
    if found != (APPLICATION_ID, SCHEMA_VERSION):
        raise BadCatalog(
            f"{path}: expected catalog schema {SCHEMA_VERSION}, found {found[1]} of {found[0]:#x}"
        )
    tables = _tables(connection)
    missing = [sql for sql in _statements() if sql not in tables]
    if missing:
        raise BadCatalog(f"{path}: expected other tables: {missing[0][:60]}")


def _ids(connection: sqlite3.Connection) -> tuple[int, int]:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}


def _statements() -> list[str]:
    return [statement.strip() for statement in TABLES.split(";") if statement.strip()]


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the body in one write transaction; leaving by exception leaves nothing of it."""
    # Deferred, a transaction that reads first fails at once when another has written: no timeout helps.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
