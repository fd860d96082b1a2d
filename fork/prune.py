"""Prune: plan which bytes no lineage reaches, then reclaim them. The only place that removes bytes of logs.

The plan is pure: from what a home holds to steps. Whatever is not known to be unneeded stays, and
is told. Format: docs/format.md, "Pruning".
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from fork.reach import WHOLE, depths_of, needs_of
from rollout.ids import RolloutId, ThreadId
from rollout.store.holdings import Holding, Holdings, StoredFile, read_holdings
from rollout.store.repair import Unreadable
from rollout.store.store import Store


class StepKind(StrEnum):
    """What goes: a file that was derived from a rollout, a rollout, its end, a name, a tombstone."""

    DERIVED = "derived"
    ROLLOUT = "rollout"
    TAIL = "tail"
    NAME = "name"
    TOMBSTONE = "tombstone"


class KeptReason(StrEnum):
    """Why bytes of a deleted thread, or of an older rollout, stay."""

    NEEDED = "needed"
    COMPRESSED = "compressed"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"


class PruneStep(Struct, frozen=True):
    """One thing to do. The span is what goes, in bytes as stored; of a tail, the file stays up to it."""

    kind: StepKind
    path: str
    thread_id: ThreadId
    rollout_id: RolloutId | None
    start_offset: int
    end_offset: int
    is_deleted: bool = True
    """Whether it belongs to a deleted thread, and not to an older rollout of a living one."""

    @property
    def size_bytes(self) -> int:
        return self.end_offset - self.start_offset


class Kept(Struct, frozen=True):
    """A rollout that might have gone, and stays: how much of it, and why."""

    path: str
    thread_id: ThreadId
    rollout_id: RolloutId
    size_bytes: int
    reason: KeptReason


class PrunePlan(Struct, frozen=True):
    """What would be done, in this order; what stays; and what could not be read.

    While anything is in `unreadable`, nothing is known to be unneeded, and there are no steps.
    """

    steps: list[PruneStep]
    kept: list[Kept]
    unreadable: list[Unreadable]
    takes_superseded: bool = False

    @property
    def size_bytes(self) -> int:
        """How many bytes would be reclaimed."""
        return sum(step.size_bytes for step in self.steps)


def plan_prune(store: Store, *, superseded: bool = False) -> PrunePlan:
    """Return what pruning would do now, changing nothing.

    Of deleted threads: whole rollouts that no lineage reaches, and the ends of those that one reaches in
    part. With `superseded` the same of older rollouts of living threads, which reverts and flattening
    leave. Raise InvalidRequest over a file system that only reads, StorageFailed.
    """
    return plan_of(read_holdings(store.surroundings()), superseded=superseded)


def plan_of(held: Holdings, *, superseded: bool = False) -> PrunePlan:
    """Return what to do about what a home holds. Pure."""
    settled = _settled(held) if superseded else frozenset()
    may_go = {one: holding for one, holding in held.rollouts.items() if _may_go(held, holding, settled)}
    needed = needs_of(held.rollouts, held.rollouts.keys() - may_go.keys(), held.strays)
    steps: list[PruneStep] = []
    kept = [
        _kept(holding, KeptReason.UNREADABLE)
        for holding in held.rollouts.values()
        if holding.head.thread_id in held.tombstones and holding.head.rollout_id not in may_go
    ]
    # Whoever stands on another goes first: at no moment is a rollout left whose base is gone.
    depths = depths_of(held.rollouts)
    for one in sorted(may_go, key=lambda each: (-depths[each], may_go[each].head.file.path)):
        holding = may_go[one]
        if held.unknown:
            kept.append(_kept(holding, KeptReason.UNKNOWN))
            continue
        end_offset = needed.get(one)
        if end_offset is None:
            steps += _whole(held, holding)
            continue
        tail = _tail(held, holding, end_offset)
        steps += tail
        is_packed = not tail and end_offset != WHOLE and holding.head.file.name.is_compressed
        size_bytes = tail[0].start_offset if tail else holding.head.size_bytes
        kept.append(_kept(holding, KeptReason.COMPRESSED if is_packed else KeptReason.NEEDED, size_bytes))
    if not held.unknown:
        steps += _ends(held, steps)
    return PrunePlan(steps, sorted(kept, key=lambda one: one.path), held.unknown, superseded)


def _settled(held: Holdings) -> frozenset[ThreadId]:
    """Return the living threads whose newest rollout can be read: the older ones are superseded by it."""
    return frozenset(
        holding.head.thread_id
        for holding in held.rollouts.values()
        if holding.is_newest and holding.head.problem is None
    )


def _may_go(held: Holdings, holding: Holding, settled: frozenset[ThreadId]) -> bool:
    """Tell whether a rollout is missed by nobody but those who stand on it."""
    if holding.head.problem is not None:
        return False
    thread_id = holding.head.thread_id
    if thread_id in held.tombstones:
        return held.tombstones[thread_id] is not None
    return thread_id in settled and not holding.is_newest


def _whole(held: Holdings, holding: Holding) -> Iterator[PruneStep]:
    head = holding.head
    is_deleted = head.thread_id in held.tombstones
    # What was derived first: once the rollout is gone, nothing tells whose it was. Then what is not read.
    for file in holding.derived:
        yield _step(StepKind.DERIVED, file, holding, is_deleted=is_deleted)
    for file in (*holding.copies, StoredFile(head.file.path, head.size_bytes)):
        yield _step(StepKind.ROLLOUT, file, holding, is_deleted=is_deleted)


def _step(kind: StepKind, file: StoredFile, holding: Holding, *, is_deleted: bool) -> PruneStep:
    head = holding.head
    return PruneStep(kind, file.path, head.thread_id, head.rollout_id, 0, file.size_bytes, is_deleted)


def _tail(held: Holdings, holding: Holding, end_offset: int) -> list[PruneStep]:
    head = holding.head
    start = max(end_offset, head.header_end)
    if head.file.name.is_compressed or start >= head.size_bytes:
        return []
    is_deleted = head.thread_id in held.tombstones
    path, size = head.file.path, head.size_bytes
    return [PruneStep(StepKind.TAIL, path, head.thread_id, head.rollout_id, start, size, is_deleted)]


def _kept(holding: Holding, reason: KeptReason, size_bytes: int | None = None) -> Kept:
    head = holding.head
    size = head.size_bytes if size_bytes is None else size_bytes
    return Kept(head.file.path, head.thread_id, head.rollout_id, size, reason)


def _ends(held: Holdings, steps: list[PruneStep]) -> Iterator[PruneStep]:
    """Yield what goes with the last rollout of a deleted thread: what it had beside, names, the tombstone."""
    gone = {step.path for step in steps}
    left = {
        holding.head.thread_id for holding in held.rollouts.values() if holding.head.file.path not in gone
    } | {step.thread_id for step in steps if step.kind is StepKind.TAIL}
    ended = [one for one, stone in sorted(held.tombstones.items()) if stone is not None and one not in left]
    for one in ended:
        for file in held.belongings.get(one, ()):
            if file.path not in gone:
                yield PruneStep(StepKind.DERIVED, file.path, one, None, 0, file.size_bytes)
    for one in ended:
        if one in held.names:
            yield PruneStep(StepKind.NAME, held.names_path, one, None, 0, held.names[one])
    for one in ended:
        file = held.stones[one]
        yield PruneStep(StepKind.TOMBSTONE, file.path, one, None, 0, file.size_bytes)
