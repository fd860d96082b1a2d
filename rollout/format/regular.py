"""The common line at speed: a record beyond doubt, told by one decode and one look-up.

What this accepts, the rules of `format/checks.py` accept; what it does not, they decide.
So it may be narrow, never wide. Format: docs/format.md, "Record types".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from rollout.format.checks import check_record
from rollout.format.decoding import UNDECODABLE
from rollout.format.items import check_item
from rollout.format.record import Envelope, Probe, Record
from rollout.format.vocabulary import (
    CARRIED_TYPES,
    EVENT_MSG,
    EVENTS,
    ITEM_COMPLETED,
    RESPONSE_ITEM,
    TASK_COMPLETE,
    TASK_STARTED,
    TOKEN_USAGE,
    USER_MESSAGE,
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


def _turn_id(probe: _Probe) -> bool:
    return probe.turn_id is not None


def _message(probe: _Probe) -> bool:
    return probe.message is not None


def _text(probe: _Probe) -> bool:
    return probe.text is not None


def _item(probe: _Probe) -> bool:
    return probe.turn_id is not None and bytes(memoryview(probe.item)[:1]) == b"{"


def _never(_: _Probe) -> bool:
    return False


_EVENT_NEEDS: Final[dict[str | None, Callable[[_Probe], bool] | None]] = {
    **dict.fromkeys(EVENTS),
    **dict.fromkeys(TASK_STARTED | TASK_COMPLETE, _turn_id),
    ITEM_COMPLETED: _item,
    USER_MESSAGE: _message,
    "agent_message": _message,
    "agent_reasoning": _text,
    "agent_reasoning_raw_content": _text,
    "thread_rolled_back": _never,
}
"""What an event must hold, by its kind; None for nothing."""

_ACCEPTED: Final = CARRIED_TYPES | {TOKEN_USAGE}
_decode: Final = msgspec.json.Decoder(_Envelope).decode


def find_envelope(stored: bytes) -> Envelope | None:
    """Return the envelope of a line that is surely a record, or None when that takes a closer look."""
    # UTF-8 is judged by the line: most lines are ASCII, which is told at a glance.
    if not stored.isascii() and not is_utf8(stored):
        return None
    try:
        envelope = _decode(stored)
    except UNDECODABLE:
        return None
    type_, probe = envelope.type, envelope.payload
    if type_ == EVENT_MSG:
        needs = _EVENT_NEEDS.get(probe.type, _never)
        return envelope if needs is None or needs(probe) else None
    if type_ == RESPONSE_ITEM:
        return envelope if check_item(probe) is None else None
    is_record = type_ in _ACCEPTED or check_record(Record(0, stored, envelope)) is None
    return envelope if is_record else None


def is_utf8(content: bytes) -> bool:
    """Tell whether all of `content` is UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
