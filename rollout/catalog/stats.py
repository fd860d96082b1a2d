"""What the catalog holds: its domains with keys, rows, bytes and watermarks, and what it passed over."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from rollout.catalog.domains import Domain
from rollout.fs.stats import find_found

_SHOWN_SKIPPED: Final = 100


class DomainStats(Struct, frozen=True, rename="camel"):
    """One domain: its rows, the key they were made under, the files and bytes they cover, and what is due."""

    name: str
    key: str
    rows: int
    files: int
    watermark_bytes: int
    due_files: int
    due_bytes: int


class Skipped(Struct, frozen=True):
    """A file that has no rows of its own, and why."""

    path: str
    code: str
    message: str


class CatalogStats(Struct, frozen=True, rename="camel"):
    """All of it. `refreshed_at` in UTC milliseconds, None before the first. At most 100 skipped are named."""

    path: str
    size_bytes: int
    refreshed_at: int | None
    files: int
    threads: int
    unsettled: int
    domains: list[DomainStats]
    skipped_files: int
    skipped: list[Skipped]


def read_stats(connection: sqlite3.Connection, path: str, domains: Iterable[Domain]) -> CatalogStats:
    """Return the state of a catalog. Reads the tables, not the home."""

    def count(sql: str, *values: object) -> int:
        (found,) = connection.execute(sql, values).fetchone()
        return int(found or 0)

    known = {name: (bit, key) for name, bit, key in connection.execute("SELECT name, bit, key FROM domains")}
    found = []
    for domain in domains:
        bit, key = known[domain.name]
        done = "FROM files WHERE due & ? = 0 AND problem_code IS NULL"
        found.append(
            DomainStats(
                domain.name,
                key,
                sum(count(f"SELECT count(*) FROM {table}") for table in domain.tables),  # noqa: S608  # our names
                count(f"SELECT count(*) {done}", bit),
                count(f"SELECT sum(watermark) {done}", bit),
                count("SELECT count(*) FROM files WHERE due & ? <> 0", bit),
                count("SELECT sum(size_bytes) FROM files WHERE due & ? <> 0", bit),
            )
        )
    refreshed = connection.execute("SELECT value FROM state WHERE name = 'refreshed_at'").fetchone()
    skipped = connection.execute(
        "SELECT path, problem_code, problem FROM files WHERE problem_code IS NOT NULL ORDER BY path LIMIT ?",
        (_SHOWN_SKIPPED,),
    )
    sizes = [find_found(f"{path}{suffix}") for suffix in ("", "-wal")]
    return CatalogStats(
        path,
        sum(size.size_bytes for size in sizes if size is not None),
        int(refreshed[0]) if refreshed is not None else None,
        count("SELECT count(*) FROM files"),
        count("SELECT count(*) FROM threads"),
        count("SELECT count(*) FROM unsettled"),
        found,
        count("SELECT count(*) FROM files WHERE problem_code IS NOT NULL"),
        [Skipped(*row) for row in skipped],
    )
