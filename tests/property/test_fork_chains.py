"""Forks of forks, wherever they leave: a chain of any depth shows what the copies of its parts show."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

import fork
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, thread, uuid
from tests.recorded_home import check_whole, content_of, home_of, said

Turns = list[tuple[str, str]]
"""Turns as their ids and answers."""

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(0, 9), st.integers(1, 3)),
        st.tuples(st.sampled_from(["head", "before", "through"]), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("revert"), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("open"), st.integers(0, 9), st.just(0)),
    ),
    max_size=12,
)


class World:
    """Threads as they are stored, and as lists that are copied."""

    def __init__(self, mode: str) -> None:
        root = thread(1, mode).turn("asked", "t1")
        self.fs = CrashFS({f"{DAY}/{root.name()}": root.log()}, folders=[HOME])
        self.store: Store = home_of(self.fs)
        self.names: list[str] = [uuid(1)]
        self.turns: dict[str, Turns] = {uuid(1): [("t1", "t1")]}
        self.legacy = {uuid(1)} if mode == "legacy" else set()

    def step(self, kind: str, which: int, number: int) -> None:
        """Do one thing to one thread."""
        name = self.names[which % len(self.names)]
        turns = self.turns[name]
        if kind == "record":
            self.record(name, number)
        elif kind == "open":
            with self.store.record(name) as recorder:
                turn = recorder.turn("asked", items=[said("assistant", "half")])
                child = fork.fork_thread(self.store, name, exclude_turns=True) if turns else None
                assert child is None or child.open_turn == turn.id
                turn.complete()
            if child is not None:
                self.add(child.id, list(turns))
            turns.append((turn.id, "half"))
        elif kind == "revert":
            if turns and name not in self.legacy:
                at = number % len(turns)
                self.store.revert_thread(name, before_turn=turns[at][0]).close()
                del turns[at:]
        elif turns:
            at = number % len(turns)
            point: dict[str, Any] = {
                "head": {},
                "before": {"before_turn": turns[at][0]},
                "through": {"through_turn": turns[at][0]},
            }[kind]
            kept = {"head": len(turns), "before": at, "through": at + 1}[kind]
            self.add(fork.fork_thread(self.store, name, exclude_turns=True, **point).id, turns[:kept])

    def add(self, name: str, turns: Turns) -> None:
        """Take another thread."""
        self.names.append(name)
        self.turns[name] = turns

    def record(self, name: str, count: int) -> None:
        """Record turns."""
        with self.store.record(name) as recorder:
            for _ in range(count):
                turn = recorder.turn("asked")
                turn.append(said("assistant", turn.id))
                turn.complete()
                self.turns[name].append((turn.id, turn.id))

    def check(self) -> None:
        """Compare every thread with its list, read anew and in both ways."""
        store = home_of(self.fs)
        for name in self.names:
            with store.open_thread(name) as opened:
                assert [turn.id for turn in opened.all_turns()] == [
                    turn_id for turn_id, _ in self.turns[name]
                ]
                assert opened.check_lineage().is_sound
                for full_replay in (False, True):
                    items = json.loads(opened.context(full_replay=full_replay).input_json())
                    answers = [item["content"][0]["text"] for item in items if item["role"] == "assistant"]
                    assert answers == [answer for _, answer in self.turns[name]]
            check_whole(content_of(self.fs, name))


@given(STEPS, st.sampled_from(["paginated", "legacy"]))
@example([("record", 0, 2), ("through", 0, 0), ("record", 1, 2), ("before", 1, 2), ("head", 2, 0)], "legacy")
@example([("open", 0, 0), ("record", 1, 1), ("revert", 1, 0), ("head", 1, 0)], "paginated")
def test_a_chain_of_forks_is_a_copy_of_its_parts(steps: list[tuple[str, int, int]], mode: str) -> None:
    """Recorded into, forked anywhere, reverted, forked while a turn runs: each thread is its own list."""
    world = World(mode)
    for kind, which, number in steps:
        world.step(kind, which, number)
    world.check()
