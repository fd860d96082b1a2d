"""Items of legacy histories: event records as the reference server shows them.

An event without an id of its own is numbered by the caller (`item-<n>`), in order over
the whole thread. Adjacent reasoning events are one item: join them with `joined_reasoning`.
Format: docs/format.md, "Legacy events".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

import msgspec
from msgspec import Raw, Struct

from rollout.format.decoding import UNDECODABLE, decoder_of
from rollout.format.making import make_decoder
from rollout.turns import hook_text, items, legacy_calls, parts, review, stored_messages, stored_sent, words
from rollout.turns.image_detail import ImageDetail
from rollout.turns.stored import public_item

_LISTED_ITEMS: Final = ("plan", "functionCallOutput", "sleep")

Decoded = TypeVar("Decoded")
ItemReader = Callable[[Raw | bytes, str], items.ThreadItem | None]


class SentMessage(Struct, frozen=True):
    """Payload of `user_message`. Details align with the images, as far as they reach."""

    message: str
    client_id: str | None = None
    text_elements: tuple[stored_sent.StoredTextElement, ...] = ()
    images: tuple[str, ...] | None = None
    image_details: tuple[ImageDetail | None, ...] = ()
    local_images: tuple[str, ...] = ()
    local_image_details: tuple[ImageDetail | None, ...] = ()
    audio: tuple[str, ...] | None = None
    local_audio: tuple[str, ...] = ()


class SaidMessage(Struct, frozen=True):
    """Payload of `agent_message`."""

    message: str
    phase: words.MessagePhase | None = None
    memory_citation: stored_messages.StoredMemoryCitation | None = None
    delivery: words.Delivery | None = None
    questions: tuple[parts.Question, ...] | None = None


class ThoughtText(Struct, frozen=True):
    """Payload of `agent_reasoning` and `agent_reasoning_raw_content`."""

    text: str


class Compacted(Struct, frozen=True):
    """Payload of `context_compacted`: nothing that matters."""


class EnteredReview(Struct, frozen=True):
    """Payload of `entered_review_mode`."""

    target: review.ReviewTarget
    user_facing_hint: str | None = None
    item_id: str | None = None


class ExitedReview(Struct, frozen=True):
    """Payload of `exited_review_mode`."""

    review_output: review.ReviewOutput | None = None
    item_id: str | None = None


class CompletedItem(Struct, frozen=True):
    """Payload of `item_completed`."""

    item: Raw
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class PromptText(Struct, frozen=True, tag="input_text", tag_field="type"):
    """The only part that a hook's message may have."""

    text: str


def legacy_item(event_type: str, payload: Raw | bytes, number_id: str) -> items.ThreadItem | None:
    """Return the item that an event record gives, or None when it gives none.

    `number_id` becomes the item's id when the record has none of its own. Shell commands,
    dynamic calls, calls between agents and viewed images are given, too, although the
    reference server leaves their records out of its listings.
    """
    read = _READERS.get(event_type)
    if read is None:
        return None
    try:
        return read(payload, number_id)
    except UNDECODABLE:
        return None


def joined_reasoning(earlier: items.Reasoning, later: items.Reasoning) -> items.Reasoning:
    """Return `earlier` continued by `later`; the number of `later` stays free."""
    return msgspec.structs.replace(
        earlier, summary=earlier.summary + later.summary, content=earlier.content + later.content
    )


def hook_prompt_item(content: Raw | bytes, item_id: str) -> items.HookPrompt | None:
    """Return what hooks said in a user's response item, or None when it is the user's own.

    Every part must be a hook's. The item uses no number: `item_id` is the response item's
    id, or, where it has none, any id that stays the same from one read to the next.
    """
    try:
        texts = _decode_prompt(content)
    except UNDECODABLE:
        return None
    found = (hook_text.find_hook_fragment(part.text) for part in texts)
    fragments = tuple(fragment for fragment in found if fragment is not None)
    if not fragments or len(fragments) < len(texts):
        return None
    return items.HookPrompt(id=item_id, fragments=fragments)


def _user_message(sent: SentMessage, number_id: str) -> items.UserMessage:
    content: list[parts.UserInput] = []
    if sent.message.strip():
        content.append(stored_messages.public_text(sent.message, sent.text_elements))
    images = sent.images or ()
    content.extend(
        parts.ImageInput(url=url, detail=detail)
        for url, detail in zip(images, _padded(sent.image_details, len(images)), strict=False)
    )
    content.extend(
        parts.LocalImageInput(detail=detail, path=path)
        for path, detail in zip(
            sent.local_images, _padded(sent.local_image_details, len(sent.local_images)), strict=False
        )
    )
    content.extend(parts.AudioInput(url=url) for url in sent.audio or ())
    content.extend(parts.LocalAudioInput(path=path) for path in sent.local_audio)
    return items.UserMessage(id=number_id, client_id=sent.client_id, content=tuple(content))


