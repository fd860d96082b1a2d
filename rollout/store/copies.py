"""Several files of one rollout: which of them add nothing to the one that is read.

A crash between giving a file its new name and taking the old one away leaves both, as does one
between unpacking a compressed file and removing it. Format: docs/format.md, "Finding files".
"""

from __future__ import annotations

from typing import Final

from rollout.errors import NotFound
from rollout.fs.api import FileSystem
from rollout.log.source import Source, open_source

_BLOCK_BYTES: Final = 1 << 20


def is_contained(fs: FileSystem, copy: str, path: str) -> bool:
    """Tell whether the file at `path` begins with every decoded byte of `copy`, which is then superfluous.

    A copy that is gone is. Reads both. Raise StorageFailed if the system cannot.
    """
    try:
        opened = open_source(fs, copy)
    except NotFound:
        return True
    with opened, open_source(fs, path) as source:
        return _begins_with(source, opened)


def _begins_with(source: Source, copy: Source) -> bool:
    at, size_bytes = 0, copy.size_bytes
    if copy.defect is not None:
        return False  # what could not be unpacked may be anything
    while at < size_bytes:
        block = copy.read_at(at, _BLOCK_BYTES)
        if source.read_at(at, len(block)) != block:
            return False
        at += len(block)
    return True
