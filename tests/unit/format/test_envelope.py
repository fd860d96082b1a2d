"""The envelope: which members a line must have, and of which types."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.format import vocabulary
from rollout.format.record import MAX_COUNT, Reason
from tests.unit.made_lines import TIME, compact, event, line, record_of, rejected_of

WARNING = {"type": "warning", "message": "low on space"}


def test_a_line_is_a_record() -> None:
    """The members of the envelope and of the probe are read off the line."""
    record = record_of(line("event_msg", WARNING, ordinal=7, metadata={"a": 1}))
    assert (record.type, record.kind, record.ordinal) == ("event_msg", "warning", 7)
    assert record.envelope.timestamp == TIME


def test_the_line_keeps_its_bytes() -> None:
    """A record holds its line as stored, without the newline."""
    stored = line("event_msg", WARNING)
    assert record_of(stored).line == stored[:-1]


@pytest.mark.parametrize("missing", ["timestamp", "type", "payload"])
def test_a_missing_member_rejects(missing: str) -> None:
    """Time, type and payload are required."""
    members = {"timestamp": TIME, "type": "event_msg", "payload": WARNING}
    del members[missing]
    rejected = rejected_of(compact(members) + b"\n")
    assert rejected.reason is Reason.BAD_ENVELOPE
    assert missing in rejected.detail


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("timestamp", 5),
        ("timestamp", None),
        ("ordinal", -1),
        ("ordinal", 1.0),
        ("ordinal", "1"),
        ("ordinal", True),
        ("ordinal", 2**64),
        ("metadata", []),
        ("metadata", "x"),
        ("metadata", 5),
    ],
)
def test_a_member_of_the_wrong_type_rejects(member: str, value: Any) -> None:
    """A wrong type anywhere in the envelope rejects the whole line, and it is damage."""
    rejected = rejected_of(line("event_msg", WARNING, **{member: value}))
    assert rejected.reason is Reason.BAD_ENVELOPE
    assert rejected.is_damage


@pytest.mark.parametrize("type_", [5, None, ["event_msg"]])
def test_a_type_that_is_no_text_rejects(type_: Any) -> None:
    """The record type is text."""
    stored = compact({"timestamp": TIME, "type": type_, "payload": WARNING}) + b"\n"
    assert rejected_of(stored).reason is Reason.BAD_ENVELOPE


@pytest.mark.parametrize("content", [b"[]\n", b"5\n", b'"text"\n', b"null\n"])
def test_json_that_is_no_object_rejects(content: bytes) -> None:
    """A line is an object."""
    assert rejected_of(content).reason is Reason.BAD_ENVELOPE


@pytest.mark.parametrize("timestamp", ["", "yesterday", "2026-11-21"])
def test_the_content_of_the_timestamp_is_not_checked(timestamp: str) -> None:
    """Any text will do as a time when reading."""
    assert record_of(line("event_msg", WARNING, timestamp=timestamp)).envelope.timestamp == timestamp


@pytest.mark.parametrize("member", ["ordinal", "metadata"])
def test_null_reads_as_absent(member: str) -> None:
    """An ordinal or metadata of null says nothing."""
    envelope = record_of(line("event_msg", WARNING, **{member: None})).envelope
    assert getattr(envelope, member) is None


@pytest.mark.parametrize("ordinal", [0, 1, MAX_COUNT])
def test_an_ordinal_is_any_count(ordinal: int) -> None:
    """Ordinals run from 0 to the largest number that a position can hold."""
    assert record_of(line("event_msg", WARNING, ordinal=ordinal)).ordinal == ordinal


def test_metadata_is_kept_verbatim() -> None:
    """Metadata is carried, not interpreted."""
    record = record_of(line("event_msg", WARNING, metadata={"history_sequence": 4}))
    assert record.envelope.metadata is not None
    assert b'"metadata":{"history_sequence":4}' in record.line


def test_unknown_members_are_ignored() -> None:
    """A newer client may add members to the envelope."""
    assert record_of(line("event_msg", WARNING, seal="x", extra=[1, {"a": None}])).kind == "warning"


def test_the_order_of_members_is_free() -> None:
    """The payload may stand before the type."""
    stored = compact({"payload": WARNING, "ordinal": 3, "type": "event_msg", "timestamp": TIME})
    assert record_of(stored + b"\n").ordinal == 3


def test_of_a_member_given_twice_the_last_counts() -> None:
    """The reference client takes the later of two members of one name."""
    stored = event("warning", message="m").replace(b'"type":"warning"', b'"type":"nope","type":"warning"')
    assert record_of(stored).kind == "warning"


def test_white_space_between_members_is_fine() -> None:
    """JSON with spaces and tabs reads the same."""
    assert record_of(b' { "timestamp" : "t",\t"type":"event_msg","payload":{"type":"warning"} } \n').kind


def test_escapes_in_member_names_and_values_are_read() -> None:
    """A spelling with escapes is the same text."""
    stored = b'{"time\\u0073tamp":"t","type":"\\u0065vent_msg","payload":{"type":"w\\u0061rning"}}\n'
    record = record_of(stored)
    assert (record.type, record.kind) == ("event_msg", "warning")


def test_no_word_names_an_event_and_a_record_type() -> None:
    """So a label says which of the two it is."""
    record_types = {
        vocabulary.SESSION_META,
        vocabulary.RESPONSE_ITEM,
        vocabulary.TURN_CONTEXT,
        vocabulary.COMPACTED,
        vocabulary.EVENT_MSG,
        vocabulary.AGENT_COMMUNICATION,
        vocabulary.WORLD_STATE,
        vocabulary.TOKEN_USAGE,
        *vocabulary.CARRIED_TYPES,
    }
    assert not record_types & vocabulary.EVENTS
