"""What pruning plans: whatever is needed stays, whatever is not known to be unneeded stays."""

from __future__ import annotations

import pytest

from fork.prune import KeptReason, StepKind
from rollout.errors import StorageFailed
from rollout.testing.crashfs import CrashFS
from tests.builders import ARCHIVE, DAY, HOME, Rollout, compact_json, packed, thread, uuid
from tests.unit.fork.pruning import LATER, delete, disk, plan, steps_of, store_over

PARENT = thread(1).turn("hello")
AT_ONE = PARENT.position
PARENT.turn("more")
SIZE = len(PARENT.log())
CHILD = thread(1).turn("hello").fork(2).turn("and now?")


def restarted(rollout: Rollout, number: int) -> Rollout:
    """Return a newer rollout of the same thread that stands on nothing."""
    alone = Rollout(0, "paginated", rollout_number=number, id=rollout.thread_id)
    alone.thread_id = rollout.thread_id
    return alone


def test_nothing_is_planned_where_nothing_was_deleted() -> None:
    """Forks and older rollouts are no reason to touch anything."""
    found = plan(disk(PARENT, CHILD, later=(PARENT.revert(7, AT_ONE),)))
    assert (found.steps, found.kept) == ([], [])


def test_a_deleted_thread_that_nobody_needs_goes() -> None:
    """With all of its rollouts, those that stand on others first, and its tombstone last."""
    revert = PARENT.revert(7, AT_ONE)
    fs = disk(PARENT, later=(revert,))
    delete(fs, PARENT)
    found = plan(fs)
    assert steps_of(found) == [(revert.name(LATER), 0, len(revert.log())), (PARENT.name(), 0, SIZE)]
    assert found.steps[-1].kind is StepKind.TOMBSTONE
    assert found.size_bytes == sum(step.size_bytes for step in found.steps)


def test_what_a_living_fork_reads_stays() -> None:
    """Up to where it left; the rest goes, and the tombstone stays with what stays."""
    fs = disk(PARENT, CHILD)
    delete(fs, PARENT)
    found = plan(fs)
    assert steps_of(found) == [(PARENT.name(), AT_ONE["end_byte_offset"], SIZE)]
    assert [step.kind for step in found.steps] == [StepKind.TAIL]
    assert [(one.reason, one.size_bytes) for one in found.kept] == [
        (KeptReason.NEEDED, AT_ONE["end_byte_offset"])
    ]


def test_the_farthest_fork_decides() -> None:
    """Of several, the one that left last."""
    fs = disk(PARENT, CHILD, PARENT.fork(3))
    delete(fs, PARENT)
    assert plan(fs).steps == []


def test_a_fork_of_a_deleted_fork_needs_both() -> None:
    """A lineage reaches through whatever was deleted on the way."""
    fs = disk(PARENT, CHILD, CHILD.fork(3).turn("deep"))
    delete(fs, PARENT, CHILD)
    assert steps_of(plan(fs)) == [(PARENT.name(), AT_ONE["end_byte_offset"], SIZE)]


def test_deleted_forks_need_nothing() -> None:
    """The whole branch goes, leaves first."""
    deep = CHILD.fork(3).turn("deep")
    fs = disk(PARENT, CHILD, deep)
    delete(fs, deep, CHILD, PARENT)
    assert [name for name, _, _ in steps_of(plan(fs))] == [deep.name(), CHILD.name(), PARENT.name()]


def test_an_older_rollout_of_a_living_thread_needs_what_it_stands_on() -> None:
    """It may be read by its path still."""
    fs = disk(PARENT, CHILD, later=(restarted(CHILD, 7),))
    delete(fs, PARENT)
    assert steps_of(plan(fs)) == [(PARENT.name(), AT_ONE["end_byte_offset"], SIZE)]
    assert [name for name, _, _ in steps_of(plan(fs, superseded=True))] == [CHILD.name(), PARENT.name()]


def test_superseded_rollouts_go_only_when_asked_for() -> None:
    """And of one that its thread stands on, what lies behind."""
    revert = PARENT.revert(7, AT_ONE).turn("again")
    fs = disk(PARENT, later=(revert,))
    assert plan(fs).steps == []
    found = plan(fs, superseded=True)
    assert steps_of(found) == [(PARENT.name(), AT_ONE["end_byte_offset"], SIZE)]
    assert not found.steps[0].is_deleted


def test_nothing_is_superseded_by_what_cannot_be_read() -> None:
    """The older rollout may be all that is left of the thread."""
    newer = f"{DAY}/{restarted(PARENT, 7).name(LATER)}"
    fs = CrashFS({f"{DAY}/{PARENT.name()}": PARENT.log(), newer: b"junk\n"}, folders=[HOME])
    assert plan(fs, superseded=True).steps == []


@pytest.mark.parametrize("place", [DAY, ARCHIVE])
@pytest.mark.parametrize("is_packed", [True, False])
def test_wherever_a_rollout_lies_it_goes(place: str, is_packed: bool) -> None:
    """Archived, compressed, or both."""
    path = f"{place}/{PARENT.name()}" + (".zst" if is_packed else "")
    fs = CrashFS({path: packed(PARENT.log()) if is_packed else PARENT.log()}, folders=[HOME])
    delete(fs, PARENT)
    assert [step.path for step in plan(fs).steps][:1] == [path]


def test_a_compressed_rollout_is_not_cut() -> None:
    """It stays whole while a part of it is needed, and the plan says so."""
    fs = CrashFS(
        {f"{DAY}/{PARENT.name()}.zst": packed(PARENT.log()), f"{DAY}/{CHILD.name()}": CHILD.log()},
        folders=[HOME],
    )
    delete(fs, PARENT)
    found = plan(fs)
    assert (found.steps, [one.reason for one in found.kept]) == ([], [KeptReason.COMPRESSED])


