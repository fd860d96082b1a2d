"""The search index: under which keys every message, tool call and title is found, and where it stands.

Texts are not kept: rows lead to offsets, and snippets are read from the log. The words lie in a
contentless FTS5 table without positions, sixteen rows to a block; a block belongs to one file or one title.
SQLite cannot take words out of such a table, so rows whose block is gone are dead: every question joins
the blocks, no block's number is given twice, and `prepare` has all made anew when most are dead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from rollout.catalog.domains import Domain, Unit
from rollout.catalog.schema import transaction
from rollout.catalog.search_said import CopiedPart, Role, Said, find_said, labels_of
from rollout.catalog.search_words import keys_of
from rollout.format.record import Record

if TYPE_CHECKING:
    import sqlite3  # slow to import, and only whoever has a connection needs it

BLOCK_BITS: Final = 4
_BLOCK_ROWS: Final = 1 << BLOCK_BITS
ROLES: Final = tuple(Role)
_ROLE_BITS: Final = 2
_FEW_DEAD: Final = 1_000

SCHEMA: Final = (
    # `ascii` splits at what keys never hold, and leaves them as they are otherwise.
    "CREATE VIRTUAL TABLE search_words USING fts5(keys, content='', detail=none, tokenize='ascii')",
    """CREATE TABLE search_blocks(
  block INTEGER PRIMARY KEY,
  file_id INTEGER,
  title_id INTEGER
) STRICT""",
    "CREATE INDEX search_blocks_by_file ON search_blocks(file_id) WHERE file_id IS NOT NULL",
    "CREATE INDEX search_blocks_by_title ON search_blocks(title_id) WHERE title_id IS NOT NULL",
    """CREATE TABLE search_places(
  block INTEGER PRIMARY KEY,
  packed BLOB NOT NULL
) STRICT""",
    """CREATE TABLE search_files(
  file_id INTEGER PRIMARY KEY,
  messages INTEGER NOT NULL
) STRICT""",
    """CREATE TABLE search_titles(
  title_id INTEGER PRIMARY KEY,
  thread_id TEXT NOT NULL UNIQUE,
  words TEXT NOT NULL,
  is_name INTEGER NOT NULL
) STRICT""",
    "CREATE INDEX search_titles_by_name ON search_titles(thread_id) WHERE is_name",
    """CREATE TABLE search_tally(
  next_block INTEGER NOT NULL,
  dead INTEGER NOT NULL,
  covered_bytes INTEGER NOT NULL
) STRICT""",
)
"""`search_files.messages` counts a file's rows; `search_tally` has one row, and is changed by its number.

