"""One backward pass over a lineage: from its end to where nothing older can matter.

Feeds the scan and gathers what is found on the way; what it adds up to is
`rollout.replay.context`'s to say. Format: docs/format.md, "Bounded read".
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec
from msgspec import Raw

from rollout.format import vocabulary
from rollout.format.decoding import decode_line, decode_payload
from rollout.format.payloads import Compacted
from rollout.format.record import Damage, Line, Reason, Record, Rejected
from rollout.log.lines import Span, iter_lines_backward
from rollout.replay.checkpoint import Checkpoint
from rollout.replay.foundation import Loaded, Sidecars, Want, find_foundation, load_foundation
from rollout.replay.lineage import Lineage, Segment
from rollout.replay.newest_context import seek_context
from rollout.replay.scan import BackwardScan
from rollout.replay.sealed import SealWatch, damage_of
from rollout.replay.usage import UsageScan


class ReadPath(StrEnum):
    """Which path served a resume."""

    BOUNDED = "bounded"
    SIDECAR = "sidecar"
    FULL = "full"


class Reading:
    """One backward pass over a lineage."""

    def __init__(
        self,
        lineage: Lineage,
        *,
        reads_everything: bool = False,
        sidecars: Sidecars | None = None,
        is_for_checkpoint: bool = False,
    ) -> None:
        """`is_for_checkpoint`: a checkpoint is to be made of it, which wants places more than items."""
        self.lineage = lineage
        self.scan = BackwardScan()
        self.usage = UsageScan()
        self.seals = SealWatch(lineage)
        self.damage: list[Damage] = []
        self.broken: list[Damage] = []
        self.records = 0
        self.segments = 0
        self.newest: Record | None = None
        self.latest_context: Record | None = None
        self.checkpoint: Compacted | None = None
        self.base: Record | None = None
        self.below: Checkpoint | None = None
        self.loaded: Loaded | None = None
        self.turns_started = 0
        self.bytes_beside = 0
        self._bytes_loaded = 0
        self.places: dict[int, int] | None = None
        if is_for_checkpoint and len(lineage.segments) > 1:
            self.places = {}
        self.reason = ""
        self.path = ReadPath.FULL
        self.stopped_at: int | None = None
        self.stopped_in: str | None = None
        self._is_for_checkpoint = is_for_checkpoint
        self._sidecars = sidecars if not reads_everything else None
        self._reads_everything = reads_everything
        self._has_seen_compaction = False
        self._is_scan_over = False
        self._place = len(lineage.segments) - 1
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
        self._read_back()
        self.broken = self.seals.find_broken()

    def _read_back(self) -> None:
        segments = self.lineage.segments
        for place in reversed(range(len(segments))):
            if segments[place].is_empty:
                continue  # forked at its head before it said anything: there may be hundreds
            self.segments += 1
            self._place = place
            self.seals.enter(segments[place])
            end_offset = self._read_segment(segments[place])
            self.seals.leave(segments[place].start_offset if end_offset is None else end_offset)
            if end_offset is not None:
                self.stopped_at, self.stopped_in = end_offset, segments[place].rollout_id
                if self.below is None:
                    self.path = ReadPath.BOUNDED
                    self._seek_context(place, end_offset)
                return

    def _seek_context(self, place: int, end_offset: int) -> None:
        """Look for the newest turn context behind a bounded read, if that met none."""
        if self.latest_context is not None:
            return
        sought = seek_context(self.lineage, place, end_offset, self.seals)
        self.segments += sought.segments
        self.latest_context = sought.record
        if sought.record is not None and self.places is not None:
            self.places[id(sought.record)] = sought.place

    def _read_segment(self, segment: Segment) -> int | None:
        """Read one segment, newest record first; return the offset behind which nothing is needed.

        None when it has been read to its beginning.
        """
        self._segment = segment
        span = self.lineage.span(segment)
        kept = self._sidecars.find(segment) if self._sidecars is not None else None
        self.bytes_beside += len(kept or b"")
        found = self._find_below(kept) if kept is not None else None
        if found is None:
            return self._read_span(segment, span)
        end_offset = self._read_span(segment, msgspec.structs.replace(span, start_offset=found.offset))
        if end_offset is None and self._stand_on(found, ReadPath.SIDECAR):
            return found.offset
        if end_offset is not None:
            return end_offset
        return self._read_span(segment, msgspec.structs.replace(span, end_offset=found.offset, is_cut=True))

    def _read_span(self, segment: Segment, span: Span) -> int | None:
        for batch in iter_lines_backward(self.lineage.source(segment), span):
            end_offset = self._take(batch)
            if end_offset is not None:
                return end_offset
        return None

    def _take(self, lines: list[Line]) -> int | None:
        """Take lines of the segment that is read, newest last; return where nothing older is needed."""
        takes, segment = self._takes, self._segment
        records = 0
        is_newest_wanted = segment is self.lineage.newest and self.newest is None
        if self.places is not None:
            self.places.update((id(line), self._place) for line in lines)
        for line in reversed(lines):
            if isinstance(line, Rejected):
                if line.reason is Reason.CHECKPOINT and self._stops_at(line):
                    self.records += records
                    return line.start_offset
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

    def run_behind(self, known: Checkpoint, lines: list[Line]) -> bool:
        """Take only `lines`, all that was appended to the newest segment behind a checkpoint in memory.

        False when they say more than what can be added to the checkpoint: then everything is to be read.
        """
        self.segments = 1
        self.seals.enter(self._segment)
        if self._take(lines) is not None or self.damage or self._is_scan_over or self.scan.has_cuts:
            return False
        self.seals.leave(known.offset)
        self.broken = self.seals.find_broken()
        if self.broken or not self._can_stand:
            return False
        self.below = known
        self.stopped_at, self.stopped_in = known.offset, self._segment.rollout_id
        if self.scan.changes:
            self.loaded = load_foundation(self.lineage, known, Want.NOTHING)
        return not self.scan.changes or self.loaded is not None

    def _stops_at(self, line: Rejected) -> bool:
        """Tell whether the checkpoint on a line says all about the records before it."""
        if self._reads_everything or not self._can_stand:
            return False
        source = self.lineage.source(self._segment)
        content = source.read_at(line.start_offset, line.end_offset - line.start_offset)
        payload = decode_line(content, Raw)
        if payload is None:
            return False
        found = self._find_below(bytes(payload), line.start_offset)
        return found is not None and self._stand_on(found, ReadPath.BOUNDED)

    def _find_below(self, content: bytes, position: int | None = None) -> Checkpoint | None:
        bytes_before = self.lineage.bytes_read
        found = find_foundation(self.lineage, self._place, content, position)
        self._bytes_loaded += self.lineage.bytes_read - bytes_before
        return found

    @property
    def _can_stand(self) -> bool:
        """Whether nothing that was read reaches below the line that is next, but for usage."""
        return self._is_scan_over or (not self._has_seen_compaction and self.scan.is_between_turns)

    def _stand_on(self, checkpoint: Checkpoint, path: ReadPath) -> bool:
        """Let a checkpoint stand for all older records, if it can and the files hold what it names."""
        if not self._can_stand:
            return False
        bytes_before = self.lineage.bytes_read
        want = self._want(checkpoint, path)
        self.loaded = load_foundation(self.lineage, checkpoint, want, self.places)
        self._bytes_loaded += self.lineage.bytes_read - bytes_before
        if self.loaded is None:
            return False
        if not self._is_scan_over:
            self.records += checkpoint.count
            where = f"byte {checkpoint.offset} of {self._segment.rollout_id}"
            self.reason = f"{where}: a checkpoint stands for all earlier records"
        self.path = path
        self.below = checkpoint
        return True

    def _want(self, checkpoint: Checkpoint, path: ReadPath) -> Want:
        """Tell what is wanted of a checkpoint's items before anything is answered.

        Those of sealed lines are verified; those beside a log without seals wait until somebody asks.
        """
        if self._is_scan_over:
            return Want.NOTHING
        if self.scan.has_cuts:
            return Want.ITEMS
        if self._is_for_checkpoint:
            return Want.PLACES
        may_wait = path is ReadPath.SIDECAR and not checkpoint.is_sealed
        return Want.NOTHING if may_wait else Want.BYTES

    @property
    def bytes_scanned(self) -> int:
        """Bytes read so far, those for a checkpoint and its items left out."""
        return self.lineage.bytes_read - self._bytes_loaded

    @property
    def older(self) -> Checkpoint | None:
        """The checkpoint that stands for everything older than what was scanned, if one does."""
        return None if self._is_scan_over else self.below

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
        self.turns_started += 1
        if self.scan.feed_start(record) and self.usage.is_known and self.scan.is_settled:
            self.reason = f"{_where(self._segment, record)}: every older turn is settled by newer ones"
            return True
        return False

    def _take_end(self, record: Record) -> bool:
        if self.seals.is_wanted:
            self.seals.note(record)
        return not self._is_scan_over and self.scan.feed_end(record)

    def _take_header(self, record: Record) -> bool:
        if record.start_offset != self._segment.header.start_offset and self._segment.is_paginated:
            detail = "a header copied into the middle of the file; the records before it are kept"
            copied = Rejected(record.start_offset, record.end_offset, Reason.COPIED_HEADER, detail)
            self._report(self._segment, copied)
        return False

    def _take_compaction(self, record: Record) -> bool:
        self._takes[vocabulary.COMPACTED] = self.scan.feed_compacted
        self._has_seen_compaction = True
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
            self.base = record
            if segment.is_paginated:
                self.usage.stop()
            self.reason = f"{where}: the newest compaction replaces all earlier history"
            return True
        return False


def _where(segment: Segment, record: Record) -> str:
    place = f"byte {record.start_offset}" if record.ordinal is None else f"ordinal {record.ordinal}"
    return f"{place} of {segment.rollout_id}"
