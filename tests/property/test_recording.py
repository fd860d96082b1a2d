"""Recording against a model: whatever is done in whatever order, the thread is what was recorded.

And whatever is handed in is refused, with nothing written, or comes back as it was given.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from rollout.errors import InvalidRequest
from rollout.store.root import Store
from rollout.turns.model import Turn, TurnStatus
from tests.recorded_home import (
    LEGACY_ID,
    check_whole,
    content_of,
    home_of,
    kinds_of,
    legacy_home,
    lines_of,
    new_home,
    new_thread,
    said,
    settled,
)

Json = dict[str, Any]
ENDINGS = ["complete", "fail", "interrupt", "leave", "raise"]
STATUS = {
    "complete": TurnStatus.COMPLETED,
    "fail": TurnStatus.FAILED,
    "interrupt": TurnStatus.INTERRUPTED,
    "leave": TurnStatus.INTERRUPTED,
    "raise": TurnStatus.FAILED,
}
TEXT = st.text(max_size=20)
STEPS = st.one_of(
    st.tuples(st.just("turn"), st.lists(TEXT, max_size=3), st.sampled_from(ENDINGS)),
    st.tuples(st.just("compact"), st.lists(TEXT, max_size=2)),
    st.tuples(st.just("reopen")),
    st.tuples(st.just("revert"), st.integers(0, 5)),
    st.tuples(st.just("tear"), st.binary(min_size=1, max_size=20)),
)


class Model:
    """What the thread must show: per turn, the history before it; statuses by turn; the history now."""

    def __init__(self) -> None:
        self.before: list[list[str]] = []
        self.turns: list[tuple[str, TurnStatus]] = []
        self.history: list[str] = []

    def add(self, turn_id: str, status: TurnStatus, history: list[str]) -> None:
        """Take another turn."""
        self.before.append(self.history)
        self.turns.append((turn_id, status))
        self.history = history

    def revert(self, number: int) -> str:
        """Go back to before a turn; return its id."""
        turn_id = self.turns[number][0]
        self.history = self.before[number]
        del self.turns[number:], self.before[number:]
        return turn_id


def history_of(store: Store, thread_id: str) -> list[str]:
    """Return the texts of the history, read in both ways."""
    bounded, full = store.resume(thread_id), store.resume(thread_id, full_replay=True)
    assert bounded.input_json() == full.input_json()
    return [part["text"] for item in json.loads(bounded.input_json()) for part in item["content"]]


def turns_of(store: Store, thread_id: str) -> list[Turn]:
    """Return the turns that are shown, oldest first."""
    with store.open_thread(thread_id) as thread:
        return thread.all_turns()


@given(st.lists(STEPS, max_size=8), st.booleans(), st.booleans())
@example([("turn", ["a"], "complete"), ("compact", []), ("revert", 0), ("turn", [], "leave")], True, True)
def test_a_thread_is_what_was_recorded(steps: list[Any], paginated: bool, checkpoints: bool) -> None:
    """Turns, history, ordinals and seals, over compactions, reverts, torn tails and openings."""
    fs, store = new_home() if paginated else legacy_home(settled())
    thread_id = new_thread(store) if paginated else LEGACY_ID
    model = Model()
    recorder = store.record(thread_id)
    for kind, *rest in steps:
        if kind == "turn":
            texts, ending = rest
            turn = recorder.turn("Q", items=[said("assistant", text) for text in texts])
            if ending == "raise":
                with suppress(ZeroDivisionError), turn:
                    raise ZeroDivisionError
            elif ending == "leave":
                recorder.close()
                recorder = store.record(thread_id)
            else:
                getattr(turn, ending)(*(["why"] if ending == "fail" else []))
            model.add(turn.id, STATUS[ending], [*model.history, "Q", *texts])
            if checkpoints:
                recorder.checkpoint()
        elif kind == "compact":
            recorder.compact([said("user", text) for text in rest[0]])
            model.add(turns_of(store, thread_id)[-1].id, TurnStatus.COMPLETED, list(rest[0]))
        else:
            recorder.close()
            if kind == "revert" and paginated and model.turns:
                before_turn = model.revert(rest[0] % len(model.turns))
                store.revert_thread(thread_id, before_turn=before_turn).close()
            if kind == "tear":
                torn = rest[0].replace(b"\n", b"?")
                assume(torn.strip())
                path = max(name for name in fs.files() if thread_id in name and name.endswith(".jsonl"))
                fs.open_append(path).append(b"{{" + torn)
            recorder = home_of(fs).record(thread_id)
            assert (recorder.torn_tail is not None) == (kind == "tear")
    recorder.close()
    assert history_of(store, thread_id) == model.history
    assert [(turn.id, turn.status) for turn in turns_of(store, thread_id)] == model.turns
    check_whole(content_of(fs, thread_id))


LEAVES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=True) | TEXT
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
PARTS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["input_text", "output_text", "input_image", "summary_text"]), "text": TEXT}
    )
    | st.fixed_dictionaries({}, optional={"type": VALUES, "text": VALUES, "image_url": VALUES}),
    max_size=3,
)
KINDS = ["message", "reasoning", "function_call", "function_call_output", "web_search_call", "agent_message"]
ITEMS = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)},
    optional={
        "role": st.sampled_from(["user", "assistant", "developer"]) | VALUES,
        "content": PARTS | VALUES,
        "summary": PARTS | VALUES,
        "output": TEXT | PARTS | VALUES,
        "call_id": st.just("c") | VALUES,
        "name": VALUES,
        "arguments": VALUES,
        "id": VALUES,
        "phase": VALUES,
        "more": VALUES,
    },
)


@given(st.lists(ITEMS | VALUES, max_size=4), st.booleans())
def test_an_item_is_refused_or_comes_back(items: list[Any], paginated: bool) -> None:
    """As a record that every reader takes, however odd its members are."""
    fs, store = new_home() if paginated else legacy_home(settled())
    thread_id = new_thread(store) if paginated else LEGACY_ID
    taken = []
    with store.record(thread_id) as recorder, recorder.turn() as turn:
        for item in items:
            before = content_of(fs, thread_id)
            try:
                turn.append(item)
            except InvalidRequest:
                assert content_of(fs, thread_id) == before
            else:
                taken.append(item)
    context = store.resume(thread_id)
    assert not context.damage
    assert json.loads(context.input_json()) == taken
    assert [turn.status for turn in turns_of(store, thread_id)] == [TurnStatus.COMPLETED]
    (check,) = store.check(store.files_to_check())
    assert check.is_sound
    assert not check.passed_over
    assert check.records == len(lines_of(content_of(fs, thread_id)))
    assert kinds_of(content_of(fs, thread_id))[-1] == "task_complete"
