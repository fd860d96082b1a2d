"""Recording over crashes: what was acknowledged is read back, nothing else passes for complete; it goes on.

A scenario is a row of steps. After each, the model says what a thread shows: its completed turns,
and its history for the model. A crash may show what was acknowledged last, or what was begun last.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

import pytest
from msgspec import Struct

from rollout.errors import RolloutError, StorageFailed
from rollout.store.root import Store
from rollout.testing.crash_images import FOLDER, Link
from rollout.testing.crashfs import CrashFS, Cut
from rollout.turns.model import TurnStatus
from tests.recorded_home import (
    HOME,
    LEGACY_ID,
    check_whole,
    content_of,
    home_of,
    legacy_home,
    new_id,
    rollouts_of,
    said,
    settled,
    texts_of,
)

SUMMARY = "What was said so far."


class Shown(Struct, frozen=True):
    """What a thread shows: the ids of its completed turns, and the texts of its history."""

    completed: tuple[str, ...] = ()
    history: tuple[str, ...] = ()

    def with_turn(self, turn_id: str, *texts: str) -> Shown:
        """Return it with another turn behind."""
        return Shown((*self.completed, turn_id), (*self.history, *texts))


class Run:
    """One scenario being run: announces and promises its steps to the file system."""

    def __init__(self, fs: CrashFS, store: Store, thread_id: str, durability: str = "turn") -> None:
        self.fs, self.store, self.thread_id, self.durability = fs, store, thread_id, durability
        self.has_checkpoints = False
        self.states = [Shown()]
        self.before: dict[str, Shown] = {}

    def step(self, after: Shown, act: Callable[[], object]) -> None:
        """Take one step, after which the thread shows `after`."""
        self.states.append(after)
        self.fs.begin(len(self.states) - 1)
        act()
        self.fs.acknowledge(len(self.states) - 1)

    def turns(self, *questions: str) -> None:
        """Record a turn for each question, with one recorder."""
        with self.store.record(self.thread_id, durability=self.durability) as recorder:
            for question in questions:
                turn_id = new_id()

                def record(question: str = question, turn_id: str = turn_id) -> None:
                    with recorder.turn(question, turn_id=turn_id) as turn:
                        turn.append(said("assistant", f"{question} Yes."))

                self.before[turn_id] = self.states[-1]
                self.step(self.states[-1].with_turn(turn_id, question, f"{question} Yes."), record)
                if self.has_checkpoints:
                    recorder.checkpoint()

    def compact(self) -> None:
        """Compact; the turn that does it has an id of its own, which nobody is asked for."""
        with self.store.record(self.thread_id) as recorder:
            self.step(
                Shown(self.states[-1].completed, (SUMMARY,)),
                lambda: recorder.compact([said("user", SUMMARY)]),
            )

    def revert(self, number: int) -> None:
        """Revert to before a turn."""
        turn_id = self.states[-1].completed[number]

        def revert() -> None:
            self.store.revert_thread(self.thread_id, before_turn=turn_id).close()

        self.step(self.before[turn_id], revert)


def shown_by(fs: CrashFS, run: Run) -> Shown:
    """Return what a thread shows on a disk; a turn whose end is no step of the scenario is left out."""
    known = {turn_id for state in run.states for turn_id in state.completed}
    with home_of(fs).open_thread(run.thread_id) as thread:
        completed = [turn.id for turn in thread.all_turns() if turn.status is TurnStatus.COMPLETED]
        return Shown(tuple(turn_id for turn_id in completed if turn_id in known), tuple(texts_of(thread)))


def check_shown(found: Shown, run: Run, acknowledged: int, begun: int, origin: str) -> Shown:
    """Check that a disk shows what it may; return the state that its completed turns are those of."""
    last, next_one = run.states[acknowledged], run.states[begun]
    assert found.completed in (last.completed, next_one.completed), origin
    grows = next_one.history[: len(last.history)] == last.history
    between = found.history == next_one.history[: len(found.history)] and len(found.history) >= len(
        last.history
    )
    assert found.history in (last.history, next_one.history) or (grows and between), origin
    if found.completed == next_one.completed != last.completed:
        assert found.history == next_one.history, f"{origin}: a completed turn lacks items"
    return next_one if found.completed == next_one.completed else last


def check_goes_on(fs: CrashFS, run: Run, found: Shown, begun: int) -> None:
    """Record another turn on a disk that a crash left, and check the whole thread.

    A turn whose end lacked nothing but its newline counts from now on.
    """
    with home_of(fs).record(run.thread_id) as recorder, recorder.turn("After?"):
        pass
    after = shown_by(fs, run)
    if after.completed != found.completed:
        (state,) = {state for state in run.states[: begun + 1] if state.completed == after.completed}
        assert found.history == state.history, f"{fs.origin}: a completed turn lacks items"
    assert after.history == (*found.history, "After?"), fs.origin
    assert check_whole(content_of(fs, run.thread_id)) > 0, fs.origin
    for path in rollouts_of(fs, run.thread_id)[:-1]:
        check_whole(fs.files()[path].rpartition(b"\n")[0] + b"\n")


def disks(cut: Cut) -> Iterator[CrashFS]:
    """Yield the disks that a crash may leave, each once by what lies outside of locks and leases."""
    seen = set()
    for disk in cut.images():
        kept = frozenset(
            (path, content)
            for path, content in disk.files().items()
            if "/leases/" not in path and "/thread-writer-locks/" not in path
        )
        if kept not in seen:
            seen.add(kept)
            yield disk


def check_every_disk(run: Run, *, first_cut: int = 0) -> None:
    """Check every disk of every cut, and that recording goes on from each."""
    known: set[tuple[object, ...]] = set()
    for cut in run.fs.cuts():
        if cut.number < first_cut:
            continue
        acknowledged = max((int(str(each)) for each in cut.acknowledged), default=0)
        begun = max((int(str(each)) for each in cut.begun), default=0)
        for disk in disks(cut):
            kept = {
                path: text for path, text in disk.files().items() if "/sessions/" in path or "/quar" in path
            }
            key = (acknowledged, begun, frozenset(kept.items()))
            if key in known:
                continue
            known.add(key)
            found = shown_by(disk, run)
            check_shown(found, run, acknowledged, begun, disk.origin)
            check_goes_on(disk, run, found, begun)
    assert len(known) > len(run.states)


def new_run(durability: str = "turn") -> Run:
    """Return a scenario on a new thread; its making is checked elsewhere."""
    fs = CrashFS(folders=[HOME])
    store = home_of(fs)
    with store.create_thread(cwd="/src/app", model="model-a") as thread:
        return Run(fs, store, thread.id, durability)


def test_a_thread_that_was_made_is_there() -> None:
    """On every disk, once its maker has returned; before, it is there whole or not at all."""
    fs = CrashFS(folders=[HOME])
    with home_of(fs).create_thread(cwd="/src/app", model="model-a") as thread:
        thread_id = thread.id
    fs.acknowledge(thread_id)
    for cut in fs.cuts():
        for disk in cut.images():
            store = home_of(disk)
            rows = store.list_threads().data
            assert [row.id for row in rows] == [thread_id] * len(rows), disk.origin
            assert not [row for row in rows if row.problem], disk.origin
            if rows or cut.acknowledged:
                run = Run(disk, store, thread_id)
                run.turns("First?")
                assert check_whole(content_of(disk, thread_id)) == 1, disk.origin


@pytest.mark.parametrize("durability", ["turn", "record"])
def test_acknowledged_turns_are_read_back(durability: str) -> None:
    """Complete, on every disk; and recording goes on from each."""
    run = new_run(durability)
    start = len(list(run.fs.cuts()))
    run.turns("One?", "Two?")
    run.turns("Three?")
    check_every_disk(run, first_cut=start)


def test_without_durability_a_prefix_is_read_back() -> None:
    """Of what was recorded, in order; nothing is promised, and nothing is torn."""
    run = new_run("none")
    start = len(list(run.fs.cuts()))
    run.turns("One?", "Two?")
    for cut in run.fs.cuts():
        for disk in disks(cut) if cut.number >= start else ():
            found = shown_by(disk, run)
            assert any(found.completed == state.completed for state in run.states), disk.origin
            assert run.states[-1].history[: len(found.history)] == found.history, disk.origin
            check_goes_on(disk, run, found, max((int(str(each)) for each in cut.begun), default=0))


def test_checkpoints_are_no_part_of_a_turn() -> None:
    """Written at every turn's end, whole, torn or missing, they change nothing of what is read."""
    run = new_run()
    run.has_checkpoints = True
    start = len(list(run.fs.cuts()))
    run.turns("One?", "Two?", "Three?")
    assert content_of(run.fs, run.thread_id).count(b'"type":"checkpoint"') == 3
    check_every_disk(run, first_cut=start)


