"""When a recorded thread gets a checkpoint, and one made because somebody asked.

Between turns, once so much has been written since the last one that reading it costs more than
the checkpoint does. Format: docs/format.md, "Checkpoints".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from rollout.errors import Conflict, InvalidRequest, RolloutError
from rollout.format import vocabulary
from rollout.format.encoding import Draft
from rollout.format.record import Era
from rollout.fs.api import FileSystem
from rollout.ids import ThreadId
from rollout.log.source import open_source
from rollout.replay.lineage import Lineage
from rollout.replay.positions import MadeCheckpoint, make_checkpoint
from rollout.store.creating import ORIGINATOR

if TYPE_CHECKING:
    from rollout.store.recording import Surroundings
    from rollout.store.sidecars import FileSidecars

_SHARE: Final = 64
"""A checkpoint waits until the log has grown by this many times its size: it takes under 2 %."""
_ENVELOPE_BYTES: Final = 128


class Checkpoints:
    """The checkpoints of one thread while it is recorded.

    `every_bytes` is the least that is written between two of them; None for none but those asked for.
    """

    def __init__(
        self,
        thread_id: ThreadId,
        read: Callable[[], MadeCheckpoint | None],
        every_bytes: int | None,
        max_line_bytes: int,
    ) -> None:
        self._thread_id = thread_id
        self._read = read
        self._every_bytes = every_bytes
        self._max_line_bytes = max_line_bytes
        self._next_offset = every_bytes or 0

    def find_due(self, end_offset: int) -> Draft | None:
        """Return the checkpoint to write at the end of a turn, the log's end, if it is time for one."""
        every = self._every_bytes
        if every is None or end_offset < self._next_offset:
            return None
        self._next_offset = end_offset + every
        try:
            made = self._read()
        except RolloutError:
            return None  # readers go further back; what ails the log is theirs to say
        if made is None or made.checkpoint.offset != end_offset:
            return None
        size = len(made.content) + _ENVELOPE_BYTES
        wait = max(every, made.checkpoint.size_bytes // 2, _SHARE * size)
        if made.since_bytes < wait or size > self._max_line_bytes:
            self._next_offset = max(self._next_offset, end_offset - made.since_bytes + wait)
            return None
        self._next_offset = end_offset + size + wait
        return draft_of(made)

    def get(self) -> MadeCheckpoint:
        """Return a checkpoint of the thread as it stands. Raise InvalidRequest when there is none to make."""
        made = self._read()
        if made is None:
            raise _nothing(self._thread_id)
        return made


def draft_of(made: MadeCheckpoint) -> Draft:
    """Return the record of a checkpoint, which takes no ordinal."""
    return Draft(vocabulary.CHECKPOINT, made.content, has_ordinal=False)


def _nothing(thread_id: ThreadId) -> InvalidRequest:
    return InvalidRequest(
        f"making a checkpoint of thread {thread_id}: there is nothing behind its header that one could hold",
        hint="Record a turn first.",
    )


def reopen(fs: FileSystem, lineage: Lineage) -> Lineage:
    """Return a lineage as it has grown since. Raise Conflict when its newest file was replaced."""
    segment = lineage.newest
    source = open_source(fs, segment.file.path)
    if source.identity != segment.identity:
        source.close()
        raise Conflict(
            f"reading {segment.file.path}: it was replaced while it was recorded",
            hint="Open the thread again.",
        )
    grown = Lineage(fs, [*lineage.segments], source, lineage.max_line_bytes)
    grown.end_at(source.size_bytes)
    return grown


class KeptCheckpoint(Struct, frozen=True, rename="camel"):
    """A checkpoint that was kept: in the log, or in a sidecar at `path`.

    It stands for everything before `end_offset` of the rollout: `items` items, which are
    `context_bytes` to read. `size_bytes` is its own size.
    """

    rollout_id: str
    path: str
    is_in_log: bool
    end_offset: int
    items: int
    context_bytes: int
    size_bytes: int


def keep_checkpoint(
    around: Surroundings, sidecars: FileSidecars | None, thread_id: ThreadId
) -> KeptCheckpoint:
    """Keep a checkpoint of a thread as it stands: in its log if that is ours to write, else beside it.

    In the log it is durable on return. Raise InvalidRequest when there is nothing to keep or
    nowhere to keep it, and what recording the thread would raise.
    """
    with around.opener.open_thread(thread_id) as lineage:
        segment = lineage.newest
        file = segment.file
        is_ours = segment.header.meta.originator == ORIGINATOR and segment.header.era is Era.ENVELOPE
        is_in_log = is_ours and not file.is_archived and not file.name.is_compressed
        if not is_in_log:
            made = make_checkpoint(lineage, sidecars)
            if made is None:
                raise _nothing(thread_id)
            if sidecars is None:
                raise InvalidRequest(
                    f"keeping a checkpoint of thread {thread_id}: its log is not ours to write, "
                    "and there is no folder for derived files",
                    hint="Name one with --state-dir (state_dir).",
                )
            sidecars.keep(segment, made.content)
            return kept_checkpoint(made, sidecars.path_of(segment.rollout_id), is_in_log=False)
    from rollout.store.recorder import Durability
    from rollout.store.recording import open_recorder

    with open_recorder(around, thread_id, Durability.TURN) as recorder:
        return recorder.checkpoint()


def kept_checkpoint(made: MadeCheckpoint, path: str, *, is_in_log: bool) -> KeptCheckpoint:
    """Return what there is to say of a checkpoint that was kept at `path`."""
    checkpoint = made.checkpoint
    return KeptCheckpoint(
        checkpoint.segments[-1].rollout_id,
        path,
        is_in_log,
        checkpoint.offset,
        checkpoint.count,
        checkpoint.size_bytes,
        len(made.content),
    )
