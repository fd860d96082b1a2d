"""Threads in which something was said, best first, and the rows of their messages that match.

A thread is scored as BM25 scores a document: the rarer the words, the more of its messages have them
and the fewer others it has, the better; the newer one of two equals comes first. Words that very many
messages have tell no thread from another: then the newest threads come first, and are not counted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from rollout.catalog.query import NO_FILTER, ThreadFilter, descendants, filter_tests
from rollout.catalog.search_index import BLOCK_BITS, role_key
from rollout.catalog.search_query import Node, Term, expression_of, is_choice, terms_of
from rollout.catalog.search_said import Role

if TYPE_CHECKING:
    import sqlite3  # slow to import, and only whoever has a connection needs it

_SATURATION: Final = 1.2
_LENGTH_WEIGHT: Final = 0.75
_TITLE_WEIGHT: Final = 2.0
COMMON_ROWS: Final = 20_000
"""With more rows than these, threads come by recency."""
_PROBED_AT_ONCE: Final = 64
_BLOCK_MASK: Final = (1 << BLOCK_BITS) - 1
_TURNED: Final = str.maketrans("0123456789abcdef", "fedcba9876543210")


class Rank(Struct, frozen=True):
    """Where a thread stands among those found. `is_common`: they come by recency alone."""

    score: float
    recency: int
    thread_id: str
    is_common: bool = False

    @property
    def place(self) -> tuple[float, int, str]:
        """What ranks sort by."""
        return (-self.score, -self.recency, _descending(self.thread_id))


def _descending(thread_id: str) -> str:
    """Return what sorts the other way round than an id."""
    return thread_id.translate(_TURNED)


class Wanted(Struct, frozen=True):
    """What is searched for, and in which threads; no role means all of them.

    `hidden` threads are left out. `after` is where the page before ended.
    """

    node: Node
    roles: tuple[Role, ...] = ()
    where: ThreadFilter = NO_FILTER
    is_archived: bool = False
    hidden: frozenset[str] = frozenset()
    after: Rank | None = None


class Candidate(Struct, frozen=True):
    """A thread with messages that match, as far as the index knows. `shown` is as in a listing."""

    rank: Rank
    shown: bytes
    name: str | None


class Hit(Struct, frozen=True):
    """A row that matches, as far as the index knows: a message in the rollout at `path`, or a title."""

    row: int
    path: str | None
    title: str | None


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


def _expression(wanted: Wanted, node: Node | None = None) -> str:
    asked = expression_of(wanted.node)
    if node is not None and node is not wanted.node:
        asked = f"({asked} AND {expression_of(node)})"
    if wanted.roles:
        asked = f"({asked} AND ({' OR '.join(_quoted_role(role) for role in wanted.roles)}))"
    return asked


def _quoted_role(role: Role) -> str:
    return f'"{role_key(role)}"'


def _arms(connection: sqlite3.Connection, wanted: Wanted, messages: float) -> list[_Arm]:
    """Return a question for each word where not all need be there, else one for all."""
    nodes = terms_of(wanted.node) if is_choice(wanted.node) else [wanted.node]
    arms = {}
    for node in nodes:
        expression = _expression(wanted, node)
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
        values[f"t{number}"] = f"({arm.expression} AND {_quoted_role(Role.TITLE)})"
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
_IN_BLOCK: Final = (
    "SELECT count(*) FROM search_words WHERE search_words MATCH ?1"  # noqa: S608
    f" AND rowid BETWEEN ?2 << {BLOCK_BITS} AND (?2 << {BLOCK_BITS}) + {_BLOCK_MASK}"
)
_ALL_BLOCKS: Final = (
    f"SELECT group_concat(rowid >> {BLOCK_BITS}) FROM search_words WHERE search_words MATCH ?"  # noqa: S608
)


def _counter(connection: sqlite3.Connection, arm: _Arm, node: Node) -> Callable[[int], int]:
    """Return what tells how many rows of a block match.

    For one word the index is asked block by block, which is nearly free; anything else it is asked once.
    """
    if _is_one_word(node):
        return lambda block: connection.execute(_IN_BLOCK, (arm.expression, block)).fetchone()[0]
    (blocks,) = connection.execute(_ALL_BLOCKS, (arm.expression,)).fetchone()
    counts = Counter(msgspec.json.decode(f"[{blocks or ''}]", type=list[int]))
    return lambda block: counts[block]


def _is_one_word(node: Node) -> bool:
    return isinstance(node, Term) and node.is_exact and not node.is_prefix


def _newest_ranks(connection: sqlite3.Connection, arm: _Arm, wanted: Wanted, limit: int) -> list[Rank]:
    """Return up to `limit` threads by recency, looking no further than it takes."""
    found: list[Rank] = []
    values: dict[str, object] = {"probed": _PROBED_AT_ONCE}
    sql = _NEWEST.format(tests=_tests(wanted, values), below=descendants(wanted.where))
    after = wanted.after or Rank(0.0, 1 << 62, "")
    count = _counter(connection, arm, wanted.node)
    while len(found) < limit:
        values |= {"recency": after.recency, "thread": after.thread_id}
        probed = connection.execute(sql, values).fetchall()
        for thread_id, recency in probed:
            after = Rank(0.0, recency, thread_id)
            if thread_id in wanted.hidden:
                continue
            rows = sum(count(block) for (block,) in connection.execute(_BLOCKS, (thread_id,)))
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
        whole = _Arm(_expression(wanted), 0, max(arm.weight for arm in arms))
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


_OWN_BLOCKS: Final = (
    "SELECT b.block, f.path, NULL FROM files f"
    " JOIN search_blocks b ON b.file_id = f.file_id WHERE f.thread_id = ?1"
    " UNION ALL SELECT b.block, NULL, t.words FROM search_titles t"
    " JOIN search_blocks b ON b.title_id = t.title_id WHERE t.thread_id = ?1"
)
_ROWS: Final = "SELECT rowid FROM search_words WHERE search_words MATCH ?1"
_ROWS_IN_BLOCK: Final = (
    f"{_ROWS} AND rowid BETWEEN ?2 << {BLOCK_BITS} AND (?2 << {BLOCK_BITS}) + {_BLOCK_MASK}"
)
_ROWS_IN_BLOCKS: Final = f"{_ROWS} AND rowid >> {BLOCK_BITS} IN (SELECT value FROM json_each(?2))"  # noqa: S608


class _Block(Struct, frozen=True):
    """Some rows of a thread's rollout, or its title."""

    thread_id: str
    path: str | None
    title: str | None


def find_hits(connection: sqlite3.Connection, wanted: Wanted, thread_ids: list[str]) -> dict[str, list[Hit]]:
    """Return the rows of some threads that match: messages, newest first, and the title last."""
    blocks = {
        block: _Block(thread_id, path, title)
        for thread_id in thread_ids
        for block, path, title in connection.execute(_OWN_BLOCKS, (thread_id,))
    }
    expression = _expression(wanted)
    if _is_one_word(wanted.node):
        rows = [row for block in blocks for row in connection.execute(_ROWS_IN_BLOCK, (expression, block))]
    else:
        chosen = msgspec.json.encode(list(blocks)).decode()
        rows = connection.execute(_ROWS_IN_BLOCKS, (expression, chosen)).fetchall()
    hits: dict[str, list[Hit]] = {thread_id: [] for thread_id in thread_ids}
    for (row,) in sorted(rows, reverse=True):
        block = blocks[row >> BLOCK_BITS]
        hits[block.thread_id].append(Hit(row, block.path, block.title))
    for found in hits.values():
        found.sort(key=lambda hit: hit.title is not None)
    return hits
