"""The two eras before the envelope: bare lines, and lines with `record_type`.

No release of the reference client in use reads them; we do. Each line is unfolded
into the type and payload that the envelope would carry. Format: docs/format.md, "Eras".
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw, Struct

from rollout.format.decoding import decode_json, steadily
from rollout.format.making import make_decoder
from rollout.format.record import ABSENT, Era

_STATE: Final = "a state line, kept by an early client for itself"
_FLAT_TYPES: Final = {
    "session_meta": "session_meta",
    "prev_session_meta": "session_meta",
    "response": "response_item",
    "event": "event_msg",
}


class EarlyLine(Struct, frozen=True):
    """A line of an early era, as the envelope would have it."""

    type: str
    timestamp: str
    payload: bytes


class _Bare(Struct, frozen=True):
    type: str | None = None
    record_type: str | None = None
    id: str | None = None
    timestamp: str | None = None


class _Flat(Struct, frozen=True):
    record_type: str
    timestamp: str
    msg: Raw = ABSENT


class _Any(Struct, frozen=True):
    type: Raw = Raw(b"")
    payload: Raw = Raw(b"")
    record_type: Raw = Raw(b"")
    id: Raw = Raw(b"")
    timestamp: Raw = Raw(b"")


_decode_bare: Final = make_decoder(_Bare).decode
_decode_flat: Final = make_decoder(_Flat).decode
_decode_members: Final = make_decoder(dict[str, Raw]).decode


def era_of(line: bytes) -> Era | None:
    """Return the era that a line belongs to by its shape, or None when it shows none."""
    found = decode_json(line, _Any)
    if found is None:
        return None
    if found.payload:
        return Era.ENVELOPE
    if found.record_type:
        return Era.BARE if not found.timestamp else Era.FLAT
    return Era.BARE if found.id or found.type else None


def unfold(line: bytes, era: Era) -> EarlyLine | str:
    """Return the record that an early line stands for, or why it stands for none.

    Raise msgspec's errors when the line is not JSON or not of the era's shape.
    """
    return _unfold_bare(line) if era is Era.BARE else _unfold_flat(line)


def _unfold_bare(line: bytes) -> EarlyLine | str:
    found = steadily(_decode_bare, line)
    if found.record_type is not None:
        return _STATE
    if found.type is not None:
        return EarlyLine("response_item", found.timestamp or "", bytes(line))
    if found.id is not None and found.timestamp is not None:
        return EarlyLine("session_meta", found.timestamp, bytes(line))
    return "neither an item nor a header: no `type`, no `id` with a `timestamp`"


def _unfold_flat(line: bytes) -> EarlyLine | str:
    found = steadily(_decode_flat, line)
    type_ = _FLAT_TYPES.get(found.record_type)
    if type_ is None:
        return (
            _STATE if found.record_type == "state" else f"record type {found.record_type[:60]!r} is not known"
        )
    if type_ == "event_msg":
        return EarlyLine(type_, found.timestamp, bytes(found.msg) or b"null")
    members = steadily(_decode_members, line)
    members.pop("record_type")
    if type_ == "response_item":
        members.pop("timestamp")
    return EarlyLine(type_, found.timestamp, msgspec.json.encode(members))
