"""Values to lines: the only encoder of log bytes.

Compact JSON, members in the order other readers match on. Whatever cannot be stored and read
back as it was given is refused before a byte is written. Format: docs/format.md, "Writing lines".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from rollout.errors import InvalidRequest
from rollout.format.vocabulary import EVENT_MSG

if TYPE_CHECKING:
    from json import JSONEncoder

MAX_LEVELS: Final = 126
"""How deep a payload may be nested. The reference client takes a line of 127 levels, envelope
included, and reads a deeper one as if it were not there."""

Json = Mapping[str, Any]


class Draft(Struct, frozen=True, gc=False):
    """One record to be written. `payload` is compact JSON of an object.

    `has_ordinal` is false for what other readers are to pass over without counting it;
    `is_turn_end` asks for a seal.
    """

    type: str
    payload: bytes
    is_turn_end: bool = False
    has_ordinal: bool = True


class Encoded(Struct, frozen=True):
    """An object as compact JSON, and its members as a reader will find them."""

    payload: bytes
    members: dict[str, Any]


def encode_payload(value: Json | bytes, *, what: str) -> bytes:
    """Return an object as compact JSON; `what` it is goes into an error.

    Bytes are JSON text already and keep the spelling of their numbers and strings. Raise
    InvalidRequest for anything that JSON or UTF-8 cannot hold: NaN, lone surrogates, keys that
    are no text, more than 126 levels.
    """
    return encode_object(value, what=what).payload


def encode_object(value: Json | bytes, *, what: str) -> Encoded:
    """Return an object as compact JSON, with what that reads back as. Raise as `encode_payload`."""
    try:
        if isinstance(value, bytes):
            return _compacted(value)
        return _find_plain(value) or _dumped(value)
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise _unfit(what, _reason(error)) from error


def mark_draft(mark: Struct, *, is_turn_end: bool = False) -> Draft:
    """Return the record of an event of our own making: flat, but for values that were judged before.

    Raise InvalidRequest for a text that UTF-8 cannot hold.
    """
    try:
        return Draft(EVENT_MSG, _encode(mark), is_turn_end)
    except UnicodeEncodeError as error:
        raise _unfit("an event", _reason(error)) from error


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode  # strict: UTF-8, no NaN, no lone surrogates


def _find_plain(value: Json) -> Encoded | None:
    """Return what reads back equal to `value`, as nearly everything does; None where a closer look is due.

    The fast encoder takes more than we do (bytes, sets, dates, NaN): none of that comes back equal.
    """
    try:
        payload = _encode(value)
        if payload[:1] != b"{" or levels_of(payload) > MAX_LEVELS:
            return None
        members = _decode(payload)
    except (ValueError, TypeError, RecursionError, OverflowError, msgspec.MsgspecError):
        return None  # why is for the slow encoder to say
    return Encoded(payload, members) if members == value else None


def _dumped(value: Json) -> Encoded:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object, found {type(value).__name__}")
    payload = _slow_encoder().encode(value).encode()
    _check_levels(payload)
    _check_keys(value)
    return Encoded(payload, _decode(payload))


def _check_keys(value: object) -> None:
    """Refuse what the encoder would turn into text: a number as a key would not come back as one."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            if not isinstance(key, str):
                raise TypeError(f"keys must be text, found {key!r:.40}")
            _check_keys(member)
    elif isinstance(value, list | tuple):
        for member in value:
            _check_keys(member)


def _refuse(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form")


@cache
def _slow_encoder() -> JSONEncoder:
    """Return the encoder of what the fast one does not take, or not as it is: other mappings, odd keys."""
    from json import JSONEncoder

    return JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse)


def _compacted(text: bytes) -> Encoded:
    members = _decode(text)
    payload = msgspec.json.format(text, indent=-1)
    if not isinstance(members, dict):
        raise ValueError(f"expected a JSON object, found {payload[:40].decode('utf-8', 'replace')}")
    _check_levels(payload)
    return Encoded(payload, members)


def _check_levels(payload: bytes) -> None:
    if levels_of(payload) > MAX_LEVELS:
        raise ValueError(f"nested more than {MAX_LEVELS} levels deep")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"nested more than {MAX_LEVELS} levels deep, or containing itself"
    if isinstance(error, UnicodeEncodeError):
        return "a text holds a lone surrogate, which UTF-8 cannot store"
    return str(error)


def _unfit(what: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"recording {what}: {why}", hint="Mend the value; nothing was written.")


def levels_of(encoded: bytes) -> int:
    """Return how deep valid JSON is nested."""
    if encoded.count(b"{") + encoded.count(b"[") <= MAX_LEVELS:
        return 0  # too few brackets to be too deep; strings only add to the count
    deepest = depth = 0
    is_text = is_escaped = False
    for byte in encoded:
        if is_text:
            if is_escaped:
                is_escaped = False
            elif byte == 0x5C:
                is_escaped = True
            elif byte == 0x22:
                is_text = False
        elif byte == 0x22:
            is_text = True
        elif byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def line_front(timestamp: str, ordinal: int | None, draft: Draft) -> bytes:
    """Return a line without its closing brace and newline, ready for a seal."""
    return line_head(timestamp, ordinal, draft.type) + draft.payload


def line_head(timestamp: str, ordinal: int | None, type_: str) -> bytes:
    """Return what of a line stands before its payload."""
    number = "" if ordinal is None else f'"ordinal":{ordinal},'
    return f'{{"timestamp":"{timestamp}",{number}"type":"{type_}","payload":'.encode()
