"""One rollout's new bytes into rows: read outside any transaction, written in one with the watermark.

Whoever comes second with older knowledge of a file writes nothing: the row's revision tells.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from rollout.catalog.domains import Domain, Reader, Unit, forget_file
from rollout.catalog.feeding import Feed, feed
from rollout.catalog.plan import Move, Why, Work
from rollout.errors import NotFound, RolloutError
from rollout.fs.api import FileSystem
from rollout.ids import find_uuid
from rollout.log.anchor import anchor_of
from rollout.log.header import Header, read_header
from rollout.log.layout import COMPRESSED_SUFFIX
from rollout.log.source import Source, open_source

_GOES_ON: Final = frozenset({Why.GREW, Why.DUE, Why.REPACKED})


class Derived(Struct, frozen=True):
    """What became of one file: the new values of its row, and a reader for each domain with rows to write.

    `settles` says that the row of its thread is to be made anew.
    """

    work: Work
    header_end: int
    watermark: int
    anchor: str
    base_id: str | None
    due: int
    problem: RolloutError | None
    readers: list[tuple[Domain, Reader, bool]]
    bytes_read: int
    settles: bool


class Absorber(Struct, frozen=True):
    """What absorbing takes: where to read, and the domains with their bits. `wanted` bits are made up for."""

    fs: FileSystem
    max_line_bytes: int
    domains: Sequence[Domain]
    bits: dict[str, int]
    wanted: int

    def derive(self, connection: sqlite3.Connection, work: Work) -> Derived | None:
        """Read what is new of a file; None when it vanished meanwhile. Writes nothing."""
        try:
            source = open_source(self.fs, work.seen.path)
        except NotFound:
            return None
        except RolloutError as error:
            return self._unread(work, error, 0)
        with source:
            try:
                header = read_header(source, self.max_line_bytes)
                return self._read(connection, work, source, header)
            except RolloutError as error:
                return self._unread(work, error, source.bytes_read)

    def _unread(self, work: Work, error: RolloutError, bytes_read: int) -> Derived:
        """Return what can be said of a file that is no rollout, or cannot be read: that nothing is due."""
        return Derived(work, 0, 0, "", None, 0, error, [], bytes_read, settles=True)

    def _read(self, connection: sqlite3.Connection, work: Work, source: Source, header: Header) -> Derived:
        known = work.known
        watermark = 0
        if known is not None and known.watermark > 0 and work.why in _GOES_ON:
            is_blind = work.why is not Why.REPACKED and source.path.endswith(COMPRESSED_SUFFIX)
            if not is_blind:
                watermark = self._trusted(connection, known.file_id, source, header, known.watermark)
        due_before = known.due if known is not None and watermark > 0 else 0
        readers: list[tuple[Domain, Reader, int]] = []
        due = 0
        for domain in self.domains:
            bit = self.bits[domain.name]
            is_due = bool(due_before & bit)
            if is_due and not self.wanted & bit:
                due |= bit
                continue
            start = 0 if is_due else watermark
            file_id = known.file_id if known is not None else None
            unit = Unit(
                file_id, work.seen.path, header.thread_id, work.seen.file().name.rollout_id, header, start
            )
            readers.append((domain, domain.begin(unit, connection), start))
        start = min((start for _, _, start in readers), default=watermark)
        feeds = [Feed(reader, begun) for _, reader, begun in readers]
        end = feed(source, header, start, self.max_line_bytes, feeds)
        base = header.meta.history_base
        threads = self.bits.get("threads", 0)
        return Derived(
            work,
            header.end_offset,
            end,
            anchor_of(source, header.end_offset, end),
            find_uuid(base.thread_id) if base is not None else None,
            due,
            None,
            [(domain, reader, begun == 0) for domain, reader, begun in readers],
            source.bytes_read,
            settles=work.why is not Why.DUE or watermark == 0 or bool(due_before & threads & self.wanted),
        )

    def _trusted(
        self, connection: sqlite3.Connection, file_id: int, source: Source, header: Header, watermark: int
    ) -> int:
        """Return the watermark if the bytes before it are those that we knew, else 0."""
        row = connection.execute("SELECT anchor FROM files WHERE file_id = ?", (file_id,)).fetchone()
        if row is None or not source.reaches(watermark):
            return 0
        return watermark if anchor_of(source, header.end_offset, watermark) == row[0] else 0


_UPDATE: Final = (
    "UPDATE files SET size_bytes = ?, changed_ns = ?, inode = ?, header_end = ?, watermark = ?, anchor = ?,"
    " base_id = ?, due = ?, problem_code = ?, problem = ?, revision = revision + 1"
    " WHERE file_id = ? AND revision = ?"
)
_INSERT: Final = (
    "INSERT INTO files(size_bytes, changed_ns, inode, header_end, watermark, anchor, base_id, due,"
    " problem_code, problem, path, stamp, thread_id, rollout_id, is_archived, revision)"
    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT(path) DO NOTHING"
)


def write_derived(connection: sqlite3.Connection, domains: Sequence[Domain], derived: Derived) -> bool:
    """Write the rows of one file and move its watermark, unless somebody has done so since it was planned.

    Return whether it was written. Runs inside a transaction.
    """
    seen, known = derived.work.seen, derived.work.known
    problem = derived.problem
    values = (
        seen.size_bytes,
        seen.changed_ns,
        seen.inode,
        derived.header_end,
        derived.watermark,
        derived.anchor,
        derived.base_id,
        derived.due,
        problem.code if problem is not None else None,
        problem.message if problem is not None else None,
    )
    file = seen.file()
    if known is not None:
        file_id = known.file_id
        written = connection.execute(_UPDATE, (*values, file_id, known.revision)).rowcount
    else:
        name = file.name
        row = (seen.path, name.stamp, name.thread_id, name.rollout_id, seen.is_archived)
        done = connection.execute(_INSERT, (*values, *row))
        written, file_id = done.rowcount, done.lastrowid or 0
    if written != 1:
        return False
    if problem is not None and known is not None:
        for domain in domains:
            forget_file(connection, domain, file_id)
    for domain, reader, is_whole in derived.readers:
        if is_whole and known is not None:
            forget_file(connection, domain, file_id)
        reader.store(connection, file_id)
    if derived.settles:
        mark_unsettled(connection, file.name.thread_id)
        if known is None or derived.work.why not in {Why.GREW, Why.REPACKED}:
            mark_heirs(connection, file.name.rollout_id)
        else:
            mark_heirs(connection, file.name.rollout_id, only_troubled=True)
    return True


def apply_move(connection: sqlite3.Connection, move: Move) -> None:
    """Give a file its new path. Runs inside a transaction."""
    connection.execute(
        "UPDATE OR IGNORE files SET path = ?, is_archived = ?, revision = revision + 1"
        " WHERE file_id = ? AND revision = ?",
        (move.seen.path, move.seen.is_archived, move.known.file_id, move.known.revision),
    )
    name = move.seen.file().name
    mark_unsettled(connection, name.thread_id)
    mark_heirs(connection, name.rollout_id, only_troubled=True)


def forget_vanished(
    connection: sqlite3.Connection, domains: Sequence[Domain], file_id: int, revision: int
) -> None:
    """Let go of a file that is gone, unless somebody has met it since. Runs inside a transaction."""
    row = connection.execute(
        "DELETE FROM files WHERE file_id = ? AND revision = ? RETURNING thread_id, rollout_id",
        (file_id, revision),
    ).fetchone()
    if row is None:
        return
    for domain in domains:
        forget_file(connection, domain, file_id)
    mark_unsettled(connection, row[0])
    mark_heirs(connection, row[1])


def mark_unsettled(connection: sqlite3.Connection, thread_id: str) -> None:
    """Note that the row of a thread is to be made anew."""
    connection.execute("INSERT OR IGNORE INTO unsettled VALUES(?)", (thread_id,))


_HEIRS: Final = """
WITH RECURSIVE heirs(rollout, thread) AS (
  SELECT rollout_id, thread_id FROM files WHERE base_id = ?1
  UNION SELECT f.rollout_id, f.thread_id FROM files f JOIN heirs ON f.base_id = heirs.rollout
)
INSERT OR IGNORE INTO unsettled SELECT thread FROM heirs
"""


_TROUBLED: Final = " WHERE thread IN (SELECT thread_id FROM threads WHERE problem_code IS NOT NULL)"


def mark_heirs(connection: sqlite3.Connection, rollout_id: str, *, only_troubled: bool = False) -> None:
    """Note that whoever stands on a rollout is to be looked at again, or those that could not be read."""
    if only_troubled:
        connection.execute(_HEIRS + _TROUBLED, (rollout_id,))
    else:
        connection.execute(_HEIRS, (rollout_id,))
