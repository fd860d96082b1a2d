"""Threads by page from the rows: keyset paging by a time and an id, in either direction, under any filter.

A page that is not full is the last one. The order, and so every cursor, is that of a listing from the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from rollout.catalog.kinds import matching_kinds
from rollout.catalog.threads import IS_CUT

if TYPE_CHECKING:
    import sqlite3  # slow to import, and only whoever has a connection needs it

_PLACES: Final = {"created": "created_place", "updated": "updated_place", "recency": "recency_place"}
_GRAM: Final = 3
_MOST_GRAMS: Final = 16
_MOST_BEGINNINGS: Final = 8
_MOST_LIKELY: Final = 500
"""With more rows that may have a part, a page of them is soon found by going through all in their order."""


class ThreadFilter(Struct, frozen=True, kw_only=True):
    """Which threads are wanted; an empty or absent member lets all through.

    `term` is a case-sensitive part of the name or the title. `since_ms` and `until_ms` (exclusive) bound
    the time that the listing is sorted by. `ancestor_id` means everything that was spawned below it. A
    thread has all of the `tags`, and a folder that somebody said it moved to in place of its own. `among`
    are the only ones that count.
    """

    cwds: tuple[str, ...] = ()
    source_kinds: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    parent_id: str | None = None
    ancestor_id: str | None = None
    term: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    among: tuple[str, ...] | None = None
    is_pinned: bool | None = None
    tags: tuple[str, ...] = ()


NO_FILTER: Final = ThreadFilter()


def is_by_headers(where: ThreadFilter) -> bool:
    """Tell whether a filter asks for nothing but what headers say, so that no append changes the answer."""
    return not where.cwds and not where.term


def is_dense(where: ThreadFilter) -> bool:
    """Tell whether a filter asks for no more than who started a thread and who served its model.

    Most threads pass, so that a page is found in the files by reading little more than itself.
    """
    return where == ThreadFilter(source_kinds=where.source_kinds, providers=where.providers)


class Anchor(Struct, frozen=True):
    """The row from which a page goes on, with or without itself."""

    at: int
    thread_id: str
    includes: bool


class Query(Struct, frozen=True):
    """One page: `sort` is created, updated or recency; threads that are `hidden` are left out."""

    limit: int
    sort: str
    is_descending: bool
    is_archived: bool
    anchor: Anchor | None = None
    where: ThreadFilter = NO_FILTER
    hidden: tuple[str, ...] = ()


class FoundThread(Struct, frozen=True):
    """A row of a page, and where it stands."""

    thread_id: str
    at: int
    name: str | None
    shown: bytes


def find_threads(connection: sqlite3.Connection, query: Query) -> list[FoundThread]:
    """Return up to `limit` threads in their order."""
    place = _PLACES[query.sort]
    tests, values = filter_tests(query.where, place)
    # What people mark is little: looked up thread by thread, where an index by time would be read to its end.
    likely = _find_likely(connection, query.where.term)
    plus = "+" if query.where.is_pinned or query.where.tags or likely is not None else ""
    if likely is not None:
        tests.append("rowid IN (SELECT value FROM json_each(:likely))")
        values["likely"] = msgspec.json.encode(likely).decode()
    tests.append(f"{plus}is_archived = :archived")
    values["archived"] = query.is_archived
    if query.hidden:
        tests.append("thread_id NOT IN (SELECT value FROM json_each(:hidden))")
        values["hidden"] = msgspec.json.encode(query.hidden).decode()
    if query.anchor is not None:
        sign = "<" if query.is_descending else ">"
        equal = "=" if query.anchor.includes else ""
        tests.append(f"({plus}{place}, thread_id) {sign}{equal} (:at, :anchor)")
        values |= {"at": query.anchor.at, "anchor": query.anchor.thread_id}
    direction = "DESC" if query.is_descending else "ASC"
    values["limit"] = query.limit
    rows = connection.execute(
        f"{descendants(query.where)} SELECT thread_id, {place}, name, shown FROM threads"  # noqa: S608  # own words
        f" WHERE {' AND '.join(tests)}"
        f" ORDER BY {plus}{place} {direction}, thread_id {direction} LIMIT :limit",
        values,
    )
    return [FoundThread(*row) for row in rows]


def _find_likely(connection: sqlite3.Connection, term: str) -> list[int] | None:
    """Return the rows whose name or title may have a part, by the letters of it; None for too many."""
    if not term or "\0" in term:
        return None
    if len(term) < _GRAM:
        grams = _grams_from(connection, term)
        if len(grams) > _MOST_BEGINNINGS:
            return None
        words = _quoted(grams, " OR ")
    else:
        whole = {term[start : start + _GRAM] for start in range(len(term) - _GRAM + 1)}
        words = _quoted(sorted(whole)[:_MOST_GRAMS], " AND ")
    found = connection.execute(_LIKELY, (words or _NOTHING, _MOST_LIKELY + 1)).fetchall()
    return [rowid for (rowid,) in found] if len(found) <= _MOST_LIKELY else None


_LIKELY: Final = (
    "SELECT rowid FROM titles WHERE titles MATCH ?1"  # noqa: S608  # our own words
    f" UNION ALL SELECT rowid FROM threads WHERE {IS_CUT} LIMIT ?2"
)
_NOTHING: Final = '""'
_BEGINNINGS: Final = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.title_grams USING fts5vocab(main, titles, row)"
_LAST: Final = "\U0010ffff" * _GRAM


def _grams_from(connection: sqlite3.Connection, term: str) -> list[str]:
    """Return three letters in a row that begin with fewer: all that titles have, or more than are of use."""
    connection.execute(_BEGINNINGS)
    rows = connection.execute(
        "SELECT term FROM temp.title_grams WHERE term >= ? AND term <= ? LIMIT ?",
        (term, term + _LAST, _MOST_BEGINNINGS + 1),
    )
    return [gram for (gram,) in rows]


def _quoted(grams: list[str], operator: str) -> str:
    return operator.join('"' + gram.replace('"', '""') + '"' for gram in grams)


def descendants(where: ThreadFilter) -> str:
    """Return what comes before a question that asks for threads below another."""
    if where.ancestor_id is None:
        return ""
    return (
        "WITH RECURSIVE below(id) AS (SELECT :ancestor UNION"
        " SELECT t.thread_id FROM threads t JOIN below ON t.parent_thread_id = below.id)"
    )


def filter_tests(where: ThreadFilter, place: str) -> tuple[list[str], dict[str, object]]:
    """Return what a row of `threads` must pass, and the values that this speaks of."""
    tests: list[str] = []
    values: dict[str, object] = {}

    def one_of(column: str, allowed: tuple[str, ...]) -> None:
        if allowed:
            names = [f"{column}_{number}" for number in range(len(allowed))]
            values.update(zip(names, allowed, strict=True))
            tests.append(f"{column} IN ({', '.join(f':{name}' for name in names)})")

    if where.cwds:
        values |= {f"cwd_{number}": cwd for number, cwd in enumerate(where.cwds)}
        wanted = ", ".join(f":cwd_{number}" for number in range(len(where.cwds)))
        moved = "thread_id IN (SELECT thread_id FROM facts WHERE moved_to"
        are_any = f"EXISTS(SELECT 1 FROM facts WHERE moved_to IN ({wanted}))"  # noqa: S608  # own words
        tests.append(
            f"(cwd IN ({wanted}) AND NOT {moved} IS NOT NULL) OR {are_any} AND {moved} IN ({wanted})))"
        )
    one_of("model_provider", where.providers)
    one_of("source_kind", tuple(sorted(matching_kinds(where.source_kinds))))
    if where.parent_id is not None:
        tests.append("parent_thread_id = :parent")
        values["parent"] = where.parent_id
    if where.among is not None:
        tests.append("thread_id IN (SELECT value FROM json_each(:among))")
        values["among"] = msgspec.json.encode(where.among).decode()
    if where.ancestor_id is not None:
        tests.append("thread_id IN (SELECT id FROM below) AND thread_id <> :ancestor")
        values["ancestor"] = where.ancestor_id
    if where.term:
        tests.append("(instr(coalesce(name, ''), :term) OR instr(title, :term))")
        values["term"] = where.term
    if where.is_pinned is not None:
        pinned = "thread_id IN (SELECT thread_id FROM facts WHERE is_pinned)"
        tests.append(pinned if where.is_pinned else f"NOT {pinned}")
    for number, tag in enumerate(where.tags):
        tests.append(f"thread_id IN (SELECT thread_id FROM tags WHERE tag = :tag_{number})")  # noqa: S608  # own words
        values[f"tag_{number}"] = tag
    if where.since_ms is not None:
        tests.append(f"{place} >= :since")
        values["since"] = where.since_ms
    if where.until_ms is not None:
        tests.append(f"{place} < :until")
        values["until"] = where.until_ms
    return tests, values
