"""A child shows what a copy of its parent, cut off there, would show; and nothing that comes later.

The copy is made by hand: the parent's bytes up to the cut, as a file of its own.
"""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

import fork
from rollout.errors import InvalidRequest, NotFound
from rollout.store.root import Store
from rollout.store.thread import Thread
from rollout.testing.crashfs import CrashFS
from rollout.testing.strategies import LEGACY, PAGINATED, Line, logs, write_log
from rollout.turns.paging import ItemsView
from tests.builders import DAY, HOME, plain, uuid
from tests.recorded_home import home_of

PARENT = uuid(1)
PATH = f"{DAY}/rollout-2026-11-21T04-09-33-{PARENT}.jsonl"
MODES = st.sampled_from([LEGACY, PAGINATED])
POINTS = st.sampled_from(["head", "before", "through"])


def store_of(content: bytes) -> tuple[CrashFS, Store]:
    """Return a home in which this is the parent."""
    fs = CrashFS({PATH: content}, folders=[HOME])
    return fs, home_of(fs)


def shown(thread: Thread) -> dict[str, Any]:
    """Return turns and history of a thread."""
    context = thread.context()
    return {
        "turns": [
            [turn["id"], turn["status"], turn["items"]]
            for turn in plain(thread.all_turns(view=ItemsView.FULL))
        ],
        "history": json.loads(context.input_json()),
        "settings": plain(context.previous_turn_settings),
        "reference": plain(context.reference_context),
        "world": plain(context.world_state),
    }


def shown_by(store: Store, thread_id: str) -> dict[str, Any]:
    """Return turns and history of a thread, freshly opened."""
    with store.open_thread(thread_id) as thread:
        return shown(thread)


def runs_on(content: bytes) -> bool:
    """Tell whether no ordinal is lower than one before it."""
    ordinals = [int(found) for found in re.findall(rb'"ordinal":([0-9]+)', content)]
    return ordinals == sorted(ordinals)


def made(store: Store, point: str, turn_id: str | None) -> fork.Fork | None:
    """Return a child that leaves the parent there; None where that is refused."""
    bounds = {"before": {"before_turn": turn_id}, "through": {"through_turn": turn_id}, "head": {}}[point]
    try:
        return fork.fork_thread(store, PARENT, exclude_turns=True, **bounds)
    except (InvalidRequest, NotFound):
        return None


@given(logs(), logs(), MODES, POINTS, st.integers(0, 5))
def test_a_child_is_a_copy_cut_off(
    lines: list[Line], later: list[Line], mode: str, point: str, number: int
) -> None:
    """Turns, history, settings and state; also when the parent has gone on, and has been rolled back."""
    content = write_log(PARENT, mode, lines).content
    assume(runs_on(content))  # what a cut at an ordinal that was used before hides, a check says
    fs, store = store_of(content)
    known = [turn[0] for turn in shown_by(store, PARENT)["turns"]]
    turn_id = known[number % len(known)] if known else None
    if turn_id is None and point != "head":
        return
    child = made(store, point, turn_id)
    if child is None:
        return
    end_offset = child.base.end_offset if child.base is not None else content.index(b"\n") + 1
    _, alone = store_of(content[:end_offset])
    expected = shown_by(alone, PARENT)
    assert shown_by(store, child.id) == expected
    grown = write_log(PARENT, mode, [*lines, *later]).content
    with fs.open_append(PATH) as file:
        file.append(grown[len(content) :])
    assert shown_by(home_of(fs), child.id) == expected
    assert fs.files()[PATH] == grown


@given(logs(is_orderly=True), MODES)
def test_each_turn_can_be_left(lines: list[Line], mode: str) -> None:
    """Of turns with ids of their own: before one stand those before it, through it those up to it."""
    content = write_log(PARENT, mode, lines).content
    _, store = store_of(content)
    known = [turn[0] for turn in shown_by(store, PARENT)["turns"]]
    for at, turn_id in enumerate(known):
        before, through = made(store, "before", turn_id), made(store, "through", turn_id)
        assert before is not None
        assert [turn[0] for turn in shown_by(store, before.id)["turns"]] == known[:at]
        if through is not None:
            assert [turn[0] for turn in shown_by(store, through.id)["turns"]] == known[: at + 1]
