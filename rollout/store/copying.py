"""Copies: a rollout that holds what others would have to be followed for.

Made where a fork cannot refer to its parent, and where a thread is to depend on nobody. Invariants 2
and 3: what is copied is only read, and the copy comes to its name whole and durable. Invariant 5: it
shows what its lineage shows. Format: docs/format.md, "Copies".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from rollout.errors import Conflict, DamagedLog
from rollout.format.encoding import Draft, line_front
from rollout.fs.publish import publishing, sync_names
from rollout.ids import RolloutId, ThreadId
from rollout.log.layout import archived_path, base_name, folder_of, new_rollout_path
from rollout.log.source import Source
from rollout.log.writer import timestamp_of
from rollout.replay.lineage import Lineage
from rollout.replay.sealed import find_broken_seals, refuse_broken
from rollout.store.copy_check import check_copy, open_copy
from rollout.store.copy_legacy import plan_legacy_copy
from rollout.store.copy_plan import CopyPlan, plan_copy
from rollout.store.copy_writer import CopyWriter
from rollout.store.creating import (
    BASE_MEMBERS,
    Published,
    decode_members,
    header_draft,
    stamp_behind,
)
from rollout.store.cuts import Cut, lineage_at
from rollout.store.forking import Overrides, child_members, create_fork, is_start, settings_drafts
from rollout.store.recording import Surroundings

_FILLER = b'"type":"event_msg","payload":{"type":"token_count","info":null,"rate_limits":null}}\n'
"""What takes the ordinal of a header that is not carried over: it says nothing to any reader."""


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
    drafts = settings_drafts(around.fs, lineage, cut, members, given)
    path = new_rollout_path(around.home, timestamp_of(now_ms), child_id, None)
    with lineage_at(around.fs, lineage, cut) as inherited:
        return publish_copy(around, inherited, Copy(path, members, drafts, cut.end_ordinal, now_ms))


def create_flat(around: Surroundings, lineage: Lineage, rollout_id: RolloutId) -> Published:
    """Publish a rollout in which a thread holds all its history itself. Durable on return.

    The older rollouts stay as they are. The header says what the newest one says, but for the base. The
    caller holds the thread's lease. Raise as `create_copy` does.
    """
    now_ms = around.clock()
    members = {key: value for key, value in decode_members(lineage).items() if key not in BASE_MEMBERS}
    stamp = stamp_behind(lineage, now_ms, rollout_id)
    path = new_rollout_path(around.home, stamp, lineage.thread_id, rollout_id)
    if lineage.newest.file.is_archived:
        path = archived_path(around.home, base_name(path))
    return publish_copy(around, lineage, Copy(path, members, [], None, now_ms))


def publish_copy(around: Surroundings, lineage: Lineage, copy: Copy) -> Published:
    """Publish a rollout that shows what `lineage` shows, and has no base. Durable on return.

    Verifies all seals first. Reads everything twice, and writes it in one pass.
    """
    refuse_broken(lineage.thread_id, find_broken_seals(lineage))
    if lineage.newest_source.defect is not None:
        raise _incomplete(lineage)
    is_paginated = lineage.is_paginated
    plan = plan_copy(lineage) if is_paginated else plan_legacy_copy(lineage)
    mode = {"history_mode": "paginated" if is_paginated else "legacy"}
    if around.fs.find_stat(copy.path) is not None:
        raise Conflict(f"making the rollout {copy.path}: there is a file of that name", hint="Try again.")
    folder = folder_of(copy.path)
    around.fs.make_folders(folder)
    with publishing(around.fs, copy.path) as draft:
        out = CopyWriter(draft)
        stamp = timestamp_of(copy.now_ms)
        out.put(line_front(stamp, 0 if is_paginated else None, header_draft(copy.members | mode)) + b"}\n")
        _put_parts(out, lineage, plan, stamp)
        out.flush()
        if not plan.is_plain:
            with open_copy(around.fs, draft.path, copy.path, lineage.max_line_bytes) as made:
                check_copy(lineage, made, is_thread=made.thread_id == lineage.thread_id)
        ordinal = copy.next_ordinal if is_paginated else None
        for number, one in enumerate(copy.drafts):
            out.put(line_front(stamp, None if ordinal is None else ordinal + number, one) + b"}\n")
        out.flush()
        size_bytes = out.size_bytes
    sync_names(around.fs, around.home, folder_of(folder))
    return Published(copy.path, size_bytes)


def _put_parts(out: CopyWriter, lineage: Lineage, plan: CopyPlan, stamp: str) -> None:
    for part in plan.parts:
        if part.filled_ordinal is not None:
            out.put(b'{"timestamp":"%b","ordinal":%d,' % (stamp.encode(), part.filled_ordinal) + _FILLER)
        segment = part.segment
        source: Source = lineage.source(segment)
        out.put_range(source, segment.start_offset, segment.end_offset, part.edits)


def _incomplete(lineage: Lineage) -> DamagedLog:
    return DamagedLog(
        f"copying thread {lineage.thread_id}: {lineage.newest.file.path} cannot be unpacked to its end",
        hint=f"Run `rollout check {lineage.thread_id}` to see where it ends.",
    )
