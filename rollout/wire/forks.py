"""The answer to a fork as JSON: that of a resume, and what was written. Shapes: docs/json.md."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from rollout.format.record import Damage
from rollout.replay.context import Context, ReadStats
from rollout.store.creating import Base
from rollout.store.summary import ThreadSummary
from rollout.turns.model import Turn
from rollout.wire.resume import ModelContext, resumed
from rollout.wire.threads import Thread


class ForkExtras(Struct, frozen=True, rename="camel"):
    """What was written, and what continuing the child needs.

    `base` is null where the child inherits nothing or was copied, `copied_because` says why it was,
    `open_turn_id` is the parent's running turn, which is left out.
    """

    base: Base | None
    bytes_written: int
    copied_because: str | None
    open_turn_id: str | None
    context: ModelContext
    read: ReadStats
    next_ordinal: int | None
    resumable: bool
    not_resumable_because: str | None
    damage: list[Damage]
    torn_tail: Damage | None


class Forked(Struct, frozen=True, rename="camel"):
    """The answer to a fork. `turns` is absent when they were excluded."""

    thread: Thread
    turns: list[Turn] | UnsetType
    rollout: ForkExtras


def forked(
    summary: ThreadSummary,
    context: Context,
    turns: list[Turn] | None,
    *,
    base: Base | None,
    bytes_written: int,
    copied_because: str | None,
    open_turn_id: str | None,
    damage: list[Damage],
) -> Forked:
    """Return the public shape of a child that was made. `damage` is what was met in what it inherits."""
    answer = resumed(summary, context, turns, None, damage)
    live = answer.rollout
    extras = ForkExtras(
        base,
        bytes_written,
        copied_because,
        open_turn_id,
        live.context,
        live.read,
        live.next_ordinal,
        live.resumable,
        live.not_resumable_because,
        live.damage,
        live.torn_tail,
    )
    return Forked(answer.thread, turns if turns is not None else UNSET, extras)
