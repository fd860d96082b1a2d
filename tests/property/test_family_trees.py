"""Families of any shape: told from headers as their lineages say, and parted where their turns do.

The model keeps, of every thread, a list of turns; a fork copies the front of it, a revert cuts it.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fork.diff import diff_threads
from fork.family import Family, family_of
from fork.outline import outline
from rollout.errors import InvalidRequest
from rollout.ids import ThreadId
from rollout.store.root import Store, open_store
from tests.builders import ARCHIVE, DAY, HOME, Home, Rollout, thread, uuid

Step = tuple[str, int, int]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["turn", "turn", "fork", "fork", "revert", "archive", "pack"]),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    max_size=24,
)


class Turn:
    """A turn of the model: its id, and where a history that keeps it can be left right behind it."""

    def __init__(self, turn_id: str, position: dict[str, Any]) -> None:
        self.id = turn_id
        self.position = position


class Model:
    """Threads as lists of turns, beside the rollouts that say the same."""

    def __init__(self) -> None:
        self.rollouts: list[Rollout] = []
        self.current: list[Rollout] = []
        self.turns: list[list[Turn]] = []
        self.named: list[int | None] = []
        self.places: dict[str, tuple[str, bool]] = {}
        self._count = 0

    def apply(self, step: Step) -> None:
        """Do one step to the thread that it falls on."""
        act, number, at = step
        if not self.current or (act == "fork" and at == 9):
            self._begin(thread(1 + len(self.current)), [], None)
            return
        number %= len(self.current)
        kept = at % (len(self.turns[number]) + 1)
        if act == "turn":
            self._turn(number)
        elif act == "fork":
            self._fork(number, kept)
        elif act == "revert":
            self._revert(number, kept)
        else:
            self._move(number, act)

    def _begin(self, rollout: Rollout, turns: list[Turn], named: int | None) -> None:
        self.rollouts.append(rollout)
        self.current.append(rollout)
        self.turns.append(turns)
        self.named.append(named)
        self.places[rollout.rollout_id] = (DAY, False)

    def _turn(self, number: int) -> None:
        self._count += 1
        turn_id, rollout = f"turn-{self._count}", self.current[number]
        rollout.turn("asked", turn_id=turn_id)
        self.turns[number].append(Turn(turn_id, rollout.position))

    def _fork(self, number: int, kept: int) -> None:
        parent, child = self.current[number], 1 + len(self.current)
        turns = self.turns[number][:kept]
        if turns:
            made = parent.fork(child, at=turns[-1].position, forked_from_id=parent.thread_id)
        else:
            made = thread(child, forked_from_id=parent.thread_id)
        self._begin(made, turns, number)

    def _revert(self, number: int, kept: int) -> None:
        rollout, turns = self.current[number], self.turns[number][:kept]
        rollout_number = 0x1000 + len(self.rollouts)
        if turns:
            made = rollout.revert(rollout_number, turns[-1].position)
        else:
            made = Rollout(0, "paginated", rollout_number=rollout_number, id=rollout.thread_id)
            made.thread_id = rollout.thread_id
        self.rollouts.append(made)
        self.current[number], self.turns[number], self.named[number] = made, turns, None
        self.places[made.rollout_id] = self.places[rollout.rollout_id]

    def _move(self, number: int, act: str) -> None:
        for rollout in self.rollouts:
            if rollout.thread_id == self.current[number].thread_id:
                folder, is_packed = self.places[rollout.rollout_id]
                archived = (ARCHIVE, is_packed) if act == "archive" else (folder, True)
                self.places[rollout.rollout_id] = archived

    def store(self) -> Store:
        """Return a store over all of it."""
        home = Home()
        for index, rollout in enumerate(self.rollouts):
            folder, is_packed = self.places[rollout.rollout_id]
            stamp = f"2026-11-21T04-{index // 60:02d}-{index % 60:02d}"
            home.put(rollout, folder=folder, stamp=stamp, is_packed=is_packed)
        return open_store(HOME, fs=home.fs)


def model_of(steps: list[Step]) -> Model:
    """Return the model after some steps."""
    model = Model()
    for step in [("fork", 0, 9), *steps]:
        model.apply(step)
    return model


def lineage_says(store: Store, model: Model, number: int) -> tuple[str | None, int]:
    """Return the parent of a thread and what it inherits, by its segments."""
    own = model.current[number].thread_id
    with store.open_thread(own) as opened:
        others = [one for one in opened.lineage.segments if one.file.name.thread_id != own]
    if others:
        inherited = sum(one.end_offset - one.start_offset for one in others)
        return others[-1].file.name.thread_id, inherited
    named = model.named[number]
    return (model.current[named].thread_id if named is not None else None), 0


@given(STEPS)
def test_a_member_is_what_its_lineage_says(steps: list[Step]) -> None:
    """Its parent, the bytes that it inherits, and the turn behind which it left."""
    model = model_of(steps)
    with model.store() as store:
        for number, rollout in enumerate(model.current):
            member = family_of(store, rollout.thread_id).by_id[ThreadId(rollout.thread_id)]
            assert (member.parent_id, member.inherited_bytes) == lineage_says(store, model, number)
            assert member.problem is None
            if member.link is not None:
                assert member.fork_turns is not None
                offset = member.link.end_offset
                left = [turn.id for turn in model.turns[number] if turn.position["end_byte_offset"] == offset]
                assert member.fork_turns.after_turn_id in left


@given(STEPS)
def test_a_family_is_the_same_for_all_its_members(steps: list[Step]) -> None:
    """Each once, parents first, whichever of them is asked for."""
    model = model_of(steps)
    with model.store() as store:
        families = {one.thread_id: family_of(store, one.thread_id) for one in model.current}
    for found in families.values():
        seen: list[str] = []
        for member in found.members:
            assert member.id not in seen
            assert member.parent_id is None or member.parent_id in seen
            seen.append(member.id)
        assert all(set(families[one].by_id) == set(seen) for one in seen)


@given(STEPS)
def test_an_outline_counts_every_thread_once(steps: list[Step]) -> None:
    """In a row of its own or in a number, also where every thread is to be shown."""
    model = model_of(steps)
    with model.store() as store:
        families: list[Family] = [family_of(store, one.thread_id) for one in model.current[:3]]
    for found in families:
        for shows_all in (False, True):
            rows = outline(found, shows_all=shows_all)
            counted = sum((1 if row.member is not None else len(row.folded)) + row.hidden for row in rows)
            assert counted == len(found.members)


@given(STEPS, st.integers(0, 9), st.integers(0, 9))
def test_two_threads_part_where_their_turns_do(steps: list[Step], one: int, other: int) -> None:
    """The sides are what the lists of turns have behind their common front."""
    model = model_of(steps)
    one, other = one % len(model.current), other % len(model.current)
    mine, yours = ([turn.id for turn in model.turns[number]] for number in (one, other))
    common = 0
    while common < min(len(mine), len(yours)) and mine[common] == yours[common]:
        common += 1
    ids = [uuid(1 + number) for number in (one, other)]
    with model.store() as store:
        if common == 0 and one != other:
            with pytest.raises(InvalidRequest, match="no rollout in common"):
                diff_threads(store, *ids)
            return
        found = diff_threads(store, *ids)
    assert [turn.id for turn in found.a.turns] == mine[common:]
    assert [turn.id for turn in found.b.turns] == yours[common:]
