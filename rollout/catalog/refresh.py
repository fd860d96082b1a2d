"""Bring the catalog up to date with the home: one bulk SELECT, one walk, then what is new, in batches.

Each batch is one transaction, so an interruption keeps what was done and the next refresh goes on from
there. One refresh at a time; who waited for one that began after the call need not do it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Final

from msgspec import Struct

from rollout.catalog.absorb import (
    Absorber,
    Derived,
    apply_move,
    forget_vanished,
    write_derived,
)
from rollout.catalog.domains import Domain, generation_of
from rollout.catalog.plan import Known, Plan, Work, find_work, plan_refresh
from rollout.catalog.schema import transaction
from rollout.catalog.settle import Describe, settle
from rollout.catalog.walk import Walk, find_seen, walk_home
from rollout.errors import Conflict
from rollout.fs.api import FileSystem

_BATCH_FILES: Final = 256
_BATCH_SECONDS: Final = 0.25
_SETTLED_AT_ONCE: Final = 64


class Progress(Struct, frozen=True):
    """How far a refresh is: files done of those to read, and bytes."""

    files_done: int
    files: int
    bytes_done: int
    bytes_total: int


Report = Callable[[Progress], None]


class Refreshed(Struct, frozen=True):
    """What a refresh did. `left` counts the files that it was not given the bytes for."""

    seen: int
    fresh: int
    absorbed: int
    moved: int
    vanished: int
    left: int
    settled: int
    bytes_read: int
    strays: list[str]
    unreadable_folders: list[str]

    @property
    def is_complete(self) -> bool:
        """Whether the rows are those of everything that the walk met."""
        return self.left == 0


class Scope(Struct, frozen=True):
    """What a refresh works on, and with. `wanted` names the domains that are made up for where due."""

    fs: FileSystem
    home: str
    max_line_bytes: int
    domains: Sequence[Domain]
    wanted: frozenset[str]
    describe: Describe
    generation: str

    def check(self, connection: sqlite3.Connection) -> None:
        """Raise Conflict unless the rows are made by these domains still. Within a transaction."""
        if generation_of(connection) != self.generation:
            raise Conflict(
                "refreshing the catalog: another release has begun to make it anew",
                hint="Use one release at a time, or keep two state folders.",
            )

    def absorber(self, connection: sqlite3.Connection) -> Absorber:
        """Return what absorbs files, with the bits that the domains have in this catalog."""
        bits = dict(connection.execute("SELECT name, bit FROM domains"))
        wanted = sum(bits[name] for name in self.wanted)
        return Absorber(self.fs, self.max_line_bytes, self.domains, bits, wanted)


_KNOWN: Final = (
    "SELECT file_id, path, size_bytes, changed_ns, inode, watermark, due, revision,"
    " ifnull(problem_code, '') = 'storage.failed' FROM files"
)


def _find_known(connection: sqlite3.Connection, path: str | None = None) -> dict[str, Known]:
    where, values = ("", ()) if path is None else (" WHERE path = ?", (path,))
    return {row[1]: Known(*row) for row in connection.execute(_KNOWN + where, values)}


def plan_home(connection: sqlite3.Connection, scope: Scope) -> tuple[Plan, Walk]:
    """Return what a refresh would do, and what its walk met."""
    wanted = scope.absorber(connection).wanted
    # Rows first: one that another process adds after the walk must not look vanished.
    known = _find_known(connection)
    walk = walk_home(scope.home, known)
    return plan_refresh(known, walk, wanted), walk


_LEAST_COST_BYTES: Final = 256 << 10
"""What taking in a file of any size costs: as much as reading so many bytes."""


def refresh(
    connection: sqlite3.Connection,
    scope: Scope,
    budget_bytes: int | None = None,
    report: Report | None = None,
) -> tuple[Refreshed, Walk]:
    """Bring the rows up to date; return what was done and met.

    Reads no more than about `budget_bytes`, newest files first; a file counts for 256 KiB at least.
    """
    plan, walk = plan_home(connection, scope)
    work = list(_affordable(plan.work, budget_bytes))
    if plan.moves or plan.vanished:
        with transaction(connection):
            scope.check(connection)
            for move in plan.moves:
                apply_move(connection, move)
            for row in plan.vanished:
                forget_vanished(connection, scope.domains, row.file_id, row.revision)
    bytes_read = 0
    bytes_done = 0
    bytes_total = sum(one.size_bytes for one in work)
    done = 0
    settled = 0
    absorber = scope.absorber(connection)
    for batch in _batches(connection, absorber, work):
        with transaction(connection):
            scope.check(connection)
            for one in batch:
                write_derived(connection, scope.domains, one)
        settled += settle(connection, scope.domains, scope.describe, _threads_of(batch))
        done += len(batch)
        bytes_read += sum(one.bytes_read for one in batch)
        bytes_done += sum(one.work.size_bytes for one in batch)
        if report is not None:
            report(Progress(done, len(work), bytes_done, bytes_total))
    settled += settle(connection, scope.domains, scope.describe)
    done_and_met = Refreshed(
        seen=len(walk.files),
        fresh=plan.fresh,
        absorbed=done,
        moved=len(plan.moves),
        vanished=len(plan.vanished),
        left=len(plan.work) - len(work) + len(walk.unkeepable),
        settled=settled,
        bytes_read=bytes_read,
        strays=walk.strays,
        unreadable_folders=walk.unreadable_folders,
    )
    return done_and_met, walk


def _affordable(work: Iterable[Work], budget_bytes: int | None) -> Iterator[Work]:
    left = budget_bytes
    for one in work:
        if left is not None:
            cost = max(one.size_bytes, _LEAST_COST_BYTES)
            if left < cost:
                return
            left -= cost
        yield one


def _batches(
    connection: sqlite3.Connection, absorber: Absorber, work: Iterable[Work]
) -> Iterator[list[Derived]]:
    """Yield what was read, a short while's worth at a time."""
    batch: list[Derived] = []
    began = monotonic()
    for one in work:
        derived = absorber.derive(connection, one)
        if derived is not None:
            batch.append(derived)
        if len(batch) >= _BATCH_FILES or monotonic() - began > _BATCH_SECONDS:
            yield batch
            batch = []
            began = monotonic()
    yield batch


