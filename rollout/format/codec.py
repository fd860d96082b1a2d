"""Lines of bytes to `Record`, or to `Rejected` with the reason: the only decoder of log lines.

One pass decodes the envelope and a probe of the payload; `format/decoding.py` decodes
more of it on demand. Nothing here raises on bad bytes, and whatever is not a record
comes back with its span. Format: docs/format.md, "Lines".
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Raw, Struct

from rollout.format import vocabulary
from rollout.format.checks import check_record
from rollout.format.decoding import UNDECODABLE, decode_probe
from rollout.format.dialects import unfold
from rollout.format.record import MAX_COUNT, Envelope, Era, Line, Probe, Reason, Record, Rejected


class _StrictEnvelope(Struct, frozen=True, gc=False):
    """The envelope's own rules, blind to what the payload holds."""

    timestamp: str
    type: str
    payload: Raw
    ordinal: Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)] | None = None
    metadata: dict[str, Raw] | None = None


_decode_envelope: Final = msgspec.json.Decoder(Envelope).decode
_decode_strict: Final = msgspec.json.Decoder(_StrictEnvelope).decode

_TOO_DEEP: Final = "nested too deeply to decode"
_SHOWN_CHARS: Final = 200
"""A detail quotes the line, and a line may be as long as it likes."""


def decode_lines(
    content: bytes,
    start_offset: int,
    era: Era = Era.ENVELOPE,
    *,
    is_cut: bool = False,
    only_type: bytes | None = None,
) -> list[Line]:
    """Decode whole lines, oldest first; `content` begins at a line start, at `start_offset`.

    A last line without newline is decoded as well: a record if it is complete, else a
    torn tail, or a cut line when `is_cut` says that a base offset ended it. Blank lines
    give nothing. Spans are half-open and include the newline.

    `only_type` passes over lines that cannot be of that record type, undecoded: those in whose
    bytes the word does not occur and that hold no escape to spell it with. Lines of other
    types still come through when they contain it.
    """
    pieces = content.split(b"\n")
    tail = pieces.pop()
    is_plain = era is Era.ENVELOPE and is_utf8(content)
    lines: list[Line] = []
    offset = start_offset
    for piece in pieces:
        start = offset
        offset += len(piece) + 1
        if only_type is not None and only_type not in piece and b"\\u" not in piece:
            continue
        if is_plain:
            try:
                record = Record(start, offset, piece, _decode_envelope(piece))
            except UNDECODABLE:
                pass
            else:
                if check_record(record) is None:
                    lines.append(record)
                    continue
        line = examine(piece, start, offset, era)
        if line is not None:
            lines.append(line)
    if tail:
        line = _decode_tail(tail, offset, era, is_cut=is_cut)
        if line is not None:
            lines.append(line)
    return lines


def examine(piece: bytes, start: int, end: int, era: Era) -> Line | None:
    """Decode one line with care, and say why if it is not a record. None for a blank line."""
    if not piece.strip():
        return None
    try:
        piece.decode()
    except UnicodeDecodeError as bad:
        return Rejected(start, end, Reason.BAD_UTF8, f"byte {start + bad.start} is not UTF-8")
    try:
        found = _unfold(piece, start, end, era)
    except msgspec.ValidationError as bad:
        return Rejected(start, end, Reason.BAD_ENVELOPE, str(bad))
    except msgspec.DecodeError as bad:
        return Rejected(start, end, Reason.NOT_JSON, str(bad))
    except RecursionError:
        return Rejected(start, end, Reason.TOO_DEEP, _TOO_DEEP)
    if isinstance(found, Rejected):
        return found
    problem = check_record(found)
    if problem is not None:
        detail = f"{found.type[:_SHOWN_CHARS]}: {problem.detail[:_SHOWN_CHARS]}"
        return Rejected(start, end, problem.reason, detail)
    return found


def _unfold(piece: bytes, start: int, end: int, era: Era) -> Line:
    """Return the line as a record still to be checked. Raise msgspec's errors."""
    if era is not Era.ENVELOPE:
        early = unfold(piece, era)
        if isinstance(early, str):
            return Rejected(start, end, Reason.OBSOLETE, early)
        probe = decode_probe(early.payload)
        if probe is None:
            return Rejected(start, end, Reason.BAD_PAYLOAD, f"{early.type}: not of its shape")
        return Record(start, end, piece, Envelope(early.timestamp, early.type, probe), payload=early.payload)
    strict = _decode_strict(piece)
    probe = decode_probe(strict.payload)
    if probe is None:
        if strict.type in {vocabulary.RESPONSE_ITEM, vocabulary.EVENT_MSG}:
            return Rejected(start, end, Reason.BAD_PAYLOAD, f"{strict.type}: {_misfit(strict.payload)}")
        probe = Probe()  # other types name their members differently; their own check decides
    envelope = Envelope(strict.timestamp, strict.type, probe, strict.ordinal, strict.metadata)
    return Record(start, end, piece, envelope)


def _misfit(payload: Raw) -> str:
    try:
        msgspec.json.decode(payload, type=Probe)
    except UNDECODABLE as bad:
        return str(bad)
    return "not of its shape"


def _decode_tail(tail: bytes, start: int, era: Era, *, is_cut: bool) -> Line | None:
    """Decode an unterminated last line."""
    end = start + len(tail)
    line = examine(tail, start, end, era)
    if isinstance(line, Record):
        return Record(start, end, tail, line.envelope, is_terminated=False, payload=line.payload)
    if line is None or line.reason not in {Reason.NOT_JSON, Reason.BAD_UTF8}:
        return line
    if is_cut:
        return Rejected(start, end, Reason.CUT_LINE, "a base offset lies inside this line")
    return Rejected(start, end, Reason.TORN_TAIL, "the last line is incomplete")


def is_utf8(content: bytes) -> bool:
    """Tell whether all of `content` is UTF-8."""
    if content.isascii():
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
