"""Items as people and programs hand them over: JSON Lines, or one JSON array.

All of them are looked at before anything is written, so that a bad one costs nothing. Text is kept
as it is spelled. Format: docs/format.md, "Writing lines".
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from msgspec import Raw

from rollout.errors import InvalidRequest
from rollout.format.decoding import decode_json
from rollout.format.encoding import MAX_LEVELS, encode_payload, levels_of
from rollout.format.item_shapes import find_misshape

_BLANK: Final = b" \t\r\n"
_HINT: Final = "Mend it and try again; nothing was written."


def parse_items(content: bytes, *, source: str, max_line_bytes: int) -> list[bytes]:
    """Return the items of JSON Lines as compact JSON each; blank lines are passed over.

    `source` names where they came from. Raise InvalidRequest for the first line that is no item,
    with its number and why, and for no items at all.
    """
    items = [
        _item(line, f"{source}, line {number}", max_line_bytes)
        for number, line in enumerate(content.split(b"\n"), 1)
        if line.strip(_BLANK)
    ]
    if not items:
        raise InvalidRequest(
            f"reading items from {source}: expected one or more, found none",
            hint="Give one item a line, as JSON.",
        )
    return items


def parse_history(content: bytes, *, source: str, max_line_bytes: int) -> list[bytes]:
    """Return the items of a history: JSON Lines, or a JSON array, which may be empty.

    Raise InvalidRequest as `parse_items` does.
    """
    if content.lstrip(_BLANK)[:1] != b"[":
        return parse_items(content, source=source, max_line_bytes=max_line_bytes)
    _decoded(content, source)
    return [
        _item(bytes(value), f"{source}, item {number}", max_line_bytes)
        for number, value in enumerate(decode_json(content, list[Raw]) or (), 1)
    ]


def _item(text: bytes, where: str, max_line_bytes: int) -> bytes:
    value = _decoded(text, where)
    if not isinstance(value, dict):
        _refuse(where, "expected a JSON object, found another value")
    problem = find_misshape(value)
    if problem is not None:
        _refuse(where, problem)
    try:
        item = encode_payload(text, what="an item")
    except InvalidRequest as error:
        _refuse(where, error.message.removeprefix("recording an item: "), error)
    if len(item) > max_line_bytes:
        _refuse(where, f"an item of {len(item):,} bytes, and a line may hold {max_line_bytes:,}")
    return item


def _decoded(text: bytes, where: str) -> Any:
    """Return a JSON value that every reader reads alike."""
    if levels_of(text) > MAX_LEVELS:
        _refuse(where, f"nested more than {MAX_LEVELS} levels deep")
    try:
        value = json.loads(text.decode(), object_pairs_hook=_members, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        _refuse(where, f"not UTF-8 at byte {error.start}", error)
    except UnicodeEncodeError as error:
        _refuse(where, "a text holds a lone surrogate, which UTF-8 cannot store", error)
    except json.JSONDecodeError as error:
        _refuse(where, f"not JSON: {error.msg} at character {error.pos + 1}", error)
    except (ValueError, RecursionError) as error:
        _refuse(where, str(error), error)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the member {key[:40]!r} stands there twice")
        found[key] = value
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _refuse(where: str, why: str, cause: Exception | None = None) -> NoReturn:
    raise InvalidRequest(f"reading items from {where}: {why}", hint=_HINT) from cause
