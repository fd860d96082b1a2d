"""What pruning does: the steps of a plan, looked at again, each for itself."""

from __future__ import annotations

import pytest

from fork.prune import StepKind, plan_prune
from fork.reclaim import apply_prune
from rollout.errors import Conflict, LeaseHeld, NotFound
from rollout.log.lease import take_lease
from rollout.log.names import read_names
from rollout.store.tombstones import DeleteMode, deleted_ids
from tests.builders import DAY, HOME, compact_json, thread, uuid
from tests.unit.fork.pruning import LATER, delete, disk, prune, rollouts_in, store_over, turns_of

PARENT = thread(1).turn("hello")
AT_ONE = PARENT.position
PARENT.turn("more")
CHILD = thread(1).turn("hello").fork(2).turn("and now?")
NAMES = [compact_json({"id": uuid(number), "thread_name": f"name {number}"}) + b"\n" for number in (1, 2, 1)]


def test_nothing_is_left_of_a_deleted_thread() -> None:
    """Its rollouts, what was derived from them, its names, its tombstone; everything else stays."""
    revert = PARENT.revert(7, AT_ONE)
    other = thread(2).turn("other")
    sidecars = {f".rollout/checkpoints/{uuid(number)}.json": b"x" for number in (1, 2, 7)}
    fs = disk(PARENT, other, later=(revert,), **sidecars, **{"session_index.jsonl": b"".join(NAMES)})
    delete(fs, PARENT)
    assert [one.error for one in prune(fs) if one.error is not None] == []
    left = {path: content for path, content in fs.files().items() if ".lock" not in path}
    assert left == {
        f"{DAY}/{other.name()}": other.log(),
        f"{HOME}/.rollout/checkpoints/{uuid(2)}.json": b"x",
        f"{HOME}/session_index.jsonl": NAMES[1],
    }


def test_a_pruned_thread_is_as_if_it_had_never_been() -> None:
    """Not deleted, not found, with nothing left to prune."""
    fs = disk(PARENT)
    delete(fs, PARENT)
    prune(fs)
    with pytest.raises(NotFound, match="no rollout"):
        store_over(fs).open_thread(uuid(1))
    assert prune(fs) == []


def test_nobody_is_said_to_have_spawned_a_pruned_thread() -> None:
    """Nor to have been spawned by it; what was said of others stays."""
    fs = disk(PARENT, thread(2).turn("other"), thread(3).turn("another"))
    agents = store_over(fs).agents
    for parent, child in ((2, 1), (2, 3), (1, 9)):
        agents.add_edge(uuid(parent), uuid(child))
    delete(fs, PARENT)
    prune(fs)
    assert {edge.child_id: edge.parent_id for edge in agents.graph().edges.values()} == {uuid(3): uuid(2)}


def test_a_fork_reads_as_before() -> None:
    """Whatever went of its parent."""
    fs = disk(PARENT, CHILD)
    before = turns_of(fs, CHILD)
    delete(fs, PARENT)
    prune(fs)
    assert turns_of(fs, CHILD) == before
    assert fs.files()[f"{DAY}/{PARENT.name()}"] == PARENT.log()[: AT_ONE["end_byte_offset"]]


def test_the_rest_goes_with_the_last_fork() -> None:
    """What was kept for it is reclaimed once it is deleted, too."""
    fs = disk(PARENT, CHILD)
    delete(fs, PARENT)
    prune(fs)
    delete(fs, CHILD)
    prune(fs)
    assert rollouts_in(fs) == set()
    assert deleted_ids(fs, HOME) == frozenset()


def test_a_reverted_thread_reads_as_before() -> None:
    """Of what it has left behind, only that goes which it does not stand on."""
    revert = PARENT.revert(7, AT_ONE).turn("again")
    fs = disk(PARENT, later=(revert,))
    before = turns_of(fs, revert)
    prune(fs, superseded=True)
    assert turns_of(fs, revert) == before
    assert rollouts_in(fs) == {PARENT.name(), revert.name(LATER)}


def test_a_partly_pruned_thread_cannot_be_brought_back() -> None:
    """It would not be what it was."""
    fs = disk(PARENT, CHILD)
    delete(fs, PARENT)
    prune(fs)
    with pytest.raises(Conflict, match="gone for good"):
        store_over(fs).undelete_thread(uuid(1))


def test_a_thread_that_was_brought_back_is_left_alone() -> None:
    """Even by a plan that was made before."""
    fs = disk(PARENT)
    delete(fs, PARENT)
    store = store_over(fs)
    old_plan = plan_prune(store)
    store.undelete_thread(uuid(1))
    assert all(isinstance(one.error, Conflict) for one in apply_prune(store, old_plan))
    assert turns_of(fs, PARENT) == ["t1", "t2"]


def test_a_fork_made_since_the_plan_keeps_what_it_needs() -> None:
    """Every look is a new one."""
    fs = disk(PARENT)
    delete(fs, PARENT)
    store = store_over(fs)
    old_plan = plan_prune(store)
    with fs.create(f"{DAY}/{CHILD.name()}") as file:
        file.append(CHILD.log())
    errors = [str(one.error) for one in apply_prune(store, old_plan)]
    assert errors[0].endswith("it is needed now")
    assert turns_of(fs, CHILD)[0] == "t1"


def test_a_file_that_grew_is_not_cut() -> None:
    """Another client does not know that the thread was deleted, and may go on with it."""
    fs = disk(PARENT, CHILD)
    delete(fs, PARENT)
    store = store_over(fs)
    old_plan = plan_prune(store)
    with fs.open_append(f"{DAY}/{PARENT.name()}") as file:
        file.append(b"more\n")
    (tried,) = apply_prune(store, old_plan)
    assert isinstance(tried.error, Conflict)
    assert fs.files()[f"{DAY}/{PARENT.name()}"] == PARENT.log() + b"more\n"


def test_a_thread_that_somebody_has_stays_with_all_it_stands_on() -> None:
    """The others go."""
    alone = thread(5)
    fs = disk(PARENT, CHILD, alone)
    delete(fs, PARENT, CHILD, alone)
    with take_lease(fs, HOME, CHILD.thread_id, clock=lambda: 1, pid=1):
        tried = prune(fs)
    assert [type(one.error) for one in tried if one.step.rollout_id == uuid(2)] == [LeaseHeld]
    assert rollouts_in(fs) == {PARENT.name(), CHILD.name()}
    assert deleted_ids(fs, HOME) == {uuid(1), uuid(2)}


def test_names_are_left_while_somebody_has_them_locked() -> None:
    """And the tombstones with them: a later pruning finishes."""
    fs = disk(PARENT, **{"session_index.jsonl": NAMES[0]})
    delete(fs, PARENT)
    lock = fs.find_lock(f"{HOME}/session_index.jsonl.lock")
    assert lock is not None
    tried = prune(fs)
    assert [one.step.kind for one in tried if one.error is not None] == [StepKind.NAME, StepKind.TOMBSTONE]
    assert read_names(fs, HOME) == {uuid(1): "name 1"}
    lock.release()
    prune(fs)
    assert (read_names(fs, HOME), deleted_ids(fs, HOME)) == ({}, frozenset())


def test_a_home_full_of_forks_of_forks_is_pruned_at_once() -> None:
    """A chain takes one pass, leaves first."""
    chain = [thread(1).turn("hello")]
    for number in range(2, 30):
        chain.append(chain[-1].fork(number).turn("go on"))
    fs = disk(*chain)
    delete(fs, chain[0], mode=DeleteMode.CASCADE)
    assert [one.error for one in prune(fs) if one.error is not None] == []
    assert rollouts_in(fs) == set()
