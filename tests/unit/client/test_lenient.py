"""Answers of a later release: each thing that is unknown is kept in its own way."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from rollout.client.answers import Kept
from rollout.client.lenient import decode_answer
from rollout.turns import items, parts, tool_parts
from rollout.turns.model import Turn, TurnStatus
from rollout.turns.unknown import UnknownItem, UnknownPart

TURN: dict[str, Any] = {
    "id": "t1",
    "rootTurnId": None,
    "itemsView": "full",
    "status": "completed",
    "error": None,
    "startedAt": None,
    "completedAt": None,
    "durationMs": None,
    "items": [],
}


def read_item(item: dict[str, Any]) -> Any:
    """Return an item of a turn as a client reads it."""
    return decode_answer(json.dumps({**TURN, "items": [item]}).encode(), Turn).items[0]


def test_a_word_that_no_enum_has_is_a_member_without_a_place() -> None:
    """It equals the word and no known member, is shown and sent as the word, and copied as it is."""
    turn = decode_answer(json.dumps({**TURN, "status": "paused"}).encode(), Turn)
    assert isinstance(turn.status, TurnStatus)
    assert (turn.status, turn.status.value, f"{turn.status}") == ("paused", "paused", "paused")
    assert turn.status not in list(TurnStatus)
    assert json.loads(msgspec.json.encode(turn))["status"] == "paused"
    assert copy.deepcopy(turn) == turn


def test_a_part_of_an_unknown_kind_is_kept_beside_the_others() -> None:
    """What the user said is still read."""
    hologram = {"type": "hologram", "depth": 3}
    content = [{"type": "text", "text": "Look:", "text_elements": []}, hologram]
    found = read_item({"type": "userMessage", "id": "i1", "content": content})
    assert isinstance(found, items.UserMessage)
    text, other = found.content
    assert text == parts.TextInput("Look:")
    assert isinstance(other, UnknownPart)
    assert (other.kind, json.loads(bytes(other.members))) == ("hologram", hologram)


def test_members_that_are_carried_verbatim_are_the_same_bytes() -> None:
    """Also where something beside them is unknown."""
    arguments = '{"a" :  1.0}'
    item = (
        f'{{"type":"mcpToolCall","id":"i","server":"s","tool":"t","status":"queued","arguments":{arguments}}}'
    )
    line = json.dumps({**TURN, "items": ["@"]}).replace('"@"', item)
    found = decode_answer(line.encode(), Turn).items[0]
    assert isinstance(found, items.McpToolCall)
    assert (found.status, bytes(found.arguments)) == ("queued", arguments.encode())


def test_text_where_a_literal_is_unknown_is_text() -> None:
    """The kinds of turns that cannot be steered may become more."""
    cause = {"activeTurnNotSteerable": {"turnKind": "dream"}}
    error = {"message": "no", "codexErrorInfo": cause, "additionalDetails": "more", "misalignment": None}
    turn = decode_answer(json.dumps({**TURN, "error": error}).encode(), Turn)
    assert turn.error is not None
    found = msgspec.to_builtins(turn.error.codex_error_info)
    assert found == cause
    assert turn.error.additional_details is None


@pytest.mark.parametrize(
    "item",
    [
        {"type": "hologram"},
        {"type": "", "id": "i"},
        {"id": "i"},
        {"type": 7, "id": "i"},
        {"type": "plan", "id": "i"},
        {"type": "plan", "id": "i", "text": {"en": "Go."}},
        {"type": "imageGeneration", "id": "i", "status": "failed", "failure": {"type": "tired"}},
    ],
)
def test_an_item_that_cannot_be_read_is_kept_whole(item: dict[str, Any]) -> None:
    """Of an unknown kind or of none, with members that are gone or became something else."""
    found = read_item(item)
    assert isinstance(found, UnknownItem)
    assert json.loads(bytes(found.members)) == item
    assert items.item_type(found) == (item["type"] if isinstance(item.get("type"), str) else "")


def test_every_union_of_parts_has_a_place_for_unknown_ones() -> None:
    """Or an item would be unknown for one part of it."""
    unions = (parts.UserInput, tool_parts.CommandAction, tool_parts.ToolContent)
    for union in (*unions, tool_parts.OutputPart, tool_parts.WebAction):
        assert UnknownPart in union.__args__


@pytest.mark.parametrize(("change", "place"), [({"sizeBytes": "many"}, r"\$\.sizeBytes"), ({}, "sizeBytes")])
def test_what_is_needed_and_not_there_stays_an_error(change: dict[str, Any], place: str) -> None:
    """With the place where it is missed."""
    kept = {"rolloutId": "r", "path": "/p", "isInLog": True, "endOffset": 1, "items": 1, "contextBytes": 1}
    with pytest.raises(msgspec.ValidationError, match=place):
        decode_answer(Raw(json.dumps({**kept, **change}).encode()), Kept)
