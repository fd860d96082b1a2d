"""Turns of a paginated history as rows: what each segment says of a turn, and how it is shown.

Items belong to a turn by its id, wherever along the lineage they lie; start and end count
where the newest segment has one. Format: docs/format.md, "Turns of a paginated file".
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rollout.format.payloads import TaskComplete, TaskStarted, TurnAborted
from rollout.format.record import Record
from rollout.turns.failure import TurnFailure
from rollout.turns.items import ThreadItem
from rollout.turns.model import Turn, TurnItem, TurnStatus, summarise
from rollout.turns.paging import ItemsView
from rollout.turns.stored import public_completed


class ItemRow(Struct):
    """One item: the ordinal it first appeared at in its segment, and its newest record there."""

    turn_id: str
    id: str
    kind: str
    ordinal: int
    record: Record
    is_shown: bool | None = None
    entry: TurnItem | None = None


class Stretch(Struct):
    """What one segment says of a turn. `ordinal` is that of its first start or end there."""

    segment: int
    items: dict[str, ItemRow]
    ordinal: int | None = None
    started: TaskStarted | None = None
    root_turn_id: str | None = None
    end_ordinal: int | None = None
    ended: TaskComplete | TurnAborted | None = None
    error: TurnFailure | None = None


class TurnRow(Struct):
    """One turn as far as it has been read, newest segment first.

    `is_superseded`: a newer turn has the same id and hides this one. `number` counts the rows met before it.
    `is_closed`: nothing older belongs to it, so that where it stands is known for good.
    """

    turn_id: str
    is_superseded: bool
    stretches: list[Stretch]
    number: int = 0
    is_closed: bool = False
    closed_at: int | None = None

    def close(self) -> None:
        """Let nothing older belong to it."""
        self.closed_at = self.ordinal
        self.is_closed = True

    @property
    def shown(self) -> Stretch | None:
        """The newest segment's word on it; None while neither start nor end has been met."""
        return next((stretch for stretch in self.stretches if stretch.ordinal is not None), None)

    @property
    def ordinal(self) -> int | None:
        """Where the turn stands; None where there is no turn to show."""
        if self.is_closed:
            return self.closed_at
        shown = None if self.is_superseded else self.shown
        return shown.ordinal if shown is not None else None

    @property
    def items(self) -> list[ItemRow]:
        """Its items, in no order."""
        return [item for stretch in self.stretches for item in stretch.items.values()]


def in_order(rows: list[ItemRow]) -> list[ItemRow]:
    """Return items in the order of their first appearance."""
    return sorted(rows, key=lambda row: row.ordinal)


def shown_turn(row: TurnRow, view: ItemsView) -> Turn:
    """Return a row as a turn of a thread that nobody runs."""
    shown = row.shown
    assert shown is not None, "a row without start or end is no turn"
    ended, error = shown.ended, shown.error
    status = TurnStatus.INTERRUPTED
    if isinstance(ended, TaskComplete):
        status = TurnStatus.COMPLETED if error is None else TurnStatus.FAILED
    items: list[ThreadItem] = []
    if view is ItemsView.FULL:
        items = public_items(row.items)
    elif view is ItemsView.SUMMARY:
        items = _summary(shown)
        if not items and isinstance(ended, TurnAborted):  # a fork's mark that it left the turn open
            items = _summary([one for one in row.stretches if one.ordinal is not None][-1])
    last = ended if ended is not None else shown.started
    return Turn(
        row.turn_id,
        shown.root_turn_id,
        view,
        status,
        error,
        last.started_at if last is not None else None,
        ended.completed_at if ended is not None else None,
        ended.duration_ms if ended is not None else None,
        items,
    )


_SUMMARISED: Final = frozenset({"UserMessage", "AgentMessage"})
"""The stored types that a summary chooses from."""


def _summary(stretch: Stretch) -> list[ThreadItem]:
    """Return the summary of a turn, which its end fixes: what appeared later does not count."""
    end = stretch.end_ordinal
    rows = [
        item
        for item in stretch.items.values()
        if item.kind in _SUMMARISED and (end is None or item.ordinal < end)
    ]
    return summarise(public_items(rows), takes_any_phase=False, takes_unphased=end is not None)


def public_items(rows: list[ItemRow]) -> list[ThreadItem]:
    """Return items as their users see them, in order; what has no public form is left out."""
    entries = (shown_item(row) for row in in_order(rows))
    return [entry.item for entry in entries if entry is not None]


def shown_item(row: ItemRow) -> TurnItem | None:
    """Return an item as its users see it, or None when it has no public form."""
    if row.is_shown is None:
        row.entry = _read_item(row)
        row.is_shown = row.entry is not None
    return row.entry


def _read_item(row: ItemRow) -> TurnItem | None:
    item = public_completed(row.record)
    if item is None:
        return None
    return TurnItem(row.turn_id, item, item.started_at_ms, item.completed_at_ms)
