"""What archiving, deleting and pruning did, as JSON. Shapes: docs/json.md."""

from __future__ import annotations

from msgspec import Struct

from rollout.store.archiving import Moves
from rollout.store.deleting import Deleted as StoreDeleted
from rollout.store.repair import Unreadable
from rollout.store.summary import Problem


class Move(Struct, frozen=True, rename="camel"):
    """One file that changed its place."""

    thread_id: str
    old_path: str
    path: str


class Moved(Struct, frozen=True, rename="camel"):
    """The answer to archiving: the threads that are in their new place, and what was moved for it."""

    thread_ids: list[str]
    moved: list[Move]


def moves(found: Moves) -> Moved:
    """Return the public shape of what archiving did."""
    moved = [Move(one.thread_id, one.old_path, one.path) for one in found.moved]
    return Moved(list(found.thread_ids), moved)


class Deleted(Struct, frozen=True, rename="camel"):
    """The answer to deleting: what is hidden now, or shown again."""

    thread_ids: list[str]
    mode: str
    resting: list[str]
    flattened: list[str]


def deleted(found: StoreDeleted) -> Deleted:
    """Return the public shape of what deleting did."""
    return Deleted(list(found.thread_ids), found.mode.value, list(found.resting), list(found.flattened))


class PruneStep(Struct, frozen=True, rename="camel"):
    """One thing that goes, or has gone."""

    kind: str
    path: str
    thread_id: str
    rollout_id: str | None
    start_offset: int
    end_offset: int
    applied: bool
    problem: Problem | None


class Kept(Struct, frozen=True, rename="camel"):
    """One rollout that might have gone, and stays."""

    path: str
    thread_id: str
    rollout_id: str
    size_bytes: int
    reason: str


class Prune(Struct, frozen=True, rename="camel"):
    """The answer to pruning. `bytes_planned` and `bytes_reclaimed` count bytes as stored."""

    steps: list[PruneStep]
    kept: list[Kept]
    unreadable: list[Unreadable]
    bytes_planned: int
    bytes_reclaimed: int
