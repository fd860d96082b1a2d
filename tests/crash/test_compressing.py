"""Compressing and thawing over crashes and failures: one of the two files holds every byte, always."""

from __future__ import annotations

import errno
from collections.abc import Callable
from itertools import count

import pytest

from rollout.errors import StorageFailed
from rollout.ids import ThreadId
from rollout.store.compressing import Outcome, apply_compressing, decompress, plan_compressing
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, thread, uuid
from tests.recorded_home import said

PARENT = thread(1).turn("hello " * 100)
CHILD = PARENT.fork(3).turn("and now? " * 100)
ONE = ThreadId(uuid(1))
PLAIN = f"{DAY}/{PARENT.name()}"
PACKED = f"{PLAIN}.zst"
Act = Callable[[CrashFS], None]


def store_over(fs: CrashFS) -> Store:
    """Return a store whose clock moves on."""
    ticks, numbers = count(1_795_248_374_000), count(99)
    return Store(fs, HOME, 1 << 20, lambda: next(ticks), lambda: uuid(next(numbers)))


def disk() -> CrashFS:
    """Return a disk with a thread and a fork of it."""
    return CrashFS({PLAIN: PARENT.log(), f"{DAY}/{CHILD.name()}": CHILD.log()}, folders=[HOME])


def seal(fs: CrashFS) -> None:
    """Compress the thread. Raise what kept it from being done."""
    around = store_over(fs).surroundings()
    plan = plan_compressing(around, [ONE], older_than_ms=0, min_size_bytes=0)
    for one in apply_compressing(around, plan):
        if one.error is not None:
            raise one.error
        assert one.outcome is Outcome.COMPRESSED
    fs.acknowledge("sealed")


def sealed_disk() -> CrashFS:
    """Return a disk on which the thread is compressed, for good."""
    seal(fs := disk())
    return CrashFS(fs.files(), folders=[HOME])


def thaw(fs: CrashFS) -> None:
    """Make the thread plain."""
    decompress(store_over(fs).surroundings(), ONE)
    fs.acknowledge("thawed")


def append(fs: CrashFS) -> None:
    """Record a turn in the thread."""
    store_over(fs).append_turn(ONE, [said("user", "again")])
    fs.acknowledge("appended")


def assert_all_is_read(fs: CrashFS) -> None:
    """Both threads have their turns, whatever the file is."""
    store = store_over(fs)
    for number, turns in ((1, ["t1"]), (3, ["t1", "t2"])):
        with store.open_thread(uuid(number)) as opened:
            assert [turn.id for turn in opened.all_turns()][: len(turns)] == turns, fs.origin


def logs(fs: CrashFS) -> set[str]:
    """Return the files of the thread, drafts included."""
    return {path for path in fs.files() if path.startswith(PLAIN.removesuffix(".jsonl"))}


@pytest.mark.parametrize("act", [seal, thaw, append])
def test_a_crash_leaves_every_thread_readable(act: Act) -> None:
    """And what was acknowledged is done."""
    fs = disk() if act is seal else sealed_disk()
    act(fs)
    for cut in fs.cuts():
        for image in cut.images():
            assert_all_is_read(image)
            if cut.acknowledged:
                assert logs(image) == {PACKED if act is seal else PLAIN}, image.origin


@pytest.mark.parametrize("act", [seal, thaw])
def test_a_second_try_finishes(act: Act) -> None:
    """After any crash, with nothing left beside."""
    fs = disk() if act is seal else sealed_disk()
    act(fs)
    for cut in fs.cuts():
        for image in cut.images():
            act(image)
            assert logs(image) == {PACKED if act is seal else PLAIN}, image.origin
            assert_all_is_read(image)


def test_what_is_appended_after_a_crash_is_not_hidden() -> None:
    """A compressed file that was left beside the plain one is not read, nor put in its place."""
    thaw(fs := sealed_disk())
    for cut in fs.cuts():
        for image in cut.images():
            append(image)
            assert len(store_over(image).turns(ONE).data) == 2, image.origin
            seal(image)
            assert len(store_over(image).turns(ONE).data) == 2, image.origin


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("act", [seal, thaw])
def test_a_refusal_leaves_every_thread_readable(act: Act, number: int) -> None:
    """Whichever operation failed, a second try finishes."""
    for at in count(1):
        fs = (disk() if act is seal else sealed_disk()).failing(at, number)
        try:
            act(fs)
        except StorageFailed:
            assert_all_is_read(fs)
        if fs.operation_count < at:
            break
        act(fs)
        assert logs(fs) == {PACKED if act is seal else PLAIN}
        assert_all_is_read(fs)
