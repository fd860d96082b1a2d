"""Thread names: an append-only file of renames, the newest entry of an id wins.

Format: docs/format.md, "Names of threads".
"""

from __future__ import annotations

from msgspec import Struct

from rollout.errors import NotFound
from rollout.format.decoding import decode_json
from rollout.fs.api import FileSystem
from rollout.ids import ThreadId, find_uuid
from rollout.log.chunks import MAX_LINE_BYTES, Chunk, iter_chunks
from rollout.log.layout import NAMES_FILE, join
from rollout.log.source import open_source


class _Rename(Struct, frozen=True):
    id: str
    thread_name: str | None = None


def read_names(fs: FileSystem, home: str) -> dict[ThreadId, str]:
    """Return the name of every thread that has one. Lines that are no renames are passed over."""
    names: dict[ThreadId, str] = {}
    try:
        source = open_source(fs, join(home, NAMES_FILE))
    except NotFound:
        return names
    with source:
        for chunk in iter_chunks(source, 0, source.size_bytes, MAX_LINE_BYTES):
            if not isinstance(chunk, Chunk):
                continue
            for line in chunk.content.split(b"\n"):
                rename = decode_json(line, _Rename) if line else None
                thread_id = find_uuid(rename.id) if rename is not None else None
                if rename is None or thread_id is None:
                    continue
                if rename.thread_name:
                    names[ThreadId(thread_id)] = rename.thread_name
                else:
                    names.pop(ThreadId(thread_id), None)
    return names
