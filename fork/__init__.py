"""Making and tending families of threads: forks that copy nothing.

    import fork, rollout

    with rollout.open_store("~/.codex") as store:
        child = fork.fork_thread(store, thread_id, before_turn=turn_id)
        context = store.resume(child.id)
        family = fork.family_of(store, child.id)  # .members, .ancestors(…), .children

Reading *through* a base is part of reading a log and lives in `rollout`; this package
stands on `rollout`, never the reverse. Everything named here is promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollout.promised import find_promised, homes_of

if TYPE_CHECKING:
    from fork.create import Fork, fork_thread
    from fork.diff import Difference, diff_threads
    from fork.family import Family, Member, family_of
    from fork.flatten import flatten_thread
    from fork.prune import Kept, KeptReason, PrunePlan, PruneStep, StepKind, plan_prune
    from fork.reclaim import Pruned, apply_prune
    from rollout.store.copying import Flattened

__all__ = [
    "Difference",
    "Family",
    "Flattened",
    "Fork",
    "Kept",
    "KeptReason",
    "Member",
    "PrunePlan",
    "PruneStep",
    "Pruned",
    "StepKind",
    "apply_prune",
    "diff_threads",
    "family_of",
    "flatten_thread",
    "fork_thread",
    "plan_prune",
]

_HOMES: Final = homes_of(
    {
        "fork.create": ("Fork", "fork_thread"),
        "fork.diff": ("Difference", "diff_threads"),
        "fork.family": ("Family", "Member", "family_of"),
        "fork.flatten": ("flatten_thread",),
        "fork.prune": ("Kept", "KeptReason", "PrunePlan", "PruneStep", "StepKind", "plan_prune"),
        "fork.reclaim": ("Pruned", "apply_prune"),
        "rollout.store.copying": ("Flattened",),
    }
)


def __getattr__(name: str) -> object:
    """Import a promised name when it is first asked for."""
    globals()[name] = found = find_promised(__name__, _HOMES, name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
