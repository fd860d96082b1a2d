"""Completed items as records of a legacy file: events where those show the same, marked items for the rest.

Pure, the inverse of `legacy_items`. What was said has an event in any case, so that other readers show it;
what was done has one only if that says all of it. What comes of them is read back here, and never taken for
granted. Format: docs/format.md, "Names and marks".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from rollout.format.decoding import UNDECODABLE, decode_json, decoder_of
from rollout.turns import stored_messages as said
from rollout.turns import stored_sent as sent
from rollout.turns.items import ThreadItem
from rollout.turns.legacy_items import legacy_item
from rollout.turns.legacy_marks import Completed, Named, marked
from rollout.turns.legacy_turn import OpenTurn
from rollout.turns.model import TurnStatus

Event = dict[str, Any]
_NUMBER: Final = "item-1"
_THOUGHT: Final = "agent_reasoning"
_RAW_THOUGHT: Final = "agent_reasoning_raw_content"
_COMPACTED: Final = "context_compacted"
"""The one event that the reference client takes with no other member, and so with no name."""


class _Shown(Struct, frozen=True):
    """One completed item: its members as they are spelled, and what is said around them."""

    members: dict[str, Raw]
    turn_id: str
    completed_at_ms: int | None

    def picked(self, **names: str) -> Event:
        """Return members under other names, those that are there."""
        return {new: self.members[old] for new, old in names.items() if old in self.members}

    def kept(self, *names: str) -> Event:
        """Return members under their own names, those that are there."""
        return {name: self.members[name] for name in names if name in self.members}


class _Around(Struct, frozen=True):
    turn_id: str
    item: dict[str, Raw]


def legacy_payloads(payload: bytes, *, is_in_place: bool = True) -> list[bytes]:
    """Return the payloads with which a legacy file shows what the payload of an `item_completed` shows.

    `is_in_place`: they will stand in the turn that the item names; otherwise no event would find it.
    """
    completed, around = decode_json(payload, Completed), decode_json(payload, _Around)
    item = completed.public() if completed is not None else None
    if completed is None or around is None or item is None:
        return [marked(payload)]
    kind = decode_json(around.item["type"], str)
    if legacy_item("item_completed", payload, _NUMBER) == item:
        return [payload]
    events: list[bytes] = []
    if is_in_place:
        shown = _Shown(around.item, around.turn_id, completed.completed_at_ms)
        name = Named(item.id, completed.started_at_ms, completed.completed_at_ms)
        events = [msgspec.json.encode(event) for event in _named(_events(kind or "", shown), name)]
        if _shown_by(events) == [item]:
            return events
    return [*(events if kind in _SAID else []), marked(payload)]


def _events(kind: str, shown: _Shown) -> list[Event]:
    """Return the events of an item, unnamed; none where its members are not what events hold."""
    try:
        return {**_SAID, **_DONE}[kind](shown) if kind in _SAID or kind in _DONE else []
    except UNDECODABLE:
        return []


def _named(events: list[Event], name: Named) -> list[Event]:
    going_on = msgspec.structs.replace(name, goes_on=True)
    return [
        event if event["type"] == _COMPACTED else event | {"shown_as": going_on if place else name}
        for place, event in enumerate(events)
    ]


class _NamedEvent(Struct, frozen=True):
    type: str
    shown_as: Named | None = None


def _shown_by(events: list[bytes]) -> list[ThreadItem]:
    """Return what events show in a turn of their own."""
    turn = OpenTurn("", True, TurnStatus.IN_PROGRESS, [])
    for payload in events:
        event: _NamedEvent = decoder_of(_NamedEvent)(payload)
        item = legacy_item(event.type, payload, _NUMBER)
        if item is not None:
            turn.add(item, event.shown_as, takes_number=item.id == _NUMBER)
    return turn.items


def _question(shown: _Shown) -> list[Event]:
    content = _read(shown, "content", tuple[sent.StoredInput, ...])
    texts = [part for part in content if isinstance(part, sent.StoredText)]
    images = [part for part in content if isinstance(part, sent.StoredImage) and part.image_url is not None]
    files = [part for part in content if isinstance(part, sent.StoredLocalImage)]
    sounds = [part for part in content if isinstance(part, sent.StoredAudio) and part.audio_url is not None]
    records = [part for part in content if isinstance(part, sent.StoredLocalAudio)]
    event: Event = {"type": "user_message"} | shown.kept("client_id")
    event |= {"message": "".join(part.text for part in texts), "images": [part.image_url for part in images]}
    if any(part.detail for part in images):
        event["image_details"] = [part.detail for part in images]
    if files:
        event["local_images"] = [part.path for part in files]
    if any(part.detail for part in files):
        event["local_image_details"] = [part.detail for part in files]
    if sounds:
        event["audio"] = [part.audio_url for part in sounds]
    if records:
        event["local_audio"] = [part.path for part in records]
    if len(texts) == 1 and texts[0].text_elements:
        event["text_elements"] = texts[0].text_elements
    return [event]


def _answer(shown: _Shown) -> list[Event]:
    text = "".join(part.text for part in _read(shown, "content", tuple[said.StoredSaidText, ...]))
    event = {"type": "agent_message", "message": text, "phase": None}
    return [event | shown.kept("phase", "memory_citation", "delivery", "questions")] if text else []


def _thoughts(shown: _Shown) -> list[Event]:
    kinds = {_THOUGHT: "summary_text", _RAW_THOUGHT: "raw_content"}
    return [
        {"type": kind, "text": text}
        for kind, member in kinds.items()
        if member in shown.members
        for text in _read(shown, member, tuple[str, ...])
        if text
    ]


def _compaction(_: _Shown) -> list[Event]:
    return [{"type": _COMPACTED}]


def _patch(shown: _Shown) -> list[Event]:
    status = _read(shown, "status", str | None)
    event = _call(shown, "patch_apply_end") | {"stdout": "", "stderr": "", "success": status == "completed"}
    return [event | shown.kept("stdout", "stderr", "changes", "status")] if status is not None else []


def _mcp_call(shown: _Shown) -> list[Event]:
    failure = _read(shown, "error", _Failure | None) if "error" in shown.members else None
    result = {"Ok": shown.members.get("result")} if failure is None else {"Err": failure.message}
    event = _call(shown, "mcp_tool_call_end") | {"invocation": shown.kept("server", "tool", "arguments")}
    event |= shown.picked(
        connector_id="connectorId",
        link_id="linkId",
        app_name="appName",
        action_name="actionName",
        mcp_app_resource_uri="mcpAppResourceUri",
        mcp_app_ui="mcpAppUi",
        plugin_id="pluginId",
        read_only_hint="readOnlyHint",
        duration="duration",
    )
    return [event | {"result": result}]


class _Failure(Struct, frozen=True):
    message: str


def _search(shown: _Shown) -> list[Event]:
    return [_call(shown, "web_search_end") | shown.kept("query", "action", "results")]


def _image(shown: _Shown) -> list[Event]:
    event = _call(shown, "image_generation_end")
    return [event | shown.kept("status", "revised_prompt", "result", "saved_path")]


def _activity(shown: _Shown) -> list[Event]:
    event: Event = {"type": "sub_agent_activity", "event_id": shown.members["id"]}
    event["occurred_at_ms"] = shown.completed_at_ms or 0
    return [event | shown.kept("kind", "agent_thread_id", "agent_path", "model", "reasoning_effort")]


def _review_begin(shown: _Shown) -> list[Event]:
    return [_review(shown, "entered_review_mode") | shown.kept("target", "user_facing_hint")]


def _review_end(shown: _Shown) -> list[Event]:
    return [_review(shown, "exited_review_mode") | shown.kept("review_output")]


def _review(shown: _Shown, kind: str) -> Event:
    return {"type": kind, "turn_id": shown.turn_id, "item_id": shown.members["id"]}


def _call(shown: _Shown, kind: str) -> Event:
    return {"type": kind, "call_id": shown.members["id"], "turn_id": shown.turn_id}


def _read(shown: _Shown, member: str, shape: Any) -> Any:
    return decoder_of(shape)(shown.members.get(member, Raw(b"null")))


_Events = Mapping[str, Callable[[_Shown], list[Event]]]
_SAID: Final[_Events] = {
    "UserMessage": _question,
    "AgentMessage": _answer,
    "Reasoning": _thoughts,
    "ContextCompaction": _compaction,
}
_DONE: Final[_Events] = {
    "FileChange": _patch,
    "McpToolCall": _mcp_call,
    "WebSearch": _search,
    "ImageGeneration": _image,
    "SubAgentActivity": _activity,
    "EnteredReviewMode": _review_begin,
    "ExitedReviewMode": _review_end,
}
