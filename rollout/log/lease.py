"""The lease of a thread: the exclusive right to append to it, among us and the reference client.

Invariant 6. The right itself is a lock on the file that the reference client locks, taken and
given back in its way, so that each excludes the other; the system frees it when its holder ends,
however that happens. Beside it lies our own file, which counts epochs and says who of us it was.
Format: docs/format.md, "Leases".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import msgspec
from msgspec import Struct

from rollout.errors import Conflict, LeaseHeld, StorageFailed
from rollout.format.decoding import decode_json
from rollout.fs.mutation import Lock, MutableFileSystem
from rollout.fs.publish import replace_file
from rollout.ids import ThreadId
from rollout.log.layout import coordination_path, folder_of, lease_path, lock_path

_COORDINATION_WAIT_MILLIS: Final = 5000
"""Whoever has the coordination lock opens or removes a file or two, and lets go."""
_MARK_WAIT_MILLIS: Final = 100
_HINT: Final = "Close the thread there, or fork it and go on in the fork."
_AGES: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms"))


class _Holder(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Who took the lease last: what our own file holds."""

    thread_id: str
    epoch: int
    since: int
    pid: int
    host: str | None = None


class Lease:
    """The right to append to one thread, until released or until the process ends. Not thread-safe."""

    def __init__(
        self, fs: MutableFileSystem, home: str, holder: _Holder, lock: Lock, mark: Lock | None
    ) -> None:
        self._fs = fs
        self._home = home
        self._holder = holder
        self._lock = lock
        self._mark = mark

    @property
    def epoch(self) -> int:
        """A number above that of every lease of this thread before it."""
        return self._holder.epoch

    @property
    def is_held(self) -> bool:
        """Tell whether it is ours still: not released, and not in a child made by `fork`."""
        return self._lock.is_held

    def release(self) -> None:
        """Give it back. Idempotent; in a child made by `fork` the parent's lease stays."""
        if self._mark is not None:
            self._mark.release()
        _let_go(self._fs, self._home, self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def take_lease(
    fs: MutableFileSystem,
    home: str,
    thread_id: ThreadId,
    *,
    clock: Callable[[], int],
    pid: int,
    host: str | None = None,
) -> Lease:
    """Take the lease of a thread; `clock` gives UTC milliseconds, `pid` and `host` say who we are.

    Does not wait for another writer: raise LeaseHeld, a Conflict. Raise StorageFailed when the
    home cannot be written to. The epoch is not made durable: after a crash it is the time that
    keeps the next one above it.
    """
    path = lock_path(home, thread_id)
    fs.make_folders(folder_of(path))
    # The reference client removes lock files, with the coordination lock to itself. Shared, it
    # keeps the file we open from losing its name before we have locked it.
    coordination = fs.find_lock(coordination_path(home), shared=True, wait_millis=_COORDINATION_WAIT_MILLIS)
    if coordination is None:
        raise Conflict(
            f"taking the lease of thread {thread_id}: the locks of this home have been locked for"
            f" {_COORDINATION_WAIT_MILLIS // 1000} s",
            hint=f"See which process has {coordination_path(home)} open.",
        )
    try:
        lock = fs.find_lock(path)
    finally:
        coordination.release()
    if lock is None:
        raise _held(fs, home, thread_id, clock())
    try:
        holder = _next_holder(fs, home, thread_id, clock(), pid, host)
        mark = _publish(fs, home, thread_id, holder)
    except BaseException:
        _let_go(fs, home, lock)
        raise
    return Lease(fs, home, holder, lock, mark)


def _next_holder(
    fs: MutableFileSystem, home: str, thread_id: ThreadId, now: int, pid: int, host: str | None
) -> _Holder:
    """Return who we are, with the next epoch.

    Not below the time, so that it grows even when our file, like everything derived, was deleted,
    or lost in a crash.
    """
    last = _find_holder(fs, home, thread_id)
    epoch = now if last is None else max(now, last.epoch + 1)
    return _Holder(thread_id, epoch, now, pid, host)


def _publish(fs: MutableFileSystem, home: str, thread_id: ThreadId, holder: _Holder) -> Lock | None:
    """Say who we are, and lock what says it: unlocked, it speaks of somebody who is gone."""
    path = lease_path(home, thread_id)
    fs.make_folders(folder_of(path))
    # Given the name of a file that is there, ext4 writes the new one out first: milliseconds, for nothing.
    fs.remove(path)
    replace_file(fs, path, msgspec.json.encode(holder) + b"\n")
    return fs.find_lock(path, wait_millis=_MARK_WAIT_MILLIS)


def _find_holder(fs: MutableFileSystem, home: str, thread_id: ThreadId) -> _Holder | None:
    content = fs.read_small(lease_path(home, thread_id))
    return None if content is None else decode_json(content, _Holder)


def _held(fs: MutableFileSystem, home: str, thread_id: ThreadId, now: int) -> LeaseHeld:
    """Return the refusal, naming the holder if it is one of us."""
    act = f"taking the lease of thread {thread_id}"
    holder = _find_holder(fs, home, thread_id)
    if holder is not None:
        mark = fs.find_lock(lease_path(home, thread_id), shared=True)
        if mark is not None:
            mark.release()
            holder = None
    if holder is None:
        return LeaseHeld(f"{act}: held by another client", thread_id=thread_id, hint=_HINT)
    age_ms = max(0, now - holder.since)
    where = "" if holder.host is None else f" on {holder.host}"
    return LeaseHeld(
        f"{act}: held by process {holder.pid}{where} for {_age_text(age_ms)}",
        thread_id=thread_id,
        pid=holder.pid,
        host=holder.host,
        age_ms=age_ms,
        hint=_HINT,
    )


def _age_text(age_ms: int) -> str:
    for unit_ms, unit in _AGES:
        if age_ms >= unit_ms:
            return f"{age_ms // unit_ms} {unit}"
    return "0 ms"


def _let_go(fs: MutableFileSystem, home: str, lock: Lock) -> None:
    """Release a thread's lock, and take its file away if nobody is opening one just now.

    A lock file that is left behind disturbs nobody: the next holder locks it, or removes it.
    """
    coordination = None
    try:
        if lock.is_held:
            with suppress(StorageFailed):
                coordination = fs.find_lock(coordination_path(home))
        with suppress(StorageFailed):
            lock.release(removes_file=coordination is not None)
    finally:
        if coordination is not None:
            coordination.release()
