"""A turn as its users see it, and the views of it. Format: docs/format.md, "Turns"."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from rollout.turns.failure import TurnFailure
from rollout.turns.items import AgentMessage, ThreadItem, UserMessage
from rollout.turns.paging import ItemsView
from rollout.turns.words import MessagePhase


class TurnStatus(StrEnum):
    """How a turn ended. A turn still open is shown as interrupted while nobody runs its thread."""

    IN_PROGRESS = "inProgress"
    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class Turn(Struct, frozen=True, rename="camel"):
    """One turn. Times in seconds since the epoch, duration in milliseconds; None when not recorded."""

    id: str
    root_turn_id: str | None
    items_view: ItemsView
    status: TurnStatus
    error: TurnFailure | None
    started_at: int | float | None
    completed_at: int | float | None
    duration_ms: int | float | None
    items: list[ThreadItem]


class TurnItem(Struct, frozen=True, rename="camel"):
    """One item with the turn it belongs to; times in milliseconds."""

    turn_id: str
    item: ThreadItem
    started_at_ms: int | None
    completed_at_ms: int | None


def shown_status(status: TurnStatus) -> TurnStatus:
    """Return the status to show for a thread that nobody is running."""
    return TurnStatus.INTERRUPTED if status is TurnStatus.IN_PROGRESS else status


def summarise(items: list[ThreadItem], *, takes_any_phase: bool, takes_unphased: bool) -> list[ThreadItem]:
    """Return the summary of a turn: its first user message and its final agent message.

    Legacy turns take the last agent message of any phase; paginated ones a final answer, or,
    `takes_unphased` once the turn has ended, the last message without a phase.
    """
    first = next((item for item in items if isinstance(item, UserMessage)), None)
    said = [item for item in items if isinstance(item, AgentMessage)]
    if takes_any_phase:
        last = said[-1] if said else None
    else:
        last = next((item for item in reversed(said) if item.phase == MessagePhase.FINAL_ANSWER), None)
        if last is None and takes_unphased:
            last = next((item for item in reversed(said) if item.phase is None), None)
    return [item for item in (first, last) if item is not None]
