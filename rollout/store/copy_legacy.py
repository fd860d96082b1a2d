"""A copy of a history that begins in a legacy rollout: a legacy rollout, as such a history has to be.

The legacy bytes stay as they are, but for their header, whose place the copy's own takes: implicit
turns are numbered by records. What paginated rollouts added loses its ordinals, and shows its items as
legacy rollouts do: by events, and by marked items where those say less. Format: docs/format.md, "Copies".
"""

from __future__ import annotations

import msgspec

from rollout.errors import UnsupportedFormat
from rollout.format.decoding import payload_of
from rollout.format.record import Era, Reason, Record, Rejected
from rollout.format.vocabulary import EVENT_MSG, ITEM_COMPLETED, TASK_STARTED, TURN_ENDS
from rollout.log.lines import iter_lines
from rollout.log.source import Source
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.sealed import find_broken_seals, refuse_broken
from rollout.store.copy_plan import LEFT_OUT, Carried, Edit, resealed, sealed_edit, unnumbered
from rollout.turns.legacy_writing import legacy_payloads


def plan_legacy_copy(lineage: Lineage) -> list[Carried]:
    """Return how a lineage whose oldest segment is legacy goes into one legacy rollout.

    Reads and decodes all of it, and verifies its seals. Raise UnsupportedFormat for a rollout of an era
    that has no such copy, DamagedLog when a seal does not hold.
    """
    refuse_broken(lineage.thread_id, find_broken_seals(lineage))
    oldest = lineage.segments[0]
    if oldest.header.era is Era.BARE:  # messages stand for events there, which implicit turns count
        raise UnsupportedFormat(
            f"copying thread {lineage.thread_id}: {oldest.file.path} is of an era that no client writes",
            hint="Read it where it is, or fork it by reference from within its home.",
        )
    conversion = _Conversion()
    return [Carried(one, _edits(lineage, one, conversion)) for one in lineage.segments]


def _edits(lineage: Lineage, segment: Segment, conversion: _Conversion) -> list[Edit]:
    source, header = lineage.source(segment), segment.header
    is_newest = segment is lineage.newest
    edits: list[Edit] = []
    end = segment.end_offset
    for batch in iter_lines(source, lineage.span(segment)):
        for line in batch:
            edit: Edit | None
            if isinstance(line, Rejected):
                edit = Edit(line.start_offset, line.end_offset)
                if line.reason is Reason.OBSOLETE and header.era is Era.FLAT:
                    edit = _kept(source, line)
                elif line.reason not in LEFT_OUT:
                    edit = resealed(source, line)
                elif line.end_offset == end:
                    end = line.start_offset
            elif segment.is_paginated:
                edit = conversion.edit(line)
            elif line.start_offset == header.start_offset:
                edit = Edit(header.start_offset, header.end_offset)
            elif header.era is Era.FLAT:
                edit = _enveloped(line)
            else:
                edit = sealed_edit(line)
            if edit is not None:
                edits.append(edit)
    if not is_newest and end > segment.start_offset and source.read_at(end - 1, 1) != b"\n":
        edits.append(Edit(segment.end_offset, segment.end_offset, b"\n"))
    return edits


def _enveloped(line: Record) -> Edit:
    """Return a record of the flat era as a line of its own type, which the envelope has."""
    payload = payload_of(line)
    members = {"timestamp": line.envelope.timestamp, "type": line.envelope.type, "payload": payload}
    return Edit(line.start_offset, line.end_offset, msgspec.json.encode(members) + b"\n")


def _kept(source: Source, line: Rejected) -> Edit:
    """Return a line of the flat era that is no record as one of a type that nobody knows."""
    stored = msgspec.Raw(source.read_at(line.start_offset, line.end_offset - line.start_offset).strip())
    members = {"timestamp": "", "type": "obsolete", "payload": stored}
    return Edit(line.start_offset, line.end_offset, msgspec.json.encode(members) + b"\n")


class _Conversion:
    """Records of paginated rollouts as those of a legacy one, oldest first: events stand in the open turn."""

    def __init__(self) -> None:
        self._open: str | None = None

    def edit(self, line: Record) -> Edit | None:
        """Return what stands in a legacy rollout for a record."""
        probe = line.envelope.payload
        if line.envelope.type == EVENT_MSG and line.kind in TASK_STARTED:
            self._open = probe.turn_id
        elif line.envelope.type == EVENT_MSG and line.kind in TURN_ENDS:
            self._open = None
        elif line.envelope.type == EVENT_MSG and line.kind == ITEM_COMPLETED:
            is_in_place = probe.turn_id is not None and probe.turn_id == self._open
            payloads = legacy_payloads(bytes(payload_of(line)), is_in_place=is_in_place)
            content = b"".join(_event_line(line, payload) for payload in payloads)
            return Edit(line.start_offset, line.end_offset, content)
        return unnumbered(line)


def _event_line(line: Record, payload: bytes) -> bytes:
    members = {"timestamp": line.envelope.timestamp, "type": EVENT_MSG, "payload": msgspec.Raw(payload)}
    return msgspec.json.encode(members) + b"\n"
