"""Up to where each rollout is needed, by whoever is not to go. Pure.

A rollout that is needed at all needs its own base, up to where it leaves it, and so on down; what
cannot be read needs, whole, every rollout that it names.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Final

from rollout.ids import RolloutId, find_uuid
from rollout.store.holdings import Claim, Holding

WHOLE: Final = sys.maxsize
"""Stands for the end of a rollout, wherever that is."""


def needs_of(
    rollouts: Mapping[RolloutId, Holding], roots: Iterable[RolloutId], strays: Iterable[Claim]
) -> dict[RolloutId, int]:
    """Return, of every rollout that is needed, the offset behind the last byte that is."""
    needed: dict[RolloutId, int] = {}
    entered: set[RolloutId] = set()
    open_: list[tuple[RolloutId, int]] = [(root, WHOLE) for root in roots]
    for stray in strays:
        open_ += _needs(stray)
    while open_:
        rollout_id, end_offset = open_.pop()
        needed[rollout_id] = max(end_offset, needed.get(rollout_id, 0))
        if rollout_id not in entered and rollout_id in rollouts:
            entered.add(rollout_id)
            open_ += _needs(rollouts[rollout_id].claim)
    return needed


def _needs(claim: Claim) -> list[tuple[RolloutId, int]]:
    base_id = find_uuid(claim.base.thread_id) if claim.base is not None else None
    if claim.base is not None and base_id is not None:
        return [(RolloutId(base_id), claim.base.end_byte_offset)]
    return [(named, WHOLE) for named in claim.named]


def bases_of(rollouts: Mapping[RolloutId, Holding], rollout_id: RolloutId) -> list[RolloutId]:
    """Return the rollouts that one stands on, nearest first. A circle is followed once."""
    found: dict[RolloutId, None] = {rollout_id: None}
    at: RolloutId | None = rollout_id
    while at is not None and at in rollouts:
        at = rollouts[at].head.base_rollout_id
        if at is None or at in found:
            break
        found[at] = None
    return list(found)[1:]


def depths_of(rollouts: Mapping[RolloutId, Holding]) -> dict[RolloutId, int]:
    """Return of every rollout a number above that of the one it stands on, circles left aside."""
    depths: dict[RolloutId, int] = {}
    for rollout_id in rollouts:
        path: list[RolloutId] = []
        at: RolloutId | None = rollout_id
        while at is not None and at in rollouts and at not in depths:
            depths[at] = 0
            path.append(at)
            at = rollouts[at].head.base_rollout_id
        depth = depths.get(at, -1) if at is not None else -1
        for one in reversed(path):
            depth += 1
            depths[one] = depth
    return depths
