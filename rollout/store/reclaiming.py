"""The acts of pruning: a file goes, the end of a file goes, names go, a tombstone goes.

Nothing here decides: what may go is planned by whoever knows all lineages. Each act is one step
that happened or did not, under the lease of its thread, and is durable on return.
Format: docs/format.md, "Pruning".
"""

from __future__ import annotations

from collections.abc import Set

from rollout.errors import Conflict
from rollout.ids import ThreadId
from rollout.log.facts_writing import forget_facts
from rollout.log.layout import folder_of, lease_path
from rollout.log.lease import take_lease
from rollout.log.names import remove_names
from rollout.log.spawns import remove_spawns
from rollout.store.deleting import note_pruning
from rollout.store.recording import Surroundings
from rollout.store.tombstones import is_deleted, remove_tombstone


def reclaim_file(around: Surroundings, thread_id: ThreadId, path: str, *, is_deleted_thread: bool) -> None:
    """Remove a file of a thread; of a deleted one only as long as it is that. Raise LeaseHeld, Conflict."""
    with take_lease(around.fs, around.home, thread_id, clock=around.clock, pid=around.pid):
        if is_deleted_thread:
            note_pruning(around, thread_id)
        around.fs.remove(path)
        around.fs.sync_folder(folder_of(path))


def reclaim_tail(
    around: Surroundings,
    thread_id: ThreadId,
    path: str,
    *,
    start_offset: int,
    end_offset: int,
    is_deleted_thread: bool,
) -> None:
    """Cut a file off at `start_offset`, if it ends at `end_offset` still. Raise LeaseHeld, Conflict."""
    with (
        take_lease(around.fs, around.home, thread_id, clock=around.clock, pid=around.pid),
        around.fs.open_append(path) as file,
    ):
        if is_deleted_thread:
            note_pruning(around, thread_id)
        found = file.size_bytes()
        if found != end_offset:
            raise Conflict(
                f"cutting off the end of {path}: expected {end_offset} bytes, found {found}",
                hint="See who else has it open, then plan again.",
            )
        file.truncate(start_offset)
        file.sync()


def reclaim_names(around: Surroundings, thread_ids: Set[ThreadId]) -> None:
    """Remove every name that was given to these threads. Raise Conflict when one is deleted no more."""
    for thread_id in sorted(thread_ids):
        _require_deleted(around, thread_id)
    remove_names(around.fs, around.home, thread_ids)


def reclaim_tombstone(around: Surroundings, thread_id: ThreadId) -> None:
    """Remove the tombstone of a thread of which nothing else is left. Raise LeaseHeld, Conflict."""
    with take_lease(around.fs, around.home, thread_id, clock=around.clock, pid=around.pid):
        _require_deleted(around, thread_id)
        if around.opener.index.files_of(thread_id):
            raise Conflict(f"pruning thread {thread_id}: files of it are there still", hint="Plan again.")
        remove_spawns(around.fs, around.home, {thread_id})
        if thread_id in around.opener.facts.get():
            forget_facts(around.fs, around.home, {thread_id})
        remove_tombstone(around.fs, around.home, thread_id)
        around.fs.remove(lease_path(around.home, thread_id))  # who held it last is of no interest any more


def _require_deleted(around: Surroundings, thread_id: ThreadId) -> None:
    if not is_deleted(around.fs, around.home, thread_id):
        raise Conflict(f"pruning thread {thread_id}: it is not deleted any more", hint="Plan again.")
