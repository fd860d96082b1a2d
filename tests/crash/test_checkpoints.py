"""A checkpoint on its way to the disk: whatever a crash leaves of it, a resume answers as without."""

from __future__ import annotations

import errno
from itertools import count

import pytest

from rollout.errors import StorageFailed
from rollout.ids import mint_uuid7
from rollout.store import sidecars
from rollout.store.root import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import HOME, message
from tests.recorded_home import LEGACY_ID, asked, legacy_home, settled

NOW_MS = 1_795_248_374_000


def store_of(fs: CrashFS, first_id: int = 0) -> Store:
    """Return a store over the home of a disk, that counts its ids up."""
    ids = count(first_id)
    return Store(
        fs,
        HOME,
        1 << 20,
        lambda: NOW_MS,
        lambda: mint_uuid7(NOW_MS, next(ids).to_bytes(10)),
        f"{HOME}/.rollout",
    )


def record(fs: CrashFS) -> str:
    """Make a thread with two turns, each acknowledged, and a checkpoint behind each."""
    store = store_of(fs)
    thread_id = store.create_thread(cwd="/src", model="m").id
    with store.record(thread_id) as recorder:
        for said in ("one", "two"):
            with recorder.turn(said) as turn:
                turn.append(message("assistant", "yes"))
            fs.acknowledge(said)
            recorder.checkpoint()
            fs.acknowledge(f"checkpoint {said}")
    return thread_id


def check(fs: CrashFS, thread_id: str) -> int:
    """Check that a resume says what reading everything says; return the number of items."""
    with store_of(fs).open_thread(thread_id) as thread:
        context = thread.context()
    with store_of(fs).open_thread(thread_id) as thread:
        full = thread.context(full_replay=True)
    assert context.input_json() == full.input_json(), fs
    assert context.next_ordinal == full.next_ordinal
    assert context.previous_turn_settings == full.previous_turn_settings
    return len(context.items)


def test_a_crash_leaves_the_answer() -> None:
    """In the middle of a checkpoint, behind it, before it; and the thread goes on."""
    thread_id = record(fs := CrashFS(folders=[HOME]))
    for cut in fs.cuts():
        if not cut.acknowledged:
            continue
        turns = sum(not one.startswith("checkpoint") for one in cut.acknowledged)
        for disk in cut.images():
            assert check(disk, thread_id) >= 2 * turns, disk.origin
            with store_of(disk, 1000).record(thread_id) as recorder, recorder.turn("three"):
                pass
            store_of(disk, 2000).checkpoint(thread_id)
            assert check(disk, thread_id) > 2 * turns, disk.origin


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_refused_checkpoint_costs_nothing(number: int) -> None:
    """Whichever operation failed: what was recorded is there, and so is the next checkpoint."""
    for at in count(1):
        thread_id = record(fs := CrashFS(folders=[HOME]))
        fs.failing(at, number, written_bytes=300)
        begun = fs.operation_count
        try:
            store_of(fs, 1000).checkpoint(thread_id)
        except StorageFailed:
            assert check(fs, thread_id) == 4
        if fs.operation_count < begun + at:
            break
        store_of(fs, 2000).checkpoint(thread_id)
        assert check(fs, thread_id) == 4


def test_a_sidecar_is_there_or_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not synced: a crash may leave it empty, in part, or not at all."""
    monkeypatch.setattr(sidecars, "WORTH_BYTES", 0)
    fs, _ = legacy_home(settled(), asked("hello"))
    store_of(fs).checkpoint(LEGACY_ID)
    seen: set[bytes] = set()
    for cut in fs.cuts():
        for disk in cut.images():
            assert check(disk, LEGACY_ID) == 1, disk.origin
            seen.add(disk.files().get(f"{HOME}/.rollout/checkpoints/{LEGACY_ID}.json", b""))
    assert len(seen) > 2
