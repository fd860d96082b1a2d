"""Seals and anchors along a lineage: what was left behind does not count, what is built on does."""

from __future__ import annotations

import re

import pytest

from rollout.errors import BrokenLineage, DamagedLog
from rollout.store.root import Store
from rollout.testing.crashfs import CrashFS
from tests.altered import READERS, altered, record_turns, store_of
from tests.recorded_home import new_home, new_thread, rollouts_of, texts_of


def reverted(*answers: str) -> tuple[CrashFS, str, str]:
    """Return a home whose thread was reverted to before its last turn; its id; the base's path."""
    fs, store = new_home()
    thread_id = new_thread(store)
    record_turns(store, thread_id, *answers)
    newest = store.turns(thread_id, limit=1).data[0].id
    with store.revert_thread(thread_id, before_turn=newest):
        pass
    base = next(path for path in rollouts_of(fs, thread_id) if b"history_base" not in fs.files()[path])
    return fs, thread_id, base


def test_a_seal_beyond_the_cut_does_not_count() -> None:
    """What a thread has left behind may be altered: it is not of its history."""
    fs, thread_id, base = reverted("Apple.", "Pear.")
    store = altered(fs.files(), base, fs.files()[base].rindex(b"Pear."))
    with store.open_thread(thread_id) as thread:
        assert texts_of(thread) == ["Question 0?", "Apple."]
        assert thread.broken_seals() == []


@pytest.mark.parametrize("reader", [name for name in READERS if name != "turns"])
def test_the_newest_seal_before_the_cut_counts(reader: str) -> None:
    """The chain goes on in the base, far before what its anchor covers."""
    fs, thread_id, base = reverted("Apple.", "pear " * 15_000, "Plum.")
    with pytest.raises(DamagedLog, match="does not hold"):
        READERS[reader](altered(fs.files(), base, fs.files()[base].index(b"Apple.")), thread_id)


def test_a_base_altered_before_its_cut_is_a_broken_link() -> None:
    """The child knows its base by its anchor; it is not opened onto other bytes."""
    fs, thread_id, base = reverted("Apple.", "Pear.")
    store = altered(fs.files(), base, fs.files()[base].rindex(b"Apple."))
    with pytest.raises(
        BrokenLineage, match=r"expected the anchor .{43} at byte [0-9]+, found .{43}"
    ) as refused:
        store.open_thread(thread_id)
    assert refused.value.base_id == thread_id
    problems = [one.problem for one in store.check(store.files_to_check())]
    assert [problem.code for problem in problems if problem is not None] == ["log.damaged"]


def with_anchor(fs: CrashFS, thread_id: str, base: str, stored: bytes) -> Store:
    """Return a store over a copy in which other bytes stand for the child's anchor member."""
    files = fs.files()
    child = next(path for path in rollouts_of(fs, thread_id) if path != base)
    content, count = re.subn(rb',"base_anchor":"[^"]{43}"', stored, files[child])
    assert count == 1
    return store_of({**files, child: content})


@pytest.mark.parametrize("stored", [b"17", b'""', b"{}", b'"' + b"A" * 43 + b'"'])
def test_an_anchor_of_another_kind_is_a_broken_link(stored: bytes) -> None:
    """Only what we write stands there."""
    fs, thread_id, base = reverted("Apple.", "Pear.")
    with pytest.raises(BrokenLineage):
        with_anchor(fs, thread_id, base, b',"base_anchor":' + stored).open_thread(thread_id)


@pytest.mark.parametrize("stored", [b"", b',"base_anchor":null'])
def test_a_base_without_an_anchor_is_followed(stored: bytes) -> None:
    """Other clients store none."""
    fs, thread_id, base = reverted("Apple.", "Pear.")
    with with_anchor(fs, thread_id, base, stored).open_thread(thread_id) as thread:
        assert texts_of(thread) == ["Question 0?", "Apple."]
