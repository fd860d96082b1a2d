"""Items of the model conversation: which are well-formed, which are history, which begin a turn.

Pure functions over a payload's probe. Format: docs/format.md, "Items" and "Turn boundaries".
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from msgspec import Raw, Struct

from rollout.format.decoding import decode_json
from rollout.format.record import Part, Probe, Reason
from rollout.format.vocabulary import (
    AGENT_MESSAGE,
    GHOST_SNAPSHOT,
    HISTORY_ITEMS,
    HISTORY_ROLES,
    MESSAGE,
    MESSAGE_PARTS,
    OUTPUT_ITEMS,
    OUTPUT_PARTS,
    TEXT_PARTS,
)


class Problem(Struct, frozen=True):
    """Why a payload is not what its type says."""

    reason: Reason
    detail: str


class _OldAgentText(Struct, frozen=True):
    """The JSON that an old agent message carried as its text."""

    author: str
    recipient: str
    content: Raw


def check_item(probe: Probe) -> Problem | None:
    """Return why an item's shape keeps its line from being a record, or None."""
    kind = probe.type
    if kind == MESSAGE:
        return _check_message(probe)
    if kind in OUTPUT_ITEMS:
        return _check_output(probe)
    if kind == GHOST_SNAPSHOT:
        return Problem(Reason.OBSOLETE, "a ghost snapshot of 2025, dropped on reading")
    if kind is None:
        return Problem(Reason.BAD_PAYLOAD, "expected an item with a `type`, found none")
    return None


def _check_message(probe: Probe) -> Problem | None:
    if probe.role is None:
        return Problem(Reason.BAD_PAYLOAD, "message: expected a `role`, found none")
    if probe.content is None:
        return Problem(Reason.BAD_PAYLOAD, "message: expected `content` to be a list of parts")
    for part in probe.content:
        if part.type not in MESSAGE_PARTS:
            return Problem(Reason.BAD_PAYLOAD, f"message: content part of unknown type {part.type[:40]!r}")
        if part.text is None and part.type in TEXT_PARTS:
            return Problem(Reason.BAD_PAYLOAD, f"message: {part.type} without `text`")
    return None


def _check_output(probe: Probe) -> Problem | None:
    output = bytes(memoryview(probe.output)[:1])
    if output == b'"':
        return None
    if output == b"{":
        return Problem(Reason.OBSOLETE, "an output of early 2025, an object with content and success")
    parts = decode_json(probe.output, list[Part]) if output == b"[" else None
    if parts is None:
        return Problem(Reason.BAD_PAYLOAD, f"{probe.type}: expected `output` to be text or a list of parts")
    for part in parts:
        if part.type not in OUTPUT_PARTS:
            return Problem(
                Reason.BAD_PAYLOAD, f"{probe.type}: output part of unknown type {part.type[:40]!r}"
            )
    return None


def is_history(probe: Probe) -> bool:
    """Tell whether an item of this shape is part of the model history."""
    if probe.type == MESSAGE:
        return probe.role in HISTORY_ROLES
    return probe.type in HISTORY_ITEMS


def is_boundary(probe: Probe) -> bool:
    """Tell whether an item begins a user turn in the model history."""
    kind = probe.type
    if kind != MESSAGE:
        return kind == AGENT_MESSAGE
    role = probe.role
    if role == "user":
        return not is_contextual_user(probe)
    return role == "assistant" and _is_old_agent_message(probe)


def is_contextual_user(probe: Probe) -> bool:
    """Tell whether a user message holds context that the client inserted, not a request."""
    if probe.type != MESSAGE or probe.role != "user":
        return False
    return any(part.text is not None and is_contextual_text(part.text) for part in probe.content or ())


def is_contextual_developer(probe: Probe) -> bool:
    """Tell whether a developer message is made of context blocks."""
    if probe.type != MESSAGE or probe.role != "developer":
        return False
    return any(part.text is not None and is_developer_context(part.text) for part in parts_of(probe))


def parts_of(probe: Probe) -> list[Part]:
    """Return the content parts of a message; none when it has no list of them."""
    return probe.content or []


def _is_old_agent_message(probe: Probe) -> bool:
    parts = probe.content
    if parts is None or len(parts) != 1 or parts[0].text is None:
        return False
    text = parts[0].text
    return text.lstrip()[:1] == "{" and decode_json(text.encode(), _OldAgentText) is not None


_TAGS: Final = (
    "environment_context",
    "user_shell_command",
    "turn_aborted",
    "skill",
    "subagent_notification",
    "goal_context",
    "recommended_plugins",
)
_PROCESS_LIMIT: Final = "Warning: The maximum number of unified exec processes you can keep open is"

_DEVELOPER_BLOCKS: Final = (
    "<permissions instructions>",
    "Approved command prefix saved:",
    "<model_switch>",
    "<persistent_mode>",
    "<apps_instructions>",
    "<collaboration_mode>",
    "<multi_agent_role>",
    "<multi_agent_mode>",
    "<environments_instructions>",
    "<git_attribution>",
    "<realtime_conversation>",
    "<tools>",
    "<personality_spec>",
    "<token_budget>",
    "<context_window_guidance>",
)
_BLOCKS_FOLDED: Final = tuple(block.lower() for block in _DEVELOPER_BLOCKS)


@cache
def _tagged_forms() -> tuple[re.Pattern[str], ...]:
    """Return the forms that begin with a tag: few texts do, and they take 2 ms to compile."""
    return (
        re.compile("|".join(rf"<{tag}>.*</{tag}>" for tag in _TAGS), re.DOTALL | re.IGNORECASE | re.ASCII),
        re.compile(r'<hook_prompt hook_run_id="[^"]+">.*</hook_prompt>', re.DOTALL),
        re.compile(
            r'<codex_internal_context source="[A-Za-z0-9_\-]+">.*</codex_internal_context>', re.DOTALL
        ),
        re.compile(r"<external_([^\s<>]*)>.*</external_\1>", re.DOTALL),
    )


@cache
def _instructions_form() -> re.Pattern[str]:
    return re.compile(r"# AGENTS\.md instructions.*</INSTRUCTIONS>", re.DOTALL | re.IGNORECASE)


def is_contextual_text(text: str) -> bool:
    """Tell whether a user message's text has one of the forms the client inserts as context."""
    body = text.strip()
    first = body[:1]
    if first == "<":
        return any(form.fullmatch(body) for form in _tagged_forms())
    if first == "#":
        return _instructions_form().fullmatch(body) is not None
    return body.startswith(_PROCESS_LIMIT)


def is_developer_context(text: str) -> bool:
    """Tell whether a developer message's text begins one of the client's context blocks."""
    return text.lstrip()[:40].lower().startswith(_BLOCKS_FOLDED)