def test_a_compaction_is_read_back_or_was_not_there() -> None:
    """Never half of it."""
    run = new_run()
    run.turns("One?")
    start = len(list(run.fs.cuts()))
    run.compact()
    run.turns("Two?")
    check_every_disk(run, first_cut=start)


def test_a_revert_is_read_back_or_was_not_there() -> None:
    """The older rollout is there all the time."""
    run = new_run()
    run.turns("One?", "Two?")
    start = len(list(run.fs.cuts()))
    run.revert(1)
    run.turns("Three?")
    run.revert(0)
    check_every_disk(run, first_cut=start)


def test_another_client_s_thread_is_gone_on_with() -> None:
    """Its file, and the name of it, are durable before anything is acknowledged."""
    fs, store = legacy_home(settled())
    run = Run(fs, store, LEGACY_ID)
    run.turns("One?", "Two?")
    check_every_disk(run)


def test_another_client_s_unsynced_folders_are_no_trap() -> None:
    """It made the thread's folder and file a moment ago, and synced nothing of either."""
    made, _ = legacy_home(settled())
    (path, content) = next(iter(made.files().items()))
    fs = CrashFS(folders=[HOME])
    folder = HOME
    for name in path.removeprefix(f"{HOME}/").split("/")[:-1]:
        folder = f"{folder}/{name}"
        fs._rename(Link(folder, FOLDER))
    with fs.create(path) as file:
        file.append(content)
    run = Run(fs, home_of(fs), LEGACY_ID)
    run.turns("One?")
    for cut in fs.cuts():
        if cut.acknowledged:
            for disk in disks(cut):
                check_shown(shown_by(disk, run), run, 1, 1, disk.origin)


