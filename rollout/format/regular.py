"""The common line at speed: a record beyond doubt, told by one decode and one look-up.

What this accepts, the rules of `format/checks.py` accept; what it does not, they decide.
So it may be narrow, never wide. Format: docs/format.md, "Record types".
"""

from codecs import utf_8_decode
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from rollout.format.checks import check_record
from rollout.format.decoding import UNDECODABLE, decode_line
from rollout.format.items import check_item
from rollout.format.making import make_decoder
from rollout.format.payloads import Compacted, TurnContext
from rollout.format.record import ABSENT, Envelope, Probe, Record
from rollout.format.vocabulary import (
    CARRIED_TYPES,
    CHECKPOINT,
    COMPACTED,
    EVENT_MSG,
    EVENTS,
    GHOST_SNAPSHOT,
    ITEM_COMPLETED,
    RESPONSE_ITEM,
    ROLLED_BACK,
    SESSION_META,
    TASK_COMPLETE,
    TASK_STARTED,
    TOKEN_USAGE,
    TURN_CONTEXT,
    TURN_ENDS,
    USER_MESSAGE,
    WORLD_STATE,
)


class _Probe(Probe, frozen=True, gc=False):
    """A probe that also holds what the rules of the common events look at, each of its type."""

    message: str | None = None
    text: str | None = None
    root_turn_id: str | None = None
    started_at: int | float | None = None
    completed_at: int | float | None = None
    duration_ms: int | float | None = None


class _Envelope(Envelope, frozen=True, gc=False):
    payload: _Probe


class _Compacted(Compacted, frozen=True):
    """A checkpoint whose items are looked at in the same pass."""

    replacement_history: list[Probe] | None = None  # type: ignore[assignment]  # narrower where it matters


def _has_turn_id(envelope: _Envelope, _: bytes) -> bool:
    return envelope.payload.turn_id is not None


def _has_message(envelope: _Envelope, _: bytes) -> bool:
    return envelope.payload.message is not None


def _has_text(envelope: _Envelope, _: bytes) -> bool:
    return envelope.payload.text is not None


def _has_item(envelope: _Envelope, _: bytes) -> bool:
    probe = envelope.payload
    return probe.turn_id is not None and probe.item is not ABSENT and memoryview(probe.item)[0] == _BRACE


def _is_item(envelope: _Envelope, _: bytes) -> bool:
    return check_item(envelope.payload) is None


def _has_turn_context(_: _Envelope, stored: bytes) -> bool:
    return decode_line(stored, TurnContext) is not None


def _has_compaction(_: _Envelope, stored: bytes) -> bool:
    found = decode_line(stored, _Compacted)
    if found is None:
        return False
    items, metadata = found.replacement_history, found.replacement_history_metadata
    if metadata is not None and (items is None or len(metadata) != len(items)):
        return False
    return all(probe.type == GHOST_SNAPSHOT or check_item(probe) is None for probe in items or ())


def _is_of_its_type(envelope: _Envelope, stored: bytes) -> bool:
    return check_record(Record(0, stored, envelope)) is None


_BRACE: Final = ord("{")
_Test = Callable[[_Envelope, bytes], bool]

_EVENT_TESTS: Final[dict[str | None, _Test | None]] = {
    **dict.fromkeys(EVENTS),
    **dict.fromkeys(TASK_STARTED | TASK_COMPLETE, _has_turn_id),
    ITEM_COMPLETED: _has_item,
    USER_MESSAGE: _has_message,
    "agent_message": _has_message,
    "agent_reasoning": _has_text,
    "agent_reasoning_raw_content": _has_text,
    ROLLED_BACK: _is_of_its_type,
}
"""What an event still has to pass once it is decoded, by its kind; None for nothing."""

_TESTS: Final[dict[str, _Test | None]] = {
    RESPONSE_ITEM: _is_item,
    TURN_CONTEXT: _has_turn_context,
    COMPACTED: _has_compaction,
    TOKEN_USAGE: None,
    **dict.fromkeys(CARRIED_TYPES),
}
"""The same for records of other types; what is in neither table passes the rules or nothing."""

_TYPES: Final = frozenset({EVENT_MSG, SESSION_META, WORLD_STATE, CHECKPOINT, *_TESTS})
"""Types that are passed over where they are not asked for; one that nobody knows may be an altered one."""
_EVENTS: Final = EVENTS - TURN_ENDS
"""The same for events."""

_decode: Final = make_decoder(_Envelope).decode


_PART_BYTES: Final = 16 << 10


class Unclear(Struct, frozen=True, gc=False):
    """A line that takes a closer look."""

    start_offset: int
    stored: bytes


def find_records(
    lines: list[bytes], start_offsets: Iterable[int], only_type: str | None = None
) -> list[Record | Unclear]:
    """Return what lines are, in their order: surely records, or unclear.

    `only_type` leaves out lines that are surely of another record type, but none that may be sealed.
    """
    envelopes: list[_Envelope | None]
    try:
        envelopes = list(map(_decode, lines))
    except UNDECODABLE:  # one odd line shall not send all the others the long way
        envelopes = list(map(_find_envelope, lines))
    found: list[Record | Unclear] = []
    for start, stored, envelope in zip(start_offsets, lines, envelopes, strict=False):
        if envelope is None:
            found.append(Unclear(start, stored))
            continue
        type_ = envelope.type
        is_other = only_type is not None and type_ != only_type and type_ in _TYPES
        if is_other and (type_ != EVENT_MSG or envelope.payload.type in _EVENTS):
            continue
        if type_ == EVENT_MSG:
            test = _EVENT_TESTS.get(envelope.payload.type, _is_of_its_type)
        else:
            test = _TESTS.get(type_, _is_of_its_type)
        # UTF-8 is judged by the line, and first: most lines are ASCII, which is told at a glance.
        if (stored.isascii() or is_utf8(stored)) and (test is None or test(envelope, stored)):
            found.append(Record(start, stored, envelope))
        else:
            found.append(Unclear(start, stored))
    return found


def _find_envelope(stored: bytes) -> _Envelope | None:
    try:
        return _decode(stored)
    except UNDECODABLE:
        return None


def is_utf8(content: bytes) -> bool:
    """Tell whether all of `content` is UTF-8.

    A long line is decoded by parts: as one text it would take four times its size, of fresh memory.
    """
    start = 0
    try:
        while len(content) - start > _PART_BYTES:
            start += utf_8_decode(content[start : start + _PART_BYTES])[1]
        (content[start:] if start else content).decode()
    except UnicodeDecodeError:
        return False
    return True