def _threads_of(batch: Iterable[Derived]) -> list[str]:
    return [one.work.seen.file().name.thread_id for one in batch if one.settles]


def find_stale(connection: sqlite3.Connection, scope: Scope, paths: Iterable[str]) -> list[str]:
    """Return which of some files are not as the catalog knows them, by one look at each."""
    wanted = scope.absorber(connection).wanted
    stale = []
    for path in paths:
        known = _find_known(connection, path).get(path)
        seen = find_seen(scope.home, path)
        if (known is not None) if seen is None else (find_work(seen, known, wanted) is not None):
            stale.append(path)
    return stale


def refresh_file(connection: sqlite3.Connection, scope: Scope, path: str) -> bool:
    """Bring the rows of one file up to date, told that it changed; return whether there was anything to do.

    Raise Conflict when others keep changing it.
    """
    absorber = scope.absorber(connection)
    for _ in range(3):
        known = _find_known(connection, path).get(path)
        seen = find_seen(scope.home, path)
        if seen is None:
            if known is None:
                return False
            with transaction(connection):
                scope.check(connection)
                forget_vanished(connection, scope.domains, known.file_id, known.revision)
            _settle_some(connection, scope)
            return True
        work = find_work(seen, known, absorber.wanted)
        if work is None:
            return False
        derived = absorber.derive(connection, work)
        if derived is None:
            continue
        with transaction(connection):
            scope.check(connection)
            is_written = write_derived(connection, scope.domains, derived)
        if is_written:
            _settle_some(connection, scope)
            return True
    raise Conflict(f"cataloguing {path}: it changes faster than it is read", hint="Refresh again later.")


def keep_current(connection: sqlite3.Connection, scope: Scope, path: str, budget_bytes: int) -> bool:
    """Bring the rows of a file up to date if that reads little; return whether they are. Raise Conflict."""
    known = _find_known(connection, path).get(path)
    seen = find_seen(scope.home, path)
    if seen is None:
        return False
    work = find_work(seen, known, scope.absorber(connection).wanted)
    if work is None:
        return True
    if work.size_bytes > budget_bytes:
        return False
    refresh_file(connection, scope, path)
    return True


def _settle_some(connection: sqlite3.Connection, scope: Scope) -> None:
    """Settle the thread of one file and those that stand on it; the next refresh does the rest."""
    waiting = connection.execute("SELECT thread_id FROM unsettled LIMIT ?", (_SETTLED_AT_ONCE,))
    settle(connection, scope.domains, scope.describe, [thread_id for (thread_id,) in waiting])
