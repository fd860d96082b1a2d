"""A copy of a history that begins in a legacy rollout: a legacy rollout, as such a history has to be.

The legacy bytes stay as they are, but for their header, whose place the copy's own takes: implicit
turns are numbered by records. Format: docs/format.md, "Copies".
"""

from __future__ import annotations

from rollout.errors import UnsupportedFormat
from rollout.format.record import Era, Reason, Rejected
from rollout.log.lines import iter_lines
from rollout.replay.lineage import Lineage, Segment
from rollout.store.copy_plan import Carried, CopyPlan, Edit, resealed, sealed_edit


def plan_legacy_copy(lineage: Lineage) -> CopyPlan:
    """Return how a lineage whose oldest segment is legacy goes into one legacy rollout.

    Raise UnsupportedFormat for what has no legacy form.
    """
    oldest = lineage.segments[0]
    if oldest.header.era is not Era.ENVELOPE:
        raise UnsupportedFormat(
            f"copying thread {lineage.thread_id}: {oldest.file.path} is of an era that no client writes",
            hint="Read it where it is; it cannot be copied.",
        )
    parts = [Carried(oldest, _legacy_edits(lineage, oldest))]
    return CopyPlan(parts, is_plain=False)


def _legacy_edits(lineage: Lineage, segment: Segment) -> list[Edit]:
    source = lineage.source(segment)
    header = segment.header
    edits: list[Edit] = []
    end = segment.end_offset
    for batch in iter_lines(source, lineage.span(segment)):
        for line in batch:
            if line.start_offset == header.start_offset:
                edits.append(Edit(header.start_offset, header.end_offset))
            elif not isinstance(line, Rejected):
                edit = sealed_edit(line)
                if edit is not None:
                    edits.append(edit)
            elif line.reason in {Reason.CHECKPOINT, Reason.TORN_TAIL, Reason.CUT_LINE}:
                edits.append(Edit(line.start_offset, line.end_offset))
                if line.end_offset == end:
                    end = line.start_offset
            else:
                edit = resealed(source, line)
                if edit is not None:
                    edits.append(edit)
    if end > header.end_offset and source.read_at(end - 1, 1) != b"\n":
        edits.append(Edit(segment.end_offset, segment.end_offset, b"\n"))
    return edits
