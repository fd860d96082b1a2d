"""Base pointers to ordered segments: the only place that follows them.

Everything above reads a `Lineage` and never sees a file. Invariant 4: ordinals run
along the segments. Format: docs/format.md, "Lineage".
"""

from __future__ import annotations

from collections import OrderedDict
from types import TracebackType
from typing import Final, Self

import msgspec
from msgspec import Struct

from rollout.errors import BrokenLineage, DamagedLog, NotFound, RolloutError
from rollout.format.decoding import decode_json
from rollout.format.payloads import BaseLink
from rollout.format.record import Mode
from rollout.fs.api import FileIdentity, FileSystem
from rollout.ids import RolloutId, ThreadId, find_uuid
from rollout.log.anchor import anchor_of
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.log.header import Header, read_header
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile
from rollout.log.lines import Span
from rollout.log.source import Source, open_source

_OPEN_SOURCES: Final = 32


class Segment(Struct, frozen=True):
    """The part of one rollout that belongs to a thread's history.

    `[start_offset, end_offset)` in decoded bytes; a paginated segment begins behind its
    header, a legacy one at the start of its file. `end_ordinal` is exclusive and set
    where a child's base cuts the segment.
    """

    file: RolloutFile
    header: Header
    identity: FileIdentity
    start_offset: int
    end_offset: int
    end_ordinal: int | None = None

    @property
    def rollout_id(self) -> RolloutId:
        return self.file.name.rollout_id

    @property
    def first_ordinal(self) -> int:
        """The lowest ordinal of its own: the one behind the header's place in the lineage."""
        base = self.header.meta.history_base
        return 1 if base is None else base.end_ordinal_exclusive + 1

    @property
    def is_cut(self) -> bool:
        """Whether a base offset ends it, rather than the end of its file."""
        return self.end_ordinal is not None

    @property
    def is_paginated(self) -> bool:
        return self.header.mode is Mode.PAGINATED