def _padded(details: tuple[ImageDetail | None, ...], count: int) -> tuple[ImageDetail | None, ...]:
    return details + (None,) * (count - len(details))


def _agent_message(said: SaidMessage, number_id: str) -> items.AgentMessage | None:
    if not said.message:
        return None
    return items.AgentMessage(
        id=number_id,
        text=said.message,
        phase=said.phase,
        memory_citation=stored_messages.public_citation(said.memory_citation),
        delivery=said.delivery,
        questions=said.questions,
    )


def _summary(thought: ThoughtText, number_id: str) -> items.Reasoning | None:
    return items.Reasoning(id=number_id, summary=(thought.text,)) if thought.text else None


def _thoughts(thought: ThoughtText, number_id: str) -> items.Reasoning | None:
    return items.Reasoning(id=number_id, content=(thought.text,)) if thought.text else None


def _compaction(_: Compacted, number_id: str) -> items.ContextCompaction:
    return items.ContextCompaction(id=number_id)


def _entered_review(entered: EnteredReview, number_id: str) -> items.EnteredReviewMode:
    hint = entered.user_facing_hint
    return items.EnteredReviewMode(
        id=entered.item_id or number_id, review=review.UNNAMED_REQUEST if hint is None else hint
    )


def _exited_review(exited: ExitedReview, number_id: str) -> items.ExitedReviewMode:
    return items.ExitedReviewMode(
        id=exited.item_id or number_id, review=review.review_text(exited.review_output)
    )


def _completed_item(completed: CompletedItem, _: str) -> items.ThreadItem | None:
    item = public_item(
        completed.item, started_at_ms=completed.started_at_ms, completed_at_ms=completed.completed_at_ms
    )
    if item is None or items.item_type(item) not in _LISTED_ITEMS:
        return None
    return None if isinstance(item, items.Plan) and not item.text else item


def _numbered(shape: type[Decoded], project: Callable[[Decoded, str], items.ThreadItem | None]) -> ItemReader:
    return lambda payload, number_id: project(decoder_of(shape)(payload), number_id)


def _own_id(shape: type[Decoded], project: Callable[[Decoded], items.ThreadItem | None]) -> ItemReader:
    return lambda payload, _: project(decoder_of(shape)(payload))


def _collab(tool: words.CollabTool) -> ItemReader:
    return _own_id(legacy_calls.CollabEnd, partial(legacy_calls.public_collab, tool=tool))


_decode_prompt: Final = make_decoder(tuple[PromptText, ...]).decode

_READERS: Final[dict[str, ItemReader]] = {
    "user_message": _numbered(SentMessage, _user_message),
    "agent_message": _numbered(SaidMessage, _agent_message),
    "agent_reasoning": _numbered(ThoughtText, _summary),
    "agent_reasoning_raw_content": _numbered(ThoughtText, _thoughts),
    "context_compacted": _numbered(Compacted, _compaction),
    "entered_review_mode": _numbered(EnteredReview, _entered_review),
    "exited_review_mode": _numbered(ExitedReview, _exited_review),
    "item_completed": _numbered(CompletedItem, _completed_item),
    "patch_apply_end": _own_id(legacy_calls.PatchEnd, legacy_calls.public_patch),
    "mcp_tool_call_end": _own_id(legacy_calls.McpEnd, legacy_calls.public_mcp),
    "web_search_end": _own_id(legacy_calls.WebSearchEnd, legacy_calls.public_search),
    "image_generation_end": _own_id(legacy_calls.ImageEnd, legacy_calls.public_image),
    "sub_agent_activity": _own_id(legacy_calls.Activity, legacy_calls.public_activity),
    "exec_command_end": _own_id(legacy_calls.CommandEnd, legacy_calls.public_command),
    "dynamic_tool_call_response": _own_id(legacy_calls.DynamicEnd, legacy_calls.public_dynamic),
    "view_image_tool_call": _own_id(legacy_calls.ImageViewed, legacy_calls.public_view),
    "collab_agent_spawn_end": _collab(words.CollabTool.SPAWN_AGENT),
    "collab_agent_interaction_end": _collab(words.CollabTool.SEND_INPUT),
    "collab_waiting_end": _collab(words.CollabTool.WAIT),
    "collab_close_end": _collab(words.CollabTool.CLOSE_AGENT),
    "collab_resume_end": _collab(words.CollabTool.RESUME_AGENT),
}
