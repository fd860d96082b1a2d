"""The stored format once more, as plainly as can be: lines to records, bases to segments.

An oracle for property tests. It follows the written format and shares nothing with the library:
no import, no helper, no cleverness. Bytes are read whole, values are plain JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

EVENTS = {
    "task_started", "turn_started", "task_complete", "turn_complete", "turn_aborted", "thread_rolled_back",
    "user_message", "agent_message", "agent_reasoning", "agent_reasoning_raw_content", "item_completed",
    "token_count", "web_search_end", "context_compacted", "warning", "patch_apply_end", "entered_review_mode",
}  # fmt: skip
CARRIED = {"retained_context", "token_usage_record"}
HISTORY_ITEMS = {"agent_message", "reasoning", "function_call", "function_call_output"}
PARTS = {"input_text", "output_text", "input_image"}


@dataclass(frozen=True)
class Rec:
    """One record: `place` is its segment, `is_terminated` whether its newline is there."""

    type: str
    payload: Json
    ordinal: int | None
    place: int
    is_terminated: bool

    @property
    def kind(self) -> str | None:
        """Which event, which item."""
        return self.payload.get("type")


@dataclass(frozen=True)
class Segment:
    """What one file has to say: its header, and its records behind it (or all of a legacy file)."""

    place: int
    header: Json
    header_ordinal: int | None
    records: list[Rec]
    end_ordinal: int | None

    @property
    def is_paginated(self) -> bool:
        """The mode of the file."""
        return self.header.get("history_mode") == "paginated"


def records_of(content: bytes, place: int) -> list[Rec]:
    """Return the lines that are records, oldest first."""
    found: list[Rec] = []
    lines = content.split(b"\n")
    for index, line in enumerate(lines):
        try:
            value = json.loads(line.decode())
        except ValueError:
            continue
        if is_record(value):
            is_terminated = index < len(lines) - 1
            found.append(Rec(value["type"], value["payload"], value.get("ordinal"), place, is_terminated))
    return found


def is_record(value: Any) -> bool:
    """Tell whether a line's JSON is a record: its envelope, then its payload."""
    if not isinstance(value, dict) or not isinstance(value.get("timestamp"), str):
        return False
    ordinal = value.get("ordinal")
    if ordinal is not None and (type(ordinal) is not int or ordinal < 0):
        return False
    if not isinstance(value.get("metadata") or {}, dict) or value.get("metadata") == []:
        return False
    payload = value.get("payload")
    if not isinstance(payload, dict):
        return False
    match value.get("type"):
        case "session_meta":
            needed = ("id", "timestamp", "cwd", "originator", "cli_version")
            return all(isinstance(payload.get(name), str) for name in needed)
        case "response_item":
            return is_item(payload)
        case "event_msg":
            return is_event(payload)
        case "turn_context":
            policy = payload.get("sandbox_policy")
            has_policy = isinstance(policy, dict) and "type" in policy
            return has_policy and all(isinstance(payload.get(name), str) for name in ("cwd", "model"))
        case "compacted":
            return is_compaction(payload)
        case "world_state":
            return isinstance(payload.get("full"), bool) and isinstance(payload.get("state"), dict)
        case "inter_agent_communication":
            return True
        case other:
            return other in CARRIED


def is_item(payload: Json) -> bool:
    """Tell whether an item has the shape of its type."""
    kind = payload.get("type")
    if kind == "message":
        content = payload.get("content")
        return isinstance(content, list) and all(part["type"] in PARTS for part in content)
    if kind == "function_call_output":
        return not isinstance(payload["output"], dict)
    return kind is not None and kind != "ghost_snapshot"


def is_event(payload: Json) -> bool:
    """Tell whether an event is known and has what its type needs."""
    kind = payload.get("type")
    if kind not in EVENTS:
        return False
    if kind in {"task_started", "turn_started", "task_complete", "turn_complete", "item_completed"}:
        return isinstance(payload.get("turn_id"), str)
    if kind == "thread_rolled_back":
        return 0 <= payload["num_turns"] < 2**32
    return True


def is_compaction(payload: Json) -> bool:
    """Tell whether metadata and replacement history of a compaction are as long as each other."""
    history, metadata = payload.get("replacement_history"), payload.get("replacement_history_metadata")
    return metadata is None or (history is not None and len(history) == len(metadata))


def lineage_of(files: dict[str, bytes], newest: str) -> list[Segment]:
    """Return the segments of a rollout, oldest first: `files` are whole contents by rollout id."""
    chain: list[tuple[str, Json | None]] = [(newest, None)]
    while True:
        rollout_id, _ = chain[0]
        header = next(rec for rec in records_of(files[rollout_id], 0) if rec.type == "session_meta").payload
        base = header.get("history_base") if header.get("history_mode") == "paginated" else None
        if base is None:
            break
        chain.insert(0, (base["thread_id"], base))
    return [_segment(files[rollout_id], place, cut) for place, (rollout_id, cut) in enumerate(chain)]


def _segment(content: bytes, place: int, cut: Json | None) -> Segment:
    """Return the part of a file up to the cut that its child names."""
    whole = records_of(content, place)
    header = next(rec for rec in whole if rec.type == "session_meta")
    kept = records_of(content[: cut["end_byte_offset"]] if cut is not None else content, place)
    if header.payload.get("history_mode") == "paginated":
        kept = kept[whole.index(header) + 1 :]
    end_ordinal = cut["end_ordinal_exclusive"] if cut is not None else None
    return Segment(place, header.payload, header.ordinal, kept, end_ordinal)


def is_history(payload: Json) -> bool:
    """Tell whether an item is part of the model history."""
    if payload["type"] == "message":
        return payload["role"] in {"user", "assistant", "developer"}
    return payload["type"] in HISTORY_ITEMS


def is_contextual(text: str) -> bool:
    """Tell whether a user's text has one of the forms of context that the strategies know."""
    body = text.strip().lower()
    for tag in ("environment_context", "skill"):
        if body.startswith(f"<{tag}>") and body.endswith(f"</{tag}>"):
            return True
    return body.startswith("# agents.md instructions") and body.endswith("</instructions>")


def texts_of(payload: Json) -> list[str]:
    """Return the texts of a message."""
    return [part["text"] for part in payload["content"] if "text" in part]


def is_contextual_user(payload: Json) -> bool:
    """Tell whether a user message is context."""
    is_user = payload["type"] == "message" and payload["role"] == "user"
    return is_user and any(map(is_contextual, texts_of(payload)))


def is_boundary(payload: Json) -> bool:
    """Tell whether an item begins a user turn."""
    if payload["type"] == "agent_message":
        return True
    if payload["type"] != "message":
        return False
    if payload["role"] == "user":
        return not is_contextual_user(payload)
    return payload["role"] == "assistant" and texts_of(payload) == [
        '{"author":"x","recipient":"y","content":"z"}'
    ]
