"""The header of a rollout: found, decoded, and the only word on whose file this is.

Identity first: nothing behind the header is interpreted before its id has been
compared. Format: docs/format.md, "Header".
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw, Struct

from rollout.errors import DamagedLog
from rollout.format.codec import examine
from rollout.format.decoding import decode_payload, payload_of
from rollout.format.dialects import era_of
from rollout.format.payloads import GitState, SessionMeta
from rollout.format.record import Era, Line, Mode, Record, Rejected
from rollout.format.vocabulary import SESSION_META
from rollout.ids import ThreadId, find_uuid
from rollout.log.chunks import MAX_LINE_BYTES, iter_chunks
from rollout.log.lines import Span, iter_lines
from rollout.log.source import Source

_FIRST_READ_BYTES: Final = 32 << 10


class Header(Struct, frozen=True):
    """Who a rollout belongs to, and where its own records begin.

    `is_first` says that it stands on the first line that is not blank, which writing
    requires. `end_offset` is the byte behind its newline.
    """

    thread_id: ThreadId
    mode: Mode
    era: Era
    meta: SessionMeta
    payload: Raw
    start_offset: int
    end_offset: int
    ordinal: int | None
    is_first: bool


class _EarlyMeta(Struct, frozen=True):
    """A header of the eras before the envelope, which lacks most members."""

    id: str
    timestamp: str
    cwd: str = ""
    originator: str = ""
    cli_version: str = ""
    source: Raw = Raw(b"")
    git: GitState | None = None


def read_header(
    source: Source,
    max_line_bytes: int = MAX_LINE_BYTES,
    search_bytes: int | None = None,
    *,
    first_read_bytes: int = _FIRST_READ_BYTES,
) -> Header:
    """Return the first header of a rollout, wherever it stands.

    `search_bytes` bounds how far it is looked for; by default everywhere. No more than
    `first_read_bytes` are read if it stands there. Raise DamagedLog
    when there is none: the message says what the first line is instead.
    """
    head = source.read_at(0, min(first_read_bytes, _FIRST_READ_BYTES))
    newline = head.find(b"\n")
    if 0 < newline <= max_line_bytes:
        era = era_of(head[:newline])
        if era is not None:
            header = _header(examine(head[: newline + 1], 0, era), era, is_first=True)
            if header is not None:
                return header
    return _search(source, max_line_bytes, search_bytes)


def _search(source: Source, max_line_bytes: int, search_bytes: int | None) -> Header:
    is_bounded = search_bytes is not None and source.reaches(search_bytes)
    end = search_bytes if is_bounded and search_bytes is not None else source.size_bytes
    # A damaged first line may look like one of an early era, so the envelope is tried first.
    first = _first_header(source, Span(0, end, max_line_bytes=max_line_bytes))
    if isinstance(first, Header):
        return first
    era = _find_era(source, end, max_line_bytes)
    if era is not None and era is not Era.ENVELOPE:
        first = _first_header(source, Span(0, end, era, max_line_bytes=max_line_bytes))
        if isinstance(first, Header):
            return first
    raise DamagedLog(
        f"reading the header of {source.path}: {_what_instead(first, end)}",
        hint="This file is not a thread; look into it by hand, or move it out of the home.",
    )


def _first_header(source: Source, span: Span) -> Header | Line | None:
    """Return the first header in a span, else its first line, if it has any."""
    first: Line | None = None
    for batch in iter_lines(source, span):
        for line in batch:
            header = _header(line, span.era, is_first=first is None)
            if header is not None:
                return header
            first = first or line
    return first


def _what_instead(first: Line | None, size_bytes: int) -> str:
    wanted = "expected a session_meta record, found none"
    if first is None:
        return f"{wanted} in {size_bytes} bytes (is empty)"
    if isinstance(first, Rejected):
        span = f"bytes {first.start_offset}-{first.end_offset}"
        return f"{wanted}; the first line is {first.reason.value}: {first.detail} ({span})"
    return f"{wanted}; the first record is {first.type}"


def _find_era(source: Source, end: int, max_line_bytes: int) -> Era | None:
    """Return the era that the first line of recognisable shape shows."""
    for chunk in iter_chunks(source, 0, end, max_line_bytes):
        if isinstance(chunk, Rejected):
            continue
        for piece in chunk.content.split(b"\n"):
            era = era_of(piece) if piece.strip() else None
            if era is not None:
                return era
    return None


def _header(line: Line | None, era: Era, *, is_first: bool) -> Header | None:
    if not isinstance(line, Record) or line.type != SESSION_META:
        return None
    meta = _decode_meta(line)
    if meta is None:
        return None
    mode = Mode.PAGINATED if meta.history_mode == Mode.PAGINATED.value else Mode.LEGACY
    thread_id = ThreadId(find_uuid(meta.id) or meta.id)
    return Header(
        thread_id,
        mode,
        era,
        meta,
        payload_of(line),
        line.start_offset,
        line.end_offset,
        line.ordinal,
        is_first,
    )


def _decode_meta(line: Record) -> SessionMeta | None:
    if line.payload is None:
        return decode_payload(line, SessionMeta)
    early = decode_payload(line, _EarlyMeta)
    if early is None:
        return None
    return SessionMeta(
        early.id,
        early.timestamp,
        early.cwd,
        early.originator,
        early.cli_version,
        source=early.source,
        git=early.git,
    )
