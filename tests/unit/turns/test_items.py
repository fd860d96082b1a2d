"""Stored items become exactly the objects that the reference server sends.

`vectors/stored_items.jsonl` holds hand-made items, each with what the reference server
(0.169.0) listed for it after a resume: `wire` is null where it skipped the item.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import Raw, Struct

from rollout.turns import items
from rollout.turns.stored import public_item
from rollout.turns.unknown import UnknownItem

VECTORS = Path(__file__).parent / "vectors" / "stored_items.jsonl"


class Vector(Struct):
    """One stored item and its public form."""

    stored: Raw
    wire: Raw


def load_vectors() -> list[Vector]:
    decode = msgspec.json.Decoder(Vector).decode
    return [decode(line) for line in VECTORS.read_bytes().splitlines()]


def plan(**times: int | None) -> items.ThreadItem | None:
    return public_item(b'{"type":"Plan","id":"p","text":"do it"}', **times)


@pytest.mark.parametrize("vector", load_vectors(), ids=lambda vector: bytes(vector.stored)[:60].decode())
def test_item_is_what_the_reference_server_lists(vector: Vector) -> None:
    """Members, their names, their order and their values are the reference server's."""
    item = public_item(vector.stored)
    assert msgspec.json.encode(item) == bytes(vector.wire)


def test_every_public_type_has_a_vector() -> None:
    """No item type goes unchecked against the reference server."""
    shown = {items.item_type(item) for vector in load_vectors() if (item := public_item(vector.stored))}
    known = {kind.__struct_config__.tag for kind in items.ThreadItem.__args__ if kind is not UnknownItem}
    assert shown == known


def test_item_type_is_the_wire_word() -> None:
    """`item_type` and the encoded `type` member agree."""
    item = plan()
    assert item is not None
    assert items.item_type(item) == "plan"
    assert msgspec.json.encode(item).startswith(b'{"type":"plan",')


def test_times_of_the_record_are_members_of_the_item() -> None:
    """The record's times, in milliseconds, go into the item."""
    item = plan(started_at_ms=5, completed_at_ms=6)
    assert item is not None
    assert (item.started_at_ms, item.completed_at_ms) == (5, 6)


def test_completion_time_of_zero_is_unknown() -> None:
    """Zero stands for "unknown" as a completion time, but is a time as a start."""
    item = plan(started_at_ms=0, completed_at_ms=0)
    assert item is not None
    assert (item.started_at_ms, item.completed_at_ms) == (0, None)


def test_arbitrary_members_are_carried_verbatim() -> None:
    """Numbers and spacing of arguments and answers survive untouched."""
    stored = (
        b'{"type":"McpToolCall","id":"m","server":"s","tool":"t","status":"completed",'
        b'"arguments":{"n": 1.50, "big": 123456789012345678901234567890},'
        b'"result":{"content":[{"x": 1e2}],"structuredContent":{"k": 1.0}}}'
    )
    encoded = msgspec.json.encode(public_item(stored))
    assert b'"arguments":{"n": 1.50, "big": 123456789012345678901234567890}' in encoded
    assert b'"content":[{"x": 1e2}],"structuredContent":{"k": 1.0},"_meta":null' in encoded


@pytest.mark.parametrize(
    "stored",
    [b"", b"{", b"null", b"[]", b'"Plan"', b"{}", b'{"type":"Plan"}', b'{"type":"Plan","id":"\xff"}'],
)
def test_bytes_that_are_no_item_have_no_public_form(stored: bytes) -> None:
    """Damage inside an item never raises; the item is skipped."""
    assert public_item(stored) is None


def test_deep_nesting_has_no_public_form() -> None:
    """An item nested deeper than the decoder goes is skipped, not fatal."""
    depth = 100_000
    stored = b'{"type":"WebSearch","id":"w","query":"q","action":' + b"[" * depth + b"]" * depth + b"}"
    assert public_item(stored) is None
