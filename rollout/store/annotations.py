"""What is said of a thread and stands in no log: its git state as corrected later, and its memory mode.

One small file a thread, in a fixed place of the home. Not derived: no log says it, so who takes the file
away goes back to what the header says. Whoever writes one holds the thread's lease.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from rollout.errors import NotFound
from rollout.format.decoding import decode_json
from rollout.fs.api import FileSystem
from rollout.fs.publish import publish_file, sync_names
from rollout.ids import ThreadId
from rollout.log.layout import STATE_FOLDER, join
from rollout.log.lease import take_lease
from rollout.store.recording import Surroundings

ANNOTATIONS_FOLDER: Final = "annotations"
_LONGEST_BYTES: Final = 64 << 10

Patch = str | None | UnsetType


class GitNote(Struct, frozen=True, rename="camel"):
    """Members of a thread's git state that were set later; UNSET leaves what the header says, None clears."""

    sha: Patch = UNSET
    branch: Patch = UNSET
    origin_url: Patch = UNSET


class Annotations(Struct, frozen=True, rename="camel"):
    """All that is said of one thread beside its log."""

    git_info: GitNote = GitNote()
    memory_mode: str | None = None


def find_annotations(fs: FileSystem, home: str, thread_id: ThreadId) -> Annotations | None:
    """Return what is said of a thread; None when there is nothing, or nothing that can be understood."""
    try:
        with fs.open_read(annotations_path(home, thread_id)) as file:
            return decode_json(file.read_at(0, _LONGEST_BYTES), Annotations)
    except NotFound:
        return None


def annotate(
    around: Surroundings, thread_id: ThreadId, *, git: GitNote | None = None, memory_mode: str | None = None
) -> Annotations:
    """Say more of a thread; what is not given stays. Durable on return. Raise LeaseHeld, StorageFailed."""
    folder = annotations_folder(around.home)
    with take_lease(around.fs, around.home, thread_id, clock=around.clock, pid=around.pid):
        known = find_annotations(around.fs, around.home, thread_id) or Annotations()
        merged = Annotations(
            merged_git(known.git_info, git) if git is not None else known.git_info,
            memory_mode if memory_mode is not None else known.memory_mode,
        )
        around.fs.make_folders(folder)
        path = annotations_path(around.home, thread_id)
        publish_file(around.fs, path, msgspec.json.encode(merged) + b"\n")
        sync_names(around.fs, around.home, folder)
    return merged


def merged_git(known: GitNote, new: GitNote) -> GitNote:
    """Return a git state with what is new put in place. Pure."""
    return GitNote(
        *(
            getattr(known, name) if getattr(new, name) is UNSET else getattr(new, name)
            for name in GitNote.__struct_fields__
        )
    )


def annotations_folder(home: str) -> str:
    """Return where it is kept what is said of threads."""
    return join(home, f"{STATE_FOLDER}/{ANNOTATIONS_FOLDER}")


def annotations_path(home: str, thread_id: ThreadId) -> str:
    """Return the file that says more of a thread."""
    return join(annotations_folder(home), f"{thread_id}.json")
