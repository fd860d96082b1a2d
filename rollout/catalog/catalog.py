"""The catalog of one home: refreshed, asked, rebuilt. A cache: whoever holds it can do without.

Invariants 1 and 5: deleting the file, or its lying about the past, loses nothing and changes no history.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec
from msgspec import Struct

from rollout.catalog.database import Database
from rollout.catalog.domains import Domain
from rollout.catalog.facts import refresh_said
from rollout.catalog.keys import KEYS
from rollout.catalog.query import FoundThread, Query, find_threads
from rollout.catalog.recent import (
    RECENT,
    Recent,
    find_kept,
    has_same_files,
    kept_text,
    recent_of,
    refresh_rows,
)
from rollout.catalog.refresh import Refreshed, Report, Scope, keep_current, plan_home, refresh, refresh_file
from rollout.catalog.registry import DOMAINS, LISTED
from rollout.catalog.schema import transaction
from rollout.catalog.settle import Describe
from rollout.catalog.stats import CatalogStats, read_stats
from rollout.errors import Conflict, InvalidRequest
from rollout.format.decoding import decode_json
from rollout.fs.mutation import MutableFileSystem
from rollout.log.layout import join

T = TypeVar("T")

CATALOG_FOLDER: Final = "catalog"
_TURN_WAIT_MILLIS: Final = 600_000
"""A cold build of a large archive takes minutes; whoever waits may as well read the files."""
_BEGAN: Final = "refreshes_begun"
_LAST: Final = "last_refresh"
_REFRESHED_AT: Final = "refreshed_at"


class _Last(Struct, frozen=True):
    """What a refresh did, for those who waited for it."""

    made_up: list[str]
    done: Refreshed

    @property
    def wanted(self) -> frozenset[str]:
        return frozenset(self.made_up)


class Catalog:
    """The catalog below a folder of derived files. Safe to share between threads.

    `clock` gives UTC milliseconds.
    """

    def __init__(
        self,
        fs: MutableFileSystem,
        home: str,
        state_folder: str,
        describe: Describe,
        clock: Callable[[], int],
        max_line_bytes: int,
        domains: Sequence[Domain] = DOMAINS,
        keys: dict[str, str] = KEYS,
    ) -> None:
        self._fs = fs
        self._home = home
        self._describe = describe
        self._clock = clock
        self._max_line_bytes = max_line_bytes
        self._domains = domains
        self._recent: Recent | None = None
        self._generation = ""
        self.database = Database(fs, join(state_folder, CATALOG_FOLDER), domains, keys, clock)

    @property
    def is_there(self) -> bool:
        """Tell whether a catalog has been made."""
        return self.database.is_there

    def refresh(
        self,
        *,
        wanted: frozenset[str] = LISTED,
        budget_bytes: int | None = None,
        report: Report | None = None,
        wait_millis: int = _TURN_WAIT_MILLIS,
    ) -> Refreshed:
        """Bring the catalog up to date with the home; one refresh at a time, among all processes.

        A file that changes while this runs is seen by the next one. Raise Conflict when another refresh
        does not end within the time, StorageFailed when the catalog cannot be used.
        """
        lock = self.database.lock("refresh", wait_millis=0)
        running = self._refreshes()[0] if lock is None else 0
        if lock is None:
            lock = self.database.lock("refresh", wait_millis=wait_millis)
        if lock is None:
            raise Conflict(
                f"refreshing the catalog of {self._home}: another process has been at it for"
                f" {wait_millis / 1000:g} s",
                hint="Wait for it, or read the files.",
            )
        try:
            began, last = self._refreshes()
            # It began after this call, and has ended: nothing that was there by then is missing.
            if last is not None and began > running > 0 and wanted <= last.wanted and last.done.is_complete:
                self._generation = self.database.generation
                return last.done
            return self.database.run(
                "refreshing the catalog",
                lambda connection: self._refresh(connection, wanted, budget_bytes, report),
            )
        finally:
            lock.release()

    def _refresh(
        self,
        connection: sqlite3.Connection,
        wanted: frozenset[str],
        budget_bytes: int | None,
        report: Report | None,
    ) -> Refreshed:
        with transaction(connection):
            connection.execute(
                "INSERT INTO state VALUES(?, '1') ON CONFLICT(name) DO UPDATE SET value = value + 1",
                (_BEGAN,),
            )
            connection.execute("DELETE FROM state WHERE name = ?", (_LAST,))
        refresh_said(connection, self._fs, self._home)
        began_ms = self._clock()
        done, walk = refresh(connection, self._scope(wanted), budget_bytes, report)
        self._recent = recent_of(walk, done, began_ms)
        self._generation = self.database.generation
        state = [(_REFRESHED_AT, str(self._clock()))]
        with suppress(UnicodeEncodeError):  # a path that is no text: whoever waits refreshes for himself
            state.append((_LAST, msgspec.json.encode(_Last(sorted(wanted), done)).decode()))
            if self._recent is not None:
                state.append((RECENT, kept_text(self._recent, self._generation)))
        with transaction(connection):
            connection.execute("DELETE FROM state WHERE name = ?", (RECENT,))
            connection.executemany("INSERT OR REPLACE INTO state VALUES(?, ?)", state)
        return done

    def find_recent(self, query: Query) -> tuple[list[FoundThread], Refreshed] | None:
        """Return one page without a walk, if that can be right; in an order that appends do not move.

        So it is while no name came or went since a refresh, by this process or another. What a filter asks
        for must be what headers say.
        """
        recent = self._recent or self._find_kept()
        if recent is None or not has_same_files(recent):
            return None

        def renew(connection: sqlite3.Connection) -> bool | None:
            refresh_said(connection, self._fs, self._home)
            return refresh_rows(connection, self._scope(LISTED), rows)

        try:
            rows = self.find_threads(query)
            if self.database.run("asking the catalog for threads", renew) is None:
                return None
            return self.find_threads(query), recent.done
        except Conflict:
            self._recent = None  # the rows are not those that it speaks of
            return None

    def _find_kept(self) -> Recent | None:
        """Return what the last refresh of any process knew, if its rows are still there."""
        found = self.database.run("asking the catalog for threads", find_kept)
        if found is None or found.generation != self.database.generation:
            return None
        self._recent, self._generation = found.recent, found.generation
        return found.recent

    def _refreshes(self) -> tuple[int, _Last | None]:
        """Return how many refreshes have begun, and what came of the last one if it has ended."""

        def read(connection: sqlite3.Connection) -> tuple[int, _Last | None]:
            found = dict(
                connection.execute("SELECT name, value FROM state WHERE name IN (?, ?)", (_BEGAN, _LAST))
            )
            last = decode_json(found[_LAST].encode(), _Last) if _LAST in found else None
            return int(found.get(_BEGAN, 0)), last

        return self.database.run("refreshing the catalog", read)

    def refresh_file(self, path: str) -> bool:
        """Bring the rows of one rollout up to date, told that it changed; return whether it had.

        Raise Conflict or StorageFailed; nothing depends on its success.
        """
        return self.database.run(
            "refreshing the catalog", lambda connection: refresh_file(connection, self._scope(LISTED), path)
        )

    def keep_current(self, path: str, budget_bytes: int) -> bool:
        """Bring the rows of one rollout up to date if that reads few bytes; return whether they are.

        Raise as `refresh_file` does.
        """
        return self.database.run(
            "refreshing the catalog",
            lambda connection: keep_current(connection, self._scope(LISTED), path, budget_bytes),
        )

    def is_behind(self, budget_bytes: int) -> bool:
        """Tell whether a refresh of what is listed would read more than so many bytes."""

        def is_behind(connection: sqlite3.Connection) -> bool:
            plan, _ = plan_home(connection, self._scope(LISTED))
            return sum(one.size_bytes for one in plan.work) > budget_bytes

        return self.database.run("planning a refresh", is_behind)

    def find_threads(self, query: Query) -> list[FoundThread]:
        """Return one page of rows, as the refresh before left them or newer.

        Raise Conflict when they were thrown away since: rows that are missing would hide threads.
        """
        return self.database.read(
            "asking the catalog for threads",
            self._generation,
            lambda connection: find_threads(connection, query),
        )

    def ask(self, act: str, body: Callable[[sqlite3.Connection], T]) -> T:
        """Return what a reading `body` gives; for domains that bring queries of their own."""
        return self.database.run(act, body)

    def rebuild(self, domain: str | None = None, report: Report | None = None) -> Refreshed:
        """Compute the rows of a domain, or of all, anew, in place: readers find rows throughout.

        Raise InvalidRequest for a domain that there is none of, else as `refresh` does.
        """
        names = [one.name for one in self._domains]
        if domain is not None and domain not in names:
            raise InvalidRequest(
                f"rebuilding the catalog: expected one of {', '.join(names)}, found {domain!r}",
                hint="Leave the domain out to rebuild all of them.",
            )
        chosen = names if domain is None else [domain]

        def mark(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                for name in chosen:
                    connection.execute(
                        "UPDATE files SET revision = revision + 1,"
                        " due = due | (SELECT bit FROM domains WHERE name = ?)",
                        (name,),
                    )
                if "threads" in chosen:
                    connection.execute("INSERT OR IGNORE INTO unsettled SELECT thread_id FROM files")

        self.database.run("rebuilding the catalog", mark)
        return self.refresh(wanted=LISTED | frozenset(chosen), report=report)

    def stats(self) -> CatalogStats:
        """Return what the catalog holds and how far it is, without a refresh."""
        return self.database.run(
            "looking at the catalog",
            lambda connection: read_stats(connection, self.database.path, self._domains),
        )

    def close(self) -> None:
        """Close the connections of this process. Idempotent; a closed catalog may be used again."""
        self._recent = None
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _scope(self, wanted: frozenset[str]) -> Scope:
        known = frozenset(domain.name for domain in self._domains)
        return Scope(
            self._fs,
            self._home,
            self._max_line_bytes,
            self._domains,
            wanted & known,
            self._describe,
            self.database.generation,
        )
