"""Apply what pruning planned, step by step: each under the lease of its thread, and looked at again.

A step that cannot be done keeps what it stands on from being removed, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from msgspec import Struct

from fork.prune import PrunePlan, PruneStep, StepKind, plan_of
from fork.reach import bases_of
from rollout.errors import Conflict, RolloutError
from rollout.ids import RolloutId, ThreadId
from rollout.store.holdings import Holdings, read_holdings
from rollout.store.reclaiming import reclaim_file, reclaim_names, reclaim_tail, reclaim_tombstone
from rollout.store.recording import Surroundings
from rollout.store.store import Store

_LOOK_EVERY_MS: Final = 1000
_LOOK_EVERY_SHARE: Final = 5
"""Other processes go on forking while we work: how old a look at the home may be, at least a second,
and as many times what looking takes."""


class Pruned(Struct, frozen=True):
    """A step that was tried, and the error that kept it from being done."""

    step: PruneStep
    error: RolloutError | None = None


def apply_prune(store: Store, plan: PrunePlan) -> Iterator[Pruned]:
    """Do the steps of a plan; each is durable when it is yielded, or yielded with its error.

    A step that would not be planned any more is not done. Repeatable: what is cut short, by a crash
    too, is planned again. Raise InvalidRequest, StorageFailed.
    """
    work = _Work(store.surroundings(), plan)
    for kind, steps in groupby(plan.steps, key=lambda step: step.kind):
        if kind is StepKind.NAME:
            yield from work.remove_names(list(steps))
            continue
        for step in steps:
            yield work.do(step)


class _Work:
    """What has been seen and done so far."""

    def __init__(self, around: Surroundings, plan: PrunePlan) -> None:
        self._around = around
        self._takes_superseded = plan.takes_superseded
        self._look_again_at = 0
        self._held: Holdings | None = None
        self._planned: set[tuple[StepKind, str, ThreadId, int]] = set()
        self._held_up: set[ThreadId] = set()
        self._needed: set[RolloutId] = set()

    def do(self, step: PruneStep) -> Pruned:
        try:
            self._require_planned(step)
            self._reclaim(step)
        except RolloutError as error:
            return self._failed(step, error)
        return Pruned(step)

    def remove_names(self, steps: list[PruneStep]) -> list[Pruned]:
        """Remove the names of all threads at once: the file that they stand in is published anew."""
        tried = [self._judge(step) for step in steps]
        thread_ids = {one.step.thread_id for one in tried if one.error is None}
        try:
            reclaim_names(self._around, thread_ids)
        except RolloutError as error:
            return [one if one.error is not None else self._failed(one.step, error) for one in tried]
        return tried

    def _judge(self, step: PruneStep) -> Pruned:
        try:
            self._require_planned(step)
        except RolloutError as error:
            return self._failed(step, error)
        return Pruned(step)

    def _reclaim(self, step: PruneStep) -> None:
        around, thread_id = self._around, step.thread_id
        if step.kind is StepKind.TOMBSTONE:
            reclaim_tombstone(around, thread_id)
        elif step.kind is StepKind.TAIL:
            reclaim_tail(
                around,
                thread_id,
                step.path,
                start_offset=step.start_offset,
                end_offset=step.end_offset,
                is_deleted_thread=step.is_deleted,
            )
        else:
            reclaim_file(around, thread_id, step.path, is_deleted_thread=step.is_deleted)

    def _require_planned(self, step: PruneStep) -> None:
        """Raise Conflict for a step that must not be done as things are now."""
        held_up = step.thread_id in self._held_up or step.rollout_id in self._needed
        if held_up or not self._is_planned(step):
            raise Conflict(
                f"pruning {step.path}: {'other steps could not be done' if held_up else 'it is needed now'}",
                hint="Plan again.",
            )

    def _is_planned(self, step: PruneStep) -> bool:
        now = self._around.clock()
        if self._held is None or now >= self._look_again_at:
            self._held = read_holdings(self._around, self._held)
            plan = plan_of(self._held, superseded=self._takes_superseded)
            self._planned = {_key(one) for one in plan.steps}
            took_ms = self._around.clock() - now
            self._look_again_at = now + took_ms + max(_LOOK_EVERY_MS, _LOOK_EVERY_SHARE * took_ms)
        return _key(step) in self._planned

    def _failed(self, step: PruneStep, error: RolloutError) -> Pruned:
        self._held_up.add(step.thread_id)
        if step.rollout_id is not None and self._held is not None:
            self._needed.update(bases_of(self._held.rollouts, step.rollout_id))
        return Pruned(step, error)


def _key(step: PruneStep) -> tuple[StepKind, str, ThreadId, int]:
    return step.kind, step.path, step.thread_id, step.start_offset
