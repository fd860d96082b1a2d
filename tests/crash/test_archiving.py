"""Archiving over crashes and failures: no rollout is ever nowhere, and a second try finishes."""

from __future__ import annotations

import errno
from itertools import count

import pytest

from rollout.errors import StorageFailed
from rollout.ids import ThreadId
from rollout.store.archiving import archive, unarchive
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import ARCHIVE, DAY, HOME, thread, uuid

PARENT = thread(1).turn("hello")
REVERT = PARENT.revert(7, PARENT.position).turn("again")
SPAWNED = thread(2, parent_thread_id=uuid(1)).turn("help")
CHILD = REVERT.fork(3).turn("and now?")
ONE = ThreadId(uuid(1))
LATER = "2026-11-21T08-00-00"


def disk(*, is_archived: bool) -> CrashFS:
    """Return a disk with a thread of two rollouts, one that it spawned, and a fork of it."""
    place = ARCHIVE if is_archived else DAY
    files = {
        f"{place}/{PARENT.name()}": PARENT.log(),
        f"{place}/{REVERT.name(LATER)}": REVERT.log(),
        f"{place}/{SPAWNED.name()}": SPAWNED.log(),
        f"{DAY}/{CHILD.name()}": CHILD.log(),
    }
    return CrashFS(files, folders=[HOME, ARCHIVE])


def store_over(fs: CrashFS) -> Store:
    """Return a store whose clock moves on."""
    ticks = count(1_795_248_374_000)
    return Store(fs, HOME, 1 << 20, lambda: next(ticks), lambda: uuid(99))


def move(fs: CrashFS, *, is_archiving: bool) -> None:
    """Archive the thread, or bring it back."""
    around = store_over(fs).surroundings()
    (archive if is_archiving else unarchive)(around, ONE)
    fs.acknowledge("moved")


def assert_all_is_read(fs: CrashFS) -> None:
    """Every thread has its turns, wherever its files are."""
    store = store_over(fs)
    for number, turns in ((1, ["t1", "t2"]), (2, ["t1"]), (3, ["t1", "t2", "t3"])):
        with store.open_thread(uuid(number)) as opened:
            assert [turn.id for turn in opened.all_turns()] == turns, fs.origin


def assert_moved(fs: CrashFS, *, is_archiving: bool) -> None:
    """The files are in their new place, and nowhere else."""
    paths = sorted(path for path in fs.files() if path.endswith(".jsonl"))
    place = ARCHIVE if is_archiving else DAY
    names = (PARENT.name(), REVERT.name(LATER), SPAWNED.name())
    assert paths == sorted([*(f"{place}/{name}" for name in names), f"{DAY}/{CHILD.name()}"]), fs.origin


@pytest.mark.parametrize("is_archiving", [True, False])
def test_a_crash_leaves_every_thread_readable(is_archiving: bool) -> None:
    """And what was acknowledged is done."""
    move(fs := disk(is_archived=not is_archiving), is_archiving=is_archiving)
    for cut in fs.cuts():
        for image in cut.images():
            assert_all_is_read(image)
            if cut.acknowledged:
                assert_moved(image, is_archiving=is_archiving)


@pytest.mark.parametrize("is_archiving", [True, False])
def test_a_second_try_finishes(is_archiving: bool) -> None:
    """After any crash, with no copy left anywhere; a crash of that one loses nothing, either."""
    move(fs := disk(is_archived=not is_archiving), is_archiving=is_archiving)
    *_, last = (image for cut in fs.cuts() for image in cut.images())
    for cut in fs.cuts():
        for image in cut.images():
            move(image, is_archiving=is_archiving)
            assert_moved(image, is_archiving=is_archiving)
            assert_all_is_read(image)
    for cut in last.cuts():
        for image in cut.images():
            assert_all_is_read(image)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_refusal_leaves_every_thread_readable(number: int) -> None:
    """Whichever operation failed, a second try finishes."""
    for at in count(1):
        fs = disk(is_archived=False).failing(at, number)
        try:
            move(fs, is_archiving=True)
        except StorageFailed:
            assert_all_is_read(fs)
        if fs.operation_count < at:
            break
        move(fs, is_archiving=True)
        assert_moved(fs, is_archiving=True)
