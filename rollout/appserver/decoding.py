"""Params to structs, and what is wrong with them in the words that clients know.

Contract: docs/protocol.md, "Errors".
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw

from rollout.appserver.params import ItemsList, ThreadList
from rollout.appserver.protocol import INVALID_REQUEST, Refusal
from rollout.format.decoding import UNDECODABLE, steadily
from rollout.format.making import make_decoder
from rollout.turns.paging import SortDirection

T = TypeVar("T")

_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_EXPECTED: Final = re.compile(r"Expected `([^`]+)`(?:, got `([^`]+)`| ([<>]=) -?\d+)?")
_ENUM: Final = re.compile(r"Invalid (?:enum )?value ")
_PLACE: Final = re.compile(r" - at `\$([^`]*)`$")
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")
_WORDS: Final = {
    "str": "a string",
    "int": "u32",
    "bool": "a boolean",
    "array": "a sequence",
    "object": "a map",
    "float": "a number",
}
_SHOWN_CHARS: Final = 80
_FEW: Final = 2
_UNTAGGED: Final = {
    (ItemsList, ".cursor"): "ThreadItemsListCursor",
    (ThreadList, ".cwd"): "ThreadListCwdFilter",
}
"""Members that take one of several shapes: what is said of a value that has none of them."""


@cache
def _decoder(shape: Any) -> Any:
    return make_decoder(shape).decode


def decode_params(params: Raw | None, shape: type[T]) -> T:
    """Return params as `shape`. Raise Refusal, saying which member is wrong and how."""
    if params is None:
        raise invalid("missing field `params`")
    wanted: Any = shape
    try:
        found: T = steadily(_decoder(wanted), params)
    except msgspec.ValidationError as error:
        raise invalid(_told(str(error), params, shape)) from error
    except UNDECODABLE as error:
        raise invalid(str(error) or "nested too deeply") from error
    return found


def invalid(detail: str) -> Refusal:
    """Return the refusal of a request that is malformed."""
    return Refusal(INVALID_REQUEST, f"Invalid request: {detail}")


def unknown_variant(found: str, known: list[str]) -> str:
    """Return what is said of a word that is none of those known."""
    shown = [f"`{one}`" for one in known]
    expected = " or ".join(shown) if len(shown) <= _FEW else f"one of {', '.join(shown)}"
    return f"unknown variant `{found[:_SHOWN_CHARS]}`, expected {expected}"


def _told(message: str, params: Raw, shape: Any) -> str:
    missing = _MISSING.match(message)
    if missing is not None:
        return f"missing field `{missing.group(1)}`"
    place = _PLACE.search(message)
    path = place.group(1) if place is not None else ""
    untagged = next(
        (name for (kind, at), name in _UNTAGGED.items() if kind is shape and path.startswith(at)), None
    )
    if untagged is not None:
        return f"data did not match any variant of untagged enum {untagged}"
    value = _value_at(params, path)
    if _ENUM.match(message):
        return unknown_variant(str(value), _known_at(shape, path))
    expected = _EXPECTED.match(message)
    if expected is None:
        return message
    wanted = expected.group(1).split(" | ")[0]
    words = _WORDS.get(wanted, wanted)
    if expected.group(3) is not None:
        return f"invalid value: integer `{value}`, expected {words}"
    return f"invalid type: {_named(value)}, expected {words}"


def _value_at(params: Raw, path: str) -> Any:
    try:
        value: Any = steadily(msgspec.json.decode, params)
        for name, index in _STEP.findall(path):
            value = value[name] if name else value[int(index)]
    except (*UNDECODABLE, KeyError, IndexError, TypeError):
        return None
    return value


def _named(value: Any) -> str:
    """Return a value as it is named in an error."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f"string {msgspec.json.encode(value[:_SHOWN_CHARS]).decode()}"
    return "sequence" if isinstance(value, list) else "map"


def _known_at(shape: Any, path: str) -> list[str]:
    """Return the words that the enum at a path has, or the tags of what may stand there."""
    found: Any = msgspec.inspect.type_info(shape)
    for name, _ in _STEP.findall(path):
        found = _inside(found, name)
    known: list[str] = []
    for one in getattr(found, "types", (found,)):
        if isinstance(one, msgspec.inspect.EnumType):
            known += sorted(member.value for member in one.cls) if one.cls is SortDirection else list(one.cls)
        elif isinstance(one, msgspec.inspect.StructType):
            known += [str(one.tag)] if one.tag is not None else [field.encode_name for field in one.fields]
    return known


def _inside(found: Any, name: str) -> Any:
    for one in getattr(found, "types", (found,)):
        if not name and isinstance(one, msgspec.inspect.ListType):
            return one.item_type
        if isinstance(one, msgspec.inspect.StructType):
            for field in one.fields:
                if field.encode_name == name:
                    return field.type
    return found
