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

from importlib import import_module
from typing import TYPE_CHECKING, Final

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

_HOMES: Final = {
    name: module
    for module, names in {
        "fork.create": ("Fork", "fork_thread"),
        "fork.diff": ("Difference", "diff_threads"),
        "fork.family": ("Family", "Member", "family_of"),
        "fork.flatten": ("flatten_thread",),
        "fork.prune": ("Kept", "KeptReason", "PrunePlan", "PruneStep", "StepKind", "plan_prune"),
        "fork.reclaim": ("Pruned", "apply_prune"),
        "rollout.store.copying": ("Flattened",),
    }.items()
    for name in names
}


def __getattr__(name: str) -> object:
    """Import a promised name when it is first asked for."""
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
