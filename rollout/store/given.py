"""What callers hand in to be recorded, judged before a byte is written.

Whatever is accepted here reads back as what was meant: a stored item that no reader takes would be
lost without a word. Raises InvalidRequest, saying what was expected. Format: docs/format.md, "Writing turns".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from rollout.errors import InvalidRequest
from rollout.format.encoding import MAX_LEVELS, Encoded, encode_object, levels_of
from rollout.format.item_shapes import KNOWN_ITEMS, find_misshape, is_whole_record
from rollout.format.record import MAX_COUNT
from rollout.format.vocabulary import GHOST_SNAPSHOT, MESSAGE

_SHOWN_TYPE: Final = re.compile(r"[A-Z][A-Za-z0-9]*")
_TEXT_PARTS: Final = ("content", "summary_text", "raw_content")
_COUNTS: Final = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)


def _refused(what: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"recording {what}: {why}", hint="Mend the value; nothing was written.")


def require_text(what: str, name: str, value: object) -> str:
    """Return `value`, which is text and not empty."""
    if not isinstance(value, str) or not value:
        raise _refused(what, f"{name}: expected text that is not empty, found {value!r:.80}")
    return value


def stored_item(item: Mapping[str, Any] | bytes) -> Encoded:
    """Return an item of the model's history as it is stored: of a shape and type that replay takes."""
    encoded = encode_object(item, what="an item")
    misshape = find_misshape(encoded.members)
    if misshape is not None:
        raise _refused("an item", misshape)
    return encoded


def foreign_item(item: Mapping[str, Any] | bytes) -> Encoded:
    """Return an item as it is stored, of a type or a role that we need not know: then no model is given it.

    Carried along verbatim (invariant 7). One of a type that we know is judged as `stored_item` judges it.
    """
    encoded = encode_object(item, what="an item")
    members = encoded.members
    judged = members
    if members.get("type") == MESSAGE and isinstance(members.get("role"), str):
        judged = {**members, "role": "user"}
    misshape = find_misshape(judged)
    kind = members.get("type")
    is_foreign = isinstance(kind, str) and kind not in KNOWN_ITEMS and kind != GHOST_SNAPSHOT
    if misshape is not None and not (is_foreign and not is_whole_record(members)):
        raise _refused("an item", misshape)
    return encoded


def shown_item(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item for people to see: it has a type, an id, and parts that are what they say."""
    encoded = encode_object(shown, what="a shown item")
    members = encoded.members
    kind = members.get("type")
    if not isinstance(kind, str) or _SHOWN_TYPE.fullmatch(kind) is None:
        raise _refused("a shown item", f"type: expected a name such as `AgentMessage`, found {kind!r:.60}")
    require_text("a shown item", f"id of the {kind}", members.get("id"))
    for name in _TEXT_PARTS:
        parts = members.get(name, [])
        if not isinstance(parts, list) or not all(map(_is_part, parts)):
            raise _refused("a shown item", f"{name} of the {kind}: expected a list of texts or parts")
    if levels_of(encoded.payload) == MAX_LEVELS:
        raise _refused("a shown item", f"nested more than {MAX_LEVELS - 1} levels deep")
    return members


def _is_part(part: object) -> bool:
    if isinstance(part, Mapping):
        return isinstance(part.get("type"), str) and isinstance(part.get("text", ""), str)
    return isinstance(part, str)


def token_counts(used: Mapping[str, int]) -> dict[str, int]:
    """Return counts of tokens with all members that readers ask for; those left out are 0.

    Left out, `total_tokens` is what went in and what came out.
    """
    given: Mapping[Any, Any] = used
    for name, count in given.items():
        is_count = isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= MAX_COUNT
        if not isinstance(name, str) or not is_count:
            raise _refused(
                "a usage", f"expected names with counts of 0 or more, found {name!r}: {count!r:.40}"
            )
    counts = dict.fromkeys(_COUNTS, 0) | dict(used)
    return {"total_tokens": counts["input_tokens"] + counts["output_tokens"]} | counts
