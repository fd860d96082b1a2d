"""What may be stored, and how: whatever would not come back as it was given is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from msgspec import Raw

from rollout.errors import InvalidRequest
from rollout.format.encoding import (
    MAX_LEVELS,
    Draft,
    Encoded,
    encode_object,
    encode_payload,
    levels_of,
    line_front,
    mark_draft,
)
from rollout.format.turn_marks import TurnStarted


def nested(levels: int) -> dict[str, Any]:
    """Return an object of that many levels."""
    value: Any = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return {"a": value} if levels == 0 else value


def test_a_line_has_its_members_in_order() -> None:
    """timestamp, ordinal, type, payload; no space, no newline, open for a seal."""
    front = line_front("2026-11-21T00:00:00.000Z", 7, Draft("event_msg", b'{"type":"x"}'))
    assert front == (
        b'{"timestamp":"2026-11-21T00:00:00.000Z","ordinal":7,"type":"event_msg","payload":{"type":"x"}'
    )


def test_a_line_without_ordinal_leaves_it_out() -> None:
    """Legacy lines, and lines that others must not count."""
    assert b"ordinal" not in line_front("t", None, Draft("event_msg", b"{}"))


def test_text_is_not_escaped() -> None:
    """Other readers match on bytes: UTF-8 stands as it is, and nothing is padded."""
    assert (
        encode_payload({"a": "grün 🙂", "b": [1, None]}, what="it") == '{"a":"grün 🙂","b":[1,null]}'.encode()
    )


def test_json_text_keeps_its_spelling() -> None:
    """Numbers and escapes stay as given; only space between tokens goes."""
    text = b'{ "a" : 1.50, "b": 1e3,\n "c": "\\u0041" }'
    assert encode_payload(text, what="it") == b'{"a":1.50,"b":1e3,"c":"\\u0041"}'


def test_mappings_of_any_kind_are_objects() -> None:
    """A read-only view is as good as a dict, at any depth."""
    assert encode_payload(MappingProxyType({"a": MappingProxyType({"b": 1})}), what="it") == b'{"a":{"b":1}}'


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"a": float("nan")}, "Out of range float"),
        ({"a": float("inf")}, "Out of range float"),
        ({"a": "\ud800"}, "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        ({"a": b"bytes"}, "a bytes has no JSON form"),
        ({"a": {1, 2}}, "a set has no JSON form"),
        ({("a",): 1}, "keys must be"),
        ({"a": [({5: 6},)]}, "keys must be text, found 5"),
        ({None: 1}, "keys must be text, found None"),
        ({"a": UUID(int=0)}, "a UUID has no JSON form"),
        ({"a": Decimal("1.5")}, "a Decimal has no JSON form"),
        ({"a": datetime(2026, 11, 21, tzinfo=UTC)}, "a datetime has no JSON form"),
        ({"a": Raw(b'{"b":1}')}, "a Raw has no JSON form"),
        ({"a": Draft("event_msg", b"{}")}, "a Draft has no JSON form"),
        ([], "expected an object, found list"),
        ("text", "expected an object, found str"),
        (None, "expected an object, found NoneType"),
        (b"[1]", "expected a JSON object"),
        (b'"text"', "expected a JSON object"),
        (b"{", "truncated"),
        (b"", "truncated"),
        (b'{"a":NaN}', "invalid character"),
        (b'{"a":1e400}', "out of range"),
        (b'{"a":"\xff"}', "utf-8"),
        (b'{"a":1} {"b":2}', "trailing"),
    ],
)
def test_what_json_cannot_hold_is_refused(value: Any, why: str) -> None:
    """Each with its reason, and the promise that nothing was written."""
    with pytest.raises(InvalidRequest) as caught:
        encode_payload(value, what="an item")
    assert caught.value.message.startswith("recording an item: ")
    assert why.lower() in caught.value.message.lower()
    assert "nothing was written" in (caught.value.hint or "")


def test_a_tuple_is_a_list() -> None:
    """What reads back as another type of the same values is taken."""
    assert encode_object({"a": (1, (2.5,))}, what="it") == Encoded(b'{"a":[1,[2.5]]}', {"a": [1, [2.5]]})


@pytest.mark.parametrize("value", [{"a": 2**70, "b": -0.0, "c": 1e16}, b'{"a":1180591620717411303424}'])
def test_members_are_what_is_read_back(value: Any) -> None:
    """Whichever way an object was given, its members are those of its bytes."""
    encoded = encode_object(value, what="it")
    assert json.loads(encoded.payload) == encoded.members


def test_a_mark_of_a_turn_keeps_its_order() -> None:
    """Other readers match on the bytes of its first members."""
    draft = mark_draft(TurnStarted("t", "t", 7))
    assert draft.payload == b'{"type":"task_started","turn_id":"t","root_turn_id":"t","started_at":7}'
    assert draft.type == "event_msg"


def test_a_mark_of_text_that_utf_8_cannot_hold_is_refused() -> None:
    """As anything else is."""
    with pytest.raises(InvalidRequest, match="lone surrogate"):
        mark_draft(TurnStarted("\ud800", "t", 7))


def test_nesting_has_a_bound() -> None:
    """Two hundred levels are stored, one more is refused, ten thousand do no harm."""
    assert (
        encode_payload(nested(MAX_LEVELS), what="it")
        == json.dumps(nested(MAX_LEVELS), separators=(",", ":")).encode()
    )
    for levels in (MAX_LEVELS + 1, 10_000):
        with pytest.raises(InvalidRequest, match="levels deep"):
            encode_payload(b'{"a":' * levels + b"1" + b"}" * levels, what="it")


def test_a_value_that_contains_itself_is_refused() -> None:
    """It has no end."""
    value: dict[str, Any] = {}
    value["a"] = value
    with pytest.raises(InvalidRequest):
        encode_payload(value, what="it")


def test_brackets_in_text_are_no_levels() -> None:
    """A text of ten thousand brackets is as flat as any."""
    value = {"a": '[{"\\' * 10_000}
    encoded = encode_payload(value, what="it")
    assert levels_of(encoded) == 1
    assert json.loads(encoded) == value


def test_ten_megabytes_of_text_are_stored() -> None:
    """Large is not wrong; the cap on lines is the writer's."""
    assert len(encode_payload({"a": "x" * 10_000_000}, what="it")) == 10_000_008
