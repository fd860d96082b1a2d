"""Answers of a server that is newer than this client: what is unknown is kept as it came, the rest is read.

An answer that fits its shape is decoded in one go. One that does not is read once more, member by member,
along the same shape: an item or a part of an unknown kind, or a known one that cannot be read,
becomes an `UnknownItem` or `UnknownPart`; a word that an enum has not becomes a nameless member of it;
members that are not known are passed over. What is needed and not there stays an error.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw, ValidationError
from msgspec import inspect as shapes

from rollout.format.decoding import UNDECODABLE, decoder_of
from rollout.turns.unknown import NO_TAG, UnknownItem, UnknownPart

T = TypeVar("T")
Members = dict[str, Raw]

_FIRSTS: Final[dict[str, tuple[type[shapes.Type], ...]]] = {
    "{": (shapes.StructType, shapes.DictType, shapes.RawType, shapes.AnyType),
    "[": (shapes.ListType, shapes.VarTupleType, shapes.RawType, shapes.AnyType),
    '"': (shapes.StrType, shapes.EnumType, shapes.LiteralType, shapes.RawType, shapes.AnyType),
    "n": (shapes.NoneType, shapes.RawType, shapes.AnyType),
    "t": (shapes.BoolType, shapes.RawType, shapes.AnyType),
    "f": (shapes.BoolType, shapes.RawType, shapes.AnyType),
}
_NUMBERS: Final = (shapes.IntType, shapes.FloatType, shapes.RawType, shapes.AnyType)
_LEAVES: Final[dict[type[shapes.Type], Any]] = {
    shapes.StrType: str,
    shapes.IntType: int,
    shapes.FloatType: float,
    shapes.BoolType: bool,
    shapes.AnyType: Any,
    shapes.LiteralType: str,
}
"""A literal that is not known is text like any other."""

_decode_members: Final[Callable[[Raw | bytes], Members]] = decoder_of(Members)
_decode_entries: Final[Callable[[Raw | bytes], list[Raw]]] = decoder_of(list[Raw])
_decode_word: Final[Callable[[Raw | bytes], str]] = decoder_of(str)


def decode_answer(content: Raw | bytes, shape: type[T]) -> T:
    """Return JSON as `shape`, with whatever of it is unknown kept. Raise one of `UNDECODABLE`."""
    wanted: Any = shape
    try:
        found: T = decoder_of(wanted)(content)
    except ValidationError:
        found = _read(Raw(content), _shape_of(wanted), "$")
    return found


@cache
def _shape_of(wanted: Any) -> shapes.Type:
    return shapes.type_info(wanted)


def unknown_word(kind: type[StrEnum], word: str) -> StrEnum:
    """Return a member of an enum that has none of that word: equal to the word, and to no known member."""
    made = str.__new__(kind, word)
    made._name_ = word
    made._value_ = word
    return made


def _read(content: Raw, shape: shapes.Type, place: str) -> Any:
    match shape:
        case shapes.UnionType():
            return _read_one_of(content, shape.types, place)
        case shapes.StructType():
            return _read_struct(_members(content, place), shape, place)
        case shapes.ListType() | shapes.VarTupleType():
            entries = _at(place, _decode_entries, content)
            found = [_read(one, shape.item_type, f"{place}[{at}]") for at, one in enumerate(entries)]
            return found if isinstance(shape, shapes.ListType) else tuple(found)
        case shapes.DictType():
            members = _members(content, place)
            return {key: _read(one, shape.value_type, f"{place}.{key}") for key, one in members.items()}
        case shapes.EnumType():
            return _read_word(_at(place, _decode_word, content), shape)
        case shapes.RawType():
            return content
        case shapes.NoneType():
            return None  # nothing that this release reads, whatever it is
    leaf = _LEAVES.get(type(shape))
    assert leaf is not None, f"answers hold no {type(shape).__name__}"
    return _at(place, decoder_of(leaf), content)


def _at(place: str, decode: Callable[[Raw], Any], content: Raw) -> Any:
    """Return what is decoded, or say at which place it could not be."""
    try:
        return decode(content)
    except ValidationError as error:
        raise ValidationError(f"{error} - at `{place}`") from error


def _members(content: Raw, place: str) -> Members:
    found: Members = _at(place, _decode_members, content)
    return found


def _read_word(word: str, shape: shapes.EnumType) -> Any:
    kind = shape.cls
    try:
        return kind(word)
    except ValueError:
        if not issubclass(kind, StrEnum):
            raise ValidationError(f"Invalid enum value {word!r}") from None
        return unknown_word(kind, word)


def _read_one_of(content: Raw, kinds: tuple[shapes.Type, ...], place: str) -> Any:
    """Read a value as one of several shapes: the one that takes its sort of JSON."""
    first = bytes(memoryview(content)[:1]).decode("latin-1")
    fitting = [one for one in kinds if isinstance(one, _FIRSTS.get(first, _NUMBERS))]
    tagged = [one for one in fitting if isinstance(one, shapes.StructType) and one.tag_field is not None]
    if tagged:
        return _read_tagged(content, tagged, place)
    fault = ValidationError(f"Expected another sort of value - at `{place}`")
    for one in fitting:
        try:
            return _read(content, one, place)
        except ValidationError as error:
            fault = error
    raise fault


def _read_tagged(content: Raw, kinds: list[shapes.StructType], place: str) -> Any:
    """Read a struct by its tag; what none of them is, or cannot be read, is kept where there is a place."""
    members = _members(content, place)
    tag = _text(members, kinds[0].tag_field)
    wanted = next((one for one in kinds if one.tag == tag and tag != NO_TAG), None)
    keeper = next((one.cls for one in kinds if one.tag == NO_TAG), None)
    try:
        if wanted is None:
            raise ValidationError(f"Invalid value {tag!r} - at `{place}.{kinds[0].tag_field}`")
        return _read_struct(members, wanted, place)
    except UNDECODABLE:
        if keeper is UnknownItem:
            times = [_time(members, name) for name in ("startedAtMs", "completedAtMs")]
            return UnknownItem(
                id=_text(members, "id"),
                kind=tag,
                members=content,
                started_at_ms=times[0],
                completed_at_ms=times[1],
            )
        if keeper is UnknownPart:
            return UnknownPart(tag, content)
        raise


def _read_struct(members: Members, shape: shapes.StructType, place: str) -> Any:
    if shape.tag_field is not None and _text(members, shape.tag_field) != shape.tag:
        raise ValidationError(f"Invalid value - at `{place}.{shape.tag_field}`")
    values: dict[str, Any] = {}
    for field in shape.fields:
        stored = members.get(field.encode_name)
        if stored is not None:
            values[field.name] = _read(stored, field.type, f"{place}.{field.encode_name}")
        elif field.required:
            raise ValidationError(f"Object missing required field `{field.encode_name}` - at `{place}`")
    return shape.cls(**values)


def _text(members: Members, name: str | None) -> str:
    try:
        return _decode_word(members.get(name or "", Raw(b"null")))
    except msgspec.MsgspecError:
        return ""


def _time(members: Members, name: str) -> int | None:
    try:
        return msgspec.json.decode(members.get(name, Raw(b"null")), type=int | None)
    except msgspec.MsgspecError:
        return None
