"""A copy of a history that begins in a legacy rollout: a legacy rollout, as such a history has to be.

The legacy bytes stay as they are, but for their header, whose place the copy's own takes: implicit
turns are numbered by records. What paginated rollouts added loses its ordinals, and shows its items by
legacy events; what no such event shows is refused. Format: docs/format.md, "Copies".
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rollout.errors import UnsupportedFormat
from rollout.format.decoding import decode_json, payload_of
from rollout.format.record import Era, Reason, Record, Rejected
from rollout.format.vocabulary import EVENT_MSG, ITEM_COMPLETED
from rollout.log.lines import iter_lines
from rollout.log.source import Source
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.sealed import find_broken_seals, refuse_broken
from rollout.store.copy_plan import LEFT_OUT, Carried, Edit, resealed, sealed_edit, unnumbered
from rollout.turns.recorded import legacy_events

_SHOWN_AS_STORED: Final = "Plan"
_THOUGHTS: Final = "agent_reasoning_raw_content"


def plan_legacy_copy(lineage: Lineage) -> list[Carried]:
    """Return how a lineage whose oldest segment is legacy goes into one legacy rollout.

    Reads and decodes all of it, and verifies its seals. Raise UnsupportedFormat for what has no legacy
    form, DamagedLog when a seal does not hold.
    """
    refuse_broken(lineage.thread_id, find_broken_seals(lineage))
    oldest = lineage.segments[0]
    if oldest.header.era is Era.BARE:  # messages stand for events there, which implicit turns count
        raise UnsupportedFormat(
            f"copying thread {lineage.thread_id}: {oldest.file.path} is of an era that no client writes",
            hint="Read it where it is, or fork it by reference from within its home.",
        )
    return [Carried(one, _edits(lineage, one)) for one in lineage.segments]


def _edits(lineage: Lineage, segment: Segment) -> list[Edit]:
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
                edit = _converted(lineage, line)
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


def _converted(lineage: Lineage, line: Record) -> Edit | None:
    """Return what stands in a legacy rollout for a record of a paginated one."""
    if line.envelope.type == EVENT_MSG and line.kind == ITEM_COMPLETED:
        item = decode_json(line.envelope.payload.item, dict[str, Any]) or {}
        if item.get("type") != _SHOWN_AS_STORED:
            events = _events(lineage, item)
            content = b"".join(_event_line(line, event) for event in events)
            return Edit(line.start_offset, line.end_offset, content)
    return unnumbered(line)


def _events(lineage: Lineage, item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the legacy events that show a stored item. Raise UnsupportedFormat when none do."""
    kind, content = item.get("type"), item.get("content")
    if kind in {"AgentMessage", "Reasoning", "ContextCompaction"}:
        thoughts = item.get("raw_content") or [] if kind == "Reasoning" else []
        raw = [{"type": _THOUGHTS, "text": text} for text in thoughts if isinstance(text, str) and text]
        return [*legacy_events(item), *raw]
    if kind == "UserMessage" and isinstance(content, list) and all(_is_plain(part) for part in content):
        return legacy_events(item)
    what = f"an item of type {kind}" if kind != "UserMessage" else "a message with more than text and images"
    raise UnsupportedFormat(
        f"copying thread {lineage.thread_id}: it begins in a legacy rollout, so that its copy is one, too, "
        f"and no legacy event shows {what:.80} (turns of {lineage.newest.file.path})",
        hint="Leave it as it is: it can be read and gone on with.",
    )


def _is_plain(part: object) -> bool:
    if not isinstance(part, dict):
        return False
    return part.get("type") == "text" or (
        part.get("type") == "image" and isinstance(part.get("image_url"), str)
    )


def _event_line(line: Record, payload: dict[str, Any]) -> bytes:
    members = {"timestamp": line.envelope.timestamp, "type": EVENT_MSG, "payload": payload}
    return msgspec.json.encode(members) + b"\n"
