"""The turn index: where the turns of each rollout begin and end, and how many there are.

Rows are kept by rollout, so a fork shares its parent's: a lineage's count is a sum over its segments.
It knows what starts and ends say, no more: pages are still made from the log (invariant 1).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from rollout.catalog.domains import Domain, Unit
from rollout.format import vocabulary
from rollout.format.record import Record

_STARTS: Final = vocabulary.TASK_STARTED
_LABELS: Final = frozenset(_STARTS | vocabulary.TURN_ENDS | {vocabulary.ROLLED_BACK})

SCHEMA: Final = (
    """CREATE TABLE turns(
  file_id INTEGER NOT NULL,
  start_offset INTEGER NOT NULL,
  ordinal INTEGER,
  turn_id TEXT,
  started TEXT NOT NULL,
  end_offset INTEGER,
  ended TEXT,
  is_completed INTEGER,
  PRIMARY KEY(file_id, start_offset)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE rollbacks(
  file_id INTEGER NOT NULL,
  start_offset INTEGER NOT NULL,
  PRIMARY KEY(file_id, start_offset)
) STRICT, WITHOUT ROWID""",
)


class Stretch(Struct, frozen=True):
    """A segment of a lineage: the records of a rollout up to an offset, or all of them."""

    rollout_id: str
    end_offset: int | None = None


class TurnStart(Struct, frozen=True):
    """Where a turn begins: its place along the lineage, counted from 0, its rollout and its byte there."""

    number: int
    rollout_id: str
    start_offset: int
    ordinal: int | None
    turn_id: str | None
    end_offset: int | None
    is_completed: bool | None


class _Turn(Struct):
    start_offset: int
    turn_id: str | None
    ordinal: int | None = None
    started: str = ""
    end_offset: int | None = None
    ended: str | None = None
    is_completed: bool | None = None
    is_stored: bool = False


class TurnReader:
    """Folds starts and ends into rows. Goes on with the turns that were open."""

    labels: frozenset[str] = _LABELS
    newest: tuple[frozenset[str], ...] = ()

    def __init__(self, unit: Unit, connection: sqlite3.Connection) -> None:
        self._turns: list[_Turn] = []
        self._rollbacks: list[int] = []
        if unit.start_offset > 0 and unit.file_id is not None:
            rows = connection.execute(
                "SELECT start_offset, turn_id FROM turns WHERE file_id = ? AND end_offset IS NULL"
                " ORDER BY start_offset",
                (unit.file_id,),
            )
            self._turns = [_Turn(start, turn_id, is_stored=True) for start, turn_id in rows]
        self._open = list(self._turns)

    def feed(self, record: Record) -> None:
        """Take the next record."""
        label = record.label
        turn_id = record.envelope.payload.turn_id
        if label in _STARTS:
            turn = _Turn(record.start_offset, turn_id, record.ordinal, record.envelope.timestamp)
            self._turns.append(turn)
            self._open.append(turn)
        elif label in vocabulary.TURN_ENDS:
            self._end(record, turn_id, is_completed=label != vocabulary.TURN_ABORTED)
        elif label == vocabulary.ROLLED_BACK:
            self._rollbacks.append(record.start_offset)

    def feed_newest(self, group: frozenset[str], records: Iterator[Record]) -> None:
        """Never called: every start and end counts."""

    def _end(self, record: Record, turn_id: str | None, *, is_completed: bool) -> None:
        for turn in reversed(self._open):
            if turn_id is None or turn.turn_id == turn_id:
                turn.end_offset, turn.ended = record.end_offset, record.envelope.timestamp
                turn.is_completed = is_completed
                self._open.remove(turn)
                return

    def store(self, connection: sqlite3.Connection, file_id: int) -> None:
        """Write what was folded."""
        connection.executemany(
            "INSERT INTO turns VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    file_id,
                    turn.start_offset,
                    turn.ordinal,
                    turn.turn_id,
                    turn.started,
                    turn.end_offset,
                    turn.ended,
                    turn.is_completed,
                )
                for turn in self._turns
                if not turn.is_stored
            ],
        )
        connection.executemany(
            "UPDATE turns SET end_offset = ?, ended = ?, is_completed = ?"
            " WHERE file_id = ? AND start_offset = ?",
            [
                (turn.end_offset, turn.ended, turn.is_completed, file_id, turn.start_offset)
                for turn in self._turns
                if turn.is_stored and turn.end_offset is not None
            ],
        )
        connection.executemany(
            "INSERT INTO rollbacks VALUES(?, ?)", [(file_id, start) for start in self._rollbacks]
        )


TURNS: Final = Domain("turns", ("turns", "rollbacks"), SCHEMA, TurnReader)

_NO_END: Final = (1 << 63) - 1
_COUNT: Final = """
SELECT (SELECT count(*) FROM turns WHERE file_id = f.file_id AND start_offset < ?2),
       EXISTS(SELECT 1 FROM rollbacks WHERE file_id = f.file_id AND start_offset < ?2),
       f.due & (SELECT bit FROM domains WHERE name = 'turns'),
       f.file_id
FROM files f WHERE f.rollout_id = ?1 AND f.watermark > 0 ORDER BY f.is_archived, f.path LIMIT 1
"""


def count_turns(connection: sqlite3.Connection, stretches: Iterable[Stretch]) -> int | None:
    """Return how many turns a lineage has started, or None where starts alone do not tell.

    So it is after a rollback, and for a rollout that has not been absorbed.
    """
    total = 0
    for stretch in stretches:
        row = connection.execute(_COUNT, (stretch.rollout_id, _end_of(stretch))).fetchone()
        if row is None or row[1] or row[2]:
            return None
        total += row[0]
    return total


def iter_turn_starts(
    connection: sqlite3.Connection, stretches: Iterable[Stretch], first: int, limit: int
) -> Iterator[TurnStart]:
    """Yield the turns of a lineage from the `first` one on, oldest first and counted from 0, at most `limit`.

    Together with `count_turns` not None: every turn there is.
    """
    before = 0
    for stretch in stretches:
        row = connection.execute(_COUNT, (stretch.rollout_id, _end_of(stretch))).fetchone()
        count = row[0] if row is not None else 0
        if first < before + count and limit > 0:
            skipped = max(0, first - before)
            rows = connection.execute(
                "SELECT start_offset, ordinal, turn_id, end_offset, is_completed FROM turns"
                " WHERE file_id = ? AND start_offset < ? ORDER BY start_offset LIMIT ? OFFSET ?",
                (row[3], _end_of(stretch), limit, skipped),
            ).fetchall()
            for number, (start, ordinal, turn_id, end, is_completed) in enumerate(rows, before + skipped):
                yield TurnStart(
                    number,
                    stretch.rollout_id,
                    start,
                    ordinal,
                    turn_id,
                    end,
                    None if is_completed is None else bool(is_completed),
                )
            limit -= len(rows)
        before += count


def _end_of(stretch: Stretch) -> int:
    return _NO_END if stretch.end_offset is None else stretch.end_offset
