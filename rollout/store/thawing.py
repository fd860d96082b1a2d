"""Thaw: a compressed rollout becomes a plain file again, to be appended to or because somebody asks.

Invariants 2 and 3: the plain file comes to its name whole and durable before the compressed one loses
its own; in between the plain one is read. Offsets count decoded bytes, so nobody who refers to the
rollout notices. Format: docs/format.md, "Compressed files".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from rollout.errors import DamagedLog, StorageFailed
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.publish import publishing
from rollout.log.layout import folder_of, plain_path
from rollout.log.source import Source, open_source

if TYPE_CHECKING:
    from rollout.fs.api import ReadFile

_BLOCK_BYTES: Final = 256 << 10


def thaw(fs: MutableFileSystem, path: str) -> str:
    """Replace the compressed rollout at `path` by a plain one; return where that is. Durable on return.

    Whoever calls holds the thread's lease. Raise DamagedLog, with nothing changed, when not every byte
    can be unpacked.
    """
    target = plain_path(path)
    with open_source(fs, path, reads_all=True) as source, publishing(fs, target) as out:
        hasher = blake3()
        for block in _iter_blocks(source):
            hasher.update(block)
            out.append(block)
        if source.defect is not None:
            raise DamagedLog(
                f"decompressing {path}: {source.defect.detail}",
                hint="Read what can be read of it, or get the file back from a copy.",
            )
        with fs.open_read(out.path) as draft:
            if digest_of(draft) != hasher.digest():
                raise StorageFailed(
                    f"decompressing {path}: what was written reads back as something else",
                    hint="Check the disk; nothing was changed.",
                )
        out.set_modified_at(source.stat.modified_at)
    fs.remove(path)
    fs.sync_folder(folder_of(path))
    return target


def digest_of(source: Source | ReadFile) -> bytes:
    """Return the digest of all that a source holds."""
    hasher = blake3()
    for block in _iter_blocks(source):
        hasher.update(block)
    return hasher.digest()


def _iter_blocks(source: Source | ReadFile) -> Iterator[bytes]:
    at = 0
    while block := source.read_at(at, _BLOCK_BYTES):
        yield block
        at += len(block)
