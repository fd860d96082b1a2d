"""What a domain of derived rows is: its tables, what it reads, and how it computes its rows.

A domain is one kind of derived data with its own producer key (`keys.py`). All are fed in one pass over
a rollout's bytes; each keeps rows by `file_id`, so that forks repeat nothing of their parents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from rollout.format.record import Record
from rollout.log.header import Header

if TYPE_CHECKING:
    import sqlite3  # slow to import, and only whoever has a connection needs it

    from rollout.catalog.picking import Event


_GENERATION: Final = "generation"


class Unit(Struct, frozen=True):
    """The rollout whose bytes are fed, and from which offset on.

    `file_id` is None for a rollout that the catalog has not met; `start_offset` 0 means that whatever
    was stored of it is replaced.
    """

    file_id: int | None
    path: str
    thread_id: str
    rollout_id: str
    header: Header
    start_offset: int


class Reader(Protocol):
    """Folds one rollout's records into rows."""

    @property
    def labels(self) -> frozenset[str]:
        """Which records it wants, by `Record.label`; asked again for every block, so it may shrink."""

    @property
    def newest(self) -> tuple[frozenset[str], ...]:
        """Groups of labels of which only the newest record counts; none of them among `labels`."""

    def feed(self, record: Record) -> None:
        """Take the next record of `labels`, oldest first."""

    def feed_newest(self, group: frozenset[str], records: Iterator[Record]) -> None:
        """Take the newest record of a group that says anything, out of a block's, newest first.

        They are decoded as they are asked for: stop at the first that will do.
        """

    def store(self, connection: sqlite3.Connection, file_id: int) -> None:
        """Write what was folded. Runs inside the transaction that moves the watermark: reads no file."""


class LookingReader(Protocol):
    """A reader that looks at every event, too: before it is fed the records of the same lines."""

    @property
    def is_looking(self) -> bool:
        """Whether there is anything more to see; asked again for every block."""

    def look(self, events: list[Event], start_offset: int, *, is_clear: bool) -> None:
        """Take the events of the next lines; those that begin before an offset were looked at before.

        `is_clear`: the fronts of all lines show of which type they are, so that no event is missing.
        """


class Domain(Struct, frozen=True):
    """One kind of derived data.

    `schema` creates `tables`; each has a column `file_id` unless `forget` says how the rows
    of a file are taken out. `begin` makes the reader of one unit; when it starts behind 0 the connection
    lets it read what was stored before. `settle`, if any, is told in the transaction that writes rows of
    `threads` which threads those are; a thread that is gone is among them.
    """

    name: str
    tables: tuple[str, ...]
    schema: tuple[str, ...]
    begin: Callable[[Unit, sqlite3.Connection], Reader]
    forget: Callable[[sqlite3.Connection, int], None] | None = None
    settle: Callable[[sqlite3.Connection, Iterable[str]], None] | None = None


def forget_file(connection: sqlite3.Connection, domain: Domain, file_id: int) -> None:
    """Take a file's rows out of a domain."""
    if domain.forget is not None:
        domain.forget(connection, file_id)
        return
    for table in domain.tables:
        connection.execute(f"DELETE FROM {table} WHERE file_id = ?", (file_id,))  # noqa: S608  # our own names


def register(
    connection: sqlite3.Connection, domains: Sequence[Domain], keys: dict[str, str]
) -> dict[str, int]:
    """Make sure that every domain has its tables and its key; return the bit of each.

    A domain whose key is another than the one its rows were computed under, or whose tables are not
    those of its schema, is made anew, and every file is due for it. Runs inside a transaction.
    """
    known = {name: (bit, key) for name, bit, key in connection.execute("SELECT name, bit, key FROM domains")}
    there = _statements(connection)
    bits: dict[str, int] = {}
    for domain in domains:
        bit, key = known.get(domain.name, (None, None))
        if bit is None:
            used = {taken for taken, _ in known.values()} | set(bits.values())
            bit = next(1 << place for place in range(62) if 1 << place not in used)
        bits[domain.name] = bit
        if key == keys[domain.name] and _has_schema(there, domain):
            continue
        for table in domain.tables:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in domain.schema:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO domains(name, bit, key) VALUES(?, ?, ?)"
            " ON CONFLICT(name) DO UPDATE SET key = excluded.key",
            (domain.name, bit, keys[domain.name]),
        )
        connection.execute("UPDATE files SET due = due | ?, revision = revision + 1", (bit,))
        if domain.settle is not None:
            connection.execute("INSERT OR IGNORE INTO unsettled SELECT DISTINCT thread_id FROM files")
        connection.execute("INSERT OR REPLACE INTO state VALUES(?, hex(randomblob(8)))", (_GENERATION,))
    assert are_current(connection, domains, keys), (
        "a schema says what it makes, or it is made at every opening"
    )
    return bits


def generation_of(connection: sqlite3.Connection) -> str:
    """Return what changes whenever rows of a domain were thrown away: with the file, or by `register`."""
    row = connection.execute("SELECT value FROM state WHERE name = ?", (_GENERATION,)).fetchone()
    return row[0] if row is not None else ""


def are_current(connection: sqlite3.Connection, domains: Iterable[Domain], keys: dict[str, str]) -> bool:
    """Tell whether `register` would change nothing."""
    known = dict(connection.execute("SELECT name, key FROM domains"))
    there = _statements(connection)
    return all(
        known.get(domain.name) == keys[domain.name] and _has_schema(there, domain) for domain in domains
    )


def _statements(connection: sqlite3.Connection) -> set[str]:
    """Return what made the tables and indexes that are there."""
    rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {_plain(sql) for (sql,) in rows}


def _has_schema(there: set[str], domain: Domain) -> bool:
    return there.issuperset(map(_plain, domain.schema))


def _plain(sql: str) -> str:
    """Return a statement as it compares: SQLite keeps its text, but not all of its white space."""
    return " ".join(sql.split()).rstrip("; ")
