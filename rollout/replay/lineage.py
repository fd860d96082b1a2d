"""Base pointers to ordered segments: the only place that follows them.

Everything above reads a `Lineage` and never sees a file. Invariant 4: ordinals run
along the segments. Format: docs/format.md, "Lineage".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
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
from rollout.log.held import HeldSource
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile
from rollout.log.lines import Span
from rollout.log.source import Source, open_source
from rollout.replay.ancestors import SHORT_BYTES, Ancestor, Ancestors
from rollout.replay.repacked import find_repacked

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
    def is_empty(self) -> bool:
        """Whether it has nothing but a header."""
        return self.end_offset <= self.start_offset

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

    def __init__(
        self,
        fs: FileSystem,
        segments: list[Segment],
        newest: Source,
        max_line_bytes: int,
        held: Mapping[RolloutId, Source] | None = None,
        bytes_read: int = 0,
    ) -> None:
        """`held` are ancestors whose bytes are in memory; others are opened when they are needed.

        `bytes_read` is what finding them took.
        """
        self._fs = fs
        self._held = held or {}
        self.segments = segments
        self._newest = newest
        self._ancestors: OrderedDict[RolloutId, Source] = OrderedDict()
        self._bytes_read = bytes_read
        self.max_line_bytes = max_line_bytes
        self.is_closed = False

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
        held = self._held.get(segment.rollout_id)
        if held is not None:
            return held
        known = self._ancestors.get(segment.rollout_id)
        if known is not None:
            self._ancestors.move_to_end(segment.rollout_id)
            return known
        opened = self._open(segment)
        self._ancestors[segment.rollout_id] = opened
        if len(self._ancestors) > _OPEN_SOURCES:
            _, oldest = self._ancestors.popitem(last=False)
            self._bytes_read += oldest.bytes_read
            oldest.close()
        return opened

    def _open(self, segment: Segment) -> Source:
        """Open a segment's file, which may have been compressed meanwhile, or made plain."""
        try:
            opened = open_source(self._fs, segment.file.path)
        except NotFound as error:
            found = find_repacked(
                self._fs, segment.file.path, segment.header, segment.end_offset, self.max_line_bytes
            )
            if found is None:
                raise self._moved(segment, "taken away") from error
            return found
        if opened.identity != segment.identity:
            opened.close()
            raise self._moved(segment, "replaced")
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

    def reopened(self) -> Lineage:
        """Return the same lineage, its files opened anew.

        Raise DamagedLog when the newest one was taken away, replaced or cut since.
        """
        source = self._open(self.newest)
        if source.reaches(self.newest.end_offset):
            return Lineage(self._fs, [*self.segments], source, self.max_line_bytes, self._held)
        source.close()
        raise self._moved(self.newest, "cut")

    def close(self) -> None:
        """Close every file. Idempotent."""
        self.is_closed = True
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
    ancestors: Ancestors | None = None,
) -> Lineage:
    """Return the lineage whose newest rollout is `file`, opened and identified by the caller.

    Takes over `source`. Reads one header a link, and the base's anchor where the child stores it;
    nothing of a file that `ancestors` know. Raise BrokenLineage, naming the link, on a missing
    parent, a cycle, a base before the parent's header or beyond its end, a parent that is
    somebody else's file, or one that was altered just before the base.
    """
    is_paginated = header.mode is Mode.PAGINATED
    start = header.end_offset if is_paginated else 0
    segments = [Segment(file, header, source.identity, start, source.size_bytes)]
    links = _Links(fs, index, max_line_bytes, ancestors or Ancestors(fs, lambda: 0))
    seen: set[str | None] = {file.name.rollout_id}
    while (base := segments[-1].header.meta.history_base) is not None and segments[-1].is_paginated:
        if find_uuid(base.thread_id) in seen:
            raise _broken(segments[-1], base, "the link closes a cycle: that rollout is in the chain already")
        segments.append(links.resolve(segments[-1], base))
        seen.add(segments[-1].rollout_id)
    segments.reverse()
    return Lineage(fs, segments, source, max_line_bytes, links.held, links.bytes_read)


