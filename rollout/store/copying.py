"""Copies: a rollout that holds what others would have to be followed for.

Made where a fork cannot refer to its parent, and where a thread is to depend on nobody. Invariants 2
and 3: what is copied is only read, and the copy comes to its name whole and durable. Invariant 5: it
shows what its lineage shows. Format: docs/format.md, "Copies".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from msgspec import Struct

from rollout.errors import Conflict, DamagedLog, RolloutError
from rollout.format.encoding import Draft, line_front
from rollout.format.times import timestamp_of
from rollout.fs.mutation import AppendFile
from rollout.fs.publish import publishing, sync_names
from rollout.ids import RolloutId, ThreadId
from rollout.log.layout import archived_path, base_name, folder_of, new_rollout_path
from rollout.log.lease import take_lease
from rollout.replay.checkpoint import CHECKPOINT_EVERY_BYTES
from rollout.replay.context import read_context
from rollout.replay.lineage import Lineage
from rollout.store.checkpoints import Checkpoints
from rollout.store.copy_check import check_copy, open_copy
from rollout.store.copy_glance import Stretch, UnclearError, iter_in_order
from rollout.store.copy_legacy import plan_legacy_copy
from rollout.store.copy_plan import plan_copy
from rollout.store.copy_writer import CopyWriter
from rollout.store.creating import (
    BASE_MEMBERS,
    ORIGINATOR,
    Published,
    decode_members,
    header_draft,
    stamp_behind,
)
from rollout.store.cuts import Cut, lineage_at
from rollout.store.forking import Overrides, child_members, create_fork, is_start, settings_drafts
from rollout.store.recording import Surroundings

_FILLER: Final = b'"type":"event_msg","payload":{"type":"token_count","info":null,"rate_limits":null}}\n'
"""What takes the ordinal of a header that is not carried over: it says nothing to any reader."""
_WAITING_BYTES: Final = 32 << 20
"""How far reading may be ahead of writing."""


Report = Callable[[int, int], None]
"""Is told how many bytes there are to copy, and how many were written."""


class Copy(Struct, frozen=True):
    """A copy to be made: where it goes, what its header says, and what follows the records."""

    path: str
    members: dict[str, Any]
    drafts: Sequence[Draft]
    next_ordinal: int | None
    now_ms: int


def create_copy(
    around: Surroundings, lineage: Lineage, cut: Cut, child_id: ThreadId, given: Overrides
) -> Published:
    """Publish a child of `lineage` that holds everything before `cut` itself. Durable on return.

    Raise DamagedLog when what is to be copied is not what was sealed, UnsupportedFormat for a history
    that one file cannot hold, Conflict, StorageFailed.
    """
    if is_start(lineage, cut):
        return create_fork(around, lineage, cut, None, child_id, given)
    now_ms = around.clock()
    members = child_members(around, lineage, child_id, now_ms, given)
    drafts = settings_drafts(around.fs, lineage, cut, members, given) if given.has_settings else []
    path = new_rollout_path(around.home, timestamp_of(now_ms), child_id, None)
    with lineage_at(around.fs, lineage, cut) as inherited:
        return publish_copy(around, inherited, Copy(path, members, drafts, cut.end_ordinal, now_ms))


class Flattened(Struct, frozen=True, rename="camel"):
    """A thread that holds all its history itself, in the rollout at `path`.

    `segments` were read for it. `bytes_written` is 0 where it had no base, and was left as it is.
    """

    thread_id: ThreadId
    rollout_id: RolloutId
    path: str
    segments: int
    bytes_written: int


def flatten(around: Surroundings, thread_id: ThreadId, report: Report | None = None) -> Flattened:
    """Let a thread depend on no other rollout. Durable on return; takes the thread's lease.

    The older rollouts stay as they are. Raise LeaseHeld while somebody records the thread, and what
    `create_copy` raises.
    """
    with around.opener.open_thread(thread_id) as lineage:
        if len(lineage.segments) == 1:
            return _as_it_is(lineage)
    with (
        take_lease(around.fs, around.home, thread_id, clock=around.clock, pid=around.pid),
        around.opener.open_thread(thread_id) as lineage,
    ):
        segments = len(lineage.segments)
        if segments == 1:
            return _as_it_is(lineage)
        rollout_id = RolloutId(around.new_id())
        made = create_flat(around, lineage, rollout_id, report)
        _keep_sidecar(around, lineage)
    return Flattened(thread_id, rollout_id, made.path, segments, made.size_bytes)


def _keep_sidecar(around: Surroundings, before: Lineage) -> None:
    """Let the next resume be as short as it was, where a checkpoint beside a file had made it so."""
    sidecars = around.sidecars
    if sidecars is None or all(sidecars.find(segment) is None for segment in before.segments):
        return
    with suppress(RolloutError), around.opener.open_thread(before.thread_id) as lineage:
        read_context(lineage, sidecars=sidecars)


def create_flat(
    around: Surroundings, lineage: Lineage, rollout_id: RolloutId, report: Report | None = None
) -> Published:
    """Publish a rollout in which a thread holds all its history itself; the caller holds its lease.

    Its header says what the newest one says, but for its time and the base. Raise as `create_copy` does.
    """
    now_ms = around.clock()
    newest = decode_members(lineage)
    members = {key: value for key, value in newest.items() if key not in BASE_MEMBERS}
    members |= {"timestamp": timestamp_of(now_ms)}
    stamp = stamp_behind(lineage, now_ms, rollout_id)
    path = new_rollout_path(around.home, stamp, lineage.thread_id, rollout_id)
    if lineage.newest.file.is_archived:
        path = archived_path(around.home, base_name(path))
    return publish_copy(around, lineage, Copy(path, members, [], None, now_ms), report)


def _as_it_is(lineage: Lineage) -> Flattened:
    newest = lineage.newest
    return Flattened(lineage.thread_id, newest.rollout_id, newest.file.path, 1, 0)


def publish_copy(
    around: Surroundings, lineage: Lineage, copy: Copy, report: Report | None = None
) -> Published:
    """Publish a rollout that shows what `lineage` shows, and has no base. Durable on return.

    A log that turns out not to be in order is read once more, and its copy is compared with it. All seals
    are verified in either case.
    """
    if lineage.newest_source.defect is not None:
        raise _incomplete(lineage)
    if around.fs.find_stat(copy.path) is not None:
        raise Conflict(f"making the rollout {copy.path}: there is a file of that name", hint="Try again.")
    folder = folder_of(copy.path)
    around.fs.make_folders(folder)
    size_bytes = _find_plain_copy(around, lineage, copy, report) if lineage.is_paginated else None
    if size_bytes is None:
        size_bytes = _compared_copy(around, lineage, copy, report)
    sync_names(around.fs, around.home, folder_of(folder))
    return Published(copy.path, size_bytes)


def _find_plain_copy(around: Surroundings, lineage: Lineage, copy: Copy, report: Report | None) -> int | None:
    """Publish a copy of a log that is in order; return its size, or None when it is not."""
    try:
        with publishing(around.fs, copy.path) as draft:
            out = _writer(draft, lineage, copy, report)
            ends_turn = _put_in_order(out, lineage, copy)
            out.flush()
            if ends_turn and copy.members.get("originator") == ORIGINATOR:
                reopen = partial(open_copy, around.fs, draft.path, copy.path, lineage.max_line_bytes)
                kept = Checkpoints(lineage.thread_id, reopen, CHECKPOINT_EVERY_BYTES, lineage.max_line_bytes)
                checkpoint = kept.find_due(out.size_bytes)
                _put_drafts(out, [checkpoint] if checkpoint is not None else [], None, copy.now_ms)
            _put_drafts(out, copy.drafts, copy.next_ordinal, copy.now_ms)
            out.flush()
            return out.size_bytes
    except UnclearError:
        return None


def _put_in_order(out: CopyWriter, lineage: Lineage, copy: Copy) -> bool:
    """Write what is in order, behind the back of whoever finds out; tell whether it ends with a turn.

    Raise UnclearError when it is not in order.
    """
    from concurrent.futures import Future, ThreadPoolExecutor  # nobody else needs them

    ends_turn = False
    waiting: deque[tuple[Future[None], int]] = deque()
    waiting_bytes = 0
    with ThreadPoolExecutor(1) as worker:
        for stretch in iter_in_order(lineage):
            size_bytes = len(stretch.content)
            if size_bytes:
                ends_turn = stretch.ends_turn
            waiting.append((worker.submit(_put_stretch, out, stretch, copy.now_ms), size_bytes))
            waiting_bytes += size_bytes
            while waiting_bytes > _WAITING_BYTES:
                put, put_bytes = waiting.popleft()
                put.result()
                waiting_bytes -= put_bytes
        for put, _ in waiting:
            put.result()
    return ends_turn


def _put_stretch(out: CopyWriter, stretch: Stretch, now_ms: int) -> None:
    _put_filler(out, stretch.filled_ordinal, now_ms)
    out.put_lines(stretch.content, stretch.start_offset, stretch.edits)


def _compared_copy(around: Surroundings, lineage: Lineage, copy: Copy, report: Report | None) -> int:
    """Publish a copy that was compared with its lineage; return its size."""
    is_paginated = lineage.is_paginated
    parts = plan_copy(lineage) if is_paginated else plan_legacy_copy(lineage)
    with publishing(around.fs, copy.path) as draft:
        out = _writer(draft, lineage, copy, report)
        for part in parts:
            segment = part.segment
            _put_filler(out, part.filled_ordinal, copy.now_ms)
            out.put_range(lineage.source(segment), segment.start_offset, segment.end_offset, part.edits)
        out.flush()
        with open_copy(around.fs, draft.path, copy.path, lineage.max_line_bytes) as made:
            check_copy(lineage, made, is_thread=made.thread_id == lineage.thread_id)
        _put_drafts(out, copy.drafts, copy.next_ordinal if is_paginated else None, copy.now_ms)
        out.flush()
        return out.size_bytes


def _writer(draft: AppendFile, lineage: Lineage, copy: Copy, report: Report | None) -> CopyWriter:
    """Return the writer of a copy, its header written."""
    out = CopyWriter(draft, partial(report, lineage.bytes_total) if report is not None else None)
    mode = {"history_mode": "paginated" if lineage.is_paginated else "legacy"}
    header = header_draft(copy.members | mode)
    _put_drafts(out, [header], 0 if lineage.is_paginated else None, copy.now_ms)
    return out


def _put_filler(out: CopyWriter, ordinal: int | None, now_ms: int) -> None:
    if ordinal is not None:
        out.put(b'{"timestamp":"%b","ordinal":%d,' % (timestamp_of(now_ms).encode(), ordinal) + _FILLER)


def _put_drafts(out: CopyWriter, drafts: Sequence[Draft], ordinal: int | None, now_ms: int) -> None:
    for number, draft in enumerate(drafts):
        out.put(
            line_front(timestamp_of(now_ms), None if ordinal is None else ordinal + number, draft) + b"}\n"
        )


def _incomplete(lineage: Lineage) -> DamagedLog:
    return DamagedLog(
        f"copying thread {lineage.thread_id}: {lineage.newest.file.path} cannot be unpacked to its end",
        hint=f"Run `rollout check {lineage.thread_id}` to see where it ends.",
    )
