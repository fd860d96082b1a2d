"""What was recorded, as JSON. Shapes: docs/json.md."""

from __future__ import annotations

from msgspec import Struct

from rollout.log.writer import Written
from rollout.replay.world import Window
from rollout.store.summary import ThreadSummary
from rollout.store.whole_turn import WholeTurn
from rollout.turns.model import Turn
from rollout.wire.threads import Thread, thread


class NewThread(Struct, frozen=True):
    """A thread that was made."""

    thread: Thread


class Recorded(Struct, frozen=True, rename="camel"):
    """What was added to a rollout; ordinals are null in a legacy thread."""

    first_ordinal: int | None
    next_ordinal: int | None
    bytes_written: int
    durable: bool


class AppendedTurn(Struct, frozen=True):
    """A turn that was recorded whole."""

    turn: Turn
    rollout: Recorded


class Compacted(Struct, frozen=True):
    """The window that a compaction began."""

    window: Window
    rollout: Recorded


class RolledBack(Struct, frozen=True):
    """A thread after its last turns were taken out of replay."""

    thread: Thread
    rollout: Recorded


def recorded(written: Written, *, is_durable: bool) -> Recorded:
    """Return the public shape of what was written."""
    size_bytes = written.end_offset - written.start_offset
    return Recorded(written.first_ordinal, written.next_ordinal, size_bytes, is_durable)


def appended_turn(whole: WholeTurn, *, is_durable: bool) -> AppendedTurn:
    """Return the public shape of a turn that was recorded whole."""
    return AppendedTurn(whole.turn, recorded(whole.written, is_durable=is_durable))


def rolled_back(summary: ThreadSummary, written: Written) -> RolledBack:
    """Return the public shape of a rollback."""
    return RolledBack(thread(summary), recorded(written, is_durable=True))