class _Links:
    """Follows the links of one lineage. `held` are the short rollouts it met, in memory."""

    def __init__(
        self, fs: FileSystem, index: RolloutIndex, max_line_bytes: int, ancestors: Ancestors
    ) -> None:
        self._fs = fs
        self._index = index
        self._max_line_bytes = max_line_bytes
        self._ancestors = ancestors
        self.held: dict[RolloutId, Source] = {}
        self.bytes_read = 0

    def resolve(self, child: Segment, base: BaseLink) -> Segment:
        """Return the segment that a child's base names. Raise BrokenLineage."""
        parent_id = find_uuid(base.thread_id)
        file = self._index.find_rollout(RolloutId(parent_id)) if parent_id is not None else None
        if file is None:
            raise _broken(child, base, "missing source rollout: no file in this home carries that id")
        if base.end_ordinal_exclusive == 0:
            raise _broken(child, base, "the cutoff (ordinal 0) cannot include the source's session metadata")
        wanted = _stored_anchor(child)
        parent = self._ancestors.find(file.path)
        if parent is None or not self._is_answered(parent, base, wanted):
            parent = self._read(child, base, file, wanted)
        header = parent.header
        if header.thread_id != file.name.thread_id:
            raise _broken(
                child, base, f"{file.path} belongs to thread {header.thread_id}, not to the one in its name"
            )
        if parent.size_bytes < base.end_byte_offset:
            found = f"expected at least {base.end_byte_offset} bytes, found {parent.size_bytes}"
            raise _broken(child, base, f"the cutoff lies past the source rollout {file.path}: {found}")
        anchor = parent.anchors.get(base.end_byte_offset)
        if wanted is not None and anchor != wanted:
            found = f"expected the anchor {wanted} at byte {base.end_byte_offset}, found {anchor}"
            raise _broken(
                child, base, f"the source rollout {file.path} was altered before the cutoff: {found}"
            )
        if parent.content is not None and len(parent.content) >= base.end_byte_offset:
            held = HeldSource(file.path, parent.stat, parent.identity, parent.content)
            self.held[file.name.rollout_id] = held
        is_paginated = header.mode is Mode.PAGINATED
        start = min(header.end_offset, base.end_byte_offset) if is_paginated else 0
        return Segment(file, header, parent.identity, start, base.end_byte_offset, base.end_ordinal_exclusive)

    @staticmethod
    def _is_answered(parent: Ancestor, base: BaseLink, wanted: str | None) -> bool:
        """Tell whether what is known of a parent is all that a link asks for."""
        if parent.size_bytes < base.end_byte_offset:
            return False
        return wanted is None or base.end_byte_offset in parent.anchors

    def _read(self, child: Segment, base: BaseLink, file: RolloutFile, wanted: str | None) -> Ancestor:
        read_at = self._ancestors.now_ms()
        try:
            with open_source(self._fs, file.path) as source:
                is_short = not file.name.is_compressed and base.end_byte_offset <= SHORT_BYTES
                content = source.read_at(0, base.end_byte_offset) if is_short else None
                header = read_header(source, self._max_line_bytes, first_read_bytes=base.end_byte_offset)
                is_long_enough = source.reaches(base.end_byte_offset)
                size_bytes = base.end_byte_offset if is_long_enough else source.size_bytes
                anchors = {}
                if wanted is not None and is_long_enough:
                    anchors[base.end_byte_offset] = anchor_of(source, header.end_offset, base.end_byte_offset)
                self.bytes_read += source.bytes_read
                parent = Ancestor(source.stat, source.identity, header, content, size_bytes, read_at, anchors)
        except NotFound as error:
            raise _broken(child, base, f"missing source rollout: {error.message}") from error
        except RolloutError as error:
            raise _broken(child, base, f"the source cannot be read: {error.message}") from error
        self._ancestors.keep(file.path, parent)
        return parent


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
