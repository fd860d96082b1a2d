"""Deleting: what a tombstone hides, what goes on reading through it, and who is asked before."""

from __future__ import annotations

from itertools import count

import pytest

from rollout.errors import Conflict, HasForks, LeaseHeld, NotFound, StorageFailed
from rollout.ids import ThreadId
from rollout.log.lease import take_lease
from rollout.store.deleting import note_pruning
from rollout.store.recording import open_recorder
from rollout.store.store import Store
from rollout.store.tombstones import DeleteMode, deleted_ids, find_tombstone, is_deleted, read_tombstones
from rollout.store.writing import revert
from rollout.testing.crashfs import CrashFS
from rollout.testing.memory import MemoryFileSystem
from tests.builders import DAY, HOME, Rollout, compact_json, thread, uuid

PARENT = thread(1).turn("hello")
CHILD = PARENT.fork(2).turn("and now?")
GRANDCHILD = CHILD.fork(3)
SPAWNED = thread(4, parent_thread_id=uuid(1)).turn("help")
ON_SPAWNED = SPAWNED.fork(5)
STONES = f"{HOME}/.rollout/tombstones"


def disk(*rollouts: Rollout) -> CrashFS:
    """Return a disk with these rollouts, and names for the first of them."""
    names = compact_json({"id": uuid(1), "thread_name": "Colours", "updated_at": ""}) + b"\n"
    files = {f"{DAY}/{one.name()}": one.log() for one in rollouts}
    return CrashFS(files | {f"{HOME}/session_index.jsonl": names}, folders=[HOME])


def store_over(fs: CrashFS) -> Store:
    """Return a store whose clock moves on."""
    ticks = count(1_795_248_374_000)
    return Store(fs, HOME, 1 << 20, lambda: next(ticks), lambda: uuid(99))


def hidden(fs: CrashFS) -> list[str]:
    """Return the threads that were deleted."""
    return sorted(deleted_ids(fs, HOME))


@pytest.mark.parametrize("reference", [uuid(1), uuid(1)[:-1], "Colours"])
def test_a_deleted_thread_is_not_found(reference: str) -> None:
    """By id, prefix or name; the error says how to bring it back."""
    store = store_over(disk(PARENT))
    store.delete_thread(uuid(1))
    with pytest.raises(NotFound, match="was deleted") as caught:
        store.open_thread(reference)
    assert caught.value.hint == f"Run `rollout delete --undo {uuid(1)}` to bring it back."


def test_a_deleted_thread_is_not_listed() -> None:
    """Nor does it count as the newest."""
    store = store_over(disk(PARENT, thread(6)))
    store.delete_thread(uuid(1))
    assert [one.id for one in store.list_threads().data] == [uuid(6)]
    assert store.newest_thread_id() == uuid(6)


def test_no_log_is_touched() -> None:
    """Deleting hides; bytes are for pruning."""
    fs = disk(PARENT)
    before = fs.files()
    store_over(fs).delete_thread(uuid(1))
    assert before.items() <= fs.files().items()


def test_a_prefix_means_the_thread_that_is_left() -> None:
    """A deleted one does not make it ambiguous."""
    store = store_over(disk(thread(1), thread(2)))
    store.delete_thread(uuid(1))
    assert store.find_thread_id(uuid(2)[:-1]) == uuid(2)


def test_a_deleted_thread_is_not_written() -> None:
    """Not even by somebody who found it before it was deleted."""
    fs = disk(PARENT)
    store = store_over(fs)
    store.delete_thread(uuid(1))
    with pytest.raises(NotFound, match="was deleted"):
        open_recorder(store.surroundings(), ThreadId(uuid(1)), "turn")
    with pytest.raises(NotFound, match="was deleted"):
        revert(store.surroundings(), ThreadId(uuid(1)), "t1")
    take_lease(fs, HOME, ThreadId(uuid(1)), clock=lambda: 1, pid=1).release()


def test_a_tombstone_says_when_how_and_with_which() -> None:
    """For whoever wonders where a thread has gone."""
    fs = disk(PARENT, SPAWNED)
    store_over(fs).delete_thread(uuid(1))
    stone = find_tombstone(fs, HOME, ThreadId(uuid(4)))
    assert stone is not None
    assert (stone.mode, stone.deleted_with, stone.client) == (DeleteMode.PLAIN, uuid(1), "rollout-store")
    assert stone.deleted_at > 1_795_248_374_000


