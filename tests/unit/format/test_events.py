"""Events and the other record types: which payloads are records."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.format import vocabulary
from rollout.format.record import Reason
from tests.unit.made_lines import event, line, record_of, rejected_of

NEEDED: dict[str, dict[str, Any]] = {
    "task_started": {"turn_id": "t"},
    "turn_started": {"turn_id": "t"},
    "task_complete": {"turn_id": "t"},
    "turn_complete": {"turn_id": "t"},
    "thread_rolled_back": {"num_turns": 1},
    "user_message": {"message": "hi"},
    "agent_message": {"message": "hi"},
    "agent_reasoning": {"text": "hm"},
    "agent_reasoning_raw_content": {"text": "hm"},
    "item_completed": {"turn_id": "t", "item": {"type": "Plan", "id": "p"}},
}
TYPES: dict[str, dict[str, Any]] = {
    "world_state": {"full": True, "state": {}},
    "inter_agent_communication": {"author": "a", "recipient": "b", "content": "c"},
}


@pytest.mark.parametrize("kind", sorted(vocabulary.EVENTS))
def test_every_known_event_is_a_record(kind: str) -> None:
    """With the members it needs, and any others."""
    assert record_of(event(kind, **NEEDED.get(kind, {}), brand_new=[1])).kind == kind


@pytest.mark.parametrize("kind", ["brand_new", "", "Task_Started", "session_meta"])
def test_an_unknown_event_is_skipped_without_damage(kind: str) -> None:
    """A newer client's event."""
    assert rejected_of(event(kind)).reason is Reason.UNKNOWN_TYPE


@pytest.mark.parametrize("payload", [{}, {"type": None}, {"type": 5}, [], "task_started", None])
def test_an_event_without_a_type_rejects(payload: Any) -> None:
    """An event is an object with a type of text."""
    assert rejected_of(line("event_msg", payload)).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize(
    ("kind", "member"), [(kind, member) for kind, members in NEEDED.items() for member in members]
)
@pytest.mark.parametrize("value", [..., None, []])
def test_an_event_needs_its_members(kind: str, member: str, value: Any) -> None:
    """Missing, null or of another type, the line is no record."""
    members = {**NEEDED[kind], member: value}
    stored = event(kind, **{key: kept for key, kept in members.items() if kept is not ...})
    assert rejected_of(stored).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("turn_id", [..., None, "t"])
def test_an_abort_may_come_without_an_id(turn_id: Any) -> None:
    """Files of 2025 carry none."""
    members = {} if turn_id is ... else {"turn_id": turn_id}
    assert record_of(event("turn_aborted", reason="interrupted", **members))


def test_an_abort_with_an_id_that_is_no_text_rejects() -> None:
    """The member is known to this event."""
    assert rejected_of(event("turn_aborted", turn_id=5)).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("count", [0, 1, 0xFFFFFFFF])
def test_a_rollback_takes_back_a_count_of_turns(count: int) -> None:
    """Zero is a count."""
    assert record_of(event("thread_rolled_back", num_turns=count))


@pytest.mark.parametrize("count", [-1, 1.5, "1", 1 << 32])
def test_a_rollback_of_anything_else_rejects(count: Any) -> None:
    """It would take back nobody knows what."""
    assert rejected_of(event("thread_rolled_back", num_turns=count)).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("odd", [{"role": 5}, {"turn_id": 5}, {"content": 5}, {"item": 5}])
def test_a_member_that_the_event_does_not_have_may_be_of_any_type(odd: dict[str, Any]) -> None:
    """Unknown members are ignored, as the reference client does."""
    assert record_of(event("agent_message", message="hi", **odd)).kind == "agent_message"


@pytest.mark.parametrize("item", [5, "Plan", [], None])
def test_a_completed_item_is_an_object(item: Any) -> None:
    """Anything else cannot be shown."""
    assert rejected_of(event("item_completed", turn_id="t", item=item)).reason is Reason.BAD_PAYLOAD


@pytest.mark.parametrize("type_", sorted(vocabulary.CARRIED_TYPES))
def test_types_without_effect_are_records(type_: str) -> None:
    """They take an ordinal and are carried verbatim."""
    stored = line(type_, {"trigger_turn": False, "brand_new": 1}, ordinal=3)
    record = record_of(stored)
    assert (record.ordinal, record.line) == (3, stored[:-1])


@pytest.mark.parametrize("type_", list(TYPES))
def test_other_types_are_records(type_: str) -> None:
    """With the members they need, and any others."""
    assert record_of(line(type_, {**TYPES[type_], "brand_new": 1})).type == type_


@pytest.mark.parametrize(
    ("type_", "member"), [(type_, member) for type_, members in TYPES.items() for member in members]
)
@pytest.mark.parametrize("value", [..., None, 5])
def test_other_types_need_their_members(type_: str, member: str, value: Any) -> None:
    """Missing or of another type, the line is no record."""
    members = {**TYPES[type_], member: value}
    stored = line(type_, {key: kept for key, kept in members.items() if kept is not ...})
    assert rejected_of(stored).reason is Reason.BAD_PAYLOAD


def test_a_usage_record_is_a_record() -> None:
    """One per answer of the model."""
    assert record_of(line("token_usage_record", {"thread_token_usage": {"total_tokens": 5}}))


@pytest.mark.parametrize("payload", [5, None, [], "text"])
def test_a_usage_record_is_an_object(payload: Any) -> None:
    """Anything else holds no total to go on from."""
    assert rejected_of(line("token_usage_record", payload)).reason is Reason.BAD_PAYLOAD
