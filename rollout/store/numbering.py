"""How many records a legacy rollout holds before a position: it stores no ordinals, so they are counted.

The count is kept in a file of its own, tied to the rollout by an anchor, so that the next one goes on
from there. Derived: it may be deleted at any moment. Format: docs/format.md, "Numbering notes".
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Struct

from rollout.errors import NotFound, RolloutError
from rollout.fs.api import FileSystem
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.publish import replace_file
from rollout.log.anchor import anchor_of
from rollout.log.layout import folder_of, numbering_path
from rollout.log.source import Source
from rollout.replay.lineage import Segment

_BLOCK_BYTES: Final = 1 << 20
_LONGEST_NOTE: Final = 4 << 10
_WORTH_BYTES: Final = 1 << 20
"""Counting less than this is as fast as reading a note."""


class _Note(Struct, frozen=True):
    offset: int
    records: int
    anchor: str


def count_records(
    fs: MutableFileSystem, state_folder: str | None, segment: Segment, source: Source, end_offset: int
) -> int:
    """Return how many lines of a segment's file end before `end_offset`, which is the end of one.

    Reads what lies behind the newest position that a note knows, or else everything, and leaves a note.
    """
    path = numbering_path(state_folder, segment.rollout_id) if state_folder is not None else None
    note = _find_note(fs, path, segment, source, end_offset) if path is not None else None
    start, count = (note.offset, note.records) if note is not None else (0, 0)
    count += _count_lines(source, start, end_offset)
    if path is not None and end_offset - start >= _WORTH_BYTES:
        made = _Note(end_offset, count, anchor_of(source, segment.header.end_offset, end_offset))
        with suppress(RolloutError):  # a home that only reads is served without
            fs.make_folders(folder_of(path))
            replace_file(fs, path, msgspec.json.encode(made))
    return count


def _find_note(fs: FileSystem, path: str, segment: Segment, source: Source, end_offset: int) -> _Note | None:
    if end_offset < _WORTH_BYTES:
        return None
    try:
        with fs.open_read(path) as file:
            note = msgspec.json.decode(file.read_at(0, _LONGEST_NOTE), type=_Note)
    except (NotFound, RolloutError, msgspec.MsgspecError, ValueError):
        return None
    header_end = segment.header.end_offset
    if not header_end <= note.offset <= end_offset or note.records < 1:
        return None
    return note if note.anchor == anchor_of(source, header_end, note.offset) else None


def _count_lines(source: Source, start: int, end: int) -> int:
    """Return how many newlines stand in a range. Found one by one, which beats `bytes.count` by half."""
    count = 0
    while start < end:
        block = source.read_at(start, min(_BLOCK_BYTES, end - start))
        find, at = block.find, block.find(b"\n")
        while at >= 0:
            count += 1
            at = find(b"\n", at + 1)
        start += len(block)
    return count