def test_a_thread_that_others_stand_on_is_kept() -> None:
    """However deep below they are; the error names them and the ways out."""
    fs = disk(PARENT, CHILD, GRANDCHILD)
    with pytest.raises(HasForks, match="2 threads stand on its history") as caught:
        store_over(fs).delete_thread(uuid(1))
    assert caught.value.fork_ids == [uuid(2), uuid(3)]
    for option in ("--keep-for-forks", "--flatten-children", "--cascade"):
        assert option in (caught.value.hint or "")
    assert hidden(fs) == []


def test_a_thread_that_only_deleted_ones_stand_on_can_go() -> None:
    """They are not asked any more."""
    fs = disk(PARENT, CHILD)
    store = store_over(fs)
    store.delete_thread(uuid(2))
    store.delete_thread(uuid(1))
    assert hidden(fs) == [uuid(1), uuid(2)]


def test_a_copy_does_not_stand_on_its_source() -> None:
    """A legacy fork has all of its history in its own file."""
    fs = disk(thread(1, "legacy").turn("hello"), thread(2, "legacy", forked_from_id=uuid(1)).turn("hello"))
    assert store_over(fs).delete_thread(uuid(1)).thread_ids == [uuid(1)]


def test_a_thread_that_a_revert_took_elsewhere_does_not_count() -> None:
    """What its older rollout stands on is kept by pruning, but is no reason to refuse."""
    child = PARENT.fork(2).turn("and now?")
    restart = Rollout(0, "paginated", rollout_number=7, id=uuid(2))
    restart.thread_id = child.thread_id
    fs = disk(PARENT, child)
    fs = CrashFS(fs.files() | {f"{DAY}/{restart.name('2026-11-21T09-00-00')}": restart.log()})
    assert store_over(fs).delete_thread(uuid(1)).thread_ids == [uuid(1)]


def test_kept_for_forks_a_thread_is_read_through() -> None:
    """It is hidden, and those who stand on it read as before."""
    store = store_over(disk(PARENT, CHILD))
    done = store.delete_thread(uuid(1), DeleteMode.KEEP_FOR_FORKS)
    assert done.resting == [uuid(2)]
    with store.open_thread(uuid(2)) as child:
        assert [turn.id for turn in child.all_turns()] == ["t1", "t2"]


def test_cascade_takes_all_that_stands_on_it() -> None:
    """Forks of forks, what the thread spawned, and what stands on that."""
    fs = disk(PARENT, CHILD, GRANDCHILD, SPAWNED, ON_SPAWNED, thread(6))
    store_over(fs).delete_thread(uuid(1), DeleteMode.CASCADE)
    assert hidden(fs) == [uuid(number) for number in range(1, 6)]


def test_what_a_thread_spawned_goes_with_it() -> None:
    """And comes back with it."""
    fs = disk(PARENT, SPAWNED)
    store = store_over(fs)
    assert store.delete_thread(uuid(1)).thread_ids == [uuid(1), uuid(4)]
    assert store.undelete_thread(uuid(1)).thread_ids == [uuid(1), uuid(4)]
    assert hidden(fs) == []


def test_forks_of_what_a_thread_spawned_are_asked_for() -> None:
    """They would lose what they stand on just as well."""
    with pytest.raises(HasForks, match=uuid(5)):
        store_over(disk(PARENT, SPAWNED, ON_SPAWNED)).delete_thread(uuid(1))


def test_flattened_children_are_made_to_stand_alone_first() -> None:
    """Each of them is handed over before anything is hidden."""
    fs = disk(PARENT, CHILD, GRANDCHILD)
    seen: list[str] = []

    def flatten(thread_id: ThreadId) -> None:
        assert hidden(fs) == []
        seen.append(thread_id)
        alone = Rollout(0, "paginated", rollout_number=70 + len(seen), id=thread_id)
        alone.thread_id = thread_id
        with fs.create(f"{DAY}/{alone.name('2026-11-21T09-00-00')}") as file:
            file.append(alone.log())

    done = store_over(fs).delete_thread(uuid(1), DeleteMode.FLATTEN_CHILDREN, flatten)
    assert done.flattened == seen == [uuid(2), uuid(3)]
    assert hidden(fs) == [uuid(1)]


def test_a_child_that_still_stands_there_keeps_its_parent() -> None:
    """Whatever flattening says it did."""
    fs = disk(PARENT, CHILD)
    with pytest.raises(HasForks):
        store_over(fs).delete_thread(uuid(1), DeleteMode.FLATTEN_CHILDREN, lambda _: None)
    assert hidden(fs) == []


