"""Compress: rollouts that nobody writes to become sealed files, an eighth of the size and read as before.

Each is packed beside its plain file, read back whole and compared before it comes to its name, and only
then does the plain file go: at every moment, crashes included, one of the two holds every byte, and what
was cut short is finished by doing it again. Offsets count decoded bytes, so forks, cursors and
checkpoints stay true. Format: docs/format.md, "Compressed files".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from enum import StrEnum
from typing import Final

from msgspec import Struct

from rollout.errors import Conflict, InvalidRequest, LeaseHeld, NotFound, RolloutError, StorageFailed
from rollout.fs.mutation import AppendFile
from rollout.fs.publish import publishing
from rollout.ids import RolloutId, ThreadId
from rollout.log.framed import open_compressed
from rollout.log.layout import RolloutFile, compressed_path, folder_of, plain_path
from rollout.log.lease import take_lease
from rollout.log.packing import DEFAULT_LEVEL, Packing, iter_packed, plan_packing
from rollout.log.source import Source, open_source
from rollout.store.archiving import copies_of
from rollout.store.copies import is_contained
from rollout.store.recording import Surroundings
from rollout.store.store import Store
from rollout.store.thawing import digest_of, thaw
from rollout.store.tombstones import deleted_ids

MIN_SIZE_BYTES: Final = 4 << 10
"""A file takes a block of the disk, however short it is."""
OLDER_THAN_MS: Final = 7 * 86_400_000
LEVELS: Final = range(1, 20)
DEFAULT_WORKERS: Final = 2


class Outcome(StrEnum):
    """What became of one rollout: compressed; would be, in a dry run; left as it is, for a reason; failed."""

    COMPRESSED = "compressed"
    PLANNED = "planned"
    SKIPPED = "skipped"
    FAILED = "failed"


class Candidate(Struct, frozen=True):
    """One rollout that is to be compressed, and its size."""

    file: RolloutFile
    size_bytes: int


class Compressed(Struct, frozen=True):
    """What became of one rollout, which lies at `path` now. `packed_bytes`: as packed, if it was.

    `reason` says in words why it was left as it is; `error` is what was raised, if anything was.
    """

    thread_id: ThreadId
    rollout_id: RolloutId
    path: str
    outcome: Outcome
    size_bytes: int
    packed_bytes: int | None = None
    reason: str | None = None
    error: RolloutError | None = None


class Thawed(Struct, frozen=True):
    """The rollouts of a thread that are plain again."""

    thread_id: ThreadId
    paths: list[str]


class _Unprofitable(Exception):  # leaves the draft, and never this module
    """A packed file is no shorter than the plain one."""


def compress_threads(
    store: Store,
    references: Iterable[str] | None = None,
    *,
    older_than_ms: int = OLDER_THAN_MS,
    min_size_bytes: int = MIN_SIZE_BYTES,
    level: int = DEFAULT_LEVEL,
    workers: int = 1,
    is_dry_run: bool = False,
) -> Iterator[Compressed]:
    """Compress threads, by default all of the home, that are old and long enough; yield what became of each.

    `plan_compressing`, then `apply_compressing`. Raise NotFound, or InvalidRequest for a level that is none.
    """
    around = store.surroundings()
    chosen = [store.find_thread_id(one) for one in references] if references is not None else None
    plan = plan_compressing(around, chosen, older_than_ms=older_than_ms, min_size_bytes=min_size_bytes)
    return apply_compressing(around, plan, level=level, workers=workers, is_dry_run=is_dry_run)


def decompress_thread(store: Store, reference: str) -> Thawed:
    """Make the files of a thread plain again, as `decompress` does."""
    return decompress(store.surroundings(), store.find_thread_id(reference))


def plan_compressing(
    around: Surroundings,
    thread_ids: Iterable[ThreadId] | None = None,
    *,
    older_than_ms: int = OLDER_THAN_MS,
    min_size_bytes: int = MIN_SIZE_BYTES,
) -> list[Candidate]:
    """Return the plain rollouts of these threads, by default of all, that are old and long enough.

    Oldest name first. Those of deleted threads are left to pruning. Raise NotFound for a thread of which
    there is no file.
    """
    around.opener.forget()
    index = around.opener.index
    if thread_ids is None:
        hidden = deleted_ids(around.fs, around.home)
        files = [file for file in index.all_files() if file.name.thread_id not in hidden]
    else:
        files = []
        for thread_id in thread_ids:
            own = index.files_of(thread_id)
            if not own:
                raise _unknown(around, f"compressing thread {thread_id}")
            files += own
    latest = around.clock() - older_than_ms
    found = []
    for file in files:
        stat = None if file.name.is_compressed else around.fs.find_stat(file.path)
        if stat is not None and stat.size_bytes >= min_size_bytes and stat.modified_at <= latest:
            found.append(Candidate(file, stat.size_bytes))
    return sorted(found, key=lambda one: (one.file.name.stamp, one.file.path))


def apply_compressing(
    around: Surroundings,
    candidates: Iterable[Candidate],
    *,
    level: int = DEFAULT_LEVEL,
    workers: int = 1,
    is_dry_run: bool = False,
) -> Iterator[Compressed]:
    """Compress rollouts, thread by thread under its lease; yield what became of each, done and durable.

    A thread that somebody writes to is left as it is. With several `workers`, in the order in which
    they finish. A dry run packs, to tell how much would be saved, and writes nothing.
    """
    if level not in LEVELS or workers < 1:
        raise InvalidRequest(
            f"compressing: expected a level of {LEVELS[0]} to {LEVELS[-1]} and at least one worker, "
            f"found level {level} and {workers}"
        )
    threads: dict[ThreadId, list[Candidate]] = {}
    for one in candidates:
        threads.setdefault(one.file.name.thread_id, []).append(one)

    def seal(thread_id: ThreadId) -> list[Compressed]:
        return list(_seal_thread(around, thread_id, threads[thread_id], level, is_dry_run=is_dry_run))

    try:
        if workers == 1:
            for thread_id in threads:
                yield from seal(thread_id)
            return
        with ThreadPoolExecutor(workers) as pool:
            try:
                for done in as_completed([pool.submit(seal, thread_id) for thread_id in threads]):
                    yield from done.result()
            finally:
                pool.shutdown(cancel_futures=True)
    finally:
        around.opener.forget()


def decompress(around: Surroundings, thread_id: ThreadId) -> Thawed:
    """Make every compressed rollout of a thread plain again. Durable on return.

    Takes away what a crash left compressed beside a plain one. Raise NotFound, LeaseHeld, DamagedLog.
    """
    with take_lease(around.fs, around.home, thread_id, clock=around.clock, pid=around.pid):
        around.opener.forget()
        index = around.opener.index
        files = index.files_of(thread_id)
        if not files:
            raise _unknown(around, f"decompressing thread {thread_id}")
        paths = []
        for file in files:
            if file.name.is_compressed:
                paths.append(thaw(around.fs, file.path))
                continue
            for copy in copies_of(index, file):
                # A crash may have come between giving the plain file its name and taking this one away.
                if plain_path(copy.path) == file.path and is_contained(around.fs, copy.path, file.path):
                    around.fs.remove(copy.path)
                    around.fs.sync_folder(folder_of(copy.path))
    around.opener.forget()
    return Thawed(thread_id, paths)


def _seal_thread(
    around: Surroundings, thread_id: ThreadId, candidates: list[Candidate], level: int, *, is_dry_run: bool
) -> Iterator[Compressed]:
    try:
        if is_dry_run:
            for one in candidates:
                yield _tried(around, one, level, is_dry_run=True)
            return
        with take_lease(around.fs, around.home, thread_id, clock=around.clock, pid=around.pid):
            for one in candidates:
                yield _tried(around, one, level, is_dry_run=False)
    except LeaseHeld as error:
        for one in candidates:
            yield _left(one, "somebody writes to it", error, Outcome.SKIPPED)
    except RolloutError as error:
        for one in candidates:
            yield _left(one, error.message, error, Outcome.FAILED)


def _tried(around: Surroundings, one: Candidate, level: int, *, is_dry_run: bool) -> Compressed:
    try:
        return _seal(around, one, level, is_dry_run=is_dry_run)
    except NotFound:
        return _left(one, "it is gone, or was compressed meanwhile")
    except _Unprofitable:
        return _left(one, "it would not be shorter")
    except RolloutError as error:
        return _left(one, error.message, error, Outcome.FAILED)


def _seal(around: Surroundings, one: Candidate, level: int, *, is_dry_run: bool) -> Compressed:
    fs, file = around.fs, one.file
    target = compressed_path(file.path)
    with open_source(fs, file.path) as source:
        packing = plan_packing(source)
        if is_dry_run:
            packed_bytes = sum(map(len, iter_packed(source, packing, level)))
            if packed_bytes >= packing.size_bytes:
                raise _Unprofitable
            return _done(one, Outcome.PLANNED, file.path, packing, packed_bytes)
        _require_no_other(around, file, target)
        with publishing(fs, target) as out:
            packed_bytes = 0
            for piece in iter_packed(source, packing, level):
                out.append(piece)
                packed_bytes += len(piece)
            if packed_bytes >= packing.size_bytes:
                raise _Unprofitable
            _verify(around, out, packing)
            _require_unchanged(around, source)
            out.set_modified_at(source.stat.modified_at)
    fs.remove(file.path)
    fs.sync_folder(folder_of(file.path))
    return _done(one, Outcome.COMPRESSED, target, packing, packed_bytes)


def _verify(around: Surroundings, out: AppendFile, packing: Packing) -> None:
    """Read a packed file back as any reader would. Raise StorageFailed if it is not what was packed."""
    with open_compressed(around.fs.open_read(out.path), around.fs) as packed:
        if packed.size_bytes == packing.size_bytes and digest_of(packed) == packing.digest:
            return
    raise StorageFailed(
        f"compressing into {out.path}: what was written reads back as something else",
        hint="Check the disk; the plain file is as it was.",
    )


def _require_unchanged(around: Surroundings, source: Source) -> None:
    """Raise Conflict when somebody wrote to the plain file, lease or not."""
    if around.fs.find_stat(source.path) != source.stat:
        raise Conflict(
            f"compressing {source.path}: it changed meanwhile", hint="Close the thread there, then try again."
        )


def _require_no_other(around: Surroundings, file: RolloutFile, target: str) -> None:
    """Raise Conflict when there is a compressed file that holds other bytes than the plain one."""
    if around.fs.find_stat(target) is not None and not is_contained(around.fs, target, file.path):
        raise Conflict(
            f"compressing {file.path}: {target} is the same rollout, and holds different bytes",
            hint="See which of them is right, and move the other one out of the home.",
        )


def _done(one: Candidate, outcome: Outcome, path: str, packing: Packing, packed_bytes: int) -> Compressed:
    name = one.file.name
    return Compressed(name.thread_id, name.rollout_id, path, outcome, packing.size_bytes, packed_bytes)


def _left(
    one: Candidate,
    reason: str,
    error: RolloutError | None = None,
    outcome: Outcome = Outcome.SKIPPED,
) -> Compressed:
    name = one.file.name
    return Compressed(
        name.thread_id,
        name.rollout_id,
        one.file.path,
        outcome,
        one.size_bytes,
        reason=reason,
        error=error,
    )


def _unknown(around: Surroundings, act: str) -> NotFound:
    return NotFound(
        f"{act}: no file name in {around.home} carries that id",
        hint="Run `rollout list` to see which threads are there.",
    )
