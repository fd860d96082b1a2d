"""Decode a payload when somebody asks for it: the second of the two steps.

Decoders are typed and kept, one per shape; a member that the shape does not declare
is skipped, not rejected. Format: docs/format.md, "Record types".
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final, Generic, TypeVar, cast

import msgspec
from msgspec import Raw, Struct

from rollout.format.making import make_decoder
from rollout.format.record import ABSENT, Part, Probe, Record

T = TypeVar("T")

UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not JSON, or not of the wanted shape."""


class _Holder(Struct, Generic[T], frozen=True, gc=False):
    payload: T


class _LooseProbe(Struct, frozen=True):
    """A probe whose members may be of any type."""

    type: str | None = None
    role: Raw = ABSENT
    turn_id: Raw = ABSENT
    content: Raw = ABSENT
    output: Raw = ABSENT
    item: Raw = ABSENT


_decode_raw: Final = make_decoder(_Holder[Raw]).decode


def on_any_stack(call: Callable[[], T]) -> T:
    """Return `call()`, made on a fresh stack when the caller's leaves too little room for it.

    So whether nested bytes are read depends on the bytes, and not on who asks from how deep.
    Raise RecursionError when no stack has the room, and whatever else `call` raises.
    """
    try:
        return call()
    except RecursionError:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as alone:
            return alone.submit(call).result()


def steadily(decode: Callable[[bytes], T], content: Raw | bytes) -> T:
    """Return `decode(content)`, whatever room the caller's stack leaves. See `on_any_stack`."""
    try:
        return decode(content)
    except RecursionError:
        return on_any_stack(partial(decode, content))


@cache
def _decoder(shape: Any) -> Callable[[Raw | bytes], Any]:
    return make_decoder(shape).decode


@cache
def _line_decoder(shape: Any) -> Callable[[bytes], _Holder[Any]]:
    return make_decoder(_Holder[shape]).decode


def decoder_of(shape: Any) -> Callable[[Raw | bytes], Any]:
    """Return the decoder of a shape or union, made when first used: some take milliseconds to make."""
    return partial(steadily, _decoder(shape))


def payload_of(record: Record) -> Raw:
    """Return the payload's bytes, as stored."""
    if record.payload is not None:
        return Raw(record.payload)
    return steadily(_decode_raw, record.stored).payload


def payloads_of(records: list[Record]) -> list[Raw]:
    """Return the payloads of many records, as stored."""
    try:
        found = [line.payload for line in map(_decode_raw, [record.stored for record in records])]
    except UNDECODABLE:  # of an era before the envelope, or nested deeply
        return [payload_of(record) for record in records]
    if any(record.payload is not None for record in records):
        return [payload_of(record) for record in records]
    return found


def require_payload(record: Record, shape: type[T]) -> T:
    """Return the payload decoded as `shape`. Raise msgspec's error when it does not fit."""
    wanted: Any = shape
    if record.payload is not None:
        return cast("T", steadily(_decoder(wanted), record.payload))
    return cast("T", steadily(_line_decoder(wanted), record.stored).payload)


def decode_payload(record: Record, shape: type[T]) -> T | None:
    """Return the payload decoded as `shape`, or None when it does not fit it."""
    try:
        return require_payload(record, shape)
    except UNDECODABLE:
        return None


def decode_line(stored: bytes, shape: type[T]) -> T | None:
    """Return the payload of a line decoded as `shape`, or None when the line holds none that fits."""
    wanted: Any = shape
    try:
        return cast("T", _line_decoder(wanted)(stored).payload)
    except UNDECODABLE:
        return None


def decode_json(content: Raw | bytes, shape: type[T]) -> T | None:
    """Return JSON bytes decoded as `shape`, or None when they do not fit it."""
    wanted: Any = shape
    try:
        return cast("T", steadily(_decoder(wanted), content))
    except UNDECODABLE:
        return None


def decode_probe(payload: Raw | bytes) -> Probe | None:
    """Return the probe of a payload, or None when it is no object or its `type` no text.

    Other members of a type that the probe does not want read as absent: whether they matter is
    for the rules of the record's type to say.
    """
    probe = decode_json(payload, Probe)
    if probe is not None:
        return probe
    loose = decode_json(payload, _LooseProbe)
    if loose is None:
        return None
    role, turn_id = decode_json(loose.role, str), decode_json(loose.turn_id, str)
    content = decode_json(loose.content, list[Part])
    return Probe(loose.type, role, turn_id, content, loose.output, loose.item)
