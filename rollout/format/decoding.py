"""Decode a payload when somebody asks for it: the second of the two steps.

Decoders are typed and kept, one per shape; a member that the shape does not declare
is skipped, not rejected. Format: docs/format.md, "Record types".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Generic, TypeVar, cast

import msgspec
from msgspec import Raw, Struct

from rollout.format.record import Record

T = TypeVar("T")

UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not JSON, or not of the wanted shape."""


class _Holder(Struct, Generic[T], frozen=True, gc=False):
    payload: T


_decode_raw: Final = msgspec.json.Decoder(_Holder[Raw]).decode


@cache
def _decoder(shape: Any) -> Callable[[Raw | bytes], Any]:
    return msgspec.json.Decoder(shape).decode


@cache
def _line_decoder(shape: Any) -> Callable[[bytes], _Holder[Any]]:
    return msgspec.json.Decoder(_Holder[shape]).decode


def payload_of(record: Record) -> Raw:
    """Return the payload's bytes, as stored."""
    if record.payload is not None:
        return Raw(record.payload)
    return _decode_raw(record.line).payload


def require_payload(record: Record, shape: type[T]) -> T:
    """Return the payload decoded as `shape`. Raise msgspec's error when it does not fit."""
    wanted: Any = shape
    if record.payload is not None:
        return cast("T", _decoder(wanted)(record.payload))
    return cast("T", _line_decoder(wanted)(record.line).payload)


def decode_payload(record: Record, shape: type[T]) -> T | None:
    """Return the payload decoded as `shape`, or None when it does not fit it."""
    try:
        return require_payload(record, shape)
    except UNDECODABLE:
        return None


def decode_json(content: Raw | bytes, shape: type[T]) -> T | None:
    """Return JSON bytes decoded as `shape`, or None when they do not fit it."""
    wanted: Any = shape
    try:
        return cast("T", _decoder(wanted)(content))
    except UNDECODABLE:
        return None
