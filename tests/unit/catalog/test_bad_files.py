"""A bad catalog is set aside and made anew; one that is busy, full or refused is left alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.catalog.query import ThreadFilter
from rollout.catalog.schema import APPLICATION_ID, SCHEMA_VERSION, BadCatalog, connect, translated
from rollout.errors import Conflict, StorageFailed
from rollout.store.listing import ListRequest
from tests.builders import thread
from tests.catalog_home import DiskHome, rows_of

FILTERED = ListRequest(where=ThreadFilter(term="e"))


def half(path: Path) -> None:
    """Cut a file in two."""
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096 + 100)


def overwrite(path: Path, at: int, content: bytes) -> None:
    """Write over some bytes of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def run_sql(path: Path, sql: str) -> None:
    """Change a database as another program would."""
    connection = sqlite3.connect(path)
    connection.executescript(sql)
    connection.close()


BAD: dict[str, Callable[[Path], object]] = {
    "no database": lambda path: path.write_bytes(b"this is no database\n" * 500),
    "cut in two": half,
    "cut in its header": lambda path: os.truncate(path, 50),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "noise behind the header": lambda path: overwrite(path, 100, os.urandom(8000)),
    "another application": lambda path: run_sql(path, "PRAGMA application_id=1"),
    "an older schema": lambda path: run_sql(path, f"PRAGMA user_version={SCHEMA_VERSION - 1}"),
    "a newer schema": lambda path: run_sql(path, f"PRAGMA user_version={SCHEMA_VERSION + 1}"),
    "a table too few": lambda path: run_sql(path, "DROP TABLE names"),
    "other columns": lambda path: run_sql(path, "ALTER TABLE files ADD COLUMN extra TEXT"),
}


@pytest.mark.parametrize("what", list(BAD))
def test_a_bad_file_is_set_aside_and_made_anew(disk: DiskHome, what: str) -> None:
    """The rows are those of before, and the bad file is kept for whoever wants to know."""
    disk.put(thread().turn("Hey"))
    with disk.catalog() as catalog:
        catalog.refresh()
        before = rows_of(catalog)
    BAD[what](disk.database)
    catalog = disk.catalog()
    catalog.refresh()
    assert rows_of(catalog) == before
    assert len(list(disk.database.parent.glob("*.aside"))) == 1


@pytest.mark.parametrize("what", list(BAD))
def test_a_listing_does_not_notice_a_bad_file(disk: DiskHome, what: str) -> None:
    """It is the same before and after."""
    disk.put(thread().turn("Hey"))
    with disk.catalog() as catalog:
        catalog.refresh()
    before = disk.listings().list_threads(FILTERED)
    disk.close()
    BAD[what](disk.database)
    assert disk.listings().list_threads(FILTERED) == before


@pytest.mark.parametrize(
    "sql", ["DROP TABLE turns", "ALTER TABLE threads ADD COLUMN extra TEXT", "DROP INDEX threads_by_created"]
)
def test_a_domain_with_other_tables_is_made_anew(disk: DiskHome, sql: str) -> None:
    """It alone: the file is good, and so are the rows of the others."""
    disk.put(thread().turn("Hey"))
    with disk.catalog() as catalog:
        catalog.refresh()
        before = rows_of(catalog)
    run_sql(disk.database, sql)
    catalog = disk.catalog()
    catalog.refresh()
    assert rows_of(catalog) == before
    assert list(disk.database.parent.glob("*.aside")) == []


def test_an_empty_file_is_filled(disk: DiskHome) -> None:
    """It is what a crash leaves between making the file and its tables: nothing is set aside."""
    disk.put(thread().turn("Hey"))
    disk.database.parent.mkdir(parents=True)
    disk.database.touch(mode=0o600)
    catalog = disk.catalog()
    catalog.refresh()
    assert len(rows_of(catalog)["threads"]) == 1
    assert list(disk.database.parent.glob("*.aside")) == []


def test_only_the_newest_bad_files_are_kept(disk: DiskHome) -> None:
    """A disk that spoils files does not fill up with them."""
    disk.put(thread().turn("Hey"))
    for _ in range(5):
        with disk.catalog() as catalog:
            catalog.refresh()
        disk.write(disk.database, b"no database" * 100)
    catalog = disk.catalog()
    catalog.refresh()
    assert len(list(disk.database.parent.glob("*.aside"))) == 3


def test_an_open_catalog_notices_that_its_file_was_deleted(disk: DiskHome) -> None:
    """Rows written into a file without a name would be seen by nobody else."""
    disk.put(thread().turn("Hey"))
    catalog = disk.catalog()
    catalog.refresh()
    shutil.rmtree(disk.state)
    catalog.refresh()
    assert disk.database.exists()
    assert len(rows_of(disk.catalog())["threads"]) == 1


def test_a_busy_catalog_is_left_alone_and_the_files_are_listed(
    disk: DiskHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's long transaction is no reason to throw rows away, nor to fail."""
    monkeypatch.setattr("rollout.catalog.schema.BUSY_MILLIS", 1)
    disk.put(thread().turn("Hey"))
    with disk.catalog() as catalog:
        catalog.refresh()
    before = disk.listings().list_threads(FILTERED)
    disk.close()
    holder = sqlite3.connect(disk.database, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        disk.put(thread(2).turn("Hello"))
        found = disk.listings().list_threads(FILTERED)
    finally:
        holder.close()
    assert len(found.data) == len(before.data) + 1
    assert list(disk.database.parent.glob("*.aside")) == []


@pytest.mark.parametrize(
    ("code", "family"),
    [
        (sqlite3.SQLITE_CORRUPT, BadCatalog),
        (sqlite3.SQLITE_NOTADB, BadCatalog),
        (sqlite3.SQLITE_BUSY, Conflict),
        (sqlite3.SQLITE_LOCKED, Conflict),
        (sqlite3.SQLITE_FULL, StorageFailed),
        (sqlite3.SQLITE_IOERR, StorageFailed),
        (sqlite3.SQLITE_IOERR_READ, StorageFailed),
        (sqlite3.SQLITE_CANTOPEN, StorageFailed),
        (sqlite3.SQLITE_READONLY, StorageFailed),
        (sqlite3.SQLITE_NOMEM, StorageFailed),
        (sqlite3.SQLITE_CONSTRAINT, StorageFailed),
    ],
)
def test_only_a_bad_file_is_called_bad(code: int, family: type[Exception]) -> None:
    """Each of SQLite's errors is of one family, and the rest of them are no reason to rebuild."""
    error = sqlite3.DatabaseError("as the system says")
    error.sqlite_errorcode = code
    with pytest.raises(family), translated("asking"):
        raise error


def test_files_of_the_catalog_are_ours_alone(disk: DiskHome) -> None:
    """Titles are nobody else's business."""
    disk.put(thread().turn("Hey"))
    previous = os.umask(0)
    try:
        catalog = disk.catalog()
        catalog.refresh()
    finally:
        os.umask(previous)
    files = list(disk.database.parent.iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {"catalog.sqlite", "catalog.sqlite-wal"} <= {path.name for path in files}


def test_a_fresh_file_says_whose_it_is(disk: DiskHome) -> None:
    """So that no other SQLite file is taken for one, nor it for another's."""
    with disk.catalog() as catalog:
        catalog.refresh()
    connection = connect(str(disk.database))
    found = connection.execute("PRAGMA application_id").fetchone()[0]
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    assert (found, mode) == (APPLICATION_ID, "wal")
