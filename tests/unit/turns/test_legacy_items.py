"""Legacy event records become exactly the items that the reference server lists.

`vectors/legacy_items.jsonl` holds hand-made records of one turn and what the reference
server (0.169.0) listed for them, items of all turns in order.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import Raw, Struct

from rollout.turns import items
from rollout.turns.legacy_items import hook_prompt_item, joined_reasoning, legacy_item

VECTORS = Path(__file__).parent / "vectors" / "legacy_items.jsonl"
SENDER = "0199a000-0000-7000-8000-00000000000a"
RECEIVER = "0199a000-0000-7000-8000-00000000000b"


class Payload(Struct):
    """What tells payloads apart."""

    type: str
    id: str = ""
    content: Raw = Raw(b"[]")


class LegacyRecord(Struct):
    """One record of a vector."""

    type: str
    payload: Raw


class Vector(Struct):
    """Records, and the items listed for them."""

    records: list[LegacyRecord]
    wire: Raw


def load_vectors() -> list[Vector]:
    decode = msgspec.json.Decoder(Vector).decode
    return [decode(line) for line in VECTORS.read_bytes().splitlines()]


def read_items(records: list[LegacyRecord]) -> list[items.ThreadItem]:
    """Number, join and replace items as a builder of turns does."""
    shown: dict[str, items.ThreadItem] = {}
    next_number = 1
    for record in records:
        payload = msgspec.json.decode(record.payload, type=Payload)
        if record.type == "response_item":
            item: items.ThreadItem | None = hook_prompt_item(payload.content, payload.id)
        else:
            item = legacy_item(payload.type, record.payload, f"item-{next_number}")
        last = next(reversed(shown.values()), None)
        if isinstance(item, items.Reasoning) and isinstance(last, items.Reasoning):
            shown[last.id] = joined_reasoning(last, item)
        elif item is not None:
            shown[item.id] = item
            next_number += item.id == f"item-{next_number}"
    return list(shown.values())


def as_json(item: items.ThreadItem | None) -> dict[str, object]:
    return msgspec.json.decode(msgspec.json.encode(item))


@pytest.mark.parametrize(
    "vector", load_vectors(), ids=lambda vector: bytes(vector.records[-1].payload)[:60].decode()
)
def test_items_are_what_the_reference_server_lists(vector: Vector) -> None:
    """Members, ids, numbers and order are the reference server's."""
    assert msgspec.json.encode(read_items(vector.records)) == bytes(vector.wire)


@pytest.mark.parametrize(
    ("event_type", "payload", "takes"),
    [
        ("user_message", b'{"message":""}', True),
        ("user_message", b'{"message":null}', False),
        ("agent_message", b'{"message":"a"}', True),
        ("agent_message", b'{"message":""}', False),
        ("agent_reasoning", b'{"text":"a"}', True),
        ("agent_reasoning", b'{"text":""}', False),
        ("context_compacted", b"{}", True),
        ("exited_review_mode", b"{}", True),
        ("exited_review_mode", b'{"item_id":"own"}', False),
        ("web_search_end", b'{"call_id":"w","query":"q","action":{"type":"other"}}', False),
        ("token_count", b"{}", False),
    ],
)
def test_only_items_without_an_own_id_take_a_number(event_type: str, payload: bytes, takes: bool) -> None:
    """An own id, no item and an unreadable record leave the number free."""
    item = legacy_item(event_type, payload, "item-7")
    assert (item is not None and item.id == "item-7") is takes


def test_hook_prompt_keeps_the_callers_id() -> None:
    """A hook's message without an id of its own gets the one the caller chose."""
    content = b'[{"type":"input_text","text":"<hook_prompt hook_run_id=\\"r\\">x</hook_prompt>"}]'
    item = hook_prompt_item(content, "hook-7")
    assert item is not None
    assert item.id == "hook-7"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b'"text"', b'[{"type":"input_text"}]'])
def test_content_that_is_no_list_of_texts_is_no_hook_prompt(content: bytes) -> None:
    """A message of any other shape is the user's own."""
    assert hook_prompt_item(content, "h") is None


COMMAND = (
    b'"call_id":"c","turn_id":"t","command":["cat","a b"],"cwd":"/src/app","parsed_cmd":'
    b'[{"type":"read","cmd":"cat","name":"a b","path":"a b"}],"aggregated_output":"o",'
    b'"exit_code":1,"duration":{"secs":1,"nanos":5000000}'
)


