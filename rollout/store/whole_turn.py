"""A turn that is known from its beginning to its end, recorded in one write.

A crash leaves all of it, or nothing that reads as completed. Format: docs/format.md, "Writing turns".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from rollout.errors import DamagedLog
from rollout.ids import TurnId
from rollout.log.writer import Written
from rollout.store.recorder import Recorder
from rollout.store.thread import Thread
from rollout.turns.model import Turn, TurnStatus
from rollout.turns.paging import ItemsView


class WholeTurn(Struct, frozen=True):
    """A turn that was recorded whole, as readers see it, and what it added to the rollout."""

    turn: Turn
    written: Written


def record_whole_turn(
    recorder: Recorder, items: Sequence[Mapping[str, Any] | bytes], open_thread: Callable[[], Thread]
) -> WholeTurn:
    """Record a completed turn of these items, durable as a turn's end.

    `open_thread` opens the thread as it stands, to see the turn. Raise InvalidRequest, with nothing
    written, when an item cannot be stored.
    """
    turn_id = TurnId(recorder.new_id())
    written = recorder.append_turn(items=items, turn_id=turn_id)
    return WholeTurn(_read_newest(turn_id, open_thread), written)


def _read_newest(turn_id: TurnId, open_thread: Callable[[], Thread]) -> Turn:
    """Return the turn just recorded; without its items where older damage keeps it from being read."""
    try:
        with open_thread() as thread:
            newest = thread.turns(limit=1, view=ItemsView.FULL, allow_damage=True).data
    except DamagedLog:
        newest = []
    if newest and newest[0].id == turn_id:
        return newest[0]
    return Turn(turn_id, turn_id, ItemsView.NOT_LOADED, TurnStatus.COMPLETED, None, None, None, None, [])
