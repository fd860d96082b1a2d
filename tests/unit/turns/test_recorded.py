"""What an item of the model's history shows to people."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from rollout.turns.recorded import ItemEcho, text_message


def echo_of() -> ItemEcho:
    """Return an echo whose ids count up."""
    numbers = count(1)
    return ItemEcho(lambda: f"id-{next(numbers)}")


def test_a_user_s_message_shows_its_parts() -> None:
    """Text as text, an image as an image; under an id of its own."""
    parts = [{"type": "input_text", "text": "Look:"}, {"type": "input_image", "image_url": "data:x"}]
    shown = echo_of().echo({"type": "message", "role": "user", "id": "ignored", "content": parts})
    assert shown == {
        "type": "UserMessage",
        "id": "id-1",
        "content": [
            {"type": "text", "text": "Look:", "text_elements": []},
            {"type": "image", "image_url": "data:x"},
        ],
    }


def test_an_agent_s_message_keeps_its_id_and_phase() -> None:
    """Or gets an id; a phase it does not have is not made up."""
    said = text_message("assistant", "Done.")
    content = [{"type": "Text", "text": "Done."}]
    kept = echo_of().echo({**said, "id": "m1", "phase": "final_answer"})
    assert kept == {"type": "AgentMessage", "id": "m1", "content": content, "phase": "final_answer"}
    assert echo_of().echo(said) == {"type": "AgentMessage", "id": "id-1", "content": content}


@pytest.mark.parametrize("role", ["developer", "system"])
def test_other_roles_show_nothing(role: str) -> None:
    """They speak to the model alone."""
    assert echo_of().echo(text_message(role, "Be brief.")) is None


def test_reasoning_shows_its_summary_and_its_text() -> None:
    """Parts of other shapes are passed over."""
    item = {
        "type": "reasoning",
        "id": "r1",
        "summary": [{"type": "summary_text", "text": "Hm."}, "text", {"text": None}, 5],
        "content": "text",
    }
    shown = {"type": "Reasoning", "id": "r1", "summary_text": ["Hm."], "raw_content": []}
    assert echo_of().echo(item) == shown


@pytest.mark.parametrize(("kind", "member"), [("function_call", "arguments"), ("custom_tool_call", "input")])
def test_an_answer_shows_the_call_it_answers(kind: str, member: str) -> None:
    """Under the call's id; the call alone shows nothing yet."""
    echo = echo_of()
    assert echo.echo({"type": kind, "name": "look", "call_id": "c1", member: "{}"}) is None
    shown = echo.echo({"type": f"{kind}_output", "call_id": "c1", "output": "seen"})
    assert shown == {
        "type": "DynamicToolCall",
        "id": "c1",
        "tool": "look",
        "arguments": "{}",
        "status": "completed",
        "content_items": [{"type": "inputText", "text": "seen"}],
        "success": True,
    }


@pytest.mark.parametrize("call_id", ["c2", None, 5, ["c1"]])
def test_an_answer_to_no_call_shows_nothing(call_id: Any) -> None:
    """It is for the model alone."""
    echo = echo_of()
    echo.echo({"type": "function_call", "name": "look", "call_id": "c1", "arguments": "{}"})
    assert echo.echo({"type": "function_call_output", "call_id": call_id, "output": "seen"}) is None


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": 5}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text"}], "phase": 5, "id": 5},
        {"type": "message", "role": "user"},
        {"type": "reasoning", "summary": 5, "content": {"text": "x"}},
        {"type": "function_call", "call_id": ["c"]},
        {"type": "function_call_output", "call_id": "c", "output": None},
        {"type": "web_search_call"},
    ],
)
def test_odd_members_are_no_obstacle(item: dict[str, Any]) -> None:
    """What is shown is text wherever text belongs."""
    echo = echo_of()
    echo.echo({"type": "function_call", "name": 5, "call_id": "c"})
    shown = echo.echo(item)
    for part in (shown or {}).get("content", []):
        assert isinstance(part["text"], str)


@pytest.mark.parametrize("others", [[], ["Why?"]])
def test_context_that_a_client_inserted_is_not_shown_as_said(others: list[str]) -> None:
    """One such part makes the whole message one: nobody said it."""
    texts = ["<environment_context>\n<cwd>/src</cwd>\n</environment_context>", *others]
    parts = [{"type": "input_text", "text": text} for text in texts]
    assert echo_of().echo({"type": "message", "role": "user", "content": parts}) is None
