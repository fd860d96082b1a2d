"""The two eras before the envelope: each line unfolded into what the envelope would carry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rollout.format.codec import decode_lines
from rollout.format.decoding import decode_payload, payload_of
from rollout.format.dialects import era_of
from rollout.format.payloads import TaskStarted
from rollout.format.record import Era, Reason, Record
from tests.unit.made_lines import THREAD, TIME, compact, event, header, record_of, rejected_of

SAID = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
BARE_HEADER = {"id": THREAD, "timestamp": TIME, "instructions": None, "git": {"branch": "main"}}


def bare(value: Any) -> bytes:
    """Return a line of the first era."""
    return compact(value) + b"\n"


def flat(type_: str, **members: Any) -> bytes:
    """Return a line of the second era."""
    return compact({"timestamp": TIME, "record_type": type_, **members}) + b"\n"


@pytest.mark.parametrize(
    ("content", "era"),
    [
        (bare(BARE_HEADER), Era.BARE),
        (bare(SAID), Era.BARE),
        (bare({"record_type": "state"}), Era.BARE),
        (flat("session_meta", id=THREAD), Era.FLAT),
        (flat("event", id="1", msg={"type": "x"}), Era.FLAT),
        (header(), Era.ENVELOPE),
        (event("brand_new"), Era.ENVELOPE),
        (bare({"any": "thing"}), None),
        (b"junk\n", None),
        (b"[]\n", None),
        (b'"\xff"\n', None),
        (b"[" * 5000 + b"\n", None),
    ],
)
def test_the_era_shows_in_the_shape_of_a_line(content: bytes, era: Era | None) -> None:
    """A payload, a record type, or neither."""
    assert era_of(content) is era


def test_a_bare_header_is_a_header() -> None:
    """An object with an id and a time, and no type."""
    record = record_of(bare(BARE_HEADER), Era.BARE)
    assert (record.type, record.envelope.timestamp) == ("session_meta", TIME)
    assert bytes(payload_of(record)) == bare(BARE_HEADER)[:-1]


def test_a_bare_item_is_an_item() -> None:
    """The line is its own payload, kept verbatim."""
    record = record_of(bare(SAID), Era.BARE)
    assert (record.type, record.kind) == ("response_item", "message")
    assert json.loads(bytes(payload_of(record))) == SAID


def test_bare_lines_carry_no_ordinal() -> None:
    """A format that stores none is numbered on read."""
    assert record_of(bare({**SAID, "ordinal": 7}), Era.BARE).ordinal is None


@pytest.mark.parametrize("era", [Era.BARE, Era.FLAT])
def test_a_state_line_is_obsolete(era: Era) -> None:
    """An early client kept it for itself; it is no damage."""
    content = bare({"record_type": "state"}) if era is Era.BARE else flat("state", x=1)
    assert rejected_of(content, era).reason is Reason.OBSOLETE


@pytest.mark.parametrize("value", [{"any": "thing"}, {"id": THREAD}])
def test_a_bare_line_of_no_known_shape_is_obsolete(value: Any) -> None:
    """Neither an item nor a header."""
    assert rejected_of(bare(value), Era.BARE).reason is Reason.OBSOLETE


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({**BARE_HEADER, "id": "abc"}, Reason.BAD_PAYLOAD),
        ({**SAID, "content": "plain"}, Reason.BAD_PAYLOAD),
        ({"type": 5}, Reason.BAD_ENVELOPE),
        ([], Reason.BAD_ENVELOPE),
    ],
)
def test_a_malformed_bare_line_is_damage(value: Any, reason: Reason) -> None:
    """The rules of items and headers hold in every era."""
    rejected = rejected_of(bare(value), Era.BARE)
    assert rejected.reason is reason
    assert rejected.is_damage


@pytest.mark.parametrize("type_", ["session_meta", "prev_session_meta"])
def test_a_flat_header_is_a_header(type_: str) -> None:
    """Its members stand beside the record type."""
    record = record_of(flat(type_, id=THREAD, cwd="/src"), Era.FLAT)
    assert record.type == "session_meta"
    assert json.loads(bytes(payload_of(record))) == {"timestamp": TIME, "id": THREAD, "cwd": "/src"}


def test_a_flat_item_is_an_item() -> None:
    """The envelope's own members are taken out of the item."""
    record = record_of(flat("response", **SAID), Era.FLAT)
    assert (record.type, record.kind) == ("response_item", "message")
    assert json.loads(bytes(payload_of(record))) == SAID


def test_a_flat_event_is_an_event() -> None:
    """It lies in `msg`, beside an id of the submission."""
    stored = flat("event", id="1", msg={"type": "task_started", "turn_id": "t"})
    record = record_of(stored, Era.FLAT)
    assert (record.type, record.kind) == ("event_msg", "task_started")
    assert decode_payload(record, TaskStarted) == TaskStarted("t")


@pytest.mark.parametrize("members", [{}, {"msg": None}, {"msg": 5}, {"msg": {}}])
def test_a_flat_event_without_an_event_is_damage(members: dict[str, Any]) -> None:
    """There is nothing to unfold."""
    assert rejected_of(flat("event", id="1", **members), Era.FLAT).reason is Reason.BAD_PAYLOAD


def test_a_flat_line_of_unknown_type_is_obsolete() -> None:
    """No client will write that era again."""
    assert rejected_of(flat("brand_new"), Era.FLAT).reason is Reason.OBSOLETE


@pytest.mark.parametrize("content", [bare({"record_type": "event"}), bare({"timestamp": TIME}), b"[]\n"])
def test_a_flat_line_without_its_members_is_damage(content: bytes) -> None:
    """Time and record type are required."""
    assert rejected_of(content, Era.FLAT).reason is Reason.BAD_ENVELOPE


@pytest.mark.parametrize("era", [Era.BARE, Era.FLAT])
@pytest.mark.parametrize(
    ("content", "reason"), [(b"junk\n", Reason.NOT_JSON), (b'{"id":"\xff"}\n', Reason.BAD_UTF8)]
)
def test_damage_reads_the_same_in_every_era(era: Era, content: bytes, reason: Reason) -> None:
    """What is no JSON is damage wherever it stands."""
    assert rejected_of(content, era).reason is reason


@pytest.mark.parametrize("era", [Era.BARE, Era.FLAT])
@pytest.mark.parametrize("levels", [990, 5000])
def test_no_depth_raises_in_an_early_era(era: Era, levels: int) -> None:
    """Nesting that cannot be decoded rejects its line."""
    members = b'"timestamp":"t","record_type":"response","type":"reasoning","x":'
    decode_lines(b"{" + members + b"[" * levels + b"]" * levels + b"}\n", 0, era)


def test_a_torn_tail_is_ignored_in_an_early_era() -> None:
    """A crash leaves the same in every era."""
    first, tail = decode_lines(bare(BARE_HEADER) + bare(SAID)[:20], 0, Era.BARE)
    assert isinstance(first, Record)
    assert not isinstance(tail, Record)
    assert tail.reason is Reason.TORN_TAIL
