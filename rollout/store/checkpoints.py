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
from rollout.ids import RolloutId, ThreadId
from rollout.log.source import open_source
from rollout.replay.foundation import Sidecars
from rollout.replay.growing import GrowingCheckpoint, find_stop
from rollout.replay.lineage import Lineage
from rollout.replay.positions import MadeCheckpoint, make_checkpoint
from rollout.store.creating import ORIGINATOR

if TYPE_CHECKING:
    from rollout.store.recording import Surroundings
    from rollout.store.sidecars import FileSidecars

_SHARE: Final = 64
"""A checkpoint waits until the log has grown by this many times its size: it takes under 2 %."""
_ENVELOPE_BYTES: Final = 128
_STEP_BYTES: Final = 128 << 10
"""So much is written before it is read again, in one go, to be ready for the next checkpoint."""


class Checkpoints:
    """The checkpoints of one thread while it is recorded.

    `every_bytes` is the least that is written between two of them; None for none but those asked
    for. `open_lineage` opens the thread as it has grown since.
    """

    def __init__(
        self,
        thread_id: ThreadId,
        open_lineage: Callable[[], Lineage],
        every_bytes: int | None,
        max_line_bytes: int,
        sidecars: Sidecars | None = None,
        end_offset: int = 0,
        looks: dict[RolloutId, int] | None = None,
        rollout_id: RolloutId | None = None,
    ) -> None:
        """`end_offset` is where the log ended when it was opened.

        The first look is due at the next multiple of `every_bytes`: so a log is looked at once in so
        many bytes, however often it is opened to add a little. `looks` are the offsets by rollout
        before which no look is worth it, as known to the store.
        """
        self._looks = {} if looks is None else looks
        self._rollout_id = RolloutId(thread_id) if rollout_id is None else rollout_id
        self._thread_id = thread_id
        self._open_lineage = open_lineage
        self._every_bytes = every_bytes
        self._max_line_bytes = max_line_bytes
        self._sidecars = sidecars
        self._growing: GrowingCheckpoint | None = None
        self._size_bytes = 0
        self._is_first_look = True
        self._next_offset = 0
        if every_bytes:
            first_offset = (end_offset // every_bytes + 1) * every_bytes
            self._next_offset = max(first_offset, self._looks.get(self._rollout_id, 0))

    def find_due(self, end_offset: int) -> Draft | None:
        """Return the checkpoint to write at the end of a turn, the log's end, if it is time for one.

        Reads what was written since it last looked, and looks only where enough was. The first time
        it looks for the newest checkpoint there is, and reads back to that only if another one is due.
        """
        every = self._every_bytes
        if every is None or end_offset < self._next_offset:
            return None
        self._next_offset = end_offset + min(every, _STEP_BYTES)
        try:
            with self._open_lineage() as lineage:
                if lineage.newest.end_offset != end_offset:
                    return None
                return self._look(lineage, every)
        except RolloutError:
            self._growing = None  # readers go further back; what ails the log is theirs to say
            self._next_offset = end_offset + every
            return None
        finally:
            if self._growing is None:
                self._looks[self._rollout_id] = self._next_offset
            else:
                self._looks[self._rollout_id] = self._growing.since_offset + self._wait(self._growing, every)

    def _look(self, lineage: Lineage, every: int) -> Draft | None:
        end_offset = lineage.newest.end_offset
        growing = self._growing
        self._growing = None
        if growing is None or not growing.advance(lineage):
            if self._is_early(lineage, every):
                return None
            made = make_checkpoint(lineage, self._sidecars)
            if made is None or made.checkpoint.offset != end_offset:
                self._next_offset = end_offset + every
                return None
            growing = GrowingCheckpoint(made)
            self._size_bytes = _record_bytes(made)
        self._growing = growing
        if end_offset < self._due_offset(growing, every):
            return None
        made = growing.make(lineage)
        if made is None or _record_bytes(made) > self._max_line_bytes:
            self._next_offset = end_offset + every  # it may be storable again once something replaced it
            return None
        self._size_bytes = _record_bytes(made)
        if end_offset < self._due_offset(growing, every):
            return None
        growing.since_offset = end_offset
        self._due_offset(growing, every)
        return draft_of(made)

    def _due_offset(self, growing: GrowingCheckpoint, every: int) -> int:
        """Return where the next one is due, by what is known now; looks no later than there."""
        due_offset = growing.since_offset + self._wait(growing, every)
        self._next_offset = min(self._next_offset, due_offset)
        return due_offset

    def _wait(self, growing: GrowingCheckpoint, every: int) -> int:
        return max(every, growing.size_bytes // 2, _SHARE * self._size_bytes)

    def _is_early(self, lineage: Lineage, every: int) -> bool:
        """Tell, once, whether the next checkpoint can wait, by what the newest one there is says."""
        segment = lineage.newest
        is_first, self._is_first_look = self._is_first_look, False
        if not is_first:
            return False
        stop = find_stop(lineage.newest_source, segment.start_offset, segment.end_offset)
        if stop is None:
            return False
        size = stop.end_offset - stop.start_offset if stop.named_bytes else 0
        due_offset = stop.start_offset + max(every, stop.named_bytes // 2, _SHARE * size)
        self._next_offset = due_offset
        return segment.end_offset < due_offset

    def get(self) -> MadeCheckpoint:
        """Return a checkpoint of the thread as it stands. Raise InvalidRequest when there is none to make."""
        self._growing = None
        with self._open_lineage() as lineage:
            made = make_checkpoint(lineage, self._sidecars)
        if made is None:
            raise _nothing(self._thread_id)
        return made


def _record_bytes(made: MadeCheckpoint) -> int:
    return len(made.content) + _ENVELOPE_BYTES


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
    from rollout.store.durability import Durability
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
        made.context_bytes,
        len(made.content),
    )
