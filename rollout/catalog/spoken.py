"""What was said, by its letters: in which rollouts a piece of text may stand, wherever in a word it does.

Every message of a user or an agent counts, those that nobody typed and nobody is shown as well. The index
keeps three letters at a time and no places, one row for what was read of a rollout at once: it finds
whatever may hold a text, and perhaps more. The log decides. Rows whose rollout is gone are dead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from rollout.catalog.domains import Domain, Unit
from rollout.catalog.schema import transaction
from rollout.format import vocabulary
from rollout.format.decoding import decode_payload
from rollout.format.items import parts_of
from rollout.format.record import Record

if TYPE_CHECKING:
    import sqlite3  # slow to import, and only whoever has a connection needs it

LABELS: Final = frozenset({vocabulary.RESPONSE_ITEM, vocabulary.USER_MESSAGE, vocabulary.AGENT_MESSAGE})
"""What may say something, by `Record.label`."""
_SPEAKERS: Final = frozenset({"user", "assistant"})
_GRAM: Final = 3
_MOST_GRAMS: Final = 24

SCHEMA: Final = (
    """CREATE VIRTUAL TABLE spoken_letters
  USING fts5(letters, content='', detail=none, tokenize='trigram case_sensitive 1')""",
    "CREATE TABLE spoken_rows(row INTEGER PRIMARY KEY AUTOINCREMENT, file_id INTEGER NOT NULL) STRICT",
    "CREATE INDEX spoken_rows_by_file ON spoken_rows(file_id)",
)


class _Spoken(Struct, frozen=True):
    message: str = ""


def spoken_in(record: Record) -> str | None:
    """Return what a record of `LABELS` lets a user or an agent say; None for nothing."""
    payload = record.envelope.payload
    if record.label == vocabulary.RESPONSE_ITEM:
        if payload.type != vocabulary.MESSAGE or payload.role not in _SPEAKERS:
            return None
        return "\n".join(part.text for part in parts_of(payload) if part.text) or None
    spoken = decode_payload(record, _Spoken)
    return spoken.message or None if spoken is not None else None


def folded(text: str) -> str:
    """Return a text without case: what is part of it is part of its folded form when folded alone."""
    return text.casefold().replace("\0", " ")  # behind a NUL nothing would be indexed


class SpokenReader:
    """Folds what a rollout says into one row. It stands for itself: an append needs nothing of before."""

    labels: frozenset[str] = LABELS
    newest: tuple[frozenset[str], ...] = ()

    def __init__(self, unit: Unit, connection: sqlite3.Connection) -> None:  # noqa: ARG002  # each row stands for itself
        self._texts: dict[str, None] = {}

    def feed(self, record: Record) -> None:
        """Take the next record."""
        text = spoken_in(record)
        if text is not None:
            self._texts[text] = None

    def feed_newest(self, group: frozenset[str], records: Iterator[Record]) -> None:
        """Never called: whatever was said counts."""

    def store(self, connection: sqlite3.Connection, file_id: int) -> None:
        """Write what was folded."""
        if self._texts:
            made = connection.execute("INSERT INTO spoken_rows(file_id) VALUES(?)", (file_id,))
            letters = folded("\n".join(self._texts))
            connection.execute(
                "INSERT INTO spoken_letters(rowid, letters) VALUES(?, ?)", (made.lastrowid, letters)
            )


def forget_spoken(connection: sqlite3.Connection, file_id: int) -> None:
    """Let the rows of a file be dead; no row's number is given twice."""
    connection.execute("DELETE FROM spoken_rows WHERE file_id = ?", (file_id,))


def empty_spoken(connection: sqlite3.Connection) -> None:
    """Take everything out, so that the next refresh makes all of it anew and none of it is dead."""
    with transaction(connection):
        connection.execute("INSERT INTO spoken_letters(spoken_letters) VALUES('delete-all')")
        connection.execute("DELETE FROM spoken_rows")
        connection.execute(
            "UPDATE files SET revision = revision + 1, due = due | (SELECT bit FROM domains WHERE name = ?)",
            (SPOKEN.name,),
        )


def find_due(connection: sqlite3.Connection, most: int) -> int:
    """Return how many files the index lacks as far as they were read, counting up to `most`."""
    (count,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM files"
        " WHERE due & (SELECT bit FROM domains WHERE name = ?) LIMIT ?)",
        (SPOKEN.name, most),
    ).fetchone()
    return int(count)


_FOUND: Final = (
    "SELECT DISTINCT f.thread_id FROM spoken_letters CROSS JOIN spoken_rows r ON r.row = spoken_letters.rowid"
    " JOIN files f USING(file_id) WHERE spoken_letters MATCH ?"
)


def find_speakers(connection: sqlite3.Connection, text: str) -> frozenset[str] | None:
    """Return the threads in which a text may have been said, in any of their rollouts; None for any."""
    expression = _expression_of(folded(text))
    if expression is None:
        return None
    return frozenset(thread_id for (thread_id,) in connection.execute(_FOUND, (expression,)))


def _expression_of(text: str) -> str | None:
    grams = dict.fromkeys(text[start : start + _GRAM] for start in range(len(text) - _GRAM + 1))
    return " AND ".join(_quoted(list(grams)[:: 1 + len(grams) // _MOST_GRAMS])) or None


def _quoted(grams: Iterable[str]) -> Iterator[str]:
    return (f'"{gram.replace(chr(34), chr(34) * 2)}"' for gram in grams)


SPOKEN: Final = Domain("spoken", ("spoken_letters", "spoken_rows"), SCHEMA, SpokenReader, forget_spoken)
