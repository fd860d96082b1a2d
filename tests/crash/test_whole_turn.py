"""A turn recorded in one write: a crash leaves all of it, or nothing that counts as completed."""

from __future__ import annotations

import errno
from itertools import count

import pytest

from rollout.errors import StorageFailed
from rollout.ids import mint_uuid7
from rollout.store.root import Store
from rollout.testing.crashfs import CrashFS
from rollout.turns.model import TurnStatus
from rollout.turns.paging import ItemsView
from tests.builders import HOME, message

ITEMS = [message("user", "Why?"), message("assistant", "So.")]
NOW_MS = 1_795_248_374_000


def store_of(fs: CrashFS, first_id: int = 0) -> Store:
    """Return a store over the home of a disk, that counts its ids up."""
    ids = count(first_id)
    return Store(fs, HOME, 1 << 20, lambda: NOW_MS, lambda: mint_uuid7(NOW_MS, next(ids).to_bytes(10)))


def record(fs: CrashFS) -> str:
    """Make a thread and two turns in it; each is acknowledged."""
    store = store_of(fs)
    thread_id = store.create_thread(cwd="/src", model="m").id
    for _ in range(2):
        fs.acknowledge(store.append_turn(thread_id, ITEMS).turn.id)
    return thread_id


def completed(fs: CrashFS, thread_id: str) -> dict[str, int]:
    """Return the completed turns of a thread, oldest first, each with how many items it shows."""
    with store_of(fs).open_thread(thread_id) as thread:
        turns = thread.all_turns(view=ItemsView.FULL)
    return {turn.id: len(turn.items) for turn in turns if turn.status is TurnStatus.COMPLETED}


def test_a_turn_is_there_whole_or_not_at_all() -> None:
    """Acknowledged ones are there; one more may be; and the thread goes on."""
    thread_id = record(fs := CrashFS(folders=[HOME]))
    for cut in fs.cuts():
        if not cut.acknowledged:
            continue  # the thread's first acknowledgement comes with its first turn
        for disk in cut.images():
            found = completed(disk, thread_id)
            assert list(found)[: len(cut.acknowledged)] == list(cut.acknowledged), disk.origin
            assert set(found.values()) == {2}, disk.origin
            store_of(disk, 1000).append_turn(thread_id, ITEMS)
            # A last line that lacks but its newline counts once it is ended, by the next append.
            ended = [*completed(disk, thread_id)]
            assert ended[: len(found)] == [*found], disk.origin
            assert len(ended) - len(found) in (1, 2), disk.origin


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_refused_turn_costs_nothing_that_was_acknowledged(number: int) -> None:
    """Whichever operation failed."""
    for at in count(1):
        thread_id = record(fs := CrashFS(folders=[HOME]))
        before = completed(fs, thread_id)
        fs.failing(at, number, written_bytes=700)
        begun = fs.operation_count
        try:
            store_of(fs, 1000).append_turn(thread_id, ITEMS)
        except StorageFailed:
            found = completed(fs, thread_id)
            assert list(found)[:2] == list(before)
            assert set(found.values()) == {2}
        if fs.operation_count < begun + at:
            break
        store_of(fs, 2000).append_turn(thread_id, ITEMS)
