"""Leases over crashes and failures: no epoch is given twice, and no lease is left held."""

from __future__ import annotations

import errno
from itertools import count

import pytest

from rollout.errors import LeaseHeld, StorageFailed
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.publish import publish_file
from rollout.ids import ThreadId
from rollout.log.lease import Lease, take_lease
from rollout.testing.crashfs import CrashFS

HOME = "/home"
THREAD = ThreadId("01a1fcfd-a9db-70e2-83f4-75668ebc56a0")
ROUNDS = 3
MILLIS = count(1)


def take(fs: MutableFileSystem) -> Lease:
    """Take the lease a millisecond later than the last one: no crash turns the clock back."""
    return take_lease(fs, HOME, THREAD, clock=lambda: next(MILLIS), pid=1)


def scenario(fs: CrashFS) -> None:
    """Take the lease and give it back, a few times over."""
    for _ in range(ROUNDS):
        with take(fs) as lease:
            fs.acknowledge(lease.epoch)


def test_no_epoch_is_given_twice() -> None:
    """Whatever a crash leaves, the next lease can be taken at once and is above all before it."""
    scenario(fs := CrashFS(folders=[HOME]))
    for cut in fs.cuts():
        for disk in cut.images():
            with take(disk) as lease:
                assert lease.epoch >= len(cut.acknowledged), disk.origin
                assert lease.epoch not in cut.acknowledged, disk.origin


def test_a_crash_while_recovering_from_a_crash_changes_nothing() -> None:
    """The same holds for what a second crash leaves of the first one's disk."""
    scenario(fs := CrashFS(folders=[HOME]))
    *_, last = fs.cuts()
    for disk in last.images():
        take(disk)
        for again in disk.cuts():
            for image in again.images():
                with take(image) as lease:
                    assert lease.epoch >= ROUNDS, image.origin


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_refused_lease_is_not_held(number: int) -> None:
    """Whichever operation failed, the next try succeeds, with an epoch that is new."""
    for at in count(1):
        fs = CrashFS(folders=[HOME]).failing(at, number, written_bytes=5)
        acknowledged: list[int] = []
        try:
            for _ in range(ROUNDS):
                with take(fs) as lease:
                    acknowledged.append(lease.epoch)
        except StorageFailed:
            pass
        if fs.operation_count < at:
            break
        with take(fs) as lease:
            assert lease.epoch not in acknowledged
            with pytest.raises(LeaseHeld):
                take(fs)


def test_a_published_file_is_the_old_one_or_the_new_one() -> None:
    """Whole, at every moment; once publishing has returned, it is the new one."""
    path = f"{HOME}/file"
    fs = CrashFS({path: b"old"})
    publish_file(fs, path, b"new content")
    fs.acknowledge("new")
    for cut in fs.cuts():
        allowed = {b"new content"} if cut.acknowledged else {b"old", b"new content"}
        assert {disk.read_small(path) for disk in cut.images()} <= allowed


def test_a_file_that_cannot_be_published_leaves_the_old_one() -> None:
    """Or the new one, when all but the syncing of its name was done; and no draft."""
    path = f"{HOME}/file"
    for at in range(1, 6):
        fs = CrashFS({path: b"old"}).failing(at, errno.ENOSPC, written_bytes=3)
        with pytest.raises(StorageFailed):
            publish_file(fs, path, b"new content")
        assert fs.files() in ({path: b"old"}, {path: b"new content"})


def test_a_draft_that_a_crash_left_is_no_obstacle() -> None:
    """It is taken away by the next one who publishes."""
    path = f"{HOME}/file"
    fs = CrashFS({f"{path}.draft": b"half"})
    publish_file(fs, path, b"whole")
    assert fs.files() == {path: b"whole"}