def test_copies_go_with_a_rollout() -> None:
    """Before it, so that no stale one comes to be read."""
    fs = CrashFS(
        {f"{DAY}/{PARENT.name()}": PARENT.log(), f"{DAY}/{PARENT.name()}.zst": packed(PARENT.log())},
        folders=[HOME],
    )
    delete(fs, PARENT)
    assert [name for name, _, _ in steps_of(plan(fs))] == [f"{PARENT.name()}.zst", PARENT.name()]


def test_what_was_derived_from_a_rollout_goes_with_it() -> None:
    """Checkpoints, notes, and what lies in quarantine; that of others stays."""
    mine = [f"checkpoints/{uuid(1)}.json", f"numbering/{uuid(1)}.json", f"quarantine/{uuid(1)}.5.6"]
    mine.append(f"quarantine/{PARENT.name()}.draft.7")
    other = f"checkpoints/{uuid(2)}.json"
    fs = disk(PARENT, **{f".rollout/{path}": b"x" for path in (*mine, other)})
    delete(fs, PARENT)
    derived = [step.path for step in plan(fs).steps if step.kind is StepKind.DERIVED]
    assert sorted(derived) == sorted(f"{HOME}/.rollout/{path}" for path in mine)


def test_names_go_with_the_last_rollout() -> None:
    """Not while a part of the thread is kept, for it may be brought back."""
    name = compact_json({"id": uuid(1), "thread_name": "Colours"}) + b"\n"
    for more, wanted in (((), [("session_index.jsonl", 0, len(name))]), ((CHILD,), [])):
        fs = disk(PARENT, *more, **{"session_index.jsonl": name})
        delete(fs, PARENT)
        assert steps_of(plan(fs), StepKind.NAME) == wanted


def test_a_rollout_that_cannot_be_read_stays() -> None:
    """Deleted or not; its thread stays deleted, and what it may need stays."""
    junk = f"{DAY}/{thread(8).name()}"
    fs = disk(PARENT, **{junk.removeprefix(f"{HOME}/"): b"junk\n"})
    delete(fs, thread(8))
    found = plan(fs)
    assert (found.steps, [(one.path, one.reason) for one in found.kept]) == (
        [],
        [(junk, KeptReason.UNREADABLE)],
    )


@pytest.mark.parametrize("name", [thread(8).name(), "notes.jsonl"])
def test_what_a_damaged_file_names_stays(name: str) -> None:
    """Its header may be mended by hand some day, or be of a release to come."""
    content = b'{"broken": "' + uuid(1).encode() + b'"\n'
    fs = disk(PARENT, **{f"sessions/2026/11/21/{name}": content})
    delete(fs, PARENT)
    assert steps_of(plan(fs)) == []


def test_a_log_under_another_name_needs_its_base() -> None:
    """It is read by its path."""
    fs = disk(PARENT, **{"sessions/2026/11/21/mine.jsonl": CHILD.log()})
    delete(fs, PARENT)
    assert steps_of(plan(fs)) == [(PARENT.name(), AT_ONE["end_byte_offset"], SIZE)]


def test_a_file_of_another_thread_stays() -> None:
    """Its name says that it is deleted, its header that it is not."""
    fs = CrashFS({f"{DAY}/{PARENT.name()}": thread(2).log()}, folders=[HOME])
    delete(fs, PARENT)
    assert plan(fs).steps == []


def test_nothing_is_reclaimed_while_something_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the system does not let us read may need any of it."""
    fs = disk(PARENT, thread(3))
    delete(fs, PARENT)
    opened = fs.open_read

    def refuse(path: str) -> object:
        if path.endswith(thread(3).name()):
            raise StorageFailed(f"opening {path}: Permission denied")
        return opened(path)

    monkeypatch.setattr(fs, "open_read", refuse)
    found = plan(fs)
    assert (found.steps, [one.reason for one in found.kept]) == ([], [KeptReason.UNKNOWN])
    assert [one.path for one in found.unreadable] == [f"{DAY}/{thread(3).name()}"]


def test_a_tombstone_that_cannot_be_understood_reclaims_nothing() -> None:
    """It hides its thread; who knows what else it said."""
    fs = disk(PARENT, **{f".rollout/tombstones/{uuid(1)}.json": b"{}"})
    found = plan(fs)
    assert (found.steps, [one.reason for one in found.kept]) == ([], [KeptReason.UNREADABLE])


def test_a_circle_of_deleted_threads_goes() -> None:
    """Damage of the worst kind is no reason to fail."""
    one, two = thread(1), thread(2)
    one = Rollout(1, "paginated", base={**two.position})
    two = Rollout(2, "paginated", base={**one.position})
    fs = disk(one, two)
    delete(fs, one, two)
    assert {name for name, _, _ in steps_of(plan(fs))} == {one.name(), two.name()}


def test_a_legacy_thread_stands_on_nobody() -> None:
    """What it says of a base is ignored by who reads it; what it copied is its own."""
    fs = disk(PARENT, thread(2, "legacy", forked_from_id=uuid(1)).turn("hello"))
    delete(fs, PARENT)
    assert [name for name, _, _ in steps_of(plan(fs))] == [PARENT.name()]


def test_planning_changes_nothing() -> None:
    """Not a byte anywhere."""
    fs = disk(PARENT, CHILD)
    delete(fs, PARENT)
    before = fs.files()
    plan(fs)
    assert fs.files() == before
    assert store_over(fs).list_threads().data[0].id == uuid(2)
