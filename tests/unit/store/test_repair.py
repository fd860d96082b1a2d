"""Repairs: what is planned for what was found, and that nothing else is touched."""

from __future__ import annotations

import pytest

from rollout.errors import Conflict, LeaseHeld
from rollout.format.record import Damage, Reason
from rollout.ids import ThreadId
from rollout.log.lease import take_lease
from rollout.store.check import FileCheck
from rollout.store.repair import Draft, FileEnd, Repaired, RepairPlan, StepKind, plan_repair
from rollout.store.root import Store
from rollout.store.summary import Problem
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, STAMP, thread, uuid

THREAD = ThreadId(uuid(1))
PATH = f"{DAY}/rollout-{STAMP}-{THREAD}.jsonl"
WHOLE = thread(1).turn("hello").log()
NOW_MS = 1_795_248_374_000
QUARANTINE = f"{HOME}/.rollout/quarantine"
TORN = b'{"timestamp":"2026-11-21T04:'


def store_of(fs: CrashFS) -> Store:
    """Return a store over the home of a disk, its clock standing still."""
    return Store(fs, HOME, 1 << 20, lambda: NOW_MS, lambda: uuid(99))


def disk_of(content: bytes, **others: bytes) -> CrashFS:
    """Return a disk with one rollout in the home; others by what follows its path."""
    files = {PATH: content} | {f"{PATH}.{name}": other for name, other in others.items()}
    return CrashFS(files, folders=[HOME])


def plan_of(fs: CrashFS) -> RepairPlan:
    """Return the plan for the whole home."""
    store = store_of(fs)
    return store.plan_repair(store.check(store.files_to_check()))


def mended(fs: CrashFS) -> list[Repaired]:
    """Repair the whole home."""
    return list(store_of(fs).apply_repair(plan_of(fs)))


def logs(fs: CrashFS) -> dict[str, bytes]:
    """Return the files of a disk but locks and leases."""
    return {
        path: content
        for path, content in fs.files().items()
        if "/thread-writer-locks/" not in path and "/leases/" not in path
    }


def check(**found: object) -> FileCheck:
    """Return what a check found in a file of 100 bytes."""
    return FileCheck(PATH, THREAD, THREAD, size_bytes=100, **found)  # type: ignore[arg-type]  # by name


def span(start: int, end: int, reason: Reason) -> Damage:
    """Return a span of the file."""
    return Damage(uuid(1), PATH, start, end, reason, "")  # type: ignore[arg-type]  # an id is text


def test_a_sound_file_needs_nothing() -> None:
    """No step, and nothing left."""
    plan = plan_repair([FileEnd(check(), is_terminated=True)], [])
    assert plan == RepairPlan([], [], [])
    assert not plan.leaves_damage


def test_a_torn_tail_is_to_be_moved() -> None:
    """From where it begins to the end of the file."""
    torn = check(torn_tail=span(90, 100, Reason.TORN_TAIL))
    (step,) = plan_repair([FileEnd(torn, is_terminated=False)], []).steps
    assert (step.kind, step.start_offset, step.end_offset) == (StepKind.TORN_TAIL, 90, 100)


def test_a_whole_last_line_gets_its_newline() -> None:
    """No span leaves its place."""
    (step,) = plan_repair([FileEnd(check(), is_terminated=False)], []).steps
    assert (step.kind, step.start_offset, step.end_offset) == (StepKind.MISSING_NEWLINE, 100, 100)


def test_damage_stays() -> None:
    """In the middle and at the end: it is told, and no step touches it."""
    damage = [span(10, 20, Reason.NOT_JSON), span(90, 100, Reason.TOO_LONG)]
    plan = plan_repair([FileEnd(check(damage=damage), is_terminated=False)], [])
    assert (plan.steps, plan.damage, plan.leaves_damage) == ([], damage, True)


def test_a_file_that_is_no_thread_stays() -> None:
    """It is told why."""
    problem = Problem("log.damaged", "no header", None)
    plan = plan_repair([FileEnd(check(problem=problem), is_terminated=True)], [])
    assert [one.problem for one in plan.unreadable] == [problem]
    assert plan.leaves_damage


@pytest.mark.parametrize("path", [f"{PATH}.zst", PATH.replace(uuid(1), uuid(2)), f"{DAY}/notes.jsonl"])
def test_files_that_are_nobodys_to_end_stay(path: str) -> None:
    """Compressed ones, ones of another thread than their name says, ones without a name."""
    found = FileCheck(path, THREAD, THREAD, 100, torn_tail=span(90, 100, Reason.TORN_TAIL))
    assert plan_repair([FileEnd(found, is_terminated=False)], []).steps == []


def test_a_draft_is_to_be_moved() -> None:
    """All of it."""
    (step,) = plan_repair([], [Draft(f"{PATH}.draft", THREAD, 7)]).steps
    assert (step.kind, step.path, step.end_offset) == (StepKind.DRAFT, f"{PATH}.draft", 7)


