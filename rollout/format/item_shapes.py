"""What an item must have before we write it: more than a reader asks.

A reader takes what it finds. A writer must not leave lines that some reader drops, or that show
nothing where they should show something. Format: docs/format.md, "Items".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rollout.format.vocabulary import (
    HISTORY_ITEMS,
    HISTORY_ROLES,
    MESSAGE,
    MESSAGE_PARTS,
    OUTPUT_ITEMS,
    OUTPUT_PARTS,
    TEXT_PARTS,
)

_ENVELOPE: Final = frozenset({"timestamp", "payload"})
_TYPES: Final = HISTORY_ITEMS | {MESSAGE}
_TEXTS: Final = {
    "function_call": ("name", "arguments", "call_id"),
    "custom_tool_call": ("name", "input", "call_id"),
    "function_call_output": ("call_id",),
    "custom_tool_call_output": ("call_id",),
}
_PART_TEXTS: Final = {**dict.fromkeys(TEXT_PARTS, "text"), "input_image": "image_url"}
_REASONING: Final = {"summary": True, "content": False}
"""Lists of a reasoning item, and whether they must be there."""


def find_misshape(item: Mapping[str, Any]) -> str | None:
    """Return why an item must not be written, or None."""
    if item.keys() >= _ENVELOPE:
        return "this is a whole record (it has `timestamp` and `payload`); expected the item alone"
    kind = item.get("type")
    if not isinstance(kind, str):
        return "expected a `type` that is text, found " + ("none" if kind is None else _named(kind))
    if kind not in _TYPES:
        return f"{kind[:40]!r} is no item type of the model's history"
    for member in _TEXTS.get(kind, ()):
        if not isinstance(item.get(member), str):
            return f"{kind}: expected `{member}` to be text, found {_named(item.get(member))}"
    if kind == MESSAGE:
        return _check_message(item)
    if kind in OUTPUT_ITEMS:
        return _check_output(kind, item.get("output"))
    if kind == "reasoning":
        return _check_reasoning(item)
    return None


def _check_message(item: Mapping[str, Any]) -> str | None:
    role = item.get("role")
    if role not in HISTORY_ROLES:
        return f"message: expected a `role` among {', '.join(sorted(HISTORY_ROLES))}, found {_named(role)}"
    phase = item.get("phase")
    if phase is not None and not isinstance(phase, str):
        return f"message: expected `phase` to be text, found {_named(phase)}"
    return _check_parts(MESSAGE, "content", item.get("content"), MESSAGE_PARTS)


def _check_output(kind: str, output: object) -> str | None:
    return None if isinstance(output, str) else _check_parts(kind, "output", output, OUTPUT_PARTS)


def _check_parts(kind: str, member: str, parts: object, types: frozenset[str]) -> str | None:
    if not isinstance(parts, list):
        wanted = "a list of parts" if kind == MESSAGE else "text or a list of parts"
        return f"{kind}: expected `{member}` to be {wanted}, found {_named(parts)}"
    for part in parts:
        type_ = part.get("type") if isinstance(part, dict) else None
        if not isinstance(type_, str) or type_ not in types:
            return f"{kind}: expected parts of a known `type`, found {_named(type_ or part)}"
        text = _PART_TEXTS.get(type_)
        if text is not None and not isinstance(part.get(text), str):
            return f"{kind}: expected `{text}` of {type_} to be text, found {_named(part.get(text))}"
    return None


def _check_reasoning(item: Mapping[str, Any]) -> str | None:
    for member, is_required in _REASONING.items():
        parts = item.get(member)
        if parts is None and not is_required:
            continue
        if not isinstance(parts, list):
            return f"reasoning: expected `{member}` to be a list, found {_named(parts)}"
        for part in parts:
            if not isinstance(part, dict) or not isinstance(part.get("text"), str):
                return f"reasoning: expected parts of `{member}` with `text`, found {_named(part)}"
    return None


def _named(value: object) -> str:
    """Return a value, or its kind, in few words."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, bool | int | float):
        return "a boolean" if isinstance(value, bool) else "a number"
    return "a list" if isinstance(value, list) else "an object"
