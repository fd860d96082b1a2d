"""Errors that a server answers with become the library's again: the same families, codes and hints.

A server of this project names its code and hint under `data.rollout`. Where there is none, as with the
words that clients of the protocol know, the number and the first words of the message decide.
Contract: docs/protocol.md, "Errors".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import Raw, Struct

from rollout.client.answers import Refused
from rollout.client.lenient import decode_answer
from rollout.errors import (
    Conflict,
    DamagedLog,
    InvalidCursor,
    InvalidRequest,
    NotFound,
    RolloutError,
    StorageFailed,
    UnsupportedFormat,
)
from rollout.format.decoding import UNDECODABLE, decoder_of

T = TypeVar("T")

_INTERNAL_ERROR: Final = -32603
_FAMILIES: Final[dict[str, type[RolloutError]]] = {
    family.code: family
    for family in (InvalidRequest, NotFound, Conflict, DamagedLog, UnsupportedFormat, StorageFailed)
}
_WORDS: Final[tuple[tuple[re.Pattern[str], type[RolloutError]], ...]] = (
    (re.compile(r"invalid cursor"), InvalidCursor),
    (re.compile(r"no (archived )?rollout found|thread not loaded|(thread|turn) not found"), NotFound),
    (re.compile(r".* was not found in the source thread"), NotFound),
    (re.compile(r"session \S+ is archived|cannot (delete thread|resume running thread)"), Conflict),
)
_HINTS: Final[dict[type[RolloutError], str]] = {
    InvalidCursor: "Start again without it.",
    NotFound: "Check the id, or list what is there.",
}
"""What to do next, where a server does not say it."""


class ServerGone(StorageFailed):
    """The server, or the way to it, is no more. Connect again; what was asked may have been done or not."""


class NoAnswer(StorageFailed):
    """The server took too long. What was asked may still be done; the connection goes on."""


class _Cause(Struct, frozen=True):
    code: str = ""
    hint: str | None = None


class _Data(Struct, frozen=True):
    rollout: _Cause = _Cause()


_decode_data: Final[Callable[[Raw], _Data | None]] = decoder_of(_Data | None)


def read_answer(method: str, result: Raw, answer: type[T]) -> T:
    """Return an answer as what it should be, what is unknown in it kept. Raise UnsupportedFormat.

    That is: it lacks what every server says, or has something else in its place.
    """
    try:
        return decode_answer(result, answer)
    except UNDECODABLE as error:
        raise unreadable(method, str(error) or "nested too deeply") from error


def unreadable(method: str, why: str) -> UnsupportedFormat:
    """Return the error for an answer that this release cannot read."""
    return UnsupportedFormat(
        f"reading the answer to {method}: {why}", hint="Use a client as new as the server."
    )


def error_of(refused: Refused) -> RolloutError:
    """Return the library's error for one that a server answered with."""
    try:
        cause: _Data = _decode_data(refused.data) or _Data()
    except UNDECODABLE:
        cause = _Data()  # another server's words of its own
    family = _family(refused, cause.rollout.code)
    return family(refused.message, hint=cause.rollout.hint or _HINTS.get(family))


def _family(refused: Refused, code: str) -> type[RolloutError]:
    named = _FAMILIES.get(code)
    worded = next((family for words, family in _WORDS if words.match(refused.message)), None)
    if worded is not None and (named is None or issubclass(worded, named)):
        return worded
    if named is not None:
        return named
    return StorageFailed if refused.code == _INTERNAL_ERROR else InvalidRequest
