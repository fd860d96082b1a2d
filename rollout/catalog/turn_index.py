"""The turn index: where the turns of each rollout begin and end, and how many there are.

Rows are kept by rollout, so a fork shares its parent's. They say where a page lies and that nothing of it
lies elsewhere; what is on it still comes from the log (invariant 1). Who asks is `turn_places`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from rollout.catalog.domains import Domain, Unit
from rollout.catalog.picking import Event
from rollout.catalog.turn_order import TurnOrder
from rollout.format import vocabulary
from rollout.format.record import Mode, Record
from rollout.format.seals import find_seal

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
  is_sealed INTEGER NOT NULL,
  PRIMARY KEY(file_id, start_offset)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE turn_orders(
  file_id INTEGER PRIMARY KEY,
  last_ordinal INTEGER NOT NULL,
  is_clear INTEGER NOT NULL
) STRICT""",
    """CREATE TABLE strays(
  file_id INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  turn_id TEXT NOT NULL,
  is_end INTEGER NOT NULL,
  PRIMARY KEY(file_id, ordinal)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE rollbacks(
  file_id INTEGER NOT NULL,
  start_offset INTEGER NOT NULL,
  PRIMARY KEY(file_id, start_offset)
) STRICT, WITHOUT ROWID""",
)


class _Turn(Struct):
    start_offset: int
    turn_id: str | None
    ordinal: int | None = None
    started: str = ""
    end_offset: int | None = None
    ended: str | None = None
    is_completed: bool | None = None
    is_sealed: bool = False
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
        self._order = _order_of(unit, connection)

    @property
    def is_looking(self) -> bool:
        """Whether the turns may be apart still."""
        return self._order.is_clear

    def look(self, events: list[Event], start_offset: int, *, is_clear: bool) -> None:
        """Take the next events, to see that turns do not mix."""
        self._order.look(events, start_offset, is_clear=is_clear)

    def feed(self, record: Record) -> None:
        """Take the next record."""
        label = record.label
        self._order.feed(record, label)
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
                turn.is_sealed = find_seal(record.stored, record.start_offset) is not None
                self._open.remove(turn)
                return

    def store(self, connection: sqlite3.Connection, file_id: int) -> None:
        """Write what was folded."""
        connection.executemany(
            "INSERT INTO turns VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                    turn.is_sealed,
                )
                for turn in self._turns
                if not turn.is_stored
            ],
        )
        connection.executemany(
            "UPDATE turns SET end_offset = ?, ended = ?, is_completed = ?, is_sealed = ?"
            " WHERE file_id = ? AND start_offset = ?",
            [
                (
                    turn.end_offset,
                    turn.ended,
                    turn.is_completed,
                    turn.is_sealed,
                    file_id,
                    turn.start_offset,
                )
                for turn in self._turns
                if turn.is_stored and turn.end_offset is not None
            ],
        )
        connection.executemany(
            "INSERT INTO rollbacks VALUES(?, ?)", [(file_id, start) for start in self._rollbacks]
        )
        order = self._order
        order.settle()
        connection.execute(
            "INSERT OR REPLACE INTO turn_orders VALUES(?, ?, ?)",
            (file_id, order.last_ordinal, order.is_clear),
        )
        if not order.is_clear:
            connection.execute("DELETE FROM strays WHERE file_id = ?", (file_id,))
        connection.executemany(
            "INSERT INTO strays VALUES(?, ?, ?, ?)",
            [(file_id, stray.ordinal, stray.turn_id, stray.is_end) for stray in order.strays],
        )


def _order_of(unit: Unit, connection: sqlite3.Connection) -> TurnOrder:
    """Return what goes on with a rollout's order. A legacy one has none."""
    if unit.header.mode is not Mode.PAGINATED:
        return TurnOrder(is_clear=False)
    if unit.start_offset == 0 or unit.file_id is None:
        return TurnOrder()
    row = connection.execute(
        "SELECT last_ordinal, is_clear, (SELECT turn_id FROM turns t WHERE t.file_id = o.file_id"
        " AND ordinal IS NOT NULL ORDER BY start_offset DESC LIMIT 1) FROM turn_orders o WHERE file_id = ?",
        (unit.file_id,),
    ).fetchone()
    return TurnOrder(row[0], row[2], is_clear=bool(row[1])) if row is not None else TurnOrder(is_clear=False)


TURNS: Final = Domain("turns", ("turns", "rollbacks", "turn_orders", "strays"), SCHEMA, TurnReader)
