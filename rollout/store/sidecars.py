"""Checkpoints of rollouts that other clients write, kept in files of their own.

Derived, and worth nothing but time: one that is missing, spoilt or not about the rollout as it is
now is passed over, and may be deleted at any moment. Format: docs/format.md, "Checkpoints".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from rollout.errors import NotFound, RolloutError, StorageFailed
from rollout.fs.api import FileSystem
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.publish import replace_file
from rollout.log.layout import CHECKPOINTS_FOLDER, folder_of, join
from rollout.replay.lineage import Segment

WORTH_BYTES: Final = 256 << 10
"""A shorter segment, with what its parent has, is read as fast as a sidecar."""
_LONGEST_BYTES: Final = 64 << 20


class FileSidecars:
    """The sidecars below a folder of derived files. `find_writable` gives what to write with, or raises."""

    def __init__(
        self, fs: FileSystem, state_folder: str, find_writable: Callable[[], MutableFileSystem]
    ) -> None:
        self._fs = fs
        self._folder = join(state_folder, CHECKPOINTS_FOLDER)
        self._find_writable = find_writable

    def path_of(self, rollout_id: str) -> str:
        """Return where the sidecar of a rollout is."""
        return join(self._folder, f"{rollout_id}.json")

    def find(self, segment: Segment) -> bytes | None:
        """Return what is kept for a segment's rollout, whatever it is worth."""
        base = segment.header.meta.history_base
        inherited_bytes = base.end_byte_offset if base is not None else 0
        if inherited_bytes + segment.end_offset - segment.start_offset < WORTH_BYTES:
            return None
        try:
            with self._fs.open_read(self.path_of(segment.rollout_id)) as file:
                size_bytes = file.stat().size_bytes
                return file.read_at(0, size_bytes) if size_bytes <= _LONGEST_BYTES else None
        except (NotFound, StorageFailed):
            return None

    def offer(self, segment: Segment, content: bytes) -> None:
        """Keep a checkpoint if that can be done: a home that only reads is served without."""
        with suppress(RolloutError):
            self.keep(segment, content)

    def keep(self, segment: Segment, content: bytes) -> None:
        """Keep a checkpoint in place of an older one. Not durable: it can be made again."""
        path = self.path_of(segment.rollout_id)
        fs = self._find_writable()
        fs.make_folders(folder_of(path))
        replace_file(fs, path, content)
