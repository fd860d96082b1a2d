"""A page of turns out of the middle of a long log, and how many there are, by the catalog's turn index.

Identity first: rows are believed for the very bytes that are open here, and what is read where they point
must be what they say. None means that the log is to be read as if there were no catalog.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Final, TypeVar

from msgspec import Struct

from rollout.catalog.turn_places import (
    NO_END,
    Extent,
    IndexedFile,
    Question,
    TurnStretch,
    ask_of_files,
    count_turns,
    find_stretch,
)
from rollout.errors import RolloutError
from rollout.log.anchor import anchor_of
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.sealed import SealWatch
from rollout.store.cataloged import Cataloged
from rollout.store.projecting import Range, first_ordinal_of, project_ranges
from rollout.turns.rows import TurnRow

T = TypeVar("T")

_CATCH_UP_BYTES: Final = 1 << 20
"""What a page reads to bring the rows of one file up to date; with more to read, it asks the log."""


class IndexedTurns(Struct, frozen=True):
    """Turns next to each other, oldest first, and whether more follow in the direction asked for."""

    rows: list[TurnRow]
    has_more: bool


def find_turn_count(catalog: Cataloged, lineage: Lineage) -> int | None:
    """Return how many turns a thread has; None when the catalog cannot tell."""
    return _ask(catalog, lineage, count_turns)


def find_turns(
    catalog: Cataloged,
    lineage: Lineage,
    seals: SealWatch,
    anchor: int | None,
    size: int,
    *,
    is_descending: bool,
) -> IndexedTurns | None:
    """Return the next `size` turns beyond an ordinal, read where they lie. `seals` is shown what is read."""
    stretch = _ask(
        catalog,
        lineage,
        lambda connection, extents: find_stretch(
            connection, extents, anchor, size, is_descending=is_descending
        ),
    )
    if stretch is None:
        return None
    projection = project_ranges(lineage, seals, _ranges(lineage, stretch))
    if projection is None:
        return None
    rows = projection.turns()
    expected = [(turn.turn_id, turn.ordinal) for turn in stretch.turns]
    if [(row.turn_id, row.ordinal) for row in rows] != expected:
        return None
    return IndexedTurns(rows, stretch.has_more)


def _ranges(lineage: Lineage, stretch: TurnStretch) -> list[Range]:
    first, behind = stretch.turns[0], stretch.behind
    last = behind.extent if behind is not None else len(lineage.segments) - 1
    ranges = []
    for place in range(first.extent, last + 1):
        segment = lineage.segments[place]
        start = first.start_offset if place == first.extent else segment.start_offset
        if behind is not None and place == behind.extent:
            ranges.append(Range(place, start, behind.start_offset, stretch.sealed_end))
        else:
            ranges.append(Range(place, start, segment.end_offset))
    return ranges


def _ask(catalog: Cataloged, lineage: Lineage, question: Question[T]) -> T | None:
    """Return what rows tell of the files of a lineage, if they are those of its bytes."""
    found = catalog.find() if lineage.is_paginated else None
    segments = lineage.segments
    if found is None or any(segment.file.name.is_compressed for segment in segments):
        return None
    if any(
        older.end_ordinal is None or older.end_ordinal > newer.first_ordinal
        for older, newer in pairwise(segments)
    ):
        return None
    paths = [segment.file.path for segment in segments]

    def extents_of(files: Sequence[IndexedFile]) -> list[Extent]:
        return list(map(_extent, segments, files))

    try:
        if not all(found.keep_current(path, _CATCH_UP_BYTES) for path in paths):
            return None
        told = found.ask(
            "finding turns", lambda connection: ask_of_files(connection, paths, extents_of, question)
        )
    except RolloutError:
        return None
    if told is None:
        return None
    files, answer = told
    return answer if all(map(partial(_is_of, lineage), segments, files)) else None


def _extent(segment: Segment, file: IndexedFile) -> Extent:
    end_ordinal = NO_END if segment.end_ordinal is None else segment.end_ordinal
    return Extent(file.file_id, segment.end_offset, first_ordinal_of(segment), end_ordinal)


def _is_of(lineage: Lineage, segment: Segment, file: IndexedFile) -> bool:
    """Tell whether rows were made of the bytes that are open here, and of all lines of the segment."""
    source = lineage.source(segment)
    if file.inode != segment.identity.inode:
        return False
    if file.watermark < segment.end_offset:
        rest = segment.end_offset - file.watermark
        if rest > _CATCH_UP_BYTES or b"\n" in source.read_at(file.watermark, rest):
            return False
    if not source.reaches(file.watermark):
        return segment.is_cut  # an ancestor of which no more is held: it is the file that was looked at
    return anchor_of(source, segment.header.end_offset, file.watermark) == file.anchor
