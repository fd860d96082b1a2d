"""Response items: which shapes are records, and which items are model history."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.format.items import is_history
from rollout.format.record import Reason
from tests.unit.made_lines import item, line, message, record_of, rejected_of

CALLS = [
    "reasoning",
    "local_shell_call",
    "function_call",
    "tool_search_call",
    "tool_search_output",
    "custom_tool_call",
    "web_search_call",
    "image_generation_call",
    "compaction",
    "context_compaction",
    "additional_tools",
    "configuration_update",
]


@pytest.mark.parametrize("role", ["user", "assistant", "developer"])
def test_messages_of_these_roles_are_history(role: str) -> None:
    """What users, the model and developers said."""
    assert is_history(record_of(message(role, "hi")).envelope.payload)


@pytest.mark.parametrize("role", ["system", "tool", ""])
def test_messages_of_other_roles_are_records_but_not_history(role: str) -> None:
    """A system message takes an ordinal and is not sent again."""
    assert not is_history(record_of(message(role, "hi")).envelope.payload)


@pytest.mark.parametrize("kind", CALLS)
def test_items_other_than_messages_are_history(kind: str) -> None:
    """Whatever they hold."""
    assert is_history(record_of(item(kind, anything=[1])).envelope.payload)


def test_an_agent_message_is_history() -> None:
    """A message between agents."""
    stored = item("agent_message", author="a", recipient="b", content=[{"type": "input_text", "text": "x"}])
    assert is_history(record_of(stored).envelope.payload)


@pytest.mark.parametrize("kind", ["function_call_output", "custom_tool_call_output"])
@pytest.mark.parametrize(
    "output",
    [
        "",
        "done",
        [],
        [{"type": "input_text", "text": "x"}],
        [{"type": "input_image", "image_url": "x"}],
        [{"type": "input_text", "text": "x"}, {"type": "input_image"}],
    ],
)
def test_an_output_is_text_or_parts(kind: str, output: Any) -> None:
    """Tool outputs are history in both shapes."""
    assert is_history(record_of(item(kind, call_id="c", output=output)).envelope.payload)


@pytest.mark.parametrize("kind", ["function_call_output", "custom_tool_call_output"])
@pytest.mark.parametrize("output", [None, 5, True, [5], [{}], [{"type": "nope"}], ["text"]])
def test_an_output_of_another_shape_rejects(kind: str, output: Any) -> None:
    """Neither text nor a list of known parts."""
    assert rejected_of(item(kind, call_id="c", output=output)).reason is Reason.BAD_PAYLOAD


def test_an_output_without_output_rejects() -> None:
    """The member is required."""
    assert rejected_of(item("function_call_output", call_id="c")).reason is Reason.BAD_PAYLOAD


def test_the_output_object_of_early_2025_is_obsolete() -> None:
    """The shape with content and success no longer parses, and is not damage."""
    rejected = rejected_of(item("function_call_output", output={"content": "x", "success": True}))
    assert rejected.reason is Reason.OBSOLETE


def test_a_ghost_snapshot_is_obsolete() -> None:
    """Lines of 2025 that are dropped on reading."""
    rejected = rejected_of(item("ghost_snapshot", ghost_commit={"id": "x"}))
    assert rejected.reason is Reason.OBSOLETE


def test_a_compaction_trigger_is_a_record_but_not_history() -> None:
    """It is stored and never sent."""
    assert not is_history(record_of(item("compaction_trigger")).envelope.payload)


def test_an_item_of_unknown_type_is_a_record_but_not_history() -> None:
    """It takes an ordinal, is carried, and says nothing to replay."""
    stored = item("brand_new", what={"ever": 1})
    record = record_of(stored)
    assert record.line == stored[:-1]
    assert not is_history(record.envelope.payload)


@pytest.mark.parametrize("payload", [5, None, "text", [], {}, {"type": None}, {"type": 5}])
def test_an_item_without_a_type_rejects(payload: Any) -> None:
    """An item is an object with a type of text."""
    assert rejected_of(line("response_item", payload)).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize(
    "content",
    [
        ...,
        None,
        "plain text",
        {"type": "input_text", "text": "x"},
        [5],
        ["text"],
        [{}],
        [{"text": "x"}],
        [{"type": "brand_new", "text": "x"}],
        [{"type": "input_text"}],
        [{"type": "output_text", "text": None}],
        [{"type": "input_text", "text": 5}],
        [{"type": "input_text", "text": "x"}, {"type": "nope"}],
    ],
)
def test_message_content_of_another_shape_rejects(content: Any) -> None:
    """Content is a list of parts of known types."""
    members = {} if content is ... else {"content": content}
    assert rejected_of(item("message", role="user", **members)).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("role", [{}, {"role": None}, {"role": 5}])
def test_a_message_without_a_role_rejects(role: dict[str, Any]) -> None:
    """The role is required, and is text."""
    assert rejected_of(item("message", content=[], **role)).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [{"type": "input_text", "text": ""}],
        [{"type": "output_text", "text": "x", "annotations": []}],
        [{"type": "input_image", "image_url": "data:"}],
        [{"type": "input_audio"}],
    ],
)
def test_known_parts_are_accepted(parts: list[Any]) -> None:
    """Text, images and audio; unknown members of a part are carried."""
    assert is_history(record_of(item("message", role="user", content=parts)).envelope.payload)


@pytest.mark.parametrize("odd", [{"role": 5}, {"turn_id": []}, {"item": 3}, {"output": None}])
def test_a_member_that_the_item_does_not_have_may_be_of_any_type(odd: dict[str, Any]) -> None:
    """Unknown members are ignored, even where another type of item gives them a meaning."""
    assert is_history(record_of(item("reasoning", **odd)).envelope.payload)
