"""Families: which threads were forked from which, where, and what each of them holds.

Told from the headers of a home and a few kilobytes around each fork point: no history is read, and a
rollout that is missing or broken takes nothing away from the others. A thread's parent is the thread
whose rollout its lineage goes on in; where there is no such link, the one that its header names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

import msgspec
from msgspec import Struct

from fork.links import Kinship, Link
from rollout.errors import NotFound
from rollout.ids import RolloutId, ThreadId
from rollout.store.headers import RolloutHead, Rollouts, iter_heads
from rollout.store.kin import (
    ForkTurns,
    find_first_words,
    find_fork_turns,
    telling_length,
    thread_names,
)
from rollout.store.store import Store
from rollout.store.summary import Problem
from rollout.store.tombstones import deleted_ids


class Member(Struct, frozen=True, kw_only=True):
    """One thread of a family.

    `link` is where its lineage leaves its parent; without it a forked thread holds by itself whatever it
    took over. `is_copy`: a legacy fork, which copied its parent; from which turn on it differs cannot be
    known. `own_bytes` are those of all its `rollout_count` rollouts as stored, `inherited_bytes` those of
    other threads that its history lies in, decoded; None when that cannot be known. `created_at` in UTC
    milliseconds. `is_missing`: only its children's headers tell of it.
    """

    id: ThreadId
    parent_id: ThreadId | None = None
    link: Link | None = None
    fork_turns: ForkTurns | None = None
    name: str | None = None
    first_words: str | None = None
    created_at: int | None = None
    own_bytes: int = 0
    inherited_bytes: int | None = 0
    rollout_count: int = 0
    is_copy: bool = False
    is_archived: bool = False
    is_deleted: bool = False
    is_missing: bool = False
    problem: Problem | None = None


class Family(Struct, frozen=True, dict=True):
    """The threads that are connected with one by forks, parents before their children.

    Children stand in the order of the places they left at, then of their age. `id_length` letters of
    an id tell each of them from every other thread of the home. `unknown` are folders and rollouts that
    could not be read: there may be members among them.
    """

    thread_id: ThreadId
    members: list[Member]
    id_length: int = 36
    unknown: list[str] = []

    @cached_property
    def by_id(self) -> dict[ThreadId, Member]:
        """The members by their ids."""
        return {member.id: member for member in self.members}

    @cached_property
    def children(self) -> dict[ThreadId, list[Member]]:
        """The members that were forked from each, in order."""
        found: dict[ThreadId, list[Member]] = defaultdict(list)
        for member in self.members:
            if member.parent_id is not None:
                found[member.parent_id].append(member)
        return found

    @property
    def root(self) -> Member:
        """The member that all others descend from."""
        return self.members[0]

    def ancestors(self, thread_id: ThreadId) -> list[Member]:
        """Return the parent of a member, its parent, and so on to the root."""
        found: list[Member] = []
        parent_id = self.by_id[thread_id].parent_id
        while parent_id is not None:
            found.append(self.by_id[parent_id])
            parent_id = found[-1].parent_id
        return found

    def siblings(self, thread_id: ThreadId) -> list[Member]:
        """Return the other children of a member's parent."""
        parent_id = self.by_id[thread_id].parent_id
        same = self.children.get(parent_id, []) if parent_id is not None else []
        return [member for member in same if member.id != thread_id]


def family_of(store: Store, reference: str) -> Family:
    """Return the family of a thread, which need not be readable. Raise NotFound, InvalidRequest.

    Reads the header of every rollout of the home.
    """
    thread_id = store.find_thread_id(reference)
    rollouts = store.rollouts()
    kinship = Kinship(iter_heads(rollouts))
    if not kinship.knows(thread_id):
        raise NotFound(
            f"looking for the family of thread {thread_id}: no rollout in {store.home} belongs to it",
            hint="Run `rollout list` to see which threads are there.",
        )
    return _told(rollouts, kinship, thread_id)