Before a statement that might change several, SQLite writes out what FTS5 has gathered: the price of a file.
"""
_TABLES: Final = (
    "search_words",
    "search_blocks",
    "search_places",
    "search_files",
    "search_titles",
    "search_tally",
)


def role_key(role: Role) -> str:
    """Return the key that every row of a role has; no text falls into it."""
    return f"\u00a4{role.value}"


_ROLE_KEYS: Final = {role: role_key(role) for role in Role}


class MessagePlace(Struct, frozen=True):
    """Where a message stands in its rollout, and who said it."""

    start_offset: int
    role: Role


class _Row(Struct, frozen=True, gc=False):
    start_offset: int
    role: Role
    keys: str
    size_bytes: int


def _row(start_offset: int, said: Said) -> _Row | None:
    keys = keys_of(said.text)
    if not keys:
        return None
    size = len(said.text) if said.text.isascii() else len(said.text.encode("utf-8", "replace"))
    return _Row(start_offset, said.role, " ".join((*keys, _ROLE_KEYS[said.role])), size)


class SearchReader:
    """Folds what was said into rows. Each stands for itself: an append needs nothing of what was before."""

    newest: tuple[frozenset[str], ...] = ()

    def __init__(self, unit: Unit, connection: sqlite3.Connection) -> None:  # noqa: ARG002  # nothing is needed of it
        self._header = unit.header
        self._said_by = labels_of(unit.header)
        # A copy is there as a whole before anybody looks: whoever goes on from somewhere is behind it.
        self._copied = CopiedPart(unit.header) if unit.start_offset == 0 else None
        self._rows: list[_Row] = []

    @property
    def labels(self) -> frozenset[str]:
        """Whatever may say something, and what ends the part that was copied."""
        is_copying = self._copied is not None and self._copied.lasts
        return self._said_by | CopiedPart.labels if is_copying else self._said_by

    def feed(self, record: Record) -> None:
        """Take the next record."""
        if self._copied is not None and self._copied.covers(record):
            return
        said = find_said(self._header, record)
        if said is not None:
            self.take(record.start_offset, said)

    def take(self, start_offset: int, said: Said) -> None:
        """Take what the record at an offset says."""
        row = _row(start_offset, said)
        if row is not None:
            self._rows.append(row)

    def feed_newest(self, group: frozenset[str], records: Iterator[Record]) -> None:
        """Never called: whatever was said counts."""

    def store(self, connection: sqlite3.Connection, file_id: int) -> None:
        """Write what was folded."""
        if not self._rows:
            return
        _write_rows(connection, self._rows, file_id=file_id)
        connection.execute(
            "INSERT INTO search_files VALUES(?1, ?2)"
            " ON CONFLICT(file_id) DO UPDATE SET messages = messages + ?2",
            (file_id, len(self._rows)),
        )


def _write_rows(
    connection: sqlite3.Connection,
    rows: list[_Row],
    *,
    file_id: int | None = None,
    title_id: int | None = None,
) -> None:
    first = _tally(connection)[0]
    starts = range(0, len(rows), _BLOCK_ROWS)
    connection.executemany(
        "INSERT INTO search_words(rowid, keys) VALUES(?, ?)",
        ((first << BLOCK_BITS | number, row.keys) for number, row in enumerate(rows)),
    )
    connection.executemany(
        "INSERT INTO search_blocks VALUES(?, ?, ?)",
        ((first + number, file_id, title_id) for number, _ in enumerate(starts)),
    )
    if file_id is not None:
        connection.executemany(
            "INSERT INTO search_places VALUES(?, ?)",
            (
                (first + number, _packed(rows[start : start + _BLOCK_ROWS]))
                for number, start in enumerate(starts)
            ),
        )
    connection.execute(
        "UPDATE search_tally SET next_block = ?, covered_bytes = covered_bytes + ? WHERE rowid = 1",
        (first + len(starts), sum(row.size_bytes for row in rows)),
    )


def _packed(rows: list[_Row]) -> bytes:
    """Return offsets, each as the distance from the one before it, with roles in their lowest bits."""
    numbers = []
    before = 0
    for row in rows:
        numbers.append((row.start_offset - before) << _ROLE_BITS | ROLES.index(row.role))
        before = row.start_offset
    return msgspec.msgpack.encode(numbers)


def find_place(connection: sqlite3.Connection, row: int) -> MessagePlace | None:
    """Return where the message of a row stands; None when it is no longer there, and for a title."""
    found = connection.execute(
        "SELECT packed FROM search_places WHERE block = ?", (row >> BLOCK_BITS,)
    ).fetchone()
    if found is None:
        return None
    numbers = msgspec.msgpack.decode(found[0], type=list[int])[: (row & _BLOCK_ROWS - 1) + 1]
    start_offset = sum(number >> _ROLE_BITS for number in numbers)
    return MessagePlace(start_offset, ROLES[numbers[-1] & (1 << _ROLE_BITS) - 1])


def _tally(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return the next block's number, and how many blocks are dead."""
    row = connection.execute("SELECT next_block, dead FROM search_tally").fetchone()
    if row is None:
        connection.execute("INSERT INTO search_tally VALUES(1, 0, 0)")
        return 1, 0
    return row[0], row[1]


def forget_said(connection: sqlite3.Connection, file_id: int) -> None:
    """Let the rows of a file be dead."""
    _bury(connection, connection.execute("SELECT block FROM search_blocks WHERE file_id = ?", (file_id,)))
    connection.execute("DELETE FROM search_files WHERE file_id = ?", (file_id,))


