"""The model history of a context: what a checkpoint names is read when somebody asks for it.

An answer outlives the thread it was read from: files are opened again, and must be the same.
Format: docs/format.md, "Checkpoints".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec import Raw

from rollout.replay.checkpoint import Checkpoint, UnlikeError
from rollout.replay.foundation import Verified, load_verified
from rollout.replay.history import HistoryItem, jsons_of
from rollout.replay.lineage import Lineage

T = TypeVar("T")


class OlderItems:
    """The items that a checkpoint names, verified already or still to be read.

    `replay_all` reads the whole history, where the lines are not what the checkpoint says.
    """

    def __init__(
        self,
        lineage: Lineage,
        checkpoint: Checkpoint,
        verified: list[Verified] | None,
        replay_all: Callable[[Lineage], list[HistoryItem]],
    ) -> None:
        self._lineage = lineage
        self._checkpoint = checkpoint
        self._verified = verified
        self._replay_all = replay_all
        self.count = checkpoint.count
        self.bytes_read = 0

    def verified(self) -> list[Verified]:
        """Return the bytes of the items. Raise UnlikeError; DamagedLog when a file is not the same."""
        if self._verified is None:
            self._verified = self._reading(lambda lineage: load_verified(lineage, self._checkpoint))
        return self._verified

    def replay_all(self) -> list[HistoryItem]:
        """Return all items of the history, these and newer ones, read from its files as they are."""
        return self._reading(self._replay_all)

    def _reading(self, read: Callable[[Lineage], T]) -> T:
        lineage = self._lineage.reopened() if self._lineage.is_closed else self._lineage
        bytes_before = lineage.bytes_read
        try:
            return read(lineage)
        finally:
            self.bytes_read += lineage.bytes_read - bytes_before
            if lineage is not self._lineage:
                lineage.close()


class ModelHistory:
    """The items that a model is given, oldest first: those of a checkpoint, then `newer` ones."""

    def __init__(self, newer: list[HistoryItem], older: OlderItems | None = None) -> None:
        self._newer = newer
        self._older = older
        self._items: list[HistoryItem] | None = newer if older is None else None

    @property
    def count(self) -> int:
        """The number of items, known without reading them."""
        if self._items is not None or self._older is None:
            return len(self._items or ())
        return self._older.count + len(self._newer)

    @property
    def bytes_read(self) -> int:
        """Bytes that were read since somebody asked."""
        return self._older.bytes_read if self._older is not None else 0

    def items(self) -> list[HistoryItem]:
        """Return the items. Raise DamagedLog when a file is not the one any more that was resumed."""
        if self._items is None and self._older is not None:
            try:
                self._items = [item for part in self._older.verified() for item in part.items()]
                self._items += self._newer
            except UnlikeError:
                self._items = self._older.replay_all()
        return self._items or []

    def input_json(self) -> bytes:
        """Return the items as a JSON array, spliced from stored bytes. Raise DamagedLog as `items` does."""
        pieces: list[Raw | bytes] = [*self._jsons()]
        if not pieces:
            return b"[]"
        pieces[0] = b"[%b" % pieces[0]
        pieces[-1] = b"%b]" % pieces[-1]
        return b",".join(pieces)

    def _jsons(self) -> list[Raw]:
        if self._items is None and self._older is not None:
            try:
                older = [json for part in self._older.verified() for json in part.jsons()]
            except UnlikeError:
                self._items = self._older.replay_all()
            else:
                return older + jsons_of(self._newer)
        return jsons_of(self._items or [])
