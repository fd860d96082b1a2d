"""Questions to the turn index: how many turns a lineage has, and where some of them lie.

An answer holds for the bytes that the rows were made of: whoever asks proves that the files are those.
None means that rows do not tell, and the log is to be read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")

NO_END: Final = (1 << 63) - 1


class IndexedFile(Struct, frozen=True):
    """A rollout whose turns do not mix, and the bytes that the index knows: those before `watermark`."""

    file_id: int
    inode: int
    watermark: int
    anchor: str


class Extent(Struct, frozen=True):
    """What of a rollout belongs to a lineage: the records of these ordinals, before an offset."""

    file_id: int
    end_offset: int
    first_ordinal: int
    end_ordinal: int = NO_END


class TurnPlace(Struct, frozen=True):
    """Where a turn begins: in which extent, counted from the oldest, and at which byte."""

    extent: int
    start_offset: int
    ordinal: int
    turn_id: str


class TurnStretch(Struct, frozen=True):
    """Turns next to each other, oldest first; all of their records lie between the first and `behind`.

    `behind` is the start of the next turn, None at the end; `sealed_end` where the first turn from there on
    ends that is sealed in the same rollout, if any. `has_more`: turns follow, in the direction asked for.
    """

    turns: list[TurnPlace]
    behind: TurnPlace | None
    sealed_end: int | None
    has_more: bool


Question = Callable[[sqlite3.Connection, Sequence[Extent]], T | None]

_FILE: Final = """
SELECT f.file_id, f.inode, f.watermark, f.anchor FROM files f JOIN turn_orders o USING(file_id)
WHERE f.path = ? AND o.is_clear AND f.watermark > 0
  AND NOT f.due & (SELECT bit FROM domains WHERE name = 'turns')
  AND NOT EXISTS(SELECT 1 FROM rollbacks r WHERE r.file_id = f.file_id)
"""


def find_indexed(connection: sqlite3.Connection, path: str) -> IndexedFile | None:
    """Return the file at a path, if the index tells where its turns lie."""
    row = connection.execute(_FILE, (path,)).fetchone()
    return IndexedFile(*row) if row is not None else None


def ask_of_files(
    connection: sqlite3.Connection,
    paths: Sequence[str],
    extents_of: Callable[[Sequence[IndexedFile]], Sequence[Extent]],
    question: Question[T],
) -> tuple[list[IndexedFile], T] | None:
    """Return the answer to a question, and the files that it is about, as they all were at one moment."""
    connection.execute("BEGIN")
    try:
        files = [one for one in (find_indexed(connection, path) for path in paths) if one is not None]
        if len(files) < len(paths):
            return None
        answer = question(connection, extents_of(files))
        return (files, answer) if answer is not None else None
    finally:
        connection.execute("ROLLBACK")


_WITHIN: Final = "FROM turns WHERE file_id = ? AND start_offset < ? AND ordinal >= ? AND ordinal < ?"
_COUNT: Final = """
SELECT count(*), count(DISTINCT turn_id),
  EXISTS(SELECT 1 FROM strays WHERE file_id = ?1 AND is_end AND ordinal >= ?3 AND ordinal < ?4),
  EXISTS(SELECT 1 FROM turns WHERE file_id = ?1 AND ordinal < ?3)
