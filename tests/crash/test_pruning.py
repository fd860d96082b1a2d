"""Pruning over crashes and failures: what lives is read as before, and a second try finishes."""

from __future__ import annotations

import errno
from itertools import count

import pytest

from fork.prune import plan_prune
from fork.reclaim import apply_prune
from rollout.errors import StorageFailed
from rollout.log.facts import read_facts
from rollout.log.names import read_names
from rollout.store.tombstones import deleted_ids
from rollout.testing.crashfs import CrashFS
from tests.builders import HOME, compact_json, thread, uuid
from tests.unit.fork.pruning import delete, disk, rollouts_in, store_over, turns_of

PARENT = thread(1).turn("hello")
CHILD = PARENT.fork(2).turn("and now?")
GONE = PARENT.fork(3).turn("never mind")
PARENT.turn("more")
ALONE = thread(4)
FACTS = b"".join(
    compact_json({"at": 1, "threadId": uuid(number), "patch": {"isPinned": True}}) + b"\n"
    for number in (4, 2, 3)
)
NAMES = b"".join(compact_json({"id": uuid(number), "thread_name": "a"}) + b"\n" for number in (4, 2, 4))


def deleted() -> CrashFS:
    """Return a disk on which a parent, one of its forks and another thread were deleted."""
    fs = disk(PARENT, CHILD, GONE, ALONE, **{"session_index.jsonl": NAMES, ".rollout/facts.jsonl": FACTS})
    delete(fs, PARENT, GONE, ALONE)
    return CrashFS(fs.files(), folders=[HOME])


def prune(fs: CrashFS) -> None:
    """Prune; what was done is acknowledged."""
    store = store_over(fs)
    for one in apply_prune(store, plan_prune(store)):
        if one.error is not None:
            raise one.error
        fs.acknowledge(one.step.path)


def assert_what_lives_is_whole(fs: CrashFS) -> None:
    """The fork that was not deleted reads as before, its name is known, and no deleted thread is back."""
    assert turns_of(fs, CHILD) == ["t1", "t2"], fs.origin
    assert read_names(fs, HOME).get(CHILD.thread_id) == "a", fs.origin
    assert read_facts(fs, HOME)[CHILD.thread_id].is_pinned, fs.origin
    shown = {one.id for one in store_over(fs).list_threads().data}
    assert shown == {CHILD.thread_id}, fs.origin


def assert_pruned(fs: CrashFS) -> None:
    """All that nobody needs is gone."""
    assert rollouts_in(fs) == {PARENT.name(), CHILD.name()}, fs.origin
    assert deleted_ids(fs, HOME) == {PARENT.thread_id}, fs.origin
    assert read_names(fs, HOME) == {CHILD.thread_id: "a"}, fs.origin
    assert set(read_facts(fs, HOME)) == {CHILD.thread_id}, fs.origin


def test_a_crash_harms_nothing_that_lives() -> None:
    """Nor does it bring anything back; a second try finishes."""
    prune(fs := deleted())
    seen: set[frozenset[tuple[str, bytes]]] = set()
    for image in (image for cut in fs.cuts() for image in cut.images()):
        logs = frozenset(one for one in image.files().items() if "/leases/" not in one[0])
        if logs not in seen:
            seen.add(logs)
            assert_what_lives_is_whole(image)
            prune(image)
            assert_pruned(image)
            assert_what_lives_is_whole(image)


def test_what_was_acknowledged_is_gone() -> None:
    """A step is durable when it is told."""
    prune(fs := deleted())
    sizes = {path: len(content) for path, content in deleted().files().items()}
    for cut in fs.cuts():
        for image in cut.images():
            for path in cut.acknowledged:
                assert len(image.files().get(str(path), b"")) < sizes[str(path)], image.origin


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_refusal_harms_nothing_that_lives(number: int) -> None:
    """Whichever operation failed, a second try finishes."""
    for at in count(1):
        fs = deleted().failing(at, number, written_bytes=5)
        try:
            prune(fs)
        except StorageFailed:
            assert_what_lives_is_whole(fs)
        if fs.operation_count < at:
            break
        prune(fs)
        assert_pruned(fs)
        assert_what_lives_is_whole(fs)
