"""Names and folders of a home: every path is built and parsed here.

Format: docs/format.md, "Names and folders".
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from rollout.ids import RolloutId, ThreadId, find_uuid

ACTIVE_FOLDER: Final = "sessions"
ARCHIVED_FOLDER: Final = "archived_sessions"
NAMES_FILE: Final = "session_index.jsonl"
LOCKS_FOLDER: Final = "thread-writer-locks"
STATE_FOLDER: Final = ".rollout"
CHECKPOINTS_FOLDER: Final = "checkpoints"
NUMBERING_FOLDER: Final = "numbering"
COMPRESSED_SUFFIX: Final = ".jsonl.zst"
_PREFIX: Final = "rollout-"
PLAIN_SUFFIX: Final = ".jsonl"
DRAFT_SUFFIX: Final = ".draft"
_UUID_LENGTH: Final = 36
_DATE: Final = re.compile(r"rollout-(\d{4})-(\d{2})-(\d{2})T")


class RolloutName(Struct, frozen=True):
    """A rollout's file name, taken apart. `stamp` is whatever stands there; it may be nonsense."""

    stamp: str
    thread_id: ThreadId
    rollout_id: RolloutId
    is_compressed: bool


class RolloutFile(Struct, frozen=True):
    """Where a rollout lies."""

    path: str
    name: RolloutName
    is_archived: bool


def find_name(file_name: str) -> RolloutName | None:
    """Return the parts of a rollout's file name, or None when the name is not one.

    `rollout-<stamp>-<thread id>[_<rollout id>].jsonl[.zst]`; without the second id the
    rollout id equals the thread id.
    """
    if not file_name.startswith(_PREFIX):
        return None
    is_compressed = file_name.endswith(COMPRESSED_SUFFIX)
    suffix = COMPRESSED_SUFFIX if is_compressed else PLAIN_SUFFIX
    if not file_name.endswith(suffix):
        return None
    stem = file_name[len(_PREFIX) : -len(suffix)]
    rollout_id = None
    if len(stem) > _UUID_LENGTH and stem[-_UUID_LENGTH - 1] == "_":
        rollout_id = find_uuid(stem[-_UUID_LENGTH:])
        if rollout_id is None:
            return None
        stem = stem[: -_UUID_LENGTH - 1]
    thread_id = find_uuid(stem[-_UUID_LENGTH:])
    if thread_id is None or len(stem) <= _UUID_LENGTH or stem[-_UUID_LENGTH - 1] != "-":
        return None
    return RolloutName(
        stem[: -_UUID_LENGTH - 1], ThreadId(thread_id), RolloutId(rollout_id or thread_id), is_compressed
    )


def plain_path(path: str) -> str:
    """Return where a rollout lies when it is not compressed."""
    return path.removesuffix(COMPRESSED_SUFFIX) + PLAIN_SUFFIX if path.endswith(COMPRESSED_SUFFIX) else path


def compressed_path(path: str) -> str:
    """Return where a plain rollout lies when it is compressed."""
    return path.removesuffix(PLAIN_SUFFIX) + COMPRESSED_SUFFIX


def lock_path(home: str, thread_id: ThreadId) -> str:
    """Return the file that a thread's writer holds locked, whichever client it is."""
    return join(home, f"{LOCKS_FOLDER}/{thread_id}.lock")


def coordination_path(home: str) -> str:
    """Return the file that is locked while lock files are opened (shared) or removed (alone)."""
    return join(home, f"{LOCKS_FOLDER}/.coordination.lock")


def names_lock_path(home: str) -> str:
    """Return the file that is locked while a name is appended."""
    return join(home, f"{NAMES_FILE}.lock")


def lease_path(home: str, thread_id: ThreadId) -> str:
    """Return the file that says who of us held a thread's lease last."""
    return join(home, f"{STATE_FOLDER}/leases/{thread_id}.json")


def quarantine_folder(home: str) -> str:
    """Return where bytes are kept that had to leave their place."""
    return join(home, f"{STATE_FOLDER}/quarantine")


def quarantine_path(home: str, rollout_id: RolloutId, offset: int, now_ms: int) -> str:
    """Return where the torn tail that began at `offset` of a rollout is kept."""
    return join(quarantine_folder(home), f"{rollout_id}.{offset}.{now_ms}")


def draft_quarantine_path(home: str, draft: str, now_ms: int) -> str:
    """Return where a draft that was never published is kept."""
    return join(quarantine_folder(home), f"{base_name(draft)}.{now_ms}")


def numbering_path(state_folder: str, rollout_id: RolloutId) -> str:
    """Return where the count of a legacy rollout's records is noted, in the folder of derived files."""
    return join(state_folder, f"{NUMBERING_FOLDER}/{rollout_id}.json")


def new_rollout_path(home: str, timestamp: str, thread_id: ThreadId, rollout_id: RolloutId | None) -> str:
    """Return where a new rollout goes; `timestamp` is RFC 3339, `rollout_id` that of a revert."""
    day, stamp = timestamp[:10].replace("-", "/"), timestamp[:19].replace(":", "-")
    revert = "" if rollout_id is None else f"_{rollout_id}"
    return join(home, f"{ACTIVE_FOLDER}/{day}/{_PREFIX}{stamp}-{thread_id}{revert}{PLAIN_SUFFIX}")


def archived_path(home: str, file_name: str) -> str:
    """Return where a rollout of this name lies when it is archived."""
    return join(home, f"{ARCHIVED_FOLDER}/{file_name}")


def find_active_path(home: str, file_name: str) -> str | None:
    """Return where a rollout of this name lies when it is not archived; None when it has no date."""
    found = _DATE.match(file_name)
    if found is None:
        return None
    return join(home, f"{ACTIVE_FOLDER}/{'/'.join(found.groups())}/{file_name}")


def tombstones_folder(home: str) -> str:
    """Return where it is kept which threads were deleted."""
    return join(home, f"{STATE_FOLDER}/tombstones")


def tombstone_path(home: str, thread_id: ThreadId) -> str:
    """Return the file that says of a thread that it was deleted."""
    return join(tombstones_folder(home), f"{thread_id}.json")


def spawns_path(home: str) -> str:
    """Return the file that says which thread spawned which, beside what headers say."""
    return join(home, f"{STATE_FOLDER}/spawn.jsonl")


def facts_path(home: str) -> str:
    """Return the file that holds what people said of threads."""
    return join(home, f"{STATE_FOLDER}/facts.jsonl")


def join(folder: str, name: str) -> str:
    """Return the path of `name` in `folder`."""
    return f"{folder.rstrip('/')}/{name}"


def folder_of(path: str) -> str:
    """Return the folder that a path lies in."""
    return path.rpartition("/")[0] or "/"


def base_name(path: str) -> str:
    """Return the last part of a path."""
    return path.rsplit("/", 1)[-1]
