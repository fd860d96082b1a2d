"""One backward pass over a lineage: from its end to where nothing older can matter.

Feeds the scan and gathers what is found on the way; what it adds up to is
`rollout.replay.context`'s to say. Format: docs/format.md, "Bounded read".
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from rollout.format import vocabulary
from rollout.format.decoding import decode_payload
from rollout.format.payloads import Compacted
from rollout.format.record import Damage, Reason, Record, Rejected
from rollout.log.lines import Span, iter_lines_backward
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.scan import BackwardScan
from rollout.replay.sealed import SealWatch, damage_of
from rollout.replay.usage import UsageScan

_CONTEXT: Final = vocabulary.TURN_CONTEXT.encode()


class ReadPath(StrEnum):
    """Which path served a resume."""

    BOUNDED = "bounded"
    SIDECAR = "sidecar"
    FULL = "full"


class Reading:
    """One backward pass over a lineage."""

    def __init__(self, lineage: Lineage, *, reads_everything: bool) -> None:
        self.lineage = lineage
        self.scan = BackwardScan()
        self.usage = UsageScan()
        self.seals = SealWatch(lineage)
        self.damage: list[Damage] = []
        self.records = 0
        self.segments = 0
        self.newest: Record | None = None
        self.latest_context: Record | None = None
        self.checkpoint: Compacted | None = None
        self.has_seen_compaction = False
        self.reason = ""
        self.path = ReadPath.FULL
        self._reads_everything = reads_everything
        self._is_scan_over = False
        self._segment = lineage.newest
        self._takes: dict[str | None, Callable[[Record], bool]] = {
            **self.scan.handlers(),
            **dict.fromkeys(vocabulary.TASK_STARTED, self._take_start),
            **dict.fromkeys(vocabulary.TURN_ENDS, self._take_end),
            vocabulary.TURN_CONTEXT: self._take_context,
            vocabulary.COMPACTED: self._take_compaction,
            vocabulary.SESSION_META: self._take_header,
            vocabulary.TOKEN_COUNT: self._take_usage,
            vocabulary.TOKEN_USAGE: self._take_usage,
        }

    def run(self) -> None:
        segments = self.lineage.segments
        for place in reversed(range(len(segments))):
            self.segments += 1
            self.seals.enter(segments[place])
            end_offset = self._read_segment(segments[place])
            self.seals.leave(segments[place].start_offset if end_offset is None else end_offset)
            if end_offset is not None:
                self.path = ReadPath.BOUNDED
                self._seek_context(place, end_offset)
                return

    def _seek_context(self, place: int, end_offset: int) -> None:
        """Look for the newest turn context behind a bounded read that met none."""
        for segment in reversed(self.lineage.segments[: place + 1]):
            if self.latest_context is not None:
                return
            span = msgspec.structs.replace(self.lineage.span(segment), only_type=_CONTEXT)
            if segment is self.lineage.segments[place]:
                span = msgspec.structs.replace(span, end_offset=end_offset)
            else:
                self.segments += 1
            self.seals.enter(segment)
            self.seals.leave(self._seek_context_in(segment, span))

    def _seek_context_in(self, segment: Segment, span: Span) -> int:
        """Read on in one segment until a turn context; return how far down that was."""
        for batch in iter_lines_backward(self.lineage.source(segment), span):
            for line in reversed(batch):
                if isinstance(line, Rejected):
                    self.seals.note_rejected(line)
                elif line.type == vocabulary.TURN_CONTEXT:
                    self.latest_context = line
                    return line.start_offset
                elif self.seals.is_wanted and line.label in vocabulary.TURN_ENDS:
                    self.seals.note(line)
        return span.start_offset

    def _read_segment(self, segment: Segment) -> int | None:
        """Read one segment, newest record first; return the offset behind which nothing is needed.

        None when it has been read to its beginning.
        """
        self._segment = segment
        takes = self._takes
        records = 0
        is_newest_wanted = segment is self.lineage.newest
        for batch in iter_lines_backward(self.lineage.source(segment), self.lineage.span(segment)):
            for line in reversed(batch):
                if isinstance(line, Rejected):
                    self._report(segment, line)
                    continue
                records += 1
                if is_newest_wanted and line.start_offset != segment.header.start_offset:
                    self.newest = line
                    is_newest_wanted = False
                envelope = line.envelope
                type_ = envelope.type
                take = takes.get(envelope.payload.type if type_ == vocabulary.EVENT_MSG else type_)
                if take is not None and take(line) and not self._reads_everything:
                    self.records += records
                    return line.start_offset
        self.records += records
        return None

    def _report(self, segment: Segment, line: Rejected) -> None:
        self.seals.note_rejected(line)
        # Whether a seal holds is said by what it covers, not by the line it is on.
        if (line.is_damage and line.reason is not Reason.BROKEN_SEAL) or line.reason is Reason.TORN_TAIL:
            self.damage.append(damage_of(segment.rollout_id, segment.file.path, line))

    # Each of these takes the next older record of its label; True when nothing older is needed.

    def _take_usage(self, record: Record) -> bool:
        self.usage.feed(record)
        self._note_usage()
        return self._is_scan_over and self.usage.is_known

    def _take_context(self, record: Record) -> bool:
        self.latest_context = record
        if self._is_scan_over:
            del self._takes[vocabulary.TURN_CONTEXT]
            return False
        self._takes[vocabulary.TURN_CONTEXT] = self.scan.feed_context
        return self.scan.feed_context(record)

    def _take_start(self, record: Record) -> bool:
        if self.scan.feed_start(record) and self.usage.is_known and self.scan.is_settled:
            self.reason = f"{_where(self._segment, record)}: every older turn is settled by newer ones"
            return True
        return False

    def _take_end(self, record: Record) -> bool:
        if self.seals.is_wanted:
            self.seals.note(record)
        return not self._is_scan_over and self.scan.feed(record)

    def _take_header(self, record: Record) -> bool:
        if record.start_offset != self._segment.header.start_offset and self._segment.is_paginated:
            detail = "a header copied into the middle of the file; the records before it are kept"
            copied = Rejected(record.start_offset, record.end_offset, Reason.COPIED_HEADER, detail)
            self._report(self._segment, copied)
        return False

    def _take_compaction(self, record: Record) -> bool:
        self._takes[vocabulary.COMPACTED] = self.scan.feed_compacted
        if not self._is_checkpoint(self._segment, record):
            self._note_usage()
            return self.scan.feed_compacted(record)
        self._is_scan_over = True
        for label in self.scan.handlers().keys() - vocabulary.TURN_ENDS:
            if label != vocabulary.TURN_CONTEXT or self.latest_context is not None:
                del self._takes[label]
        self._note_usage()
        return self.usage.is_known

    def _note_usage(self) -> None:
        """Look at no more reports of usage once the totals are known."""
        if self.usage.is_known:
            self._takes.pop(vocabulary.TOKEN_COUNT, None)
            self._takes.pop(vocabulary.TOKEN_USAGE, None)

    def _is_checkpoint(self, segment: Segment, record: Record) -> bool:
        """Tell whether the newest compaction bounds the read, and remember it if so."""
        compacted = decode_payload(record, Compacted)
        if compacted is None:
            return False
        self.usage.feed_compaction(compacted)
        where = _where(segment, record)
        if compacted.replacement_history is None:
            self.reason = f"{where}: the newest compaction holds no replacement history"
        elif compacted.number is None:
            self.reason = f"{where}: the newest compaction names no window"
        elif not segment.is_paginated and compacted.resume_metadata is None:
            self.reason = f"{where}: the newest compaction of a legacy file holds no resume metadata"
        else:
            self.checkpoint = compacted
            if segment.is_paginated:
                self.usage.stop()
            self.reason = f"{where}: the newest compaction replaces all earlier history"
            return True
        return False


def _where(segment: Segment, record: Record) -> str:
    place = f"byte {record.start_offset}" if record.ordinal is None else f"ordinal {record.ordinal}"
    return f"{place} of {segment.rollout_id}"
