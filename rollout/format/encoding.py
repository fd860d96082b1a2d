"""Values to lines: the only encoder of log bytes.

Compact JSON, members in the order other readers match on. Whatever cannot be stored and read
back as it was given is refused before a byte is written. Format: docs/format.md, "Writing lines".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from rollout.errors import InvalidRequest

MAX_LEVELS: Final = 126
"""How deep a payload may be nested. The reference client takes a line of 127 levels, envelope
included, and reads a deeper one as if it were not there."""

Json = Mapping[str, Any]


class Draft(Struct, frozen=True):
    """One record to be written. `payload` is compact JSON of an object.

    `has_ordinal` is false for what other readers are to pass over without counting it;
    `is_turn_end` asks for a seal.
    """

    type: str
    payload: bytes
    is_turn_end: bool = False
    has_ordinal: bool = True


def encode_payload(value: Json | bytes, *, what: str) -> bytes:
    """Return an object as compact JSON.

    Bytes are JSON text already and keep the spelling of their numbers and strings. Raise
    InvalidRequest for anything that JSON or UTF-8 cannot hold: NaN, lone surrogates, keys that
    are no text, more than 126 levels.
    """
    try:
        encoded = _compacted(value) if isinstance(value, bytes) else _dumped(value)
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise _unfit(what, _reason(error)) from error
    if encoded[:1] != b"{":
        raise _unfit(what, f"expected a JSON object, found {encoded[:40].decode('utf-8', 'replace')}")
    if levels_of(encoded) > MAX_LEVELS:
        raise _unfit(what, f"nested more than {MAX_LEVELS} levels deep")
    return encoded


def _dumped(value: Json) -> bytes:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object, found {type(value).__name__}")
    return _ENCODER.encode(value).encode()


def _refuse(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form")


_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse
)
"""Made once: it costs more to make than a small payload costs to encode."""


def _compacted(text: bytes) -> bytes:
    msgspec.json.decode(text)  # strict: UTF-8, no NaN, no lone surrogates
    return msgspec.json.format(text, indent=-1)


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
    number = b"" if ordinal is None else b'"ordinal":%d,' % ordinal
    return b'{"timestamp":"%b",%b"type":"%b","payload":%b' % (
        timestamp.encode(),
        number,
        draft.type.encode(),
        draft.payload,
    )
