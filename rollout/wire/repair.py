"""What a repair planned and did, as JSON. Shapes: docs/json.md."""

from __future__ import annotations

from msgspec import Struct

from rollout.format.record import Damage
from rollout.store.repair import Repaired, RepairPlan, Unreadable
from rollout.store.summary import Problem, problem_of


class Step(Struct, frozen=True, rename="camel"):
    """One thing to do, or done."""

    kind: str
    path: str
    thread_id: str
    start_offset: int
    end_offset: int
    applied: bool
    quarantine: str | None
    problem: Problem | None


class Repair(Struct, frozen=True, rename="camel"):
    """The answer to a repair."""

    steps: list[Step]
    damage: list[Damage]
    unreadable: list[Unreadable]


def repair(plan: RepairPlan, tried: list[Repaired]) -> Repair:
    """Return the public shape of a plan, and of as much of it as was tried."""
    planned = [Repaired(step) for step in plan.steps[len(tried) :]]
    done = [_step(one, is_applied=one.error is None) for one in tried]
    return Repair(
        done + [_step(one, is_applied=False) for one in planned],
        plan.damage,
        plan.unreadable,
    )


def _step(one: Repaired, *, is_applied: bool) -> Step:
    step = one.step
    return Step(
        step.kind.value,
        step.path,
        step.thread_id,
        step.start_offset,
        step.end_offset,
        is_applied,
        one.quarantine,
        problem_of(one.error) if one.error is not None else None,
    )