def test_command_of_an_old_file_is_an_item() -> None:
    """A plain directory is understood, and a missing status follows from the exit code."""
    item = as_json(legacy_item("exec_command_end", b"{" + COMMAND + b"}", "item-1"))
    assert item == {
        "type": "commandExecution",
        "id": "c",
        "pluginId": None,
        "scriptPath": None,
        "command": "cat 'a b'",
        "cwd": "/src/app",
        "processId": None,
        "source": "agent",
        "status": "failed",
        "commandActions": [{"type": "read", "command": "cat", "name": "a b", "path": "/src/app/a b"}],
        "aggregatedOutput": "o",
        "exitCode": 1,
        "durationMs": 1005,
        "startedAtMs": None,
        "completedAtMs": None,
    }


def test_declined_command_stays_declined() -> None:
    """A status in the record wins over the exit code."""
    item = legacy_item("exec_command_end", b"{" + COMMAND + b',"status":"declined"}', "item-1")
    assert isinstance(item, items.CommandExecution)
    assert item.status == "declined"


def test_dynamic_tool_call_of_an_old_file_is_an_item() -> None:
    """Success and failure show in the status."""
    payload = (
        b'{"call_id":"d","turn_id":"t","tool":"t","arguments":{"a": 1},"success":false,'
        b'"content_items":[{"type":"inputText","text":"x"}],"duration":{"secs":0,"nanos":2000000}}'
    )
    item = as_json(legacy_item("dynamic_tool_call_response", payload, "item-1"))
    assert (item["id"], item["status"], item["success"], item["durationMs"]) == ("d", "failed", False, 2)
    assert item["contentItems"] == [{"type": "inputText", "text": "x"}]


@pytest.mark.parametrize(
    ("event_type", "members", "tool", "status", "states"),
    [
        (
            "collab_agent_spawn_end",
            f'"new_thread_id":"{RECEIVER}","status":"running"',
            "spawnAgent",
            "completed",
            {RECEIVER: ("running", None)},
        ),
        ("collab_agent_spawn_end", '"new_thread_id":null,"status":"not_found"', "spawnAgent", "failed", {}),
        (
            "collab_agent_interaction_end",
            f'"receiver_thread_id":"{RECEIVER}","status":{{"completed":"done"}}',
            "sendInput",
            "completed",
            {RECEIVER: ("completed", "done")},
        ),
        (
            "collab_waiting_end",
            f'"statuses":{{"{RECEIVER}":{{"errored":"boom"}}}}',
            "wait",
            "failed",
            {RECEIVER: ("errored", "boom")},
        ),
        (
            "collab_close_end",
            f'"receiver_thread_id":"{RECEIVER}","status":"shutdown"',
            "closeAgent",
            "completed",
            {RECEIVER: ("shutdown", None)},
        ),
        (
            "collab_resume_end",
            f'"receiver_thread_id":"{RECEIVER}","status":"not_found"',
            "resumeAgent",
            "failed",
            {RECEIVER: ("notFound", None)},
        ),
    ],
)
def test_call_between_agents_fails_with_its_receiver(
    event_type: str, members: str, tool: str, status: str, states: dict[str, tuple[str, str | None]]
) -> None:
    """A call failed when its receiver is missing or failed, and completed otherwise."""
    payload = f'{{"call_id":"c","sender_thread_id":"{SENDER}","prompt":"go",{members}}}'
    item = legacy_item(event_type, payload.encode(), "item-1")
    assert isinstance(item, items.CollabAgentToolCall)
    assert (item.tool, item.status, item.prompt) == (tool, status, "go")
    assert item.receiver_thread_ids == tuple(states)
    assert {thread: (state.status, state.message) for thread, state in item.agents_states.items()} == states


def test_viewed_image_of_an_old_file_is_an_item() -> None:
    """Paths and file URIs are both understood."""
    as_path = legacy_item("view_image_tool_call", b'{"call_id":"v","path":"/src/app/a b.png"}', "item-1")
    as_uri = legacy_item(
        "view_image_tool_call", b'{"call_id":"v","path":"file:///src/app/a%20b.png"}', "item-1"
    )
    assert as_path == as_uri == items.ImageView(id="v", path="/src/app/a b.png")
