"""Deleting over crashes and failures: what was promised is hidden or shown, and no log is touched."""

from __future__ import annotations

import errno
from itertools import count

import pytest

from rollout.errors import NotFound, StorageFailed
from rollout.store.store import Store
from rollout.store.tombstones import DeleteMode, deleted_ids
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, thread, uuid

PARENT = thread(1).turn("hello")
CHILD = PARENT.fork(2).turn("and now?")
LOGS = {f"{DAY}/{one.name()}": one.log() for one in (PARENT, CHILD)}
BOTH = {uuid(1), uuid(2)}


def store_over(fs: CrashFS) -> Store:
    """Return a store whose clock moves on."""
    ticks = count(1_795_248_374_000)
    return Store(fs, HOME, 1 << 20, lambda: next(ticks), lambda: uuid(99))


def delete(fs: CrashFS) -> None:
    """Delete both threads, the one with the other."""
    store_over(fs).delete_thread(uuid(1), DeleteMode.CASCADE)
    fs.acknowledge("deleted")


def undelete(fs: CrashFS) -> None:
    """Bring both back."""
    store_over(fs).undelete_thread(uuid(1))
    fs.acknowledge("shown")


def deleted() -> CrashFS:
    """Return a disk on which both are deleted."""
    delete(fs := CrashFS(LOGS, folders=[HOME]))
    return CrashFS(fs.files(), folders=[HOME])


def assert_logs_are_whole(fs: CrashFS) -> None:
    """Not a byte of any log has changed."""
    assert fs.files().items() >= LOGS.items(), fs.origin


def test_a_crash_leaves_a_thread_hidden_or_shown() -> None:
    """Hidden once that was promised; a second try finishes."""
    delete(fs := CrashFS(LOGS, folders=[HOME]))
    for cut in fs.cuts():
        for disk in cut.images():
            assert_logs_are_whole(disk)
            hidden = deleted_ids(disk, HOME)
            assert hidden <= BOTH, disk.origin
            assert not cut.acknowledged or hidden == BOTH, disk.origin
            if uuid(1) not in hidden:
                delete(disk)
            assert deleted_ids(disk, HOME) == BOTH, disk.origin


def test_a_crash_while_bringing_back_can_be_tried_again() -> None:
    """The thread that was asked for comes last, so that it still answers to its name among the deleted."""
    undelete(fs := deleted())
    for cut in fs.cuts():
        for disk in cut.images():
            assert_logs_are_whole(disk)
            hidden = deleted_ids(disk, HOME)
            assert not cut.acknowledged or not hidden, disk.origin
            if hidden:
                undelete(disk)
            assert deleted_ids(disk, HOME) == frozenset(), disk.origin


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_refusal_leaves_no_lease_held(number: int) -> None:
    """Whichever operation failed, a second try finishes."""
    for at in count(1):
        fs = CrashFS(LOGS, folders=[HOME]).failing(at, number, written_bytes=5)
        try:
            delete(fs)
        except StorageFailed:
            assert_logs_are_whole(fs)
        if fs.operation_count < at:
            break
        try:
            delete(fs)
        except NotFound:
            assert uuid(1) in deleted_ids(fs, HOME)
        assert deleted_ids(fs, HOME) == BOTH
