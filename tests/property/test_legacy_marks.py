"""What this project adds to a legacy file changes nothing of what others wrote into it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.format.codec import decode_lines
from rollout.format.record import Era, Record
from rollout.turns.items import AgentMessage, ThreadItem, UserMessage
from rollout.turns.legacy import LegacyTurns
from rollout.turns.legacy_writing import legacy_payloads
from rollout.turns.model import Turn
from rollout.turns.paging import ItemsView
from rollout.turns.parts import TextInput
from tests.builders import Rollout, thread
from tests.property.test_legacy_copies import ITEMS

OTHERS = ("user_message", "agent_message", "agent_reasoning", "context_compacted")
STEPS = st.lists(
    st.tuples(st.just("other"), st.sampled_from(OTHERS))
    | st.tuples(st.just("ours"), ITEMS)
    | st.tuples(st.just("late"), ITEMS)
    | st.tuples(st.sampled_from(["start", "end", "back"]), st.none()),
    max_size=14,
)


def told(steps: list[tuple[str, Any]]) -> Rollout:
    """Return a legacy rollout of these steps; what others say has a text of its own."""
    made = thread(mode="legacy")
    open_turn: str | None = None
    for place, (step, what) in enumerate(steps):
        if step == "start":
            open_turn = f"t{place}"
            made.start(open_turn)
        elif step == "end" and open_turn is not None:
            made.end(open_turn)
            open_turn = None
        elif step == "back":
            made.event("thread_rolled_back", num_turns=1)
            open_turn = None
        elif step == "other":
            said = (
                {} if what == "context_compacted" else {"message": f"other {place}", "text": f"other {place}"}
            )
            made.event(what, **said)
        elif step in {"ours", "late"} and (open_turn is not None or step == "late"):
            payload = {
                "type": "item_completed",
                "turn_id": open_turn or "t0",
                "item": {**what, "id": f"i{place}"},
            }
            for content in legacy_payloads(json.dumps(payload).encode(), is_in_place=step == "ours"):
                made.record("event_msg", json.loads(content))
    return made


def turns_of(content: bytes) -> list[Turn]:
    """Return the turns of a legacy log."""
    fold = LegacyTurns()
    for line in decode_lines(content, 0, Era.ENVELOPE):
        assert isinstance(line, Record)
        fold.feed(line)
    return fold.result(ItemsView.FULL)


def without_marks(content: bytes) -> bytes:
    """Return a log without names, and with nothing that is marked."""
    records = [json.loads(line) for line in content.splitlines()]
    for record in records:
        record["payload"].pop("shown_as", None)
        record["payload"].pop("shown_in", None)
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def names(turns: list[Turn]) -> list[Any]:
    """Return the turns by their ids, and what others said in them by its id and text."""
    return [(turn.id, [said for item in turn.items if (said := said_by_others(item))]) for turn in turns]


def said_by_others(item: ThreadItem) -> tuple[str, str] | None:
    """Return the id and the text of a message of others."""
    text = item.text if isinstance(item, AgentMessage) else ""
    if isinstance(item, UserMessage):
        text = "".join(part.text for part in item.content if isinstance(part, TextInput))
    return (item.id, text) if text.startswith("other ") else None


@settings(max_examples=500)
@given(steps=STEPS)
def test_what_others_wrote_is_called_as_if_nothing_were_added(steps: list[tuple[str, Any]]) -> None:
    """Turns and messages, by numbers that the reference client gives them."""
    content = told(steps).log()
    assert names(turns_of(content)) == names(turns_of(without_marks(content)))
