"""Model items as their users see them: what a recorder writes beside an item of a model's history.

Pure. Messages and reasoning show as themselves, a tool's answer as the call it answers;
other items show nothing of their own. Format: docs/format.md, "Writing turns".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from rollout.format.items import is_contextual_text

Item = Mapping[str, Any]

_CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}
_OUTPUTS: Final = frozenset({"function_call_output", "custom_tool_call_output"})


class Call(Struct, frozen=True):
    """A tool call, as its answer will show it."""

    name: str
    arguments: Any


class ItemEcho:
    """Turns model items into stored items for people, remembering the calls of a turn."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._calls: dict[str, Call] = {}

    def echo(self, item: Item) -> dict[str, Any] | None:
        """Return the stored item that shows `item`, or None when it shows nothing."""
        kind = item.get("type")
        if kind == "message":
            return self._message(item)
        if kind == "reasoning":
            return self._reasoning(item)
        if kind in _CALLS and isinstance(item.get("call_id"), str):
            self._calls[item["call_id"]] = Call(str(item.get("name", "")), item.get(_CALLS[kind]))
            return None
        if kind in _OUTPUTS:
            return self._answer(item)
        return None

    def _message(self, item: Item) -> dict[str, Any] | None:
        role, content = item.get("role"), item.get("content") or []
        if role == "user":
            if any(is_contextual_text(text) for text in _texts(content)):
                return None  # the client's own words, which nobody said
            return {
                "type": "UserMessage",
                "id": self._new_id(),
                "content": [_input(part) for part in content],
            }
        if role != "assistant":
            return None
        said = [{"type": "Text", "text": text} for text in _texts(content)]
        phase = {"phase": item["phase"]} if isinstance(item.get("phase"), str) else {}
        return {"type": "AgentMessage", "id": self._id_of(item), "content": said, **phase}

    def _reasoning(self, item: Item) -> dict[str, Any]:
        return {
            "type": "Reasoning",
            "id": self._id_of(item),
            "summary_text": _texts(item.get("summary")),
            "raw_content": _texts(item.get("content")),
        }

    def _answer(self, item: Item) -> dict[str, Any] | None:
        call_id = item.get("call_id")
        # Kept, not taken: an answer that is refused is given again.
        call = self._calls.get(call_id) if isinstance(call_id, str) else None
        if call is None:
            return None
        output = item.get("output")
        texts = [output] if isinstance(output, str) else _texts(output)
        return {
            "type": "DynamicToolCall",
            "id": call_id,
            "tool": call.name,
            "arguments": call.arguments,
            "status": "completed",
            "content_items": [{"type": "inputText", "text": text} for text in texts],
            "success": True,
        }

    def _id_of(self, item: Item) -> str:
        found = item.get("id")
        return found if isinstance(found, str) and found else self._new_id()


def _texts(parts: object) -> list[str]:
    """Return the texts of parts, whatever else stands among them."""
    if not isinstance(parts, list | tuple):
        return []
    return [text for part in parts if isinstance(part, dict) and isinstance(text := part.get("text"), str)]


def text_of(parts: object) -> str:
    """Return the texts of parts as one."""
    return "".join(_texts(parts))


def _input(part: Item) -> dict[str, Any]:
    if part.get("type") == "input_image" and isinstance(part.get("image_url"), str):
        return {"type": "image", "image_url": part["image_url"]}
    return {"type": "text", "text": "".join(_texts([part])), "text_elements": []}


def text_message(role: str, text: str) -> dict[str, Any]:
    """Return a message of one text."""
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
