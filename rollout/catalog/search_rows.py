"""The rows of messages and titles that match, by thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from rollout.catalog.search_index import BLOCK_BITS
from rollout.catalog.search_query import Node, Term
from rollout.catalog.search_wanted import Wanted, expression_for

if TYPE_CHECKING:
    import sqlite3  # slow to import, and only whoever has a connection needs it

_EDGE_ROWS: Final = 2_048
_NO_BLOCK: Final = -1
_BLOCK_MASK: Final = (1 << BLOCK_BITS) - 1


class Hit(Struct, frozen=True):
    """A row that matches, as far as the index knows: a message in the rollout at `path`, or a title."""

    row: int
    path: str | None
    title: str | None


_ROWS: Final = "SELECT rowid FROM search_words WHERE search_words MATCH ?1"
_BLOCK_OF_ROWS: Final = (
    f"{_ROWS} AND rowid BETWEEN ?2 << {BLOCK_BITS} AND (?2 << {BLOCK_BITS}) + {_BLOCK_MASK}"
)
_ALL_ROWS: Final = "SELECT group_concat(rowid) FROM search_words WHERE search_words MATCH ?"


class Rows:
    """The rows that match, by block.

    Looked up at both ends of the index, where the threads that were used last mostly are: that is cheap. For
    one word what lies elsewhere is looked up block by block; for anything else that takes all rows there are.
    """

    def __init__(self, connection: sqlite3.Connection, wanted: Wanted) -> None:
        self._connection = connection
        self._expression = expression_for(wanted)
        self._blocks: dict[int, list[int]] = {}
        self._low, self._high = _NO_BLOCK, _NO_BLOCK
        self._is_one_word = _is_one_word(wanted.node)
        if _has_prefix(self._expression):
            self._keep_all()
            return
        oldest = self._edge("ASC")
        if len(oldest) < _EDGE_ROWS:
            self._keep(oldest)
            return
        newest = self._edge("DESC")
        # The last one of either is cut.
        self._low, self._high = oldest[-1] >> BLOCK_BITS, newest[-1] >> BLOCK_BITS
        self._keep({row for row in (*oldest, *newest) if not self._low <= row >> BLOCK_BITS <= self._high})

    def _edge(self, direction: str) -> list[int]:
        sql = f"{_ROWS} ORDER BY rowid {direction} LIMIT {_EDGE_ROWS}"
        return [row for (row,) in self._connection.execute(sql, (self._expression,))]

    def _keep(self, rows: Iterable[int]) -> None:
        for row in rows:
            self._blocks.setdefault(row >> BLOCK_BITS, []).append(row)

    def of(self, block: int) -> list[int]:
        """Return the rows of a block that match, in no order."""
        if self._low <= block <= self._high:
            if self._is_one_word:
                found = self._connection.execute(_BLOCK_OF_ROWS, (self._expression, block))
                return [row for (row,) in found]
            self._keep_all()
        return self._blocks.get(block, [])

    def _keep_all(self) -> None:
        (rows,) = self._connection.execute(_ALL_ROWS, (self._expression,)).fetchone()
        self._blocks.clear()
        self._low, self._high = _NO_BLOCK, _NO_BLOCK
        self._keep(msgspec.json.decode(f"[{rows or ''}]", type=list[int]))


def _has_prefix(expression: str) -> bool:
    """Tell whether one row takes as much work as all: the rows of all words are put together first."""
    return "*" in expression


def _is_one_word(node: Node) -> bool:
    return isinstance(node, Term) and node.is_exact and not node.is_prefix


_OWN_BLOCKS: Final = (
    "SELECT b.block, f.path, NULL FROM files f"
    " JOIN search_blocks b ON b.file_id = f.file_id WHERE f.thread_id = ?1"
    " UNION ALL SELECT b.block, NULL, t.words FROM search_titles t"
    " JOIN search_blocks b ON b.title_id = t.title_id WHERE t.thread_id = ?1"
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
    expression = expression_for(wanted)
    if _has_prefix(expression):
        chosen = msgspec.json.encode(list(blocks)).decode()
        rows = [row for (row,) in connection.execute(_ROWS_IN_BLOCKS, (expression, chosen))]
    else:
        matching = Rows(connection, wanted)
        rows = [row for block in blocks for row in matching.of(block)]
    hits: dict[str, list[Hit]] = {thread_id: [] for thread_id in thread_ids}
    for row in sorted(rows, reverse=True):
        block = blocks[row >> BLOCK_BITS]
        hits[block.thread_id].append(Hit(row, block.path, block.title))
    for own in hits.values():
        own.sort(key=lambda hit: hit.title is not None)
    return hits
