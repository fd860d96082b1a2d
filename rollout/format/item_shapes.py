"""What an item must have before it is written: more than a reader asks.

A reader takes what it finds. The reference client drops the whole line of an item that lacks one of
these members, and its ordinal with it, so that what either side writes next would not agree.
Format: docs/format.md, "Items".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
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

KNOWN_ITEMS: Final = HISTORY_ITEMS | {MESSAGE}
"""Types of items that a model is given."""
_ANY: Final = object
_REQUIRED: Final[dict[str, dict[str, type]]] = {
    "function_call": {"name": str, "arguments": str, "call_id": str},
    "custom_tool_call": {"name": str, "input": str, "call_id": str},
    "function_call_output": {"call_id": str},
    "custom_tool_call_output": {"call_id": str},
    "reasoning": {"summary": list},
    "local_shell_call": {"status": str, "action": dict},
    "agent_message": {"author": str, "recipient": str, "content": list},
    "image_generation_call": {"status": str, "result": str},
    "compaction": {"encrypted_content": str},
    "compaction_summary": {"encrypted_content": str},
    "tool_search_call": {"execution": str, "arguments": _ANY},
    "tool_search_output": {"status": str, "execution": str, "tools": list},
    "additional_tools": {"role": str, "tools": list},
}
_OPTIONAL: Final = ("id", "status")
"""Members that are text in every item that has them."""
_MAYBE_TEXT: Final = (str, NoneType)
_PHASES: Final = frozenset({"commentary", "final_answer"})
_REASONING: Final = {
    "summary": frozenset({"summary_text"}),
    "content": frozenset({"reasoning_text", "text"}),
}
_TEXTUAL: Final = TEXT_PARTS | _REASONING["summary"] | _REASONING["content"]
_KINDS: Final = {str: "text", list: "a list", dict: "an object", _ANY: "there"}


def find_misshape(item: Mapping[str, Any]) -> str | None:
    """Return why an item must not be written, or None."""
    if is_whole_record(item):
        return "this is a whole record (it has `timestamp` and `payload`); expected the item alone"
    kind = item.get("type")
    if not isinstance(kind, str):
        return f"expected a `type` that is text, found {_named(kind)}"
    if kind not in KNOWN_ITEMS:
        return f"{kind[:40]!r} is no item type of the model's history"
    for member, wanted in _REQUIRED.get(kind, {}).items():
        if member not in item or not isinstance(item[member], wanted):
            return f"{kind}: expected `{member}` to be {_KINDS[wanted]}, found {_named(item.get(member))}"
    for member in _OPTIONAL:
        if not isinstance(item.get(member), _MAYBE_TEXT):
            return f"{kind}: expected `{member}` to be text, found {_named(item[member])}"
    if kind == MESSAGE:
        return _check_message(item)
    if kind in OUTPUT_ITEMS:
        return _check_output(kind, item.get("output"))
    if kind == "reasoning":
        return _check_reasoning(item)
    return None


def is_whole_record(item: Mapping[str, Any]) -> bool:
    """Tell whether somebody gave a line of a log for an item."""
    return "timestamp" in item and "payload" in item


def _check_message(item: Mapping[str, Any]) -> str | None:
    role, phase = item.get("role"), item.get("phase")
    if not isinstance(role, str) or role not in HISTORY_ROLES:
        return f"message: expected a `role` among {', '.join(sorted(HISTORY_ROLES))}, found {_named(role)}"
    if phase is not None and not (isinstance(phase, str) and phase in _PHASES):
        return f"message: expected a `phase` among {', '.join(sorted(_PHASES))}, found {_named(phase)}"
    return _check_parts(MESSAGE, "content", item.get("content"), MESSAGE_PARTS)


def _check_output(kind: str, output: object) -> str | None:
    return None if isinstance(output, str) else _check_parts(kind, "output", output, OUTPUT_PARTS)


def _check_reasoning(item: Mapping[str, Any]) -> str | None:
    for member, types in _REASONING.items():
        parts = item.get(member)
        problem = _check_parts("reasoning", member, parts, types) if parts is not None else None
        if problem is not None:
            return problem
    return None


def _check_parts(kind: str, member: str, parts: object, types: frozenset[str]) -> str | None:
    if not isinstance(parts, list):
        wanted = "text or a list of parts" if kind in OUTPUT_ITEMS else "a list of parts"
        return f"{kind}: expected `{member}` to be {wanted}, found {_named(parts)}"
    for part in parts:
        type_ = part.get("type") if isinstance(part, dict) else None
        if not isinstance(type_, str) or type_ not in types:
            return f"{kind}: expected parts of `{member}` of a known `type`, found {_named(type_ or part)}"
        problem = _check_part(type_, part)
        if problem is not None:
            return f"{kind}: {problem}"
    return None


def _check_part(type_: str, part: Mapping[str, Any]) -> str | None:
    text = part.get("text")
    if type_ in _TEXTUAL:
        return (
            None if isinstance(text, str) else f"expected `text` of {type_} to be text, found {_named(text)}"
        )
    if not isinstance(text, _MAYBE_TEXT):
        return f"expected `text` of {type_} to be text or absent, found {_named(text)}"
    if type_ == "input_image":
        found = part.get("image_url", part.get("file_id"))
        if not isinstance(found, str):
            return f"expected `image_url` or `file_id` of {type_} to be text, found {_named(found)}"
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
