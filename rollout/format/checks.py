"""What makes a payload a record of its type. Format: docs/format.md, "Record types"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from rollout.format import payloads, vocabulary
from rollout.format.decoding import decode_payload, decode_probe, require_payload
from rollout.format.items import Problem, check_item
from rollout.format.record import Reason, Record
from rollout.format.seals import find_seal
from rollout.ids import find_uuid


class _EarlyMeta(Struct, frozen=True):
    """What a header of the eras before the envelope holds for sure."""

    id: str
    timestamp: str


class _OldPolicy(Struct, frozen=True):
    mode: str


class _OldContext(Struct, frozen=True):
    sandbox_policy: _OldPolicy


_EVENT_SHAPES: Final[dict[str, type[Struct]]] = {
    **dict.fromkeys(vocabulary.TASK_STARTED, payloads.TaskStarted),
    **dict.fromkeys(vocabulary.TASK_COMPLETE, payloads.TaskComplete),
    vocabulary.TURN_ABORTED: payloads.TurnAborted,
    vocabulary.ROLLED_BACK: payloads.RolledBack,
    vocabulary.USER_MESSAGE: payloads.SaidText,
    "agent_message": payloads.SaidText,
    "agent_reasoning": payloads.ReasonedText,
    "agent_reasoning_raw_content": payloads.ReasonedText,
}


def check_record(record: Record) -> Problem | None:
    """Return why this line is no record after all, or None.

    The envelope and probe have been decoded; this applies the rules of the record's type.
    """
    check = _CHECKS.get(record.envelope.type)
    if check is None:
        return _unknown(record, f"record type {record.type[:60]!r} is not known")
    return check(record)


def _unknown(record: Record, detail: str) -> Problem:
    """Return what to make of a type that nobody knows: on a sealed line it was altered."""
    is_sealed = find_seal(record.line, record.start_offset) is not None
    return Problem(Reason.BROKEN_SEAL if is_sealed else Reason.UNKNOWN_TYPE, detail)


def _check_response_item(record: Record) -> Problem | None:
    return check_item(record.envelope.payload)


def _check_event(record: Record) -> Problem | None:
    probe = record.envelope.payload
    kind = probe.type
    if kind is None:
        return Problem(Reason.BAD_PAYLOAD, "expected an event with a `type`, found none")
    if kind == vocabulary.ITEM_COMPLETED:
        if probe.turn_id is None or bytes(memoryview(probe.item)[:1]) != b"{":
            return Problem(Reason.BAD_PAYLOAD, "item_completed: expected `turn_id` and an `item` object")
        return None
    shape = _EVENT_SHAPES.get(kind)
    if shape is not None:
        return _fits(record, shape)
    if kind not in vocabulary.EVENTS:
        return _unknown(record, f"event type {kind[:60]!r} is not known")
    return None


def _fits(record: Record, shape: type[Any]) -> Problem | None:
    try:
        require_payload(record, shape)
    except msgspec.MsgspecError as bad:
        return Problem(Reason.BAD_PAYLOAD, str(bad))
    except RecursionError:
        return Problem(Reason.TOO_DEEP, "nested too deeply to decode")
    return None


def _check_header(record: Record) -> Problem | None:
    shape: type[Any] = payloads.SessionMeta if record.payload is None else _EarlyMeta
    problem = _fits(record, shape)
    if problem is not None:
        return problem
    meta: payloads.SessionMeta | _EarlyMeta = require_payload(record, shape)
    if find_uuid(meta.id) is None:
        return Problem(Reason.BAD_PAYLOAD, f"id: expected a UUID, found {meta.id[:60]!r}")
    if isinstance(meta, payloads.SessionMeta) and meta.history_mode not in {"legacy", "paginated"}:
        return Problem(Reason.BAD_PAYLOAD, f"history_mode: {meta.history_mode!r} is not known")
    return None


def _check_turn_context(record: Record) -> Problem | None:
    problem = _fits(record, payloads.TurnContext)
    if problem is not None:
        try:
            require_payload(record, _OldContext)
        except (msgspec.MsgspecError, RecursionError):
            return problem
        return Problem(Reason.OBSOLETE, "a sandbox policy of 2025, tagged `mode` instead of `type`")
    return None


def _check_compacted(record: Record) -> Problem | None:
    try:
        compacted = require_payload(record, payloads.Compacted)
    except msgspec.MsgspecError as bad:
        return Problem(Reason.BAD_PAYLOAD, str(bad))
    except RecursionError:
        return Problem(Reason.TOO_DEEP, "nested too deeply to decode")
    items, metadata = compacted.replacement_history, compacted.replacement_history_metadata
    if metadata is not None and len(metadata) != (-1 if items is None else len(items)):
        found = "no replacement_history" if items is None else f"{len(items)} items"
        return Problem(
            Reason.BAD_PAYLOAD, f"replacement_history_metadata: {len(metadata)} entries against {found}"
        )
    for index, item in enumerate(items or ()):
        problem = _check_replacement(item)
        if problem is not None:
            return Problem(Reason.BAD_PAYLOAD, f"replacement_history[{index}]: {problem.detail}")
    return None


def _check_replacement(item: Raw) -> Problem | None:
    probe = decode_probe(item)
    if probe is None:
        return Problem(Reason.BAD_PAYLOAD, "expected an item object with a `type`")
    if probe.type == vocabulary.GHOST_SNAPSHOT:
        return None
    return check_item(probe)


def _shape_check(shape: type[Any]) -> Callable[[Record], Problem | None]:
    def check(record: Record) -> Problem | None:
        return _fits(record, shape)

    return check


class _MovedAway(Struct, frozen=True):
    rollout_path: str = "another file"


def _check_reference(record: Record) -> Problem:
    moved = decode_payload(record, _MovedAway) or _MovedAway()
    return Problem(
        Reason.MISSING_HISTORY, f"older records were moved to {moved.rollout_path[:200]}, which is not read"
    )


def _pass_over(_: Record) -> Problem:
    return Problem(Reason.CHECKPOINT, "positions that a resume may start from, no part of the history")


def _accept(_: Record) -> Problem | None:
    return None


_CHECKS: Final[dict[str, Callable[[Record], Problem | None]]] = {
    vocabulary.RESPONSE_ITEM: _check_response_item,
    vocabulary.EVENT_MSG: _check_event,
    vocabulary.SESSION_META: _check_header,
    vocabulary.TURN_CONTEXT: _check_turn_context,
    vocabulary.COMPACTED: _check_compacted,
    vocabulary.WORLD_STATE: _shape_check(payloads.WorldState),
    vocabulary.AGENT_COMMUNICATION: _shape_check(payloads.AgentCommunication),
    vocabulary.ROLLOUT_REFERENCE: _check_reference,
    vocabulary.CHECKPOINT: _pass_over,
    vocabulary.TOKEN_USAGE: _shape_check(payloads.UsageRecord),
    **dict.fromkeys(vocabulary.CARRIED_TYPES, _accept),
}
