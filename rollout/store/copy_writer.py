"""A copy in the making: bytes go in as they are, seals of the copy's own where lines were sealed.

The chain of seals is the one that a recorder would have written: from the beginning of the file, each
over all bytes since the one before. Format: docs/format.md, "Copies" and "Seals".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from blake3 import blake3

from rollout.format.seals import seal_member
from rollout.fs.mutation import AppendFile
from rollout.log.anchor import digest_text
from rollout.log.source import Source
from rollout.store.copy_plan import Edit

_BLOCK_BYTES: Final = 96 << 10
"""Chunks are a little longer, and are handed over as they are."""
_READ_BYTES: Final = 1 << 20
_SYNC_BYTES: Final = 16 << 20
"""So much is handed to the disk at a time, while more is read."""


class CopyWriter:
    """Writes one copy into a file that nobody sees yet. Nothing is durable for sure.

    `report` is told now and then how many bytes were written.
    """

    def __init__(self, out: AppendFile, report: Callable[[int], None] | None = None) -> None:
        self._out = out
        self._report = report
        self._pieces: list[bytes | memoryview] = []
        self._pending = 0
        self._synced_bytes = 0
        self._covered_from = 0
        self._hasher: blake3 | None = None
        self.size_bytes = 0

    def put(self, content: bytes | memoryview) -> None:
        """Add bytes."""
        if self._hasher is not None:
            self._hasher.update(content)
        self._pieces.append(content)
        self._pending += len(content)
        self.size_bytes += len(content)
        if self._pending >= _BLOCK_BYTES:
            self.flush()

    def seal(self) -> None:
        """Add the seal of everything since the one before."""
        covered_to = self.size_bytes
        hasher = self._hasher if self._hasher is not None else self._hash_so_far()
        member = seal_member(self._covered_from, digest_text(hasher.digest()))
        self._hasher, self._covered_from = blake3(), covered_to
        self.put(member)

    def _hash_so_far(self) -> blake3:
        """Return the hash of all that stands before the first seal: most copies of others' logs have none."""
        self.flush()
        hasher = blake3()
        for at in range(0, self.size_bytes, _READ_BYTES):
            hasher.update(self._out.read_at(at, min(_READ_BYTES, self.size_bytes - at)))
        return hasher

    def put_range(self, source: Source, start_offset: int, end_offset: int, edits: list[Edit]) -> None:
        """Add a range of a source, with edits in their order."""
        block, block_start = memoryview(b""), start_offset
        at = start_offset
        for edit in [*edits, Edit(end_offset, end_offset)]:
            while at < edit.start_offset:
                if at >= block_start + len(block):
                    block_start = at
                    block = memoryview(source.read_at(at, min(_READ_BYTES, end_offset - at)))
                end = min(edit.start_offset, block_start + len(block))
                self.put(block[at - block_start : end - block_start])
                at = end
            self._put_edit(edit)
            at = edit.end_offset

    def put_lines(self, content: bytes, start_offset: int, edits: list[Edit]) -> None:
        """Add lines that begin at `start_offset`, with edits in their order."""
        if not edits:
            self.put(content)
            return
        view, at = memoryview(content), start_offset
        for edit in edits:
            if at < edit.start_offset:
                self.put(view[at - start_offset : edit.start_offset - start_offset])
            self._put_edit(edit)
            at = edit.end_offset
        if at < start_offset + len(content):
            self.put(view[at - start_offset :])

    def _put_edit(self, edit: Edit) -> None:
        if edit.seal_at is None:
            if edit.content:
                self.put(edit.content)
            return
        if edit.seal_at:
            self.put(edit.content[: edit.seal_at])
        self.seal()
        self.put(edit.content[edit.seal_at :])

    def flush(self) -> None:
        """Hand everything to the file."""
        if not self._pieces:
            return
        first = self._pieces[0]
        is_one = len(self._pieces) == 1 and isinstance(first, bytes)
        self._out.append(first if is_one and isinstance(first, bytes) else b"".join(self._pieces))
        self._pieces.clear()
        self._pending = 0
        if self.size_bytes - self._synced_bytes >= _SYNC_BYTES:
            self._out.sync()
            self._synced_bytes = self.size_bytes
        if self._report is not None:
            self._report(self.size_bytes)