def test_a_torn_tail_goes_to_quarantine() -> None:
    """Its bytes are there, whole, and the log ends with the line before them."""
    (done,) = mended(fs := disk_of(WHOLE + TORN))
    assert done.quarantine == f"{QUARANTINE}/{THREAD}.{len(WHOLE)}.{NOW_MS}"
    assert logs(fs) == {PATH: WHOLE, done.quarantine: TORN}


def test_a_quarantined_tail_is_never_replaced() -> None:
    """A second one of the same place and time lies beside the first."""
    mended(fs := disk_of(WHOLE + TORN))
    with fs.open_append(PATH) as file:
        file.append(b'{"other')
    (done,) = mended(fs)
    assert logs(fs)[f"{QUARANTINE}/{THREAD}.{len(WHOLE)}.{NOW_MS}"] == TORN
    assert logs(fs)[done.quarantine or ""] == b'{"other'


def test_a_missing_newline_is_added() -> None:
    """And nothing else."""
    mended(fs := disk_of(WHOLE[:-1]))
    assert logs(fs) == {PATH: WHOLE}


def test_half_a_line_with_the_whole_one_behind_it_stays() -> None:
    """What a client leaves that starts a new line behind a torn one: reported, not rewritten."""
    first, rest = WHOLE.split(b"\n", 1)
    content = first + b"\n" + TORN + b"\n" + rest
    fs = disk_of(content)
    plan = plan_of(fs)
    assert [(one.start_offset, one.end_offset) for one in plan.damage] == [
        (len(first) + 1, len(first) + 1 + len(TORN) + 1)
    ]
    assert mended(fs) == []
    assert logs(fs) == {PATH: content}


def test_an_undamaged_home_stays_as_it_is() -> None:
    """To the byte, and not even a lock is made."""
    assert mended(fs := disk_of(WHOLE)) == []
    assert fs.files() == {PATH: WHOLE}


def test_drafts_of_ours_go_to_quarantine() -> None:
    """Beside rollouts and among derived files; what is not ours stays."""
    derived = f"{HOME}/.rollout/checkpoints/{uuid(1)}.json.draft"
    foreign = {f"{DAY}/letter.draft": b"x", f"{HOME}/.rollout/notes.draft": b"x"}
    fs = CrashFS({PATH: WHOLE, f"{PATH}.draft": b"half", derived: b"{", **foreign})
    done = mended(fs)
    kept = {f"{QUARANTINE}/rollout-{STAMP}-{THREAD}.jsonl.draft.{NOW_MS}": b"half"} | {
        f"{QUARANTINE}/{uuid(1)}.json.draft.{NOW_MS}": b"{"
    }
    assert {one.quarantine for one in done} == set(kept)
    assert logs(fs) == {PATH: WHOLE, **foreign, **kept}


def test_a_draft_that_is_being_written_stays() -> None:
    """A clock that has hardly moved since says that somebody may be about to publish it."""
    fs = disk_of(WHOLE, draft=b"half")
    store = Store(fs, HOME, 1 << 20, lambda: 50_000, lambda: uuid(99))
    assert store.plan_repair([]).steps == []


def test_only_the_thread_that_was_named_is_repaired() -> None:
    """Its files, and its drafts."""
    other = PATH.replace(uuid(1), uuid(2))
    files = {PATH: WHOLE + TORN, other: thread(2).turn("hi").log() + TORN, f"{other}.draft": b"half"}
    store = store_of(CrashFS(files, folders=[HOME]))
    plan = store.plan_repair(store.check(store.files_to_repair(uuid(1))), uuid(1))
    assert [step.path for step in plan.steps] == [PATH]


def test_a_thread_that_is_written_to_is_left_alone() -> None:
    """Its error is told, its bytes stay, and the other thread is repaired all the same."""
    other = PATH.replace(uuid(1), uuid(2))
    whole = thread(2).turn("hi").log()
    fs = CrashFS({PATH: WHOLE + TORN, other: whole + TORN}, folders=[HOME])
    with take_lease(fs, HOME, THREAD, clock=lambda: NOW_MS, pid=1):
        held, done = mended(fs)
    assert isinstance(held.error, LeaseHeld)
    assert done.error is None
    assert (logs(fs)[PATH], logs(fs)[other]) == (WHOLE + TORN, whole)


@pytest.mark.parametrize("more", [b"1", b"\n", WHOLE.split(b"\n")[-2] + b"\n"])
@pytest.mark.parametrize("content", [WHOLE + TORN, WHOLE[:-1]])
def test_a_file_that_changed_since_the_plan_stays(content: bytes, more: bytes) -> None:
    """Whoever wrote to it knows better; not a byte is cut off or added."""
    fs = disk_of(content)
    plan = plan_of(fs)
    with fs.open_append(PATH) as file:
        file.append(more)
    (tried,) = store_of(fs).apply_repair(plan)
    assert isinstance(tried.error, Conflict)
    assert logs(fs) == {PATH: content + more}


def test_a_repaired_thread_goes_on() -> None:
    """It can be recorded, and reads as if nothing had been."""
    mended(fs := disk_of(WHOLE + TORN))
    store = store_of(fs)
    with store.record(THREAD) as recorder, recorder.turn("again"):
        pass
    assert len(store.turns(THREAD).data) == 2
    assert plan_of(fs) == RepairPlan([], [], [])
