"""Why a turn failed: the stored `error` of a turn's end, as a client sees it.

Stored words are snake case, public ones camel case. Contract: docs/protocol.md, "Turns".
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rollout.format.decoding import UNDECODABLE, decoder_of
from rollout.turns.words import camel_case

OTHER: Final = "other"
"""What stands for every cause that a client cannot know."""

_BARE_CAUSES: Final = frozenset(
    {
        "context_window_exceeded",
        "session_budget_exceeded",
        "usage_limit_exceeded",
        "rate_limit_exceeded",
        "flex_unavailable",
        "server_overloaded",
        "model_not_found",
        "policy_capacity_unavailable",
        "cyber_policy",
        "misalignment_policy_violation",
        "too_many_denials",
        "internal_server_error",
        "unauthorized",
        "bad_request",
        "thread_rollback_failed",
        "sandbox_error",
        "inference_hook_denied",
    }
)
_HTTP_CAUSES: Final = frozenset(
    {
        "http_connection_failed",
        "response_stream_connection_failed",
        "response_stream_disconnected",
        "response_too_many_failed_attempts",
    }
)
_NOT_STEERABLE: Final = "active_turn_not_steerable"


class HttpStatus(Struct, frozen=True, rename="camel"):
    """The status that the provider answered with, if it answered."""

    http_status_code: int | None = None


class TurnKind(Struct, frozen=True, rename="camel"):
    """The kind of turn that cannot be steered."""

    turn_kind: Literal["review", "compact"]


class DetailedCause(Struct, frozen=True, rename="camel"):
    """A cause that says more than its name: exactly one member is set."""

    http_connection_failed: HttpStatus | UnsetType = UNSET
    response_stream_connection_failed: HttpStatus | UnsetType = UNSET
    response_stream_disconnected: HttpStatus | UnsetType = UNSET
    response_too_many_failed_attempts: HttpStatus | UnsetType = UNSET
    active_turn_not_steerable: TurnKind | UnsetType = UNSET


class TurnFailure(Struct, frozen=True, rename="camel"):
    """The `error` of a failed or interrupted turn. The last two members are never recorded."""

    message: str
    codex_error_info: str | DetailedCause | None = None
    additional_details: None = None
    misalignment: None = None


class _StoredStatus(Struct, frozen=True):
    http_status_code: Annotated[int, msgspec.Meta(ge=0, le=65_535)] | None = None


class _StoredKind(Struct, frozen=True):
    turn_kind: Literal["review", "compact"]


class _StoredFailure(Struct, frozen=True):
    message: str
    codex_error_info: str | dict[str, Raw] | None = None


_decode_failure: Final = decoder_of(_StoredFailure)
_decode_status: Final = decoder_of(_StoredStatus)
_decode_kind: Final = decoder_of(_StoredKind)


def public_failure(stored: Raw | bytes) -> TurnFailure | None:
    """Return the public form of a stored `error`, or None when it is null or cannot be decoded.

    The reference server reads no record whose error, other than null, cannot be decoded.
    """
    try:
        failure = _decode_failure(stored)
        match failure.codex_error_info:
            case None:
                cause: str | DetailedCause | None = None
            case str(word):
                cause = _find_bare_cause(word)
            case members:
                cause = _find_detailed_cause(members)
    except UNDECODABLE:
        return None
    if cause is None and failure.codex_error_info is not None:
        return None
    return TurnFailure(message=failure.message, codex_error_info=cause)


def _find_bare_cause(word: str) -> str | None:
    if word in _HTTP_CAUSES or word == _NOT_STEERABLE:
        return None
    return camel_case(word) if word in _BARE_CAUSES else OTHER


def _find_detailed_cause(members: dict[str, Raw]) -> str | DetailedCause | None:
    if len(members) != 1:
        return None
    ((word, detail),) = members.items()
    if word == _NOT_STEERABLE:
        return DetailedCause(active_turn_not_steerable=TurnKind(_decode_kind(detail).turn_kind))
    if word not in _HTTP_CAUSES:
        return OTHER
    status = HttpStatus(_decode_status(detail).http_status_code)
    match word:
        case "http_connection_failed":
            return DetailedCause(http_connection_failed=status)
        case "response_stream_connection_failed":
            return DetailedCause(response_stream_connection_failed=status)
        case "response_stream_disconnected":
            return DetailedCause(response_stream_disconnected=status)
        case _:
            return DetailedCause(response_too_many_failed_attempts=status)
