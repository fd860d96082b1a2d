"""What an item must have to be written: as the reference client insisted when it was asked."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.format.item_shapes import find_misshape
from rollout.format.vocabulary import HISTORY_ITEMS

PART = {"type": "input_text", "text": "x"}
WHOLE: dict[str, dict[str, Any]] = {
    "message": {"role": "user", "content": [PART]},
    "function_call": {"name": "f", "arguments": "{}", "call_id": "c"},
    "function_call_output": {"call_id": "c", "output": "x"},
    "custom_tool_call": {"name": "f", "input": "", "call_id": "c"},
    "custom_tool_call_output": {"call_id": "c", "output": [PART]},
    "reasoning": {"summary": [{"type": "summary_text", "text": "x"}]},
    "local_shell_call": {"status": "completed", "action": {"type": "exec", "command": ["ls"]}},
    "agent_message": {"author": "a", "recipient": "b", "content": [PART]},
    "image_generation_call": {"status": "completed", "result": "AA"},
    "compaction": {"encrypted_content": "x"},
    "compaction_summary": {"encrypted_content": "x"},
    "tool_search_call": {"execution": "client", "arguments": {}},
    "tool_search_output": {"status": "completed", "execution": "client", "tools": []},
    "additional_tools": {"role": "developer", "tools": []},
    "web_search_call": {},
    "context_compaction": {},
    "configuration_update": {},
}
MISSING = [(kind, member) for kind, members in WHOLE.items() for member in members]
VALUES: list[Any] = [None, 5, True, 1.5, "?", [], [5], [[]], [{}], [{"type": 5}], {}, {"type": []}]


def test_every_type_of_the_history_is_covered() -> None:
    """A type that is added is asked about."""
    assert set(WHOLE) == HISTORY_ITEMS | {"message"}


@pytest.mark.parametrize("kind", WHOLE)
def test_an_item_with_all_it_needs_is_written(kind: str) -> None:
    """Members that nobody knows are no reason against it."""
    assert find_misshape({"type": kind, **WHOLE[kind], "id": "i", "unknown": [1]}) is None


@pytest.mark.parametrize(("kind", "member"), MISSING)
def test_an_item_that_lacks_a_member_is_not(kind: str, member: str) -> None:
    """The message names both."""
    members = {key: value for key, value in WHOLE[kind].items() if key != member}
    problem = find_misshape({"type": kind, **members}) or ""
    assert problem.startswith(f"{kind}: expected ")
    assert f"`{member}`" in problem


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(("kind", "member"), [*MISSING, ("message", "phase"), ("message", "id")])
def test_no_value_brings_the_judge_down(kind: str, member: str, value: Any) -> None:
    """Whatever stands there, the answer is a reason or none."""
    problem = find_misshape({"type": kind, **WHOLE[kind], member: value})
    assert problem is None or problem.startswith(f"{kind}: expected ")


@pytest.mark.parametrize("kind", [None, 5, [], "response_item", "mesage"])
def test_what_is_no_item_is_told_apart(kind: Any) -> None:
    """By its type."""
    assert "type" in (find_misshape({"type": kind, "content": []}) or "")


@pytest.mark.parametrize("phase", ["commentary", "final_answer", None])
def test_phases_are_a_closed_set(phase: str | None) -> None:
    """An unknown one costs the line."""
    assert find_misshape({"type": "message", **WHOLE["message"], "phase": phase}) is None
    assert find_misshape({"type": "message", **WHOLE["message"], "phase": "later"}) is not None


@pytest.mark.parametrize(
    ("part", "is_fine"),
    [
        ({"type": "input_image", "image_url": "data:,"}, True),
        ({"type": "input_image", "file_id": "f"}, True),
        ({"type": "input_image"}, False),
        ({"type": "input_audio", "audio_url": "data:,"}, True),
        ({"type": "output_text", "text": ""}, True),
        ({"type": "output_text", "text": None}, False),
        ({"type": "refusal", "refusal": "no"}, False),
    ],
)
def test_parts_are_judged_by_their_type(part: dict[str, Any], is_fine: bool) -> None:
    """Text is text, and an image is somewhere."""
    problem = find_misshape({"type": "message", "role": "user", "content": [part]})
    assert (problem is None) is is_fine


@pytest.mark.parametrize("type_", ["input_image", "input_audio"])
@pytest.mark.parametrize(("kind", "member"), [("message", "content"), ("function_call_output", "output")])
def test_a_part_s_text_is_text_wherever_it_stands(kind: str, member: str, type_: str) -> None:
    """A reader of ours takes a list with another one for no list of parts."""
    part = {"type": type_, "image_url": "data:x", "text": 5}
    problem = find_misshape({"type": kind, **WHOLE[kind], member: [part]})
    assert problem == f"{kind}: expected `text` of {type_} to be text or absent, found a number"
