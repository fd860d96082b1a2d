"""The answer to a flattening as JSON: the thread, and what was written. Shapes: docs/json.md."""

from __future__ import annotations

from msgspec import Struct

from rollout.ids import RolloutId
from rollout.store.copying import Flattened
from rollout.store.summary import ThreadSummary
from rollout.store.thread import SegmentSummary
from rollout.wire.threads import Thread, thread


class FlattenedExtras(Struct, frozen=True, rename="camel"):
    """What was written. `bytes_written` is 0 where the thread inherited nothing, and was left as it is.

    `segments` are those that the history has now, `segments_before` how many it had.
    """

    rollout_id: RolloutId
    bytes_written: int
    segments_before: int
    segments: list[SegmentSummary]


class FlattenedThread(Struct, frozen=True):
    """A thread that depends on no other."""

    thread: Thread
    rollout: FlattenedExtras


def flattened(summary: ThreadSummary, segments: list[SegmentSummary], done: Flattened) -> FlattenedThread:
    """Return the public shape of a thread that was flattened."""
    extras = FlattenedExtras(done.rollout_id, done.bytes_written, done.segments, segments)
    return FlattenedThread(thread(summary), extras)
