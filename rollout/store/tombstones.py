"""Tombstones: which threads were deleted. A deleted thread is hidden; its bytes stay until they are pruned.

One small file a thread, in a fixed place of the home. No log says it, so it is not derived: who takes a
tombstone away brings the thread back, and nothing is lost. Format: docs/format.md, "Tombstones".
"""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from rollout.errors import NotFound, StorageFailed
from rollout.format.decoding import decode_json
from rollout.fs.api import FileSystem
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.publish import DurableFolders, publish_file
from rollout.ids import ThreadId, find_uuid
from rollout.log.layout import tombstone_path, tombstones_folder

_SUFFIX: Final = ".json"
_LONGEST_BYTES: Final = 4 << 10


class DeleteMode(StrEnum):
    """What was to become of threads that stand on the deleted one: there were none, or as it says."""

    PLAIN = "plain"
    KEEP_FOR_FORKS = "keepForForks"
    FLATTEN_CHILDREN = "flattenChildren"
    CASCADE = "cascade"


class Tombstone(Struct, frozen=True, rename="camel", omit_defaults=True):
    """That a thread was deleted: when (UTC milliseconds), how, by whom, and with which other.

    `deleted_with` is the thread that was asked for; `pruned_at` is set before the first of its
    bytes is reclaimed, after which it cannot be brought back.
    """

    thread_id: str
    deleted_at: int
    mode: DeleteMode
    deleted_with: str
    client: str
    pid: int
    pruned_at: int | None = None


def deleted_ids(fs: FileSystem, home: str) -> frozenset[ThreadId]:
    """Return the threads that were deleted, by names alone; none when the system does not let us look."""
    found = set()
    with suppress(StorageFailed):
        for entry in fs.iter_folder(tombstones_folder(home)):
            thread_id = _named(entry.name)
            if thread_id is not None:
                found.add(thread_id)
    return frozenset(found)


def is_deleted(fs: FileSystem, home: str, thread_id: ThreadId) -> bool:
    """Tell whether a thread was deleted; no when the system does not let us look."""
    try:
        return fs.find_stat(tombstone_path(home, thread_id)) is not None
    except StorageFailed:
        return False


def read_tombstones(fs: FileSystem, home: str) -> dict[ThreadId, Tombstone | None]:
    """Return every tombstone; None for one that cannot be understood, which hides a thread all the same.

    Raise StorageFailed.
    """
    found: dict[ThreadId, Tombstone | None] = {}
    for entry in fs.iter_folder(tombstones_folder(home)):
        thread_id = _named(entry.name)
        if thread_id is not None:
            found[thread_id] = find_tombstone(fs, home, thread_id)
    return found


def find_tombstone(fs: FileSystem, home: str, thread_id: ThreadId) -> Tombstone | None:
    """Return the tombstone of a thread; None when there is none, or none that can be understood."""
    try:
        with fs.open_read(tombstone_path(home, thread_id)) as file:
            found = decode_json(file.read_at(0, _LONGEST_BYTES), Tombstone)
    except NotFound:
        return None
    return found if found is not None and found.thread_id == thread_id else None


def publish_tombstone(
    fs: MutableFileSystem, home: str, tombstone: Tombstone, folders: DurableFolders | None = None
) -> None:
    """Let a thread be deleted. Durable on return; whoever calls holds its lease.

    `folders` know which names need no sync any more.
    """
    folder = tombstones_folder(home)
    fs.make_folders(folder)
    (folders or DurableFolders()).sync_names(fs, home, folder)
    path = tombstone_path(home, ThreadId(tombstone.thread_id))
    publish_file(fs, path, msgspec.json.encode(tombstone) + b"\n")


def remove_tombstone(fs: MutableFileSystem, home: str, thread_id: ThreadId) -> None:
    """Let a thread be deleted no more. Durable on return; whoever calls holds its lease."""
    fs.remove(tombstone_path(home, thread_id))
    fs.sync_folder(tombstones_folder(home))


def require_not_deleted(fs: FileSystem, home: str, thread_id: ThreadId, act: str) -> None:
    """Raise NotFound for a deleted thread. Asked by whoever holds its lease, it cannot change any more."""
    if is_deleted(fs, home, thread_id):
        raise deleted_error(act, thread_id)


def deleted_error(act: str, thread_id: ThreadId) -> NotFound:
    """Return the refusal of whatever asks for a deleted thread."""
    return NotFound(
        f"{act}: thread {thread_id} was deleted",
        hint=f"Run `rollout delete --undo {thread_id}` to bring it back.",
    )


def _named(file_name: str) -> ThreadId | None:
    found = find_uuid(file_name.removesuffix(_SUFFIX))
    return ThreadId(found) if found is not None and file_name == found + _SUFFIX else None
