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
from rollout.ids import RolloutId, find_uuid
from rollout.log.index import RolloutIndex
from rollout.log.layout import CHECKPOINTS_FOLDER, folder_of, join
from rollout.replay.lineage import Segment

WORTH_BYTES: Final = 256 << 10
"""A shorter segment, with what its parent has, is read as fast as a sidecar."""
_LONGEST_BYTES: Final = 64 << 20
_SUFFIX: Final = ".json"


class FileSidecars:
    """The sidecars below a folder of derived files. `find_writable` gives what to write with, or raises.

    `find_index` gives the rollouts of `home`.
    """

    def __init__(
        self,
        fs: FileSystem,
        state_folder: str,
        find_writable: Callable[[], MutableFileSystem],
        home: str = "",
        find_index: Callable[[], RolloutIndex] = RolloutIndex.empty,
    ) -> None:
        self._fs = fs
        self._folder = join(state_folder, CHECKPOINTS_FOLDER)
        self._find_writable = find_writable
        self._find_index = find_index
        # A folder that lies elsewhere may serve other homes, too.
        self._is_of_home = bool(home) and self._folder.startswith(join(home, ""))

    def path_of(self, rollout_id: str) -> str:
        """Return where the sidecar of a rollout is."""
        return join(self._folder, f"{rollout_id}{_SUFFIX}")

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
        """Keep a checkpoint in place of an older one. Not durable: it can be made again.

        Takes away those of rollouts that are gone from the home.
        """
        path = self.path_of(segment.rollout_id)
        fs = self._find_writable()
        fs.make_folders(folder_of(path))
        replace_file(fs, path, content)
        with suppress(RolloutError):
            for orphan in self._find_orphans():
                if orphan != path:
                    fs.remove(orphan)

    def _find_orphans(self) -> list[str]:
        """Return the sidecars whose rollout is in no file of the home, active, archived or compressed."""
        found: list[str] = []
        index = self._find_index() if self._is_of_home else None
        if index is None or index.unreadable_folders:
            return found
        for entry in self._fs.iter_folder(self._folder):
            rollout_id = find_uuid(entry.name.removesuffix(_SUFFIX))
            is_ours = rollout_id is not None and entry.name == f"{rollout_id}{_SUFFIX}"
            if is_ours and not entry.is_folder and index.find_rollout(RolloutId(rollout_id or "")) is None:
                found.append(join(self._folder, entry.name))
        return found
