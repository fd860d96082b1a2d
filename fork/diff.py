"""How two threads differ: where their lineages part, and the turns that each has from there on.

The common ancestor is found from the segments alone, never by comparing content: what two threads share
is a stretch of one rollout. Threads that share none have no place to be compared from.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import msgspec
from msgspec import Struct

from fork.family import family_of
from rollout.errors import InvalidRequest
from rollout.format.record import Damage
from rollout.ids import RolloutId, ThreadId
from rollout.replay.lineage import Lineage, Segment
from rollout.store.headers import iter_heads
from rollout.store.kin import ForkTurns, find_fork_turns
from rollout.store.store import Store
from rollout.store.suffix import Position, read_suffix
from rollout.store.thread import Thread
from rollout.turns.model import Turn


class Ancestor(Struct, frozen=True):
    """Up to where two histories are the same bytes: a position of a rollout of `thread_id`, exclusive.

    `end_ordinal` is None where nothing parts the two: both are at the head of one rollout. `fork_turns`
    are the turns around it, as far as they are near.
    """

    thread_id: ThreadId
    rollout_id: RolloutId
    end_ordinal: int | None
    end_offset: int
    fork_turns: ForkTurns | None


class Side(Struct, frozen=True):
    """What one thread has behind the common ancestor: its turns, oldest first, with all items.

    `taken_back` counts common turns that it rolled back; only legacy histories can. `damage` is what was
    read of it and is not what was sealed; with any, the comparison is refused unless that is allowed.
    """

    thread_id: ThreadId
    turns: list[Turn]
    taken_back: int = 0
    damage: Sequence[Damage] = ()


class Difference(Struct, frozen=True):
    """Two threads, from where they part. A side is empty while the thread has gone no further."""

    ancestor: Ancestor
    a: Side
    b: Side


class _Parting(Struct, frozen=True):
    """Where two lineages part: at the end of the shorter of the segments that both have at `place`."""

    place: int
    segment: Segment


def diff_threads(store: Store, a: str | Thread, b: str | Thread, *, allow_damage: bool = False) -> Difference:
    """Return where two threads part, and what each has from there on.

    They are references, or threads that are open: so can two rollouts of one thread be compared. Raise
    InvalidRequest when nothing links their histories, DamagedLog on a broken seal, else as
    `Store.open_thread` does.
    """
    with ExitStack() as stack:
        one, other = (
            thread if isinstance(thread, Thread) else stack.enter_context(store.open_thread(thread))
            for thread in (a, b)
        )
        parting = _find_parting(one.lineage, other.lineage)
        if parting is None:
            raise _unrelated(store, one, other)
        common = parting.segment
        ancestor = Ancestor(
            common.header.thread_id,
            common.rollout_id,
            common.end_ordinal,
            common.end_offset,
            _turns_at(store, one.lineage, parting),
        )
        return Difference(
            ancestor,
            _side(one, parting, allow_damage=allow_damage),
            _side(other, parting, allow_damage=allow_damage),
        )


def _find_parting(one: Lineage, other: Lineage) -> _Parting | None:
    """Return where two lineages part; None when they have no rollout in common.

    A rollout leaves its base at one place only: where two ends differ, the next rollouts do.
    """
    found: _Parting | None = None
    for place, (mine, yours) in enumerate(zip(one.segments, other.segments, strict=False)):
        if mine.rollout_id != yours.rollout_id:
            break
        shorter = min(mine, yours, key=lambda segment: (segment.end_offset, not segment.is_cut))
        found = _Parting(place, shorter)
    return found


def _side(thread: Thread, parting: _Parting, *, allow_damage: bool) -> Side:
    end_ordinal = parting.segment.end_ordinal
    if end_ordinal is None:  # nothing cuts the common rollout: it is the newest of both
        return Side(thread.id, [])
    position = Position(parting.place, end_ordinal, parting.segment.end_offset)
    suffix = read_suffix(thread.lineage, position, allow_damage=allow_damage)
    return Side(thread.id, suffix.turns, suffix.taken_back, suffix.damage)


def _turns_at(store: Store, lineage: Lineage, parting: _Parting) -> ForkTurns | None:
    """Return the turns around the place where two lineages part, the older one from wherever it lies."""
    around: ForkTurns | None = None
    rollouts = store.rollouts()
    for place in range(parting.place, -1, -1):
        segment = parting.segment if place == parting.place else lineage.segments[place]
        (head,) = iter_heads(rollouts, [segment.file])
        found = find_fork_turns(rollouts, head, [segment.end_offset]).get(segment.end_offset)
        if found is None:
            break
        around = (
            found if around is None else msgspec.structs.replace(found, before_turn_id=around.before_turn_id)
        )
        if not found.is_inherited:
            break
    return around


def _unrelated(store: Store, one: Thread, other: Thread) -> InvalidRequest:
    comparing = f"comparing threads {one.id} and {other.id}: they have no rollout in common"
    if one.id == other.id:
        return InvalidRequest(
            f"{comparing}: the thread went back to its beginning, or was written anew",
            hint="Read either by its path.",
        )
    older = _older_file(one, other) or _older_file(other, one)
    if older is not None:
        return InvalidRequest(
            f"{comparing}: one of them was written anew, and the other stands on a file that it had before",
            hint=f"Compare that one, by its path: {older}",
        )
    if other.id in family_of(store, one.id).by_id:
        return InvalidRequest(
            f"{comparing}: a copy, or a fork that stands alone, shares no bytes with what it was forked "
            "from, so from where on they differ cannot be known from the lineage",
            hint=f"Run `rollout tree {one.id}` to see how they are related.",
        )
    return InvalidRequest(
        f"{comparing}: neither was forked from the other, nor both from a third",
        hint=f"Run `rollout tree {one.id}` to see what it can be compared with.",
    )


def _older_file(one: Thread, other: Thread) -> str | None:
    """Return the newest file of a thread that another one's history lies in."""
    return next((file.path for file in reversed(other.files()) if file.name.thread_id == one.id), None)
