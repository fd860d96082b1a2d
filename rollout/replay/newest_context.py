"""The newest turn context below a bounded read, which names the thread's model.

Looked for and for nothing else. Format: docs/format.md, "Bounded read".
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from rollout.format import vocabulary
from rollout.format.record import Record, Rejected
from rollout.log.lines import Span, iter_lines_backward
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.sealed import SealWatch

_CONTEXT: Final = vocabulary.TURN_CONTEXT.encode()


class Sought(Struct, frozen=True):
    """What was found, in the segment of that index; and how many more segments were looked into."""

    record: Record | None
    place: int
    segments: int


def seek_context(lineage: Lineage, place: int, end_offset: int, seals: SealWatch) -> Sought:
    """Return the newest turn context before an offset of segment `place`, or below that."""
    for at in range(place, -1, -1):
        segment = lineage.segments[at]
        span = msgspec.structs.replace(lineage.span(segment), only_type=_CONTEXT)
        if at == place:
            span = msgspec.structs.replace(span, end_offset=end_offset)
        seals.enter(segment)
        found = _seek_in(lineage, segment, span, seals)
        seals.leave(span.start_offset if found is None else found.start_offset)
        if found is not None:
            return Sought(found, at, place - at)
    return Sought(None, 0, place)


def _seek_in(lineage: Lineage, segment: Segment, span: Span, seals: SealWatch) -> Record | None:
    for batch in iter_lines_backward(lineage.source(segment), span):
        for line in reversed(batch):
            if isinstance(line, Rejected):
                seals.note_rejected(line)
            elif line.type == vocabulary.TURN_CONTEXT:
                return line
            elif seals.is_wanted and line.label in vocabulary.TURN_ENDS:
                seals.note(line)
    return None