TORN = b'{"timestamp":"torn'


def test_a_torn_tail_is_kept_until_its_copy_is() -> None:
    """In the log or in quarantine, on every disk."""
    run = new_run()
    run.turns("One?")
    files = run.fs.files() | {rollouts_of(run.fs, run.thread_id)[0]: content_of(run.fs, run.thread_id) + TORN}
    fs = CrashFS(files)
    again = Run(fs, home_of(fs), run.thread_id)
    again.states = [run.states[-1]]
    again.turns("Two?")
    for cut in fs.cuts():
        for disk in disks(cut):
            kept = content_of(disk, run.thread_id).find(TORN) >= 0
            copied = any("/quarantine/" in path and text == TORN for path, text in disk.files().items())
            assert kept or copied, disk.origin
    check_every_disk(again)


def attempts(run: Run) -> list[Callable[[], None]]:
    """Return the parts of a scenario that holds everything."""
    return [
        lambda: run.turns("One?", "Two?"),
        run.compact,
        lambda: run.turns("Three?"),
        lambda: run.revert(1),
        lambda: run.turns("Four?"),
    ]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_whatever_call_fails_nothing_acknowledged_is_lost(number: int) -> None:
    """The error is ours and says what the system said; then the thread is opened again, and goes on."""
    for at in count(1):
        run = new_run()
        run.fs.failing(at, number, written_bytes=7)
        before = run.fs.operation_count
        failed: RolloutError | None = None
        for attempt in attempts(run):
            try:
                attempt()
            except RolloutError as error:
                failed = error
                break
        if run.fs.operation_count < before + at:
            assert at > 40
            break
        *_, cut = run.fs.cuts()
        acknowledged = int(str(cut.acknowledged[-1])) if cut.acknowledged else 0
        begun = int(str(cut.begun[-1])) if cut.begun else 0
        assert failed is None or isinstance(failed, StorageFailed)
        found = shown_by(run.fs, run)
        check_shown(found, run, acknowledged, begun, f"failure {at}")
        with suppress(StorageFailed):
            check_goes_on(run.fs, run, found, begun)
