"""Turn boundaries: what begins a user turn, and which user texts are only context."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rollout.format.items import (
    is_boundary,
    is_contextual_developer,
    is_contextual_text,
    is_contextual_user,
)
from rollout.format.record import Probe
from tests.unit.made_lines import item, message, record_of

PROCESS_LIMIT = "Warning: The maximum number of unified exec processes you can keep open is"
TAGS = [
    "environment_context",
    "user_shell_command",
    "turn_aborted",
    "skill",
    "subagent_notification",
    "goal_context",
    "recommended_plugins",
]
CONTEXTUAL = [
    *(f"<{tag}>\n  x\n</{tag}>" for tag in TAGS),
    "<Environment_Context></ENVIRONMENT_CONTEXT>",
    "  \n<skill>x</skill>\n ",
    "# AGENTS.md instructions for /src\n\n<INSTRUCTIONS>\nx\n</INSTRUCTIONS>",
    "# agents.md INSTRUCTIONS</instructions>",
    '<hook_prompt hook_run_id="r1">x</hook_prompt>',
    '<codex_internal_context source="memory_2">x</codex_internal_context>',
    "<external_NAME>x</external_NAME>",
    "<external_>x</external_>",
    f"{PROCESS_LIMIT} 60 and you have 61",
]
ORDINARY = [
    "",
    "hello",
    "<environment_context>x",
    "<environment_context>x</skill>",
    "<skill>x</skill> and more",
    "say <skill>x</skill>",
    '<skill name="a">x</skill>',
    "# AGENTS.md instructions without an end",
    "## AGENTS.md instructions</INSTRUCTIONS>",
    "<hook_prompt>x</hook_prompt>",
    '<hook_prompt hook_run_id="">x</hook_prompt>',
    '<HOOK_PROMPT hook_run_id="r1">x</HOOK_PROMPT>',
    "<codex_internal_context>x</codex_internal_context>",
    '<codex_internal_context source="">x</codex_internal_context>',
    '<codex_internal_context source="two words">x</codex_internal_context>',
    "<external_A>x</external_B>",
    "<external_A b='c'>x</external_A>",
    "<EXTERNAL_A>x</EXTERNAL_A>",
    "<user_instructions>x</user_instructions>",
    "<model_switch>x</model_switch>",
    "<permissions instructions>x</permissions instructions>",
    "Another summary of the work so far",
]


def probe(stored: bytes) -> Probe:
    """Return the probe of one item line."""
    return record_of(stored).envelope.payload


@pytest.mark.parametrize("text", CONTEXTUAL)
def test_text_that_the_client_inserts_is_context(text: str) -> None:
    """Exactly these forms, white space around them aside."""
    assert is_contextual_text(text)
    assert not is_boundary(probe(message("user", text)))


@pytest.mark.parametrize("text", ORDINARY)
def test_text_of_any_other_form_is_a_request(text: str) -> None:
    """A missing or different closing tag, text around it or a stray attribute make it ordinary."""
    assert not is_contextual_text(text)
    assert is_boundary(probe(message("user", text)))


def test_one_contextual_part_makes_the_message_contextual() -> None:
    """A request never shares its message with inserted context."""
    parts = [{"type": "input_text", "text": "hello"}, {"type": "input_text", "text": "<skill>x</skill>"}]
    found = probe(item("message", role="user", content=parts))
    assert is_contextual_user(found)
    assert not is_boundary(found)


def test_a_message_without_text_is_a_boundary() -> None:
    """An image alone is a request."""
    assert is_boundary(probe(item("message", role="user", content=[{"type": "input_image"}])))


@pytest.mark.parametrize("role", ["assistant", "developer", "system"])
def test_messages_of_other_roles_are_no_boundary(role: str) -> None:
    """Only users begin turns."""
    assert not is_boundary(probe(message(role, "hello")))


def test_an_agent_message_is_a_boundary() -> None:
    """What another agent sent begins a turn."""
    assert is_boundary(probe(item("agent_message", author="a", recipient="b", content=[])))


OLD_AGENT = {"author": "a", "recipient": "b", "content": "do it"}


@pytest.mark.parametrize("value", [OLD_AGENT, {**OLD_AGENT, "content": {"x": 1}, "more": 2}])
def test_the_old_shape_of_an_agent_message_is_a_boundary(value: dict[str, Any]) -> None:
    """An assistant message whose only part is that object as text."""
    assert is_boundary(probe(message("assistant", json.dumps(value))))


@pytest.mark.parametrize(
    "value", [{}, {"author": "a", "recipient": "b"}, {**OLD_AGENT, "author": 5}, [OLD_AGENT], "author"]
)
def test_other_objects_in_an_assistant_message_are_no_boundary(value: Any) -> None:
    """All three members are needed."""
    assert not is_boundary(probe(message("assistant", json.dumps(value))))


def test_the_old_shape_beside_another_part_is_no_boundary() -> None:
    """It must be the only part."""
    part = {"type": "output_text", "text": json.dumps(OLD_AGENT)}
    assert not is_boundary(probe(item("message", role="assistant", content=[part, part])))


@pytest.mark.parametrize("kind", ["function_call", "reasoning", "brand_new"])
def test_other_items_are_no_boundary(kind: str) -> None:
    """Calls and thoughts belong to a turn."""
    assert not is_boundary(probe(item(kind)))


@pytest.mark.parametrize("text", ["<permissions instructions>x", " \n<MODEL_SWITCH>", "<token_budget>1"])
def test_developer_context_blocks_are_told_from_instructions(text: str) -> None:
    """A rollback takes such a block back with the turn it introduces."""
    assert is_contextual_developer(probe(message("developer", text)))


@pytest.mark.parametrize("text", ["Be brief.", "permissions instructions", ""])
def test_plain_developer_messages_are_no_context(text: str) -> None:
    """A rollback leaves them."""
    assert not is_contextual_developer(probe(message("developer", text)))


def test_a_user_message_is_no_developer_context() -> None:
    """The block must come in the developer role."""
    assert not is_contextual_developer(probe(message("user", "<permissions instructions>x")))
