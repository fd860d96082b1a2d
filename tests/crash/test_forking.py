"""Forking over crashes and failures: a child is there whole or not at all, and its parent as it was."""

from __future__ import annotations

import errno
from itertools import count

import pytest

import fork
from rollout.errors import StorageFailed
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.altered import record_turns
from tests.builders import DAY, HOME, Rollout, thread, uuid
from tests.recorded_home import home_of, texts_of

PARENTS = {
    "paginated": thread(1).turn("one").turn("two"),
    "legacy": thread(1, "legacy").turn("one").turn("two"),
    "being written": thread(1).turn("one").turn("two").start("open").raw(b'{"timestamp":"torn'),
}


def path_of(parent: Rollout) -> str:
    """Return where the parent lies."""
    return f"{DAY}/{parent.name()}"


def disk(parent: Rollout) -> CrashFS:
    """Return a disk that holds the parent."""
    return CrashFS({path_of(parent): parent.log()}, folders=[HOME])


def make(fs: CrashFS, *, is_promised: bool = True) -> None:
    """Fork the parent twice, once with settings and a name, and promise each child."""
    store = home_of(fs)
    for options in ({}, {"through_turn": "t1", "model": "model-two", "name": "Again"}):
        child = fork.fork_thread(store, uuid(1), **options)  # type: ignore[arg-type]  # words, each where it goes
        if is_promised:
            fs.acknowledge(child.id)


def children(store: Store) -> list[str]:
    """Return the ids of all threads but the parent, oldest first."""
    rows = store.list_threads().data
    assert not [row for row in rows if row.problem]
    return sorted(row.id for row in rows if row.id != uuid(1))


def assert_whole(fs: CrashFS, parent: Rollout, promised: tuple[object, ...]) -> None:
    """Children that were promised are there; those that are there read and go on; the parent stays."""
    assert fs.files()[path_of(parent)] == parent.log(), fs.origin
    store = home_of(fs)
    found = children(store)
    assert set(promised) <= set(found), fs.origin
    for child in found:
        with store.open_thread(child) as opened:
            texts = texts_of(opened)
            assert texts in (["one", "yes", "two", "yes"], ["one", "yes"]), fs.origin
        record_turns(store, child, "Of the child.")
        with store.open_thread(child) as opened:
            assert texts_of(opened) == [*texts, "Question 0?", "Of the child."], fs.origin
    assert fs.files()[path_of(parent)] == parent.log(), fs.origin


@pytest.mark.parametrize("kind", PARENTS)
def test_a_child_is_there_whole_or_not_at_all(kind: str) -> None:
    """On every disk that a crash may leave; once its id was returned it is there on all of them."""
    parent = PARENTS[kind]
    make(fs := disk(parent))
    seen = set()
    for cut in fs.cuts():
        for image in cut.images():
            key = (cut.acknowledged, frozenset(image.files().items()))
            if key not in seen:
                seen.add(key)
                assert_whole(image, parent, cut.acknowledged)
    assert len(children(home_of(fs))) == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_whatever_call_fails_the_parent_is_as_it_was(number: int) -> None:
    """The error is ours; then forking works."""
    parent = PARENTS["paginated"]
    for at in count(1):
        fs = disk(parent).failing(at, number, written_bytes=7)
        try:
            make(fs)
        except StorageFailed:
            *_, cut = fs.cuts()
            assert_whole(fs, parent, cut.acknowledged)
        if fs.operation_count < at:
            assert at > 10
            break
        known = children(home_of(fs))
        make(fs, is_promised=False)
        assert len(children(home_of(fs))) == len(known) + 2


def test_no_draft_is_left_that_a_repair_does_not_find() -> None:
    """What a crash leaves of an unpublished child is nobody's thread."""
    parent = PARENTS["paginated"]
    make(fs := disk(parent), is_promised=False)
    for cut in fs.cuts():
        for image in cut.images():
            assert len(children(home_of(image))) <= 2, image.origin
            assert not home_of(image).findings(), image.origin