FROM turns WHERE file_id = ?1 AND start_offset < ?2 AND ordinal >= ?3 AND ordinal < ?4
"""


def count_turns(connection: sqlite3.Connection, extents: Sequence[Extent]) -> int | None:
    """Return how many turns a lineage has; None where one has not one start, or an end away from it."""
    total = 0
    for one in extents:
        count, distinct, has_stray_end, begins_within = connection.execute(_COUNT, _values(one)).fetchone()
        if has_stray_end or begins_within or count != distinct:
            return None
        total += count
    if len(extents) > 1:
        met: set[str] = set()
        for one in extents:
            rows = connection.execute(
                f"SELECT turn_id {_WITHIN}",
                _values(one),
            )
            met.update(turn_id for (turn_id,) in rows)
        if len(met) != total:
            return None
    return total


def find_stretch(
    connection: sqlite3.Connection,
    extents: Sequence[Extent],
    anchor: int | None,
    size: int,
    *,
    is_descending: bool,
) -> TurnStretch | None:
    """Return the next `size` turns beyond an ordinal, in a direction; None where one lies elsewhere, too."""
    if is_descending:
        below = list(islice(_iter_below(connection, extents, NO_END if anchor is None else anchor), size + 1))
        has_more = len(below) > size
        turns = below[:size][::-1]
        if not turns:
            return None
        behind = next(_iter_above(connection, extents, turns[-1].ordinal), None)
        lowest = turns[0].ordinal if has_more else 0
    else:
        above = list(islice(_iter_above(connection, extents, -1 if anchor is None else anchor), size + 1))
        has_more = len(above) > size
        turns = above[:size]
        if not turns:
            return None
        behind = above[size] if has_more else None
        lowest = 0 if anchor is None else anchor + 1
    end = behind.ordinal if behind is not None else NO_END
    if not _lie_alone(connection, extents, turns, lowest, end):
        return None
    sealed_end = (
        _sealed_behind(connection, extents[behind.extent], behind.start_offset)
        if behind is not None
        else None
    )
    return TurnStretch(turns, behind, sealed_end, has_more)


def _iter_above(
    connection: sqlite3.Connection, extents: Sequence[Extent], anchor: int
) -> Iterator[TurnPlace]:
    for place, one in enumerate(extents):
        if one.end_ordinal > anchor:
            found = connection.execute(
                f"SELECT ?, start_offset, ordinal, turn_id {_WITHIN} AND ordinal > ? ORDER BY start_offset",
                (place, *_values(one), anchor),
            )
            yield from (TurnPlace(*row) for row in found)


def _iter_below(
    connection: sqlite3.Connection, extents: Sequence[Extent], anchor: int
) -> Iterator[TurnPlace]:
    for place in reversed(range(len(extents))):
        if extents[place].first_ordinal < anchor:
            found = connection.execute(
                f"SELECT ?, start_offset, ordinal, turn_id {_WITHIN} AND ordinal < ?"
                " ORDER BY start_offset DESC",
                (place, *_values(extents[place]), anchor),
            )
            yield from (TurnPlace(*row) for row in found)


_NAMED: Final = "turn_id IN (SELECT value FROM json_each(?))"


def _lie_alone(
    connection: sqlite3.Connection,
    extents: Sequence[Extent],
    turns: Sequence[TurnPlace],
    lowest: int,
    end: int,
) -> bool:
    """Tell whether each turn has one start, is named nowhere else, and no other one ends among them."""
    ids = msgspec.json.encode([turn.turn_id for turn in turns]).decode()
    starts = 0
    for one in extents:
        (count,) = connection.execute(
            f"SELECT count(*) {_WITHIN} AND {_NAMED}", (*_values(one), ids)
        ).fetchone()
        starts += count
        begins_within = connection.execute(
            "SELECT 1 FROM turns WHERE file_id = ? AND ordinal < ? LIMIT 1", (one.file_id, one.first_ordinal)
        ).fetchone()
        stray = connection.execute(
            f"SELECT 1 FROM strays WHERE file_id = ? AND ordinal >= ? AND ordinal < ?"  # noqa: S608  # own words
            f" AND ({_NAMED} OR (is_end AND ordinal >= ? AND ordinal < ?)) LIMIT 1",
            (one.file_id, one.first_ordinal, one.end_ordinal, ids, lowest, end),
        ).fetchone()
        if stray is not None or begins_within is not None:
            return False
    return starts == len(turns)


def _sealed_behind(connection: sqlite3.Connection, extent: Extent, start_offset: int) -> int | None:
    """Return where the first sealed turn ends that does so behind an offset."""
    row = connection.execute(
        "SELECT min(end_offset) FROM turns"
        " WHERE file_id = ? AND start_offset >= ? AND is_sealed AND end_offset <= ?",
        (extent.file_id, start_offset, extent.end_offset),
    ).fetchone()
    return row[0]  # type: ignore[no-any-return]


def _values(extent: Extent) -> tuple[int, int, int, int]:
    return extent.file_id, extent.end_offset, extent.first_ordinal, extent.end_ordinal
