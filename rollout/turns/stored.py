"""Stored items made public: the `item` of an `item_completed` record as a client sees it.

One decode into the stored shape, one projection. An item of unknown type, or one whose
members contradict its type, has no public form: the reference server skips it, and so
do we; its bytes stay in the log. Format: docs/format.md, "Items".
"""

from __future__ import annotations

from msgspec import Raw, Struct

from rollout.format.decoding import UNDECODABLE, decode_payload, decoder_of
from rollout.format.payloads import ItemCompleted
from rollout.format.record import Record
from rollout.turns import (
    items,
    review,
    stored_agents,
    stored_media,
    stored_messages,
    stored_sent,
    stored_tools,
)

StoredItem = (
    stored_sent.StoredUserMessage
    | stored_messages.StoredAgentMessage
    | stored_messages.StoredReasoning
    | stored_messages.StoredHookPrompt
    | stored_messages.StoredPlan
    | stored_messages.StoredFunctionCallOutput
    | stored_messages.StoredContextCompaction
    | stored_messages.StoredEnteredReview
    | stored_messages.StoredExitedReview
    | stored_tools.StoredCommand
    | stored_tools.StoredFileChange
    | stored_tools.StoredMcpCall
    | stored_tools.StoredDynamicCall
    | stored_agents.StoredCollabCall
    | stored_agents.StoredActivity
    | stored_media.StoredWebSearch
    | stored_media.StoredImageView
    | stored_media.StoredImageGeneration
    | stored_media.StoredExtension
)


class _Completed(Struct, frozen=True):
    """`ItemCompleted`, its item decoded in the same pass."""

    turn_id: str
    item: StoredItem
    thread_id: str | None = None
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


def public_completed(record: Record) -> items.ThreadItem | None:
    """Return the public form of the item that an `item_completed` record holds, or None when it has none."""
    found = decode_payload(record, _Completed)
    if found is None:
        return None
    if isinstance(found.item, stored_media.StoredExtension):  # what it holds depends on what it extends
        whole = decode_payload(record, ItemCompleted)
        item = public_item(whole.item) if whole is not None else None
    else:
        item = _find_public(found.item, b"")
    if item is None:
        return None
    return items.with_times(item, started_at_ms=found.started_at_ms, completed_at_ms=found.completed_at_ms)


def public_item(
    stored: Raw | bytes, *, started_at_ms: int | None = None, completed_at_ms: int | None = None
) -> items.ThreadItem | None:
    """Return the public form of a stored item, or None when it has none.

    The times are those of the record around it; a completion time of 0 means unknown.
    """
    try:
        item = _find_public(decoder_of(StoredItem)(stored), stored)
    except UNDECODABLE:
        return None
    if item is None:
        return None
    return items.with_times(item, started_at_ms=started_at_ms, completed_at_ms=completed_at_ms)


def _find_public(item: StoredItem, stored: Raw | bytes) -> items.ThreadItem | None:
    match item:
        case stored_sent.StoredUserMessage():
            return stored_messages.public_user_message(item)
        case stored_messages.StoredAgentMessage():
            return stored_messages.public_agent_message(item)
        case stored_messages.StoredReasoning():
            return items.Reasoning(id=item.id, summary=item.summary_text, content=item.raw_content)
        case stored_tools.StoredCommand():
            return stored_tools.public_command(item)
        case stored_tools.StoredFileChange():
            return stored_tools.public_file_change(item.id, item.changes, item.status)
        case stored_tools.StoredMcpCall():
            return stored_tools.public_mcp_call(item)
        case stored_tools.StoredDynamicCall():
            return stored_tools.public_dynamic_call(item)
        case stored_agents.StoredCollabCall():
            return stored_agents.public_collab_call(item)
        case stored_agents.StoredActivity():
            return stored_agents.public_activity(item)
        case stored_media.StoredWebSearch():
            return stored_media.public_web_search(item)
        case stored_media.StoredImageView():
            return stored_media.public_image_view(item)
        case stored_media.StoredImageGeneration():
            return stored_media.public_image(item)
        case stored_media.StoredExtension():
            return stored_media.public_extension(decoder_of(stored_media.ExtensionItem)(stored))
        case stored_messages.StoredHookPrompt():
            return items.HookPrompt(id=item.id, fragments=item.fragments)
        case stored_messages.StoredPlan():
            return items.Plan(id=item.id, text=item.text)
        case stored_messages.StoredFunctionCallOutput():
            return stored_messages.public_function_output(item)
        case stored_messages.StoredContextCompaction():
            return items.ContextCompaction(id=item.id)
        case stored_messages.StoredEnteredReview():
            return items.EnteredReviewMode(id=item.id, review=item.user_facing_hint)
        case stored_messages.StoredExitedReview():
            return items.ExitedReviewMode(id=item.id, review=review.review_text(item.review_output))
