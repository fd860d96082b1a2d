"""A rollout that was compressed or made plain since somebody looked: the same bytes, under its other name.

Whoever follows a lineage opens files later than they were found. Format: docs/format.md, "Compressed files".
"""

from __future__ import annotations

from rollout.errors import DamagedLog, NotFound
from rollout.fs.api import FileSystem
from rollout.log.header import Header, read_header
from rollout.log.layout import COMPRESSED_SUFFIX, compressed_path, plain_path
from rollout.log.source import Source, open_source


def find_repacked(
    fs: FileSystem, path: str, header: Header, end_offset: int, max_line_bytes: int
) -> Source | None:
    """Open what took the place of the rollout at `path`, or return None.

    It carries the very header, and is long enough.
    """
    other = plain_path(path) if path.endswith(COMPRESSED_SUFFIX) else compressed_path(path)
    try:
        source = open_source(fs, other)
    except NotFound:
        return None
    try:
        found = read_header(source, max_line_bytes)
        is_same = (found.end_offset, bytes(found.payload)) == (header.end_offset, bytes(header.payload))
        if is_same and source.reaches(end_offset):
            return source
    except DamagedLog:
        pass
    except BaseException:
        source.close()
        raise
    source.close()
    return None
