"""Completed items go into a legacy file so that they come out as they were, and others read it as before."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from rollout.format.codec import decode_lines
from rollout.format.record import Era, Record
from rollout.turns.legacy import LegacyTurns
from rollout.turns.legacy_writing import legacy_payloads
from rollout.turns.model import Turn
from rollout.turns.paging import ItemsView
from rollout.turns.stored import public_item
from tests.builders import Rollout, plain, thread
from tests.unit.turns.test_items import Vector, load_vectors

TIMES = {"started_at_ms": 1_000, "completed_at_ms": 2_000}
SHOWN = [vector for vector in load_vectors() if public_item(vector.stored) is not None]
THOUGHT = {"type": "Reasoning", "id": "r1", "summary_text": ["Hm.", "So."], "raw_content": ["because"]}
COMMAND = {"type": "DynamicToolCall", "id": "c1", "tool": "look", "arguments": {}, "status": "completed"}


def completed(item: object, turn_id: str = "t", **times: int) -> bytes:
    """Return the payload of an `item_completed`."""
    named = {"type": "item_completed", "thread_id": "x", "turn_id": turn_id}
    return msgspec.json.encode({**named, "item": item, **(times or TIMES)})


def writes(rollout: Rollout, *items: object, turn_id: str = "t") -> Rollout:
    """Add what a legacy file says of items."""
    for item in items:
        for payload in legacy_payloads(completed(item, turn_id)):
            rollout.record("event_msg", json.loads(payload))
    return rollout


def kinds(item: object, **how: bool) -> list[str]:
    """Return the types of the events of an item."""
    return [json.loads(payload)["type"] for payload in legacy_payloads(completed(item), **how)]


def items_of(rollout: Rollout) -> list[Any]:
    """Return the items that a legacy log shows, of all its turns."""
    return [plain(item) for turn in turns_of(rollout) for item in turn.items]


def turns_of(rollout: Rollout) -> list[Turn]:
    """Return the turns of a legacy log."""
    fold = LegacyTurns()
    for line in decode_lines(rollout.log(), 0, Era.ENVELOPE):
        assert isinstance(line, Record)
        fold.feed(line)
    return fold.result(ItemsView.FULL)


def legacy() -> Rollout:
    """Return a legacy rollout with an open turn."""
    return thread(mode="legacy").start("t")


@pytest.mark.parametrize("vector", SHOWN, ids=lambda vector: bytes(vector.stored)[:60].decode())
def test_an_item_comes_out_as_it_went_in(vector: Vector) -> None:
    """Of every kind, with its id and its times."""
    made = writes(legacy(), vector.stored).end("t")
    assert items_of(made) == [plain(public_item(vector.stored, **TIMES))]


@pytest.mark.parametrize(
    ("item", "events"),
    [
        (THOUGHT, ["agent_reasoning", "agent_reasoning", "agent_reasoning_raw_content"]),
        ({"type": "FunctionCallOutput", "id": "i", "name": "n", "output": "o"}, ["item_completed"]),
        ({"type": "Extension", "kind": "clock.sleep", "id": "i", "durationMs": 7}, ["item_completed"]),
        ({"type": "Plan", "id": "i", "text": "Walk."}, ["item_completed"]),
        ({"type": "FileChange", "id": "i", "changes": {}, "status": "declined"}, ["patch_apply_end"]),
        (
            {"type": "WebSearch", "id": "i", "query": "q", "action": {"type": "search", "query": "q"}},
            ["web_search_end"],
        ),
        (
            {
                "type": "McpToolCall",
                "id": "i",
                "server": "s",
                "tool": "t",
                "arguments": {"a": 1},
                "status": "completed",
                "result": {"content": []},
                "duration": {"secs": 1, "nanos": 0},
            },
            ["mcp_tool_call_end"],
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_what_an_event_says_in_full_is_not_said_twice(item: dict[str, Any], events: list[str]) -> None:
    """The reference client shows it, too."""
    assert kinds(item) == events


def test_a_question_that_no_event_says_in_full_is_said_as_far_as_it_goes() -> None:
    """For other readers; ours take the marked item in its place."""
    skill = {"type": "skill", "name": "walk", "path": "/skills/walk"}
    item = {"type": "UserMessage", "id": "u", "content": [{"type": "text", "text": "Go."}, skill]}
    assert kinds(item) == ["user_message", "item_completed"]
    (shown,) = items_of(writes(legacy(), item))
    assert [part["type"] for part in shown["content"]] == ["text", "skill"]


def test_an_act_that_no_event_says_in_full_has_none() -> None:
    """Half of what was done would be wrong."""
    item = {
        "type": "McpToolCall",
        "id": "i",
        "server": "s",
        "tool": "t",
        "arguments": {},
        "status": "inProgress",
    }
    assert kinds(item) == ["item_completed"]


def test_what_stands_behind_its_turn_has_no_event() -> None:
    """An event would go into the turn that is open."""
    item = {"type": "AgentMessage", "id": "a", "content": [{"type": "Text", "text": "Late."}]}
    assert kinds(item, is_in_place=False) == ["item_completed"]


def test_a_marked_item_keeps_every_byte_of_its_payload() -> None:
    """Numbers beyond 64 bits and members that nobody knows, too."""
    payload = b'{"type":"item_completed","turn_id":"t","item":{"type":"New","id":"i","n":1.50,"b":%s}}' % (
        b"9" * 30
    )
    assert legacy_payloads(payload) == [payload[:-1] + b',"shown_in":"legacy"}']


def test_an_unmarked_item_is_not_shown() -> None:
    """As in the reference client; the mark counts nowhere but on the event itself."""
    made = legacy().event(
        "item_completed", turn_id="t", item={**COMMAND, "arguments": {"shown_in": "legacy"}}
    )
    assert items_of(made) == []


def test_marked_items_use_up_no_numbers() -> None:
    """So that others are called what the reference client calls them, after a rollback as well."""
    made = writes(thread(mode="legacy").start("t").event("user_message", message="one"), COMMAND)
    made.event("agent_message", message="two").end("t").start("u").event("user_message", message="three")
    made.event("thread_rolled_back", num_turns=1).event("user_message", message="four")
    assert [item["id"] for item in items_of(made)] == ["item-1", "c1", "item-2", "item-3"]
    assert items_of(made)[-1]["content"][0]["text"] == "four"


def test_thoughts_around_a_tool_stay_where_they_were() -> None:
    """For the reference client, which sees no tool between them, they are one with one number."""
    later = {**THOUGHT, "id": "r2"}
    made = writes(legacy(), THOUGHT, COMMAND, later).event("agent_message", message="done")
    assert [item["id"] for item in items_of(made)] == ["r1", "c1", "r2", "item-2"]


def test_thoughts_in_a_row_stay_apart() -> None:
    """Each has its own name."""
    later = {**THOUGHT, "id": "r2"}
    made = writes(legacy(), THOUGHT, later)
    assert [item["id"] for item in items_of(made)] == ["r1", "r2"]


def test_an_item_said_again_takes_its_own_place() -> None:
    """As in a paginated file."""
    later = {**THOUGHT, "summary_text": ["Ah."], "raw_content": []}
    (shown,) = items_of(writes(legacy(), THOUGHT, later))
    assert (shown["summary"], shown["content"]) == (["Ah."], [])


def test_a_marked_item_of_no_turn_is_not_shown() -> None:
    """It opens none."""
    assert items_of(writes(thread(mode="legacy"), COMMAND, turn_id="gone")) == []


def test_marked_items_leave_the_names_of_turns_alone() -> None:
    """Implicit turns are numbered by records, and the reference client passes over these."""
    made = writes(legacy().end("t"), COMMAND).event("user_message", message="one")
    assert [turn.id for turn in turns_of(made)] == ["t", "rollout-3"]


def test_a_hook_s_prompt_is_shown_once() -> None:
    """Its message shows it already, under another id; one that no message told of is another."""
    text = '<hook_prompt hook_run_id="h">Stop.</hook_prompt>'
    prompt = {"type": "HookPrompt", "id": "p", "fragments": [{"text": "Stop.", "hookRunId": "h"}]}
    made = writes(legacy().user(text), prompt, {**prompt, "id": "q"})
    assert [item["id"] for item in items_of(made)] == ["p", "q"]


def test_a_compaction_is_shown_once() -> None:
    """Its event has no other member, which the reference client would not take, and so no name."""
    item = {"type": "ContextCompaction", "id": "k"}
    event, _ = legacy_payloads(completed(item))
    assert json.loads(event) == {"type": "context_compacted"}
    made = writes(legacy(), item, {**item, "id": "l"}).event("agent_message", message="done")
    assert [item["id"] for item in items_of(made)] == ["k", "l", "item-3"]


def test_a_compaction_said_again_is_shown_once() -> None:
    """Its second event is the same one, though the reference client shows two."""
    item = {"type": "ContextCompaction", "id": "k"}
    made = writes(legacy(), item, item).event("agent_message", message="done")
    assert [item["id"] for item in items_of(made)] == ["k", "item-3"]


def test_items_that_the_reference_client_lists_count_as_records() -> None:
    """Plans, outputs of functions and pauses, by which implicit turns are numbered."""
    made = legacy().end("t")
    for item in (
        {"type": "Plan", "id": "i", "text": "Walk."},
        {"type": "FunctionCallOutput", "id": "j", "name": "n", "output": "o"},
        {"type": "Extension", "kind": "clock.sleep", "id": "k", "durationMs": 7},
    ):
        made.event("item_completed", turn_id="t", item=item)
    made.event("user_message", message="one")
    assert [(turn.id, [item.id for item in turn.items]) for turn in turns_of(made)] == [
        ("t", ["i", "j", "k"]),
        ("rollout-6", ["item-1"]),
    ]
