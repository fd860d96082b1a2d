"""The events of a turn as we write them: its start, what it shows, its end.

Members stand in the order in which they are written. Readers decode theirs from
`rollout.format.payloads`, and take more. Format: docs/format.md, "Writing turns".
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class TurnStarted(Struct, frozen=True, gc=False, tag="task_started"):
    """A turn begins; `started_at` in seconds."""

    turn_id: str
    root_turn_id: str
    started_at: int


class Failure(Struct, frozen=True, gc=False):
    """Why a turn failed."""

    message: str
    codex_error_info: str


class TurnCompleted(Struct, frozen=True, gc=False, tag="task_complete"):
    """A turn has ended, with an answer or a failure."""

    turn_id: str
    root_turn_id: str
    started_at: int
    completed_at: int
    duration_ms: int
    last_agent_message: str | None
    error: Failure | UnsetType = UNSET


class TurnAborted(Struct, frozen=True, gc=False, tag="turn_aborted"):
    """A turn was ended before it was done."""

    turn_id: str
    root_turn_id: str
    started_at: int
    completed_at: int
    duration_ms: int
    reason: str = "interrupted"


class ItemShown(Struct, frozen=True, tag="item_completed"):
    """What people see of an item, in a paginated thread."""

    thread_id: str
    turn_id: str
    item: dict[str, Any]
    started_at_ms: int
    completed_at_ms: int