@pytest.mark.parametrize("held", [1, 2, 4])
def test_a_thread_that_somebody_records_is_not_deleted(held: int) -> None:
    """Nor are those that were to go with it: all of them, or none."""
    fs = disk(PARENT, CHILD, SPAWNED)
    lease = take_lease(fs, HOME, ThreadId(uuid(held)), clock=lambda: 1, pid=1)
    with lease, pytest.raises(LeaseHeld):
        store_over(fs).delete_thread(uuid(1), DeleteMode.CASCADE)
    assert hidden(fs) == []


def test_a_thread_without_its_parent_can_be_deleted() -> None:
    """So can one whose header nobody can read."""
    fs = CrashFS(
        {f"{DAY}/{CHILD.name()}": CHILD.log(), f"{DAY}/{thread(8).name()}": b"junk\n"}, folders=[HOME]
    )
    store = store_over(fs)
    store.delete_thread(uuid(2))
    store.delete_thread(uuid(8))
    assert hidden(fs) == [uuid(2), uuid(8)]


def test_an_unknown_thread_is_not_deleted() -> None:
    """No tombstone is put up for what is not there."""
    fs = disk(PARENT)
    with pytest.raises(NotFound, match="no file name"):
        store_over(fs).delete_thread(uuid(77))
    assert hidden(fs) == []


@pytest.mark.parametrize("reference", [uuid(1), uuid(1)[:-1], "Colours"])
def test_a_thread_is_brought_back(reference: str) -> None:
    """By the names that it had."""
    store = store_over(disk(PARENT))
    store.delete_thread(uuid(1))
    store.undelete_thread(reference)
    assert [one.id for one in store.list_threads().data] == [uuid(1)]


def test_one_of_several_is_brought_back_alone() -> None:
    """Those that were deleted with it, or it with them, stay deleted."""
    fs = disk(PARENT, CHILD, GRANDCHILD)
    store = store_over(fs)
    store.delete_thread(uuid(1), DeleteMode.CASCADE)
    store.undelete_thread(uuid(2))
    assert hidden(fs) == [uuid(1), uuid(3)]


def test_what_is_gone_of_several_does_not_hold_up_the_rest() -> None:
    """One of them was pruned in part: it stays deleted."""
    fs = disk(PARENT, CHILD, GRANDCHILD)
    store = store_over(fs)
    store.delete_thread(uuid(1), DeleteMode.CASCADE)
    note_pruning(store.surroundings(), ThreadId(uuid(2)))
    assert store.undelete_thread(uuid(1)).thread_ids == [uuid(1), uuid(3)]
    assert hidden(fs) == [uuid(2)]


def test_a_thread_that_was_not_deleted_is_not_brought_back() -> None:
    """Even if it is there."""
    with pytest.raises(NotFound, match="no thread that was deleted"):
        store_over(disk(PARENT)).undelete_thread(uuid(1))


def test_a_thread_whose_bytes_were_reclaimed_stays_deleted() -> None:
    """It would come back with a hole in it."""
    fs = disk(PARENT)
    store = store_over(fs)
    store.delete_thread(uuid(1))
    note_pruning(store.surroundings(), ThreadId(uuid(1)))
    with pytest.raises(Conflict, match="gone for good"):
        store.undelete_thread(uuid(1))


def test_a_thread_whose_files_are_gone_stays_deleted() -> None:
    """Rather than being shown as there, and not found."""
    fs = disk(PARENT)
    store = store_over(fs)
    store.delete_thread(uuid(1))
    fs.remove(f"{DAY}/{PARENT.name()}")
    with pytest.raises(NotFound, match="no file of thread"):
        store.undelete_thread(uuid(1))


def test_a_tombstone_that_cannot_be_understood_hides_all_the_same() -> None:
    """Nobody puts one there but to hide a thread; what it said is unknown."""
    fs = CrashFS({f"{STONES}/{uuid(1)}.json": b"\0\0", f"{STONES}/notes.txt": b""})
    assert read_tombstones(fs, HOME) == {uuid(1): None}
    assert is_deleted(fs, HOME, ThreadId(uuid(1)))


def test_a_home_that_does_not_let_us_look_is_read_without() -> None:
    """A thread is shown rather than a home refused."""
    fs = MemoryFileSystem({f"{DAY}/{PARENT.name()}": PARENT.log(), f"{STONES}/{uuid(1)}.json": b"{}"})
    fs.refuse(STONES)
    fs.refuse(f"{STONES}/{uuid(1)}.json")
    store = Store(fs, HOME, 1 << 20, lambda: 0, lambda: uuid(99))
    assert [one.id for one in store.list_threads().data] == [uuid(1)]
    with pytest.raises(StorageFailed):
        read_tombstones(fs, HOME)
