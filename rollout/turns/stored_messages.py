"""Stored shapes of what is said: messages, hooks, plans, reasoning. What a user sends is in `stored_sent`.

A record's item has its type in CamelCase and its members in snake case, with the
exceptions spelled out below. Absent optional members become null; a missing required
one makes the item undecodable, and the item is skipped. Format: docs/format.md, "Items".
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct

from rollout.turns import items, parts, review, stored_sent, tool_parts, words


class StoredHookPrompt(Struct, frozen=True, tag="HookPrompt", tag_field="type"):
    """What hooks told the agent. Fragments are camel case in the record, too."""

    id: str
    fragments: tuple[parts.HookFragment, ...]


class StoredMemoryCitation(Struct, frozen=True, rename="camel"):
    """`memory_citation`, camel case in the record, too."""

    entries: tuple[parts.CitedPlace, ...]
    rollout_ids: tuple[str, ...]


class StoredSaidText(Struct, frozen=True, tag="Text", tag_field="type"):
    """Part of an agent message; text is the only kind."""

    text: str


class StoredAgentMessage(Struct, frozen=True, tag="AgentMessage", tag_field="type"):
    """What the agent said. `moderation` is camel case inside."""

    id: str
    content: tuple[StoredSaidText, ...]
    phase: words.MessagePhase | None = None
    memory_citation: StoredMemoryCitation | None = None
    moderation: parts.Moderation | None = None
    delivery: words.Delivery | None = None
    questions: tuple[parts.Question, ...] | None = None


class StoredPlan(Struct, frozen=True, tag="Plan", tag_field="type"):
    """A proposed plan."""

    id: str
    text: str


class StoredReasoning(Struct, frozen=True, tag="Reasoning", tag_field="type"):
    """What the agent thought."""

    id: str
    summary_text: tuple[str, ...]
    raw_content: tuple[str, ...] = ()


class StoredContextCompaction(Struct, frozen=True, tag="ContextCompaction", tag_field="type"):
    """The mark that a checkpoint leaves in its turn."""

    id: str


class StoredFunctionCallOutput(Struct, frozen=True, tag="FunctionCallOutput", tag_field="type"):
    """A function's output; its parts are snake case on both sides."""

    id: str
    name: str
    output: str | tuple[tool_parts.OutputPart, ...]
    namespace: str | None = None


class StoredEnteredReview(Struct, frozen=True, tag="EnteredReviewMode", tag_field="type"):
    """The begin of a review."""

    id: str
    target: review.ReviewTarget
    user_facing_hint: str


class StoredExitedReview(Struct, frozen=True, tag="ExitedReviewMode", tag_field="type"):
    """The end of a review."""

    id: str
    review_output: review.ReviewOutput | None = None


def public_user_message(stored: stored_sent.StoredUserMessage) -> items.UserMessage | None:
    """Return the public message, or None when a part has neither URL nor file id."""
    if not stored_sent.is_public(stored):
        return None
    content = tuple(map(_public_input, stored.content))
    return items.UserMessage(id=stored.id, client_id=stored.client_id, content=content)


def _public_input(stored: stored_sent.StoredInput) -> parts.UserInput:
    match stored:
        case stored_sent.StoredText():
            return public_text(stored.text, stored.text_elements)
        case stored_sent.StoredImage(image_url=str(url)):
            return parts.ImageInput(url=url, detail=stored.detail)
        case stored_sent.StoredImage():
            return parts.ImageInput(file_id=stored.file_id or UNSET, detail=stored.detail)
        case stored_sent.StoredLocalImage():
            return parts.LocalImageInput(detail=stored.detail, path=stored.path)
        case stored_sent.StoredAudio(audio_url=str(url)):
            return parts.AudioInput(url=url)
        case stored_sent.StoredAudio():
            return parts.AudioInput(file_id=stored.file_id or UNSET)
        case stored_sent.StoredLocalAudio():
            return parts.LocalAudioInput(path=stored.path)
        case stored_sent.StoredSkill():
            return parts.SkillInput(name=stored.name, path=stored.path)
        case stored_sent.StoredMention():
            return parts.MentionInput(name=stored.name, path=stored.path)


def public_text(text: str, elements: tuple[stored_sent.StoredTextElement, ...]) -> parts.TextInput:
    """Return a text part with its elements."""
    spans = (
        parts.TextElement(
            byte_range=parts.ByteRange(start=element.byte_range.start, end=element.byte_range.end),
            placeholder=element.placeholder,
        )
        for element in elements
    )
    return parts.TextInput(text=text, text_elements=tuple(spans))


def public_agent_message(stored: StoredAgentMessage) -> items.AgentMessage:
    """Return the public message, its texts joined without a separator."""
    return items.AgentMessage(
        id=stored.id,
        text="".join(part.text for part in stored.content),
        phase=stored.phase,
        memory_citation=public_citation(stored.memory_citation),
        moderation=stored.moderation,
        delivery=stored.delivery,
        questions=stored.questions,
    )


def public_citation(stored: StoredMemoryCitation | None) -> parts.MemoryCitation | None:
    """Return a citation as clients know it: they call a rollout's id a thread id."""
    if stored is None:
        return None
    return parts.MemoryCitation(entries=stored.entries, thread_ids=stored.rollout_ids)


def public_function_output(stored: StoredFunctionCallOutput) -> items.FunctionCallOutput | None:
    """Return the public output, or None when a part has neither URL nor file id."""
    output: str | tuple[tool_parts.OutputPart, ...] = stored.output
    if not isinstance(output, str):
        if not all(_has_source(part) for part in output):
            return None
        output = tuple(_with_one_source(part) for part in output)
    return items.FunctionCallOutput(id=stored.id, name=stored.name, namespace=stored.namespace, output=output)


def _has_source(part: tool_parts.OutputPart) -> bool:
    match part:
        case tool_parts.OutputImage():
            return part.image_url is not None or part.file_id is not None
        case tool_parts.OutputAudio():
            return part.audio_url is not None or part.file_id is not None
        case _:
            return True


def _with_one_source(part: tool_parts.OutputPart) -> tool_parts.OutputPart:
    match part:
        case tool_parts.OutputImage(image_url=str()) | tool_parts.OutputAudio(audio_url=str()):
            return msgspec.structs.replace(part, file_id=None)
        case _:
            return part
