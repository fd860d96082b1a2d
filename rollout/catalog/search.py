"""Threads in which something was said, best first, and the rows of their messages that match.

A thread is scored as BM25 scores a document: the rarer the words, the more of its messages have them
and the fewer others it has, the better; the newer one of two equals comes first. Words that very many
messages have tell no thread from another: then the newest threads come first, and are not counted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from rollout.catalog.query import descendants, filter_tests
from rollout.catalog.search_index import BLOCK_BITS, is_complete
from rollout.catalog.search_query import is_choice, terms_of
from rollout.catalog.search_rows import Rows
from rollout.catalog.search_said import Role
from rollout.catalog.search_wanted import Rank, Wanted, expression_for, quoted_role

if TYPE_CHECKING:
    import sqlite3  # slow to import, and only whoever has a connection needs it

_SATURATION: Final = 1.2
_LENGTH_WEIGHT: Final = 0.75
_TITLE_WEIGHT: Final = 2.0
COMMON_ROWS: Final = 20_000
"""With more rows than these, threads come by recency."""
_PROBED_AT_ONCE: Final = 64


class Candidate(Struct, frozen=True):
    """A thread with messages that match, as far as the index knows. `shown` is as in a listing."""

    rank: Rank
    shown: bytes
    name: str | None


class _Arm(Struct, frozen=True):
    """One question to the index, how many rows answer it, and what a match is worth."""

    expression: str
    rows: int
    weight: float


_COUNT: Final = (
    "SELECT count(*) FROM (SELECT 1 FROM search_words"  # noqa: S608  # our own numbers
    f" CROSS JOIN search_blocks b ON b.block = search_words.rowid >> {BLOCK_BITS}"
    " WHERE search_words MATCH ? LIMIT ?)"
)
_SIZES: Final = "SELECT count(*), total(messages) FROM search_files"


def _arms(connection: sqlite3.Connection, wanted: Wanted, messages: float) -> list[_Arm]:
    """Return a question for each word where not all need be there, else one for all."""
    nodes = terms_of(wanted.node) if is_choice(wanted.node) else [wanted.node]
    arms = {}
    for node in nodes:
        expression = expression_for(wanted, node)
        (count,) = connection.execute(_COUNT, (expression, COMMON_ROWS + 1)).fetchone()
        if count:
            weight = math.log(1 + max(0.0, messages - count + 0.5) / (count + 0.5))
            arms[expression] = _Arm(expression, count, weight)
    return list(arms.values())


_IN_FILES: Final = (
    "SELECT f.thread_id AS id,"
    " :w{n} * x.n * {k1} / (x.n + {k} * ({rest} + {b} * s.messages / :mean)) AS worth"
    " FROM (SELECT b.file_id AS file_id, count(*) AS n"
    "  FROM search_words CROSS JOIN search_blocks b ON b.block = search_words.rowid >> {bits}"
    "  WHERE search_words MATCH :q{n} AND b.file_id IS NOT NULL GROUP BY b.file_id) x"
    " JOIN search_files s ON s.file_id = x.file_id JOIN files f ON f.file_id = x.file_id"
)
_IN_TITLES: Final = (
    "SELECT t.thread_id AS id, :w{n} * {title} AS worth"
    " FROM search_words CROSS JOIN search_blocks b ON b.block = search_words.rowid >> {bits}"
    " JOIN search_titles t ON t.title_id = b.title_id WHERE search_words MATCH :t{n}"
)


def _tests(wanted: Wanted, values: dict[str, object]) -> str:
    """Return what a row of `threads` must pass."""
    tests, filtered = filter_tests(wanted.where, "recency_place")
    values |= {**filtered, "archived": wanted.is_archived}
    return " AND ".join([*tests, "is_archived = :archived"])


def _all_ranks(connection: sqlite3.Connection, arms: list[_Arm], wanted: Wanted, mean: float) -> list[Rank]:
    """Return every thread that is found, in no order."""
    values: dict[str, object] = {"mean": mean}
    parts = []
    for number, arm in enumerate(arms):
        values[f"w{number}"] = arm.weight
        values[f"q{number}"] = arm.expression
        values[f"t{number}"] = f"({arm.expression} AND {quoted_role(Role.TITLE)})"
        named = {
            "n": number,
            "k": _SATURATION,
            "k1": _SATURATION + 1,
            "b": _LENGTH_WEIGHT,
            "rest": 1 - _LENGTH_WEIGHT,
            "bits": BLOCK_BITS,
            "title": _TITLE_WEIGHT,
        }
        if wanted.roles != (Role.TITLE,):
            parts.append(_IN_FILES.format(**named))
        if not wanted.roles or Role.TITLE in wanted.roles:
            parts.append(_IN_TITLES.format(**named))
    rows = connection.execute(
        f"{descendants(wanted.where)} SELECT found.id, round(sum(worth), 6), recency_place"  # noqa: S608  # own words
        f" FROM ({' UNION ALL '.join(parts)}) found JOIN threads ON thread_id = found.id"
        f" WHERE {_tests(wanted, values)} GROUP BY found.id",
        values,
    )
    return [
        Rank(score, recency, thread_id)
        for thread_id, score, recency in rows
        if thread_id not in wanted.hidden
    ]


_NEWEST: Final = (
    "{below} SELECT thread_id, recency_place FROM threads"
    " WHERE {tests} AND (recency_place, thread_id) < (:recency, :thread)"
    " ORDER BY recency_place DESC, thread_id DESC LIMIT :probed"
)
_BLOCKS: Final = (
    "SELECT block FROM files f JOIN search_blocks b ON b.file_id = f.file_id WHERE f.thread_id = ?1"
    " UNION ALL SELECT block FROM search_titles t JOIN search_blocks b ON b.title_id = t.title_id"
    " WHERE t.thread_id = ?1"
)


def _newest_ranks(connection: sqlite3.Connection, arm: _Arm, wanted: Wanted, limit: int) -> list[Rank]:
    """Return up to `limit` threads by recency, looking no further than it takes."""
    found: list[Rank] = []
    values: dict[str, object] = {"probed": _PROBED_AT_ONCE}
    sql = _NEWEST.format(tests=_tests(wanted, values), below=descendants(wanted.where))
    after = wanted.after or Rank(0.0, 1 << 62, "")
    matching = Rows(connection, wanted)
    while len(found) < limit:
        values |= {"recency": after.recency, "thread": after.thread_id}
        probed = connection.execute(sql, values).fetchall()
        for thread_id, recency in probed:
            after = Rank(0.0, recency, thread_id)
            if thread_id in wanted.hidden:
                continue
            rows = sum(len(matching.of(block)) for (block,) in connection.execute(_BLOCKS, (thread_id,)))
            if rows:
                worth = arm.weight * rows * (_SATURATION + 1) / (rows + _SATURATION)
                found.append(Rank(round(worth, 6), recency, thread_id, is_common=True))
        if len(probed) < _PROBED_AT_ONCE:
            break
    return found[:limit]


class Candidates(Struct, frozen=True):
    """One page of candidates, and how many threads all pages have; None where they were not counted."""

    data: list[Candidate]
    total: int | None


def find_complete(connection: sqlite3.Connection, wanted: Wanted, limit: int) -> Candidates | None:
    """Return what `find_candidates` does, or None while somebody makes the index anew."""
    connection.execute("BEGIN")  # so that both questions see the same rows
    try:
        return find_candidates(connection, wanted, limit) if is_complete(connection) else None
    finally:
        connection.execute("COMMIT")


def find_candidates(connection: sqlite3.Connection, wanted: Wanted, limit: int) -> Candidates:
    """Return up to `limit` threads behind `wanted.after`, best first."""
    files, messages = connection.execute(_SIZES).fetchone()
    arms = _arms(connection, wanted, messages)
    if not arms:
        return Candidates([], 0)
    is_common = sum(arm.rows for arm in arms) > COMMON_ROWS
    if wanted.after is not None:
        is_common = wanted.after.is_common
    if is_common:
        whole = _Arm(expression_for(wanted), 0, max(arm.weight for arm in arms))
        newest = _newest_ranks(connection, whole, wanted, limit)
        return Candidates(_candidates(connection, newest), None)
    found = _all_ranks(connection, arms, wanted, messages / files if files else 1.0)
    total = len(found)
    if wanted.after is not None:
        after = wanted.after.place
        found = [rank for rank in found if rank.place > after]
    found.sort(key=lambda rank: rank.place)
    return Candidates(_candidates(connection, found[:limit]), total)


def _candidates(connection: sqlite3.Connection, ranks: list[Rank]) -> list[Candidate]:
    found = []
    for rank in ranks:
        row = connection.execute(
            "SELECT shown, name FROM threads WHERE thread_id = ?", (rank.thread_id,)
        ).fetchone()
        if row is not None:  # else it has vanished since it was found
            found.append(Candidate(rank, *row))
    return found
