"""Copying over crashes and failures: the thread reads as it did, from the old files or from the new one."""

from __future__ import annotations

import errno
from collections.abc import Callable
from itertools import count

import pytest
from msgspec import UNSET

from fork.flatten import flatten_thread
from rollout.errors import StorageFailed
from rollout.ids import ThreadId
from rollout.store.copying import create_copy
from rollout.store.cuts import cut_at_head
from rollout.store.forking import Overrides
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, thread, uuid

PARENT = thread(1).turn("hello").turn("again")
CHILD = PARENT.fork(2, forked_from_id=uuid(1)).turn("and now?")
COPY = ThreadId(uuid(3))
TURNS = {uuid(1): ["t1", "t2"], uuid(2): ["t1", "t2", "t3"]}


def disk() -> CrashFS:
    """Return a disk with a thread and a fork of it."""
    return CrashFS({f"{DAY}/{one.name()}": one.log() for one in (PARENT, CHILD)}, folders=[HOME])


def store_over(fs: CrashFS) -> Store:
    """Return a store whose clock moves on and whose ids are new ones."""
    ticks, ids = count(1_795_248_374_000), count(99)
    return Store(fs, HOME, 1 << 20, lambda: next(ticks), lambda: uuid(next(ids)))


def flatten(fs: CrashFS) -> None:
    """Flatten the fork."""
    fs.acknowledge(flatten_thread(store_over(fs), uuid(2)).path)


def copy(fs: CrashFS) -> None:
    """Make a child that is a copy."""
    store = store_over(fs)
    with store.open_thread(uuid(2)) as opened:
        given = Overrides(UNSET, UNSET, UNSET, UNSET)
        made = create_copy(store.surroundings(), opened.lineage, cut_at_head(opened.lineage), COPY, given)
    fs.acknowledge(made.path)


def assert_all_is_read(fs: CrashFS) -> None:
    """Every thread that was there has its turns."""
    store = store_over(fs)
    for thread_id, turns in TURNS.items():
        with store.open_thread(thread_id) as opened:
            assert [turn.id for turn in opened.all_turns()] == turns, fs.origin


def assert_whole(fs: CrashFS) -> None:
    """What has the name of a rollout is one, from its first line to its last."""
    store = store_over(fs)
    for checked in store.check(store.files_to_check()):
        assert checked.is_sound, fs.origin
        assert checked.torn_tail is None, fs.origin


@pytest.mark.parametrize("act", [flatten, copy])
def test_a_crash_leaves_every_thread_readable(act: Callable[[CrashFS], None]) -> None:
    """And what was acknowledged is there, whole."""
    act(fs := disk())
    for cut in fs.cuts():
        for image in cut.images():
            assert_all_is_read(image)
            assert_whole(image)
            for path in cut.acknowledged:
                assert path in image.files(), image.origin


def test_a_second_try_finishes() -> None:
    """After any crash the thread can be flattened, and depends on nobody then."""
    flatten(fs := disk())
    for cut in fs.cuts():
        for image in cut.images():
            flatten(image)
            assert_all_is_read(image)
            with store_over(image).open_thread(uuid(2)) as opened:
                assert len(opened.segments()) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_refusal_leaves_every_thread_readable(number: int) -> None:
    """Whichever operation failed, nothing half made has a name, and a second try finishes."""
    for at in count(1):
        fs = disk().failing(at, number)
        try:
            flatten(fs)
        except StorageFailed:
            assert_all_is_read(fs)
            assert_whole(fs)
        if fs.operation_count < at:
            break
        flatten(fs)
        assert_all_is_read(fs)