def _bury(connection: sqlite3.Connection, found: Iterable[tuple[int]]) -> None:
    blocks = list(found)
    if blocks:
        connection.executemany("DELETE FROM search_blocks WHERE block = ?", blocks)
        connection.executemany("DELETE FROM search_places WHERE block = ?", blocks)
        connection.execute("UPDATE search_tally SET dead = dead + ? WHERE rowid = 1", (len(blocks),))


_TITLE: Final = (
    "SELECT nullif(trim(name), ''), iif(forked_from_id IS NULL, first_user_message, '')"
    " FROM threads WHERE thread_id = ?"
)


def settle_titles(connection: sqlite3.Connection, thread_ids: Iterable[str]) -> None:
    """Index the titles of threads as they are now: the name, or else the first request.

    The first request of a fork is no title: in legacy threads it is a copy of the parent's.
    """
    for thread_id in thread_ids:
        name, asked = connection.execute(_TITLE, (thread_id,)).fetchone() or (None, "")
        words = name or asked
        known = connection.execute(
            "SELECT title_id, words, is_name FROM search_titles WHERE thread_id = ?", (thread_id,)
        ).fetchone()
        if known is not None:
            if known[1:] == (words, name is not None):
                continue
            blocks = connection.execute("SELECT block FROM search_blocks WHERE title_id = ?", known[:1])
            _bury(connection, blocks.fetchall())
            connection.execute("DELETE FROM search_titles WHERE title_id = ?", known[:1])
        row = _row(0, Said(Role.TITLE, words))
        if row is not None:
            made = connection.execute(
                "INSERT INTO search_titles(thread_id, words, is_name) VALUES(?, ?, ?)",
                (thread_id, words, name is not None),
            )
            _write_rows(connection, [row], title_id=made.lastrowid)


_RENAMED: Final = (
    "SELECT thread_id FROM names JOIN threads USING(thread_id) LEFT JOIN search_titles USING(thread_id)"
    " WHERE trim(threads.name) <> '' AND words IS NOT trim(threads.name)"
    " UNION SELECT thread_id FROM search_titles JOIN threads USING(thread_id)"
    " WHERE is_name AND words IS NOT trim(name)"
)


def _find_renamed(connection: sqlite3.Connection) -> list[str]:
    """Return the threads whose name has changed since it was indexed: nobody tells of that."""
    return [thread_id for (thread_id,) in connection.execute(_RENAMED)]


def _is_mostly_dead(connection: sqlite3.Connection) -> bool:
    """Tell whether a purge is worth its while."""
    row = connection.execute("SELECT dead FROM search_tally").fetchone()
    dead = row[0] if row is not None else 0
    if dead < _FEW_DEAD:
        return False
    (alive,) = connection.execute("SELECT count(*) FROM search_blocks").fetchone()
    return bool(dead > alive)


def empty(connection: sqlite3.Connection) -> None:
    """Take everything out, so that the next refresh makes all of it anew and none of it is dead."""
    with transaction(connection):
        connection.execute("INSERT INTO search_words(search_words) VALUES('delete-all')")
        for table in ("search_blocks", "search_places", "search_files", "search_titles"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  # our own names
        connection.execute("UPDATE search_tally SET dead = 0, covered_bytes = 0")
        connection.execute(
            "UPDATE files SET revision = revision + 1,"
            " due = due | (SELECT bit FROM domains WHERE name = ?) WHERE watermark > 0",
            (SEARCH.name,),
        )
        settle_titles(connection, [row[0] for row in connection.execute("SELECT thread_id FROM threads")])


def is_complete(connection: sqlite3.Connection) -> bool:
    """Tell whether the index covers every file as far as it was read."""
    due = connection.execute(
        "SELECT 1 FROM files WHERE due & (SELECT bit FROM domains WHERE name = ?) LIMIT 1", (SEARCH.name,)
    )
    return due.fetchone() is None


def prepare(connection: sqlite3.Connection) -> bool:
    """Do for the index what no refresh does; return whether it is complete, or needs another refresh."""
    if not is_complete(connection):
        return False
    if _is_mostly_dead(connection):
        empty(connection)
        return False
    renamed = _find_renamed(connection)
    if renamed:
        with transaction(connection):
            settle_titles(connection, renamed)
    return True


SEARCH: Final = Domain("search", _TABLES, SCHEMA, SearchReader, forget_said, settle_titles)
