"""The rows of threads, made anew for those whose files have changed.

Which thread a change touches is noted in the transaction that stores it (`unsettled`), so that an
interruption loses nothing. A thread is described outside any transaction; if its files changed
meanwhile it is described again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from rollout.catalog.domains import Domain
from rollout.catalog.extract import Extract, find_extract
from rollout.catalog.schema import transaction
from rollout.catalog.threads import Described, ThreadRow, write_threads
from rollout.ids import RolloutId, ThreadId
from rollout.log.index import RolloutIndex
from rollout.log.layout import COMPRESSED_SUFFIX, RolloutFile, RolloutName

Describe = Callable[[RolloutIndex, RolloutFile], Described]
"""Says what a listing shows of the thread that a rollout belongs to, reading what it must. Raises nothing but
what is a fault of ours."""

_BATCH: Final = 128
_ATTEMPTS: Final = 5

_FILES: Final = """
WITH RECURSIVE bases(rollout) AS (
  SELECT base_id FROM files WHERE thread_id = ?1 AND base_id IS NOT NULL
  UNION SELECT f.base_id FROM files f JOIN bases ON f.rollout_id = bases.rollout WHERE f.base_id IS NOT NULL
)
SELECT path, stamp, thread_id, rollout_id, is_archived, file_id, revision FROM files
WHERE thread_id = ?1 OR rollout_id IN (SELECT rollout FROM bases)
"""


class _Files(Struct, frozen=True):
    """The files that a thread's row is made from, and the revisions of its own."""

    index: RolloutIndex
    current: RolloutFile | None
    file_id: int
    revisions: dict[int, int]


def _find_files(connection: sqlite3.Connection, thread_id: str) -> _Files:
    found = {}
    revisions = {}
    for path, stamp, owner, rollout_id, is_archived, file_id, revision in connection.execute(
        _FILES, (thread_id,)
    ):
        name = RolloutName(stamp, ThreadId(owner), RolloutId(rollout_id), path.endswith(COMPRESSED_SUFFIX))
        found[path] = (file_id, RolloutFile(path, name, bool(is_archived)))
        if owner == thread_id:
            revisions[file_id] = revision
    index = RolloutIndex.of(file for _, file in found.values())
    own = index.files_of(ThreadId(thread_id))
    current = own[0] if own else None
    return _Files(index, current, found[current.path][0] if current is not None else 0, revisions)


def settle(
    connection: sqlite3.Connection,
    domains: Sequence[Domain],
    describe: Describe,
    only: Iterable[str] | None = None,
) -> int:
    """Make the rows of unsettled threads anew, all or those in `only`; return how many were."""
    done = 0
    for _ in range(_ATTEMPTS):
        settled_before = done
        for batch in _batches(connection, only):
            done += _settle_batch(connection, domains, describe, batch)
        if done == settled_before:
            break
    return done


def _batches(connection: sqlite3.Connection, only: Iterable[str] | None) -> Iterator[list[str]]:
    if only is not None:
        waiting = [
            thread_id
            for thread_id in only
            if connection.execute("SELECT 1 FROM unsettled WHERE thread_id = ?", (thread_id,)).fetchone()
        ]
    else:
        waiting = [thread_id for (thread_id,) in connection.execute("SELECT thread_id FROM unsettled")]
    for start in range(0, len(waiting), _BATCH):
        yield waiting[start : start + _BATCH]


def _settle_batch(
    connection: sqlite3.Connection, domains: Sequence[Domain], describe: Describe, batch: list[str]
) -> int:
    made: list[tuple[str, _Files, Described | None]] = []
    for thread_id in batch:
        files = _find_files(connection, thread_id)
        current = files.current
        made.append((thread_id, files, None if current is None else describe(files.index, current)))
    settled: list[str] = []
    rows: list[ThreadRow] = []
    with transaction(connection):
        for thread_id, files, described in made:
            if _revisions(connection, thread_id) != files.revisions:
                continue  # somebody absorbed more of it meanwhile; the next attempt sees that
            if described is None:
                connection.execute("DELETE FROM threads WHERE thread_id = ?", (thread_id,))
            else:
                extract = find_extract(connection, files.file_id) or Extract()
                rows.append(ThreadRow(files.file_id, described, extract, _find_name(connection, thread_id)))
            connection.execute("DELETE FROM unsettled WHERE thread_id = ?", (thread_id,))
            settled.append(thread_id)
        write_threads(connection, rows)
        for domain in domains:
            if domain.settle is not None and settled:
                domain.settle(connection, settled)
    return len(settled)


def _revisions(connection: sqlite3.Connection, thread_id: str) -> dict[int, int]:
    return dict(connection.execute("SELECT file_id, revision FROM files WHERE thread_id = ?", (thread_id,)))


def _find_name(connection: sqlite3.Connection, thread_id: str) -> str | None:
    row = connection.execute("SELECT name FROM names WHERE thread_id = ?", (thread_id,)).fetchone()
    return row[0] if row is not None else None
