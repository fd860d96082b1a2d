"""Quarantine: where bytes go that must leave their place, and are never thrown away.

A torn tail is copied first, durable under its name, and only then cut off; a draft that was never
published is moved. Format: docs/format.md, "Appending".
"""

from __future__ import annotations

from rollout.errors import Conflict
from rollout.format.record import Rejected
from rollout.fs.mutation import AppendFile, MutableFileSystem
from rollout.fs.publish import publish_file, sync_names
from rollout.ids import RolloutId
from rollout.log.layout import draft_quarantine_path, folder_of, quarantine_path


def quarantine_tail(
    fs: MutableFileSystem, home: str, rollout_id: RolloutId, file: AppendFile, torn: Rejected, now_ms: int
) -> str:
    """Move the torn tail of a rollout away; return where it is kept. Durable on return.

    Whoever calls holds the thread's lease. Raise Conflict, with the file as it was, when it grew
    meanwhile.
    """
    content = file.read_at(torn.start_offset, torn.end_offset - torn.start_offset)
    path = quarantine_path(home, rollout_id, torn.start_offset, now_ms)
    while fs.find_stat(path) is not None:
        now_ms += 1
        path = quarantine_path(home, rollout_id, torn.start_offset, now_ms)
    fs.make_folders(folder_of(path))
    publish_file(fs, path, content)
    sync_names(fs, home, folder_of(path))
    if file.size_bytes() != torn.end_offset:
        raise Conflict(
            f"cutting off the torn tail of {file.path}: expected it to end at byte {torn.end_offset},"
            f" found {file.size_bytes()}: somebody else wrote to it",
            hint="See who else has it open, then try again.",
        )
    file.truncate(torn.start_offset)
    file.sync()
    return path


def quarantine_draft(fs: MutableFileSystem, home: str, draft: str, now_ms: int) -> str:
    """Move a draft away; return where it is kept. Durable on return. Raise NotFound when it is gone."""
    path = draft_quarantine_path(home, draft, now_ms)
    while fs.find_stat(path) is not None:
        now_ms += 1
        path = draft_quarantine_path(home, draft, now_ms)
    fs.make_folders(folder_of(path))
    fs.replace(draft, path)
    sync_names(fs, home, folder_of(path))  # the new name first: at no moment is the draft nowhere
    fs.sync_folder(folder_of(draft))
    return path