class Lineage:
    """The ordered segments, oldest first, that make up one thread's whole history.

    Holds the newest file open, ancestors as they are needed. A context manager.
    """

    def __init__(self, fs: FileSystem, segments: list[Segment], newest: Source, max_line_bytes: int) -> None:
        self._fs = fs
        self.segments = segments
        self._newest = newest
        self._ancestors: OrderedDict[RolloutId, Source] = OrderedDict()
        self._bytes_read = 0
        self.max_line_bytes = max_line_bytes

    @property
    def newest(self) -> Segment:
        return self.segments[-1]

    @property
    def thread_id(self) -> ThreadId:
        return self.newest.header.thread_id

    @property
    def newest_source(self) -> Source:
        return self._newest

    @property
    def bytes_read(self) -> int:
        """Bytes read through this lineage so far, headers included."""
        return (
            self._bytes_read + self._newest.bytes_read + sum(s.bytes_read for s in self._ancestors.values())
        )

    @property
    def bytes_total(self) -> int:
        """Decoded bytes of all segments, headers included."""
        return sum(segment.end_offset for segment in self.segments)

    @property
    def is_paginated(self) -> bool:
        """Whether every segment is paginated."""
        return all(segment.is_paginated for segment in self.segments)

    def source(self, segment: Segment) -> Source:
        """Return the open source of a segment. Raise DamagedLog if another file took its place."""
        if segment is self.newest:
            return self._newest
        known = self._ancestors.get(segment.rollout_id)
        if known is not None:
            self._ancestors.move_to_end(segment.rollout_id)
            return known
        try:
            opened = open_source(self._fs, segment.file.path)
        except NotFound as error:
            raise self._moved(segment, "taken away") from error
        if opened.identity != segment.identity:
            opened.close()
            raise self._moved(segment, "replaced")
        self._ancestors[segment.rollout_id] = opened
        if len(self._ancestors) > _OPEN_SOURCES:
            _, oldest = self._ancestors.popitem(last=False)
            self._bytes_read += oldest.bytes_read
            oldest.close()
        return opened

    def _moved(self, segment: Segment, how: str) -> DamagedLog:
        return DamagedLog(
            f"reading thread {self.thread_id}: {segment.file.path} was {how} while it was read",
            hint="Read the thread again.",
        )

    def span(self, segment: Segment) -> Span:
        """Return the range of a segment's lines, for the readers of `log.lines`."""
        return Span(
            segment.start_offset,
            segment.end_offset,
            segment.header.era,
            is_cut=segment.is_cut,
            max_line_bytes=self.max_line_bytes,
        )

    def end_at(self, end_offset: int) -> None:
        """Let the newest segment end earlier, at the end of a line."""
        self.segments[-1] = msgspec.structs.replace(self.newest, end_offset=end_offset)

    def close(self) -> None:
        """Close every file. Idempotent."""
        self._newest.close()
        for source in self._ancestors.values():
            source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def resolve_lineage(
    fs: FileSystem,
    index: RolloutIndex,
    file: RolloutFile,
    source: Source,
    header: Header,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Lineage:
    """Return the lineage whose newest rollout is `file`, opened and identified by the caller.

    Takes over `source`. Reads one header a link, and the base's anchor where the child stores
    it. Raise BrokenLineage, naming the link, on a missing parent, a cycle, a base before the
    parent's header or beyond its end, a parent that is somebody else's file, or one that was
    altered just before the base.
    """
    is_paginated = header.mode is Mode.PAGINATED
    start = header.end_offset if is_paginated else 0
    segments = [Segment(file, header, source.identity, start, source.size_bytes)]
    seen: set[str | None] = {file.name.rollout_id}
    while (base := segments[-1].header.meta.history_base) is not None and segments[-1].is_paginated:
        if find_uuid(base.thread_id) in seen:
            raise _broken(segments[-1], base, "the link closes a cycle: that rollout is in the chain already")
        segments.append(_resolve_link(fs, index, segments[-1], base, max_line_bytes))
        seen.add(segments[-1].rollout_id)
    segments.reverse()
    return Lineage(fs, segments, source, max_line_bytes)


def _resolve_link(
    fs: FileSystem, index: RolloutIndex, child: Segment, base: BaseLink, max_line_bytes: int
) -> Segment:
    parent_id = find_uuid(base.thread_id)
    file = index.find_rollout(RolloutId(parent_id)) if parent_id is not None else None
    if file is None:
        raise _broken(child, base, "missing source rollout: no file in this home carries that id")
    if base.end_ordinal_exclusive == 0:
        raise _broken(child, base, "the cutoff (ordinal 0) cannot include the source's session metadata")
    try:
        with open_source(fs, file.path) as source:
            header = read_header(source, max_line_bytes)
            is_long_enough = source.reaches(base.end_byte_offset)
            size_bytes = base.end_byte_offset if is_long_enough else source.size_bytes
            identity = source.identity
            wanted = _stored_anchor(child) if is_long_enough else None
            anchor = (
                anchor_of(source, header.end_offset, base.end_byte_offset) if wanted is not None else None
            )
    except NotFound as error:
        raise _broken(child, base, f"missing source rollout: {error.message}") from error
    except RolloutError as error:
        raise _broken(child, base, f"the source cannot be read: {error.message}") from error
    if header.thread_id != file.name.thread_id:
        raise _broken(
            child, base, f"{file.path} belongs to thread {header.thread_id}, not to the one in its name"
        )
    if not is_long_enough:
        found = f"expected at least {base.end_byte_offset} bytes, found {size_bytes}"
        raise _broken(child, base, f"the cutoff lies past the source rollout {file.path}: {found}")
    if anchor != wanted:
        found = f"expected the anchor {wanted} at byte {base.end_byte_offset}, found {anchor}"
        raise _broken(child, base, f"the source rollout {file.path} was altered before the cutoff: {found}")
    is_paginated = header.mode is Mode.PAGINATED
    start = min(header.end_offset, base.end_byte_offset) if is_paginated else 0
    return Segment(file, header, identity, start, base.end_byte_offset, base.end_ordinal_exclusive)


def _stored_anchor(child: Segment) -> str | None:
    """Return the anchor that a child stores of its base. Only ours store one."""
    stored = child.header.meta.base_anchor
    if bytes(stored) in {b"", b"null"}:
        return None
    return decode_json(stored, str) or bytes(stored).decode("utf-8", "replace")


def _broken(child: Segment, base: BaseLink, what: str) -> BrokenLineage:
    link = f"rollout {child.rollout_id} -> base {base.thread_id}"
    return BrokenLineage(
        f"following the history of thread {child.header.thread_id}: {link}: {what}",
        rollout_id=child.rollout_id,
        base_id=base.thread_id,
        hint="Put the missing or original file back into the home; `rollout show` still reads the metadata.",
    )
