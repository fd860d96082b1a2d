"""The answer to a resume as JSON. Shapes: docs/json.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rollout.format.record import Damage
from rollout.replay.context import Context, ReadStats
from rollout.replay.usage import TokenTotals, Usage
from rollout.replay.world import Window
from rollout.wire.threads import Thread, thread

if TYPE_CHECKING:
    from rollout.store.summary import ThreadSummary
    from rollout.turns.model import Turn
    from rollout.turns.paging import Page

_NULL: Final = Raw(b"null")


class Tokens(Struct, frozen=True, rename="camel"):
    """One count of tokens."""

    total_tokens: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_output_tokens: int
    cache_write_input_tokens: int | None


class TokenUsage(Struct, frozen=True, rename="camel"):
    """What a thread has used: `total`, `last` and `modelContextWindow` as last reported to the
    user, `thread` as the model's endpoint counted it; null where nothing was recorded."""

    total: Tokens | None
    last: Tokens | None
    model_context_window: int | None
    thread: Tokens | None


def _tokens(totals: TokenTotals | None) -> Tokens | None:
    if totals is None:
        return None
    return Tokens(**msgspec.structs.asdict(totals))


def token_usage(usage: Usage) -> TokenUsage:
    """Return the public shape of token totals."""
    info = usage.info
    return TokenUsage(
        _tokens(info.total_token_usage) if info is not None else None,
        _tokens(info.last_token_usage) if info is not None else None,
        info.model_context_window if info is not None else None,
        _tokens(usage.thread),
    )


class PreviousTurnSettings(Struct, frozen=True, rename="camel"):
    """What a change of model is detected against."""

    model: str
    comp_hash: str | None
    realtime_active: bool | None


class ModelContext(Struct, frozen=True, rename="camel"):
    """What a model is given to go on: `items` are the stored bytes."""

    items: Raw
    previous_turn_settings: PreviousTurnSettings | None
    reference_context: Raw
    world_state: Raw
    window: Window
    token_usage: TokenUsage


class ResumeExtras(Struct, frozen=True, rename="camel"):
    """Everything that continuing a thread needs beyond the protocol."""

    context: ModelContext
    read: ReadStats
    next_ordinal: int | None
    resumable: bool
    not_resumable_because: str | None
    damage: list[Damage]
    torn_tail: Damage | None


class Resumed(Struct, frozen=True, rename="camel"):
    """The answer to a resume. `turns` is absent when they were excluded."""

    thread: Thread
    turns: list[Turn] | UnsetType
    initial_turns_page: Page[Turn] | UnsetType
    rollout: ResumeExtras


def model_context(context: Context, input_json: bytes | None = None) -> ModelContext:
    """Return the public shape of a model context. `input_json` is the context's, if it was made already."""
    settings = context.previous_turn_settings
    return ModelContext(
        Raw(input_json if input_json is not None else context.input_json()),
        PreviousTurnSettings(settings.model, settings.comp_hash, settings.realtime_active)
        if settings is not None
        else None,
        context.reference_context or _NULL,
        context.world_state or _NULL,
        context.window,
        token_usage(context.usage),
    )


def resumed(
    summary: ThreadSummary,
    context: Context,
    turns: list[Turn] | None,
    first_page: Page[Turn] | None,
    damage: list[Damage],
    input_json: bytes | None = None,
) -> Resumed:
    """Return the public shape of a resume.

    `damage` is what was met by all that was read for it; `input_json` as in `model_context`.
    """
    torn = next((one for one in damage if not one.is_damage), None)
    return Resumed(
        thread(summary),
        turns if turns is not None else UNSET,
        first_page if first_page is not None else UNSET,
        ResumeExtras(
            model_context(context, input_json),
            context.read,
            context.next_ordinal,
            context.not_resumable is None,
            context.not_resumable,
            [one for one in damage if one.is_damage],
            torn,
        ),
    )
