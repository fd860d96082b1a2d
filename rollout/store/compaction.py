"""The records of a compaction: with everything that lets every reader stop there.

Pure over what the thread's context says now. Format: docs/format.md, "Bounded read" and "Window".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Raw

from rollout.format import vocabulary
from rollout.format.encoding import Draft, encode_payload
from rollout.format.record import Mode
from rollout.ids import TurnId
from rollout.replay.context import Context
from rollout.store.given import token_counts

if TYPE_CHECKING:
    from rollout.store.recorder import Recorder

_NONE: Final = b"null"


def compaction_drafts(
    turn_id: TurnId, items: list[bytes], message: str, context: Context, recorder: Recorder
) -> list[Draft]:
    """Return the records of a compaction turn between its start and its end, unwritten.

    `items` are the replacement history as compact JSON; `context` is the thread's before it.
    """
    window = context.window
    first = window.first_id or window.id or recorder.new_id()
    settings = context.previous_turn_settings
    previous: dict[str, Any] | None = None
    if settings is not None:
        previous = {
            "model": settings.model,
            "comp_hash": settings.comp_hash,
            "realtime_active": settings.realtime_active,
        }
    members = {
        "message": message,
        "window_number": window.number + 1,
        "first_window_id": first,
        "previous_window_id": window.id or first,
        "window_id": recorder.new_id(),
        "latest_token_usage_record": _usage(context, turn_id, recorder),
        "resume_metadata": {
            "dynamic_tools": {"thread_id": recorder.thread_id, "tools": list(recorder.dynamic_tools)},
            "last_started_turn_id": turn_id,
            "previous_turn_settings": previous,
        },
    }
    rest = encode_payload(members, what="a compaction")
    payload = b'{"replacement_history":[%b],%b' % (b",".join(items), rest[1:])
    drafts = [Draft(vocabulary.COMPACTED, payload)]
    if context.world_state is not None:
        world = b'{"full":true,"state":%b}' % bytes(Raw(context.world_state))
        drafts.append(Draft(vocabulary.WORLD_STATE, world))
    turn_context = recorder.settings_payload(turn_id)
    if turn_context is not None:
        drafts.append(Draft(vocabulary.TURN_CONTEXT, encode_payload(turn_context, what="turn settings")))
    told = _told(context, recorder)
    if told is not None:
        drafts.append(recorder.event(told))
    return drafts + recorder.visible_drafts(turn_id, {"type": "ContextCompaction", "id": recorder.new_id()})


def _told(context: Context, recorder: Recorder) -> dict[str, Any] | None:
    """Return the event that tells users of their tokens again, for whoever stops at the compaction.

    A legacy thread has it even when nothing is known: a reader of one looks for it however far back.
    """
    info, thread = context.usage.info, context.usage.thread
    total = info.total_token_usage if info is not None and info.total_token_usage is not None else thread
    if total is None and recorder.mode is Mode.PAGINATED:
        return None
    members = {
        "total_token_usage": token_counts(total.counts() if total is not None else {}),
        "last_token_usage": token_counts({}),
        "model_context_window": info.model_context_window if info is not None else None,
    }
    return {"type": vocabulary.TOKEN_COUNT, "info": members, "rate_limits": None}


def _usage(context: Context, turn_id: TurnId, recorder: Recorder) -> dict[str, Any] | None:
    total = context.usage.thread
    if total is None:
        return None
    counts, nothing = token_counts(total.counts()), token_counts({})
    spent = {"response_id": "", "usage": nothing, "turn_token_usage": nothing}
    return recorder.usage_record(turn_id, counts) | spent