def _told(rollouts: Rollouts, kinship: Kinship, thread_id: ThreadId) -> Family:
    """Return a family with what a few bytes of its rollouts and the files beside them say."""
    ids = _descendants(kinship, kinship.root_of(thread_id))
    names, deleted = thread_names(rollouts), deleted_ids(rollouts.fs, rollouts.home)
    turns = _fork_turns(rollouts, kinship, (kinship.link_of(one) for one in ids))
    members = []
    for number, one in enumerate(ids):
        link = kinship.link_of(one)
        members.append(
            _member(
                rollouts,
                kinship,
                one,
                parent_id=kinship.parent_of(one) if number else None,
                fork_turns=turns.get((link.rollout_id, link.end_offset)) if link is not None else None,
                name=names.get(one),
                is_deleted=one in deleted,
            )
        )
    told = set(ids)
    unread = sorted(head.file.path for head in kinship.unread() if head.thread_id not in told)
    return Family(
        thread_id,
        members,
        telling_length(ids, kinship.thread_ids()),
        [*rollouts.index.unreadable_folders, *unread],
    )


def _member(
    rollouts: Rollouts,
    kinship: Kinship,
    thread_id: ThreadId,
    *,
    parent_id: ThreadId | None,
    fork_turns: ForkTurns | None,
    name: str | None,
    is_deleted: bool,
) -> Member:
    heads = kinship.heads_of(thread_id)
    newest = kinship.newest_of(thread_id)
    if newest is None:
        return Member(id=thread_id, name=name, inherited_bytes=None, is_missing=True, is_deleted=is_deleted)
    link = kinship.link_of(thread_id)
    return Member(
        id=thread_id,
        parent_id=parent_id,
        link=link,
        fork_turns=fork_turns,
        name=name,
        first_words=_first_words(rollouts, kinship, thread_id),
        created_at=newest.created_at,
        own_bytes=sum(head.size_bytes for head in heads),
        inherited_bytes=kinship.inherited_bytes(thread_id),
        rollout_count=len(heads),
        is_copy=link is None and parent_id is not None and not newest.is_paginated,
        is_archived=newest.file.is_archived,
        is_deleted=is_deleted,
        problem=kinship.problem_of(thread_id),
    )


def _first_words(rollouts: Rollouts, kinship: Kinship, thread_id: ThreadId) -> str | None:
    """Return what the user said first in the part of a history that is a thread's own."""
    for head in kinship.own_heads(thread_id):
        words = find_first_words(rollouts, head)
        if words is not None:
            return words
    return None


def _descendants(kinship: Kinship, root: ThreadId) -> list[ThreadId]:
    """Return a thread and all that descend from it, parents first, each once."""
    found: list[ThreadId] = []
    seen = {root}
    waiting = [root]
    while waiting:
        one = waiting.pop()
        found.append(one)
        children = [child for child in kinship.children_of(one) if child not in seen]
        seen.update(children)
        waiting.extend(reversed(children))
    return found


_Place = tuple[RolloutId, int]


def _fork_turns(
    rollouts: Rollouts, kinship: Kinship, links: Iterable[Link | None]
) -> dict[_Place, ForkTurns]:
    """Return the turns around every fork point.

    A fork that left before its parent's own first turn left behind the newest turn that this inherits.
    """
    found: dict[_Place, ForkTurns] = {}
    asked = {(link.rollout_id, link.end_offset) for link in links if link is not None}
    wanted = asked
    while wanted:
        by_rollout: dict[RolloutId, list[int]] = defaultdict(list)
        for rollout_id, offset in wanted:
            by_rollout[rollout_id].append(offset)
        wanted = set()
        for rollout_id, offsets in by_rollout.items():
            head = kinship.find(rollout_id)
            if head is None:
                continue
            for offset, turns in find_fork_turns(rollouts, head, offsets).items():
                found[rollout_id, offset] = turns
                place = _base_place(head)
                if turns.is_inherited and place is not None and place not in found:
                    wanted.add(place)
    return {place: _seen_through(kinship, found, place) for place in asked if place in found}


def _base_place(head: RolloutHead) -> _Place | None:
    rollout_id, base = head.base_rollout_id, head.base
    return (rollout_id, base.end_byte_offset) if rollout_id is not None and base is not None else None


def _seen_through(kinship: Kinship, found: dict[_Place, ForkTurns], place: _Place) -> ForkTurns:
    """Return the turns around a place, the older one from wherever along the lineage it lies."""
    turns, seen = found[place], set()
    older = turns
    while older.is_inherited and place not in seen:
        seen.add(place)
        head = kinship.find(place[0])
        below = _base_place(head) if head is not None else None
        if below is None or below not in found:
            break
        place, older = below, found[below]
    return msgspec.structs.replace(
        turns, after_turn_id=older.after_turn_id, inside_turn_id=older.inside_turn_id
    )
