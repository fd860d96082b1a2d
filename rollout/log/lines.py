"""Lines of a source as records, forward and backward: chunking joined with decoding.

Both directions give the same lines with the same spans. Format: docs/format.md, "Lines".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from msgspec import Struct

from rollout.format.codec import decode_lines, decode_pieces
from rollout.format.record import Era, Line, Rejected
from rollout.log.chunks import MAX_LINE_BYTES, iter_chunks, iter_chunks_backward
from rollout.log.source import Source


class Span(Struct, frozen=True):
    """A range of a source to read lines from: `[start_offset, end_offset)` from a line start.

    `is_cut` says that the end is a base offset, so that an incomplete last line is damage
    and not a torn tail. `only_type` passes over lines that cannot be of that record type.
    """

    start_offset: int
    end_offset: int
    era: Era = Era.ENVELOPE
    is_cut: bool = False
    max_line_bytes: int = MAX_LINE_BYTES
    only_type: bytes | None = None


def _defect_behind(source: Source, span: Span) -> Rejected | None:
    """Return what kept the source from being unpacked beyond the span, if that is why it ends there."""
    defect = source.defect
    return (
        defect if defect is not None and not span.is_cut and defect.start_offset <= span.end_offset else None
    )


def iter_lines(source: Source, span: Span) -> Iterator[list[Line]]:
    """Yield the lines of a span in batches, oldest batch and oldest line first."""
    for chunk in iter_chunks(source, span.start_offset, span.end_offset, span.max_line_bytes):
        if isinstance(chunk, Rejected):
            yield [chunk]
        else:
            yield decode_lines(
                chunk.content, chunk.start_offset, span.era, is_cut=span.is_cut, only_type=span.only_type
            )
    defect = _defect_behind(source, span)
    if defect is not None:
        yield [defect]


def iter_lines_backward(source: Source, span: Span) -> Iterator[list[Line]]:
    """Yield the lines of a span in batches, newest batch first, each batch oldest line first."""
    defect = _defect_behind(source, span)
    if defect is not None:
        yield [defect]
    for chunk in iter_chunks_backward(source, span.start_offset, span.end_offset, span.max_line_bytes):
        if isinstance(chunk, Rejected):
            yield [chunk]
        else:
            starts = accumulate(map(len, chunk.pieces), initial=chunk.start_offset)
            yield decode_pieces(chunk.pieces, starts, span.era, is_cut=span.is_cut, only_type=span.only_type)
