"""The catalog as JSON: what it holds, and what a rebuild did. Shapes: docs/json.md."""

from __future__ import annotations

from msgspec import Struct

from rollout.catalog.refresh import Refreshed
from rollout.catalog.stats import CatalogStats


class Rebuilt(Struct, frozen=True, rename="camel"):
    """What a rebuild did."""

    files: int
    files_read: int
    bytes_read: int
    threads_settled: int
    files_vanished: int
    unreadable_folders: list[str]


class Statistics(Struct, frozen=True):
    """The catalog, or null where none has been made."""

    catalog: CatalogStats | None


def rebuilt(done: Refreshed) -> Rebuilt:
    """Return the public shape of a rebuild."""
    return Rebuilt(
        done.seen, done.absorbed, done.bytes_read, done.settled, done.vanished, done.unreadable_folders
    )


def statistics(found: CatalogStats | None) -> Statistics:
    """Return the public shape of what a catalog holds."""
    return Statistics(found)
