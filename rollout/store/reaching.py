"""Who stands on whom: which threads read a rollout through their bases. Pure, from headers.

Only links that a lineage follows count: what a thread says it was forked from is information.
Format: docs/format.md, "Lineage".
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from rollout.ids import RolloutId, ThreadId
from rollout.log.index import RolloutIndex
from rollout.store.headers import RolloutHead


def heirs_of(
    thread_ids: Set[ThreadId], index: RolloutIndex, heads: Iterable[RolloutHead], hidden: Set[ThreadId]
) -> list[ThreadId]:
    """Return the other threads whose history reaches into a rollout of these, sorted.

    At any depth, and as they are now: rollouts that a revert left behind are not asked. Threads in
    `hidden` do not count. A rollout whose header cannot be read reaches nothing that is known.
    """
    standing = _standing_on(
        {file.name.rollout_id for one in thread_ids for file in index.files_of(one)}, heads
    )
    return sorted(
        file.name.thread_id
        for file in index.current_files()
        if file.name.rollout_id in standing
        and file.name.thread_id not in thread_ids
        and file.name.thread_id not in hidden
    )


def _standing_on(rollout_ids: Set[RolloutId], heads: Iterable[RolloutHead]) -> set[RolloutId]:
    """Return the rollouts whose base is one of these, or whose base's base is, and so on."""
    children: dict[RolloutId, list[RolloutId]] = {}
    for head in heads:
        if head.base_rollout_id is not None:
            children.setdefault(head.base_rollout_id, []).append(head.rollout_id)
    found: set[RolloutId] = set()
    open_ = list(rollout_ids)
    while open_:
        new = [child for child in children.get(open_.pop(), ()) if child not in found]
        found.update(new)
        open_ += new
    return found
