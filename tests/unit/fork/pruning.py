"""Homes with deleted threads, and what pruning makes of them."""

from __future__ import annotations

from itertools import count

from fork.prune import PrunePlan, StepKind, plan_prune
from fork.reclaim import Pruned, apply_prune
from rollout.store.store import Store
from rollout.store.tombstones import DeleteMode
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, Rollout

LATER = "2026-11-21T09-00-00"
STATE = f"{HOME}/.rollout"


def disk(*rollouts: Rollout, later: tuple[Rollout, ...] = (), **more: bytes) -> CrashFS:
    """Return a disk with these rollouts; those in `later` have later names."""
    files = {f"{DAY}/{one.name()}": one.log() for one in rollouts}
    files |= {f"{DAY}/{one.name(LATER)}": one.log() for one in later}
    return CrashFS(files | {f"{HOME}/{path}": content for path, content in more.items()}, folders=[HOME])


def store_over(fs: CrashFS) -> Store:
    """Return a store whose clock moves on, and which keeps derived files in the home."""
    ticks = count(1_795_248_374_000)
    return Store(fs, HOME, 1 << 20, lambda: next(ticks), lambda: "", STATE)


def delete(fs: CrashFS, *rollouts: Rollout, mode: DeleteMode = DeleteMode.KEEP_FOR_FORKS) -> None:
    """Delete the threads of these rollouts."""
    store = store_over(fs)
    for one in rollouts:
        store.delete_thread(one.thread_id, mode)


def plan(fs: CrashFS, *, superseded: bool = False) -> PrunePlan:
    """Return what pruning would do."""
    return plan_prune(store_over(fs), superseded=superseded)


def prune(fs: CrashFS, *, superseded: bool = False) -> list[Pruned]:
    """Prune; return what was tried."""
    store = store_over(fs)
    return list(apply_prune(store, plan_prune(store, superseded=superseded)))


def steps_of(found: PrunePlan, *kinds: StepKind) -> list[tuple[str, int, int]]:
    """Return the file name and the span of each step, by default of those that touch logs."""
    wanted = kinds or (StepKind.ROLLOUT, StepKind.TAIL)
    return [
        (step.path.rpartition("/")[2], step.start_offset, step.end_offset)
        for step in found.steps
        if step.kind in wanted
    ]


def rollouts_in(fs: CrashFS) -> set[str]:
    """Return the names of the rollouts that are left."""
    return {path.rpartition("/")[2] for path in fs.files() if "/rollout-" in path}


def turns_of(fs: CrashFS, rollout: Rollout) -> list[str]:
    """Return the turns of a thread."""
    with store_over(fs).open_thread(rollout.thread_id) as opened:
        return [turn.id for turn in opened.all_turns()]
