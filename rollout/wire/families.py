"""Families of threads as JSON, and how two members differ. Shapes: docs/json.md."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from rollout.format.record import Damage
from rollout.store.kin import ForkTurns
from rollout.store.summary import Problem
from rollout.turns.model import Turn


class FamilyBase(Struct, frozen=True, rename="camel"):
    """Where a lineage leaves another thread; ordinal and offset are exclusive."""

    rollout_id: str
    end_ordinal: int
    end_offset: int


class FamilyFork(Struct, frozen=True, rename="camel"):
    """The turns around that place; null where none is near enough to be seen."""

    after_turn_id: str | None
    before_turn_id: str | None
    inside_turn_id: str | None


class FamilyMember(Struct, frozen=True, rename="camel", kw_only=True):
    """One thread of a family. `created_at` in seconds since the epoch."""

    id: str
    parent_id: str | None
    base: FamilyBase | None
    fork: FamilyFork | None
    is_copy: bool
    name: str | None
    first_words: str | None
    created_at: int | None
    own_bytes: int
    inherited_bytes: int | None
    rollouts: int
    is_archived: bool
    is_deleted: bool
    is_missing: bool
    problem: Problem | None


class FamilyTree(Struct, frozen=True, rename="camel"):
    """A family, parents before their children. `parents`: the nearest first.

    `unknown` are folders and rollouts that could not be read: there may be members among them.
    """

    thread_id: str
    parents: list[str]
    children: list[str]
    siblings: list[str]
    data: list[FamilyMember]
    unknown: list[str]


class CommonAncestor(Struct, frozen=True, rename="camel"):
    """Up to where two histories are the same bytes: a position of a thread's rollout, exclusive.

    `end_ordinal` is null where nothing parts the two: both are at the head of one rollout.
    """

    thread_id: str
    rollout_id: str
    end_ordinal: int | None
    end_offset: int
    fork: FamilyFork | None


class DiffSide(Struct, frozen=True, rename="camel"):
    """What one thread has behind the common ancestor; `taken_back` counts common turns it rolled back.

    `damage` is what was read of it and is not what was sealed.
    """

    thread_id: str
    taken_back: int
    turns: list[Turn]
    damage: Sequence[Damage]


class ThreadDiff(Struct, frozen=True, rename="camel"):
    """Two threads, from where they differ."""

    ancestor: CommonAncestor
    a: DiffSide
    b: DiffSide


def fork_turns(turns: ForkTurns | None) -> FamilyFork | None:
    """Return the public shape of the turns around a place."""
    if turns is None:
        return None
    return FamilyFork(turns.after_turn_id, turns.before_turn_id, turns.inside_turn_id)
