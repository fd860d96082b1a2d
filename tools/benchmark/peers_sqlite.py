"""A store made by hand over SQLite, as a careful developer would write it: the bar to beat.

Threads name their parent and how many turns they share with it; a turn is a row of JSON text.
A commit is durable (`synchronous=FULL`). It checks nothing that it reads.
"""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmark.peers_subject import PAGE, Item, Subject, title_of

_TABLES = """
CREATE TABLE threads (
    id INTEGER PRIMARY KEY,
    parent INTEGER REFERENCES threads,
    shared INTEGER NOT NULL,
    turns INTEGER NOT NULL,
    title TEXT NOT NULL
);
CREATE TABLE turns (
    thread INTEGER NOT NULL,
    number INTEGER NOT NULL,
    items TEXT NOT NULL,
    PRIMARY KEY (thread, number)
);
"""
_MAIN = 1


class HandMade(Subject):
    """The store, and its one long thread."""

    def __init__(self, folder: Path) -> None:
        """Use a database in `folder`."""
        self._path = folder / "threads.db"
        self.note = "journal_mode=WAL, synchronous=FULL; a row a turn"

    def open(self) -> None:
        is_new = not self._path.exists()
        self._db = sqlite3.connect(self._path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        if is_new:
            self._db.executescript(_TABLES)
            self._db.execute("INSERT INTO threads VALUES (?, NULL, 0, 0, '')", (_MAIN,))

    def fill(self, turns: list[list[Item]]) -> None:
        self._db.execute("BEGIN")
        for items in turns:
            self._insert(_MAIN, items)
        self._db.execute("COMMIT")

    def append(self, prepared: list[Item]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._insert(_MAIN, prepared)
        self._db.execute("COMMIT")

    def _insert(self, thread: int, items: list[Item]) -> None:
        self._db.execute(
            "INSERT INTO turns SELECT id, turns, ? FROM threads WHERE id = ?", (_encoded(items), thread)
        )
        self._db.execute("UPDATE threads SET turns = turns + 1 WHERE id = ?", (thread,))

    def resume(self) -> list[Item]:
        return _items(self._rows(_MAIN, 0, self._count(_MAIN)))

    def resume_json(self) -> bytes:
        rows = self._rows(_MAIN, 0, self._count(_MAIN), "CAST(items AS BLOB)")
        return b"[" + b",".join(row[1:-1] for row in rows) + b"]"

    def newest(self) -> list[Item]:
        count = self._count(_MAIN)
        return _items(self._rows(_MAIN, count - PAGE, count))

    def middle(self, place: str) -> list[Item]:
        return _items(self._rows(_MAIN, int(place), int(place) + PAGE))

    def fork(self, place: str | None) -> str:
        shared = self._count(_MAIN) if place is None else int(place)
        done = self._db.execute(
            "INSERT INTO threads (parent, shared, turns, title) "
            "SELECT id, ?, ?, title FROM threads WHERE id = ?",
            (shared, shared, _MAIN),
        )
        return str(done.lastrowid)

    def of_fork(self, fork: str) -> list[Item]:
        return _items(self._rows(int(fork), 0, self._count(int(fork))))

    def add_threads(self, threads: list[list[Item]]) -> None:
        self._db.execute("BEGIN")
        for items in threads:
            done = self._db.execute(
                "INSERT INTO threads (shared, turns, title) VALUES (0, 0, ?)", (title_of(items),)
            )
            self._insert(done.lastrowid or 0, items)
        self._db.execute("COMMIT")

    def list_newest(self) -> list[str]:
        return [
            row[0] for row in self._db.execute("SELECT title FROM threads ORDER BY id DESC LIMIT ?", (PAGE,))
        ]

    def close(self) -> None:
        self._db.close()

    def _count(self, thread: int) -> int:
        count: int = self._db.execute("SELECT turns FROM threads WHERE id = ?", (thread,)).fetchone()[0]
        return count

    def _rows(self, thread: int | None, first: int, end: int, what: str = "items") -> list[Any]:
        """Return the turns of a range, oldest first, from the thread and those it descends from."""
        found: list[Any] = []
        while thread is not None and end > first:
            parent, shared = self._db.execute(
                "SELECT parent, shared FROM threads WHERE id = ?", (thread,)
            ).fetchone()
            rows = self._db.execute(
                f"SELECT {what} FROM turns WHERE thread = ? AND number >= ? AND number < ? "
                "ORDER BY number DESC",
                (thread, max(first, shared), end),
            )
            found += (row[0] for row in rows)
            thread, end = parent, min(end, shared)
        return found[::-1]


def _encoded(items: Any) -> str:
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))


def _items(rows: Iterable[str]) -> list[Item]:
    return [item for row in rows for item in json.loads(row)]
