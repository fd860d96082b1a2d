"""Lines of bytes to `Record`, or to `Rejected` with the reason: the only decoder of log lines.

One pass decodes the envelope and a probe of the payload; `format/decoding.py` decodes
more of it on demand. Nothing here raises on bad bytes, and whatever is not a record
comes back with its span. Format: docs/format.md, "Lines".
"""

from collections.abc import Iterable
from io import BytesIO
from itertools import accumulate
from typing import Annotated, Final

import msgspec
from msgspec import Raw, Struct

from rollout.format import vocabulary
from rollout.format.checks import check_record
from rollout.format.decoding import UNDECODABLE, decode_probe, steadily
from rollout.format.dialects import unfold
from rollout.format.making import make_decoder
from rollout.format.record import MAX_COUNT, AnyObject, Envelope, Era, Line, Probe, Reason, Record, Rejected
from rollout.format.regular import Unclear, find_records
from rollout.format.seals import find_seal_remains


class _StrictEnvelope(Struct, frozen=True, gc=False):
    """The envelope's own rules, blind to what the payload holds."""

    timestamp: str
    type: str
    payload: Raw
    ordinal: Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)] | None = None
    metadata: AnyObject | None = None


_decode_probe: Final = make_decoder(Probe).decode
_decode_strict: Final = make_decoder(_StrictEnvelope).decode

_LINE_BEGINS: Final = b'{"timestamp":"'
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
    torn tail, or a cut line when `is_cut` says that a base offset ended it. Of zeros behind a
    complete one only the zeros are torn. Blank lines give nothing. Spans are half-open and
    include the newline.

    `only_type` passes over lines that are not of that record type, but over no turn's end: it may
    be sealed. Whoever wants all damage does without it: a line that is no record comes through
    only if its bytes hold the word, an escape to spell it with, or a seal.
    """
    # Cut by the stream, not by `split`: it finds newlines several times faster.
    pieces = BytesIO(content).readlines()
    starts = accumulate(map(len, pieces), initial=start_offset)
    return decode_pieces(pieces, starts, era, is_cut=is_cut, only_type=only_type)


def decode_pieces(
    pieces: list[bytes],
    starts: Iterable[int],
    era: Era = Era.ENVELOPE,
    *,
    is_cut: bool = False,
    only_type: bytes | None = None,
) -> list[Line]:
    """Decode lines that begin at the offsets `starts`, next to each other or not, as `decode_lines` does."""
    if pieces and pieces[-1].endswith(b"\0"):
        starts = list(starts)
        zeros = _find_zeros(pieces[-1], starts[len(pieces) - 1], era)
        if zeros is not None:
            whole = pieces[-1].rstrip(b"\0")
            before = decode_pieces([*pieces[:-1], whole], starts, era, is_cut=is_cut, only_type=only_type)
            return [*before, _name_tail(zeros, is_cut=is_cut)]
    found: list[Record | Unclear]
    if era is Era.ENVELOPE:
        found = find_records(pieces, starts, only_type.decode() if only_type is not None else None)
    else:
        found = list(map(Unclear, starts, pieces))
    lines: list[Line] = [line for line in found if isinstance(line, Record)]
    if len(lines) == len(found):
        return lines
    examined = (_judge(line, era, only_type, is_cut=is_cut) for line in found)
    return [line for line in examined if line is not None]


def _judge(found: Record | Unclear, era: Era, only_type: bytes | None, *, is_cut: bool) -> Line | None:
    if isinstance(found, Record):
        return found
    is_last = not found.stored.endswith(b"\n")
    if only_type is not None and not is_last and not _may_say(found.stored, only_type):
        return None
    line = examine(found.stored, found.start_offset, era)
    return _name_tail(line, is_cut=is_cut) if is_last and isinstance(line, Rejected) else line


def _find_zeros(last: bytes, start: int, era: Era) -> Rejected | None:
    """Return the zeros that a crash left behind a whole last line, in place of what was appended."""
    whole = last.rstrip(b"\0")
    if not isinstance(examine(whole, start, era), Record):
        return None
    return Rejected(start + len(whole), start + len(last), Reason.NOT_JSON, "zeros behind a whole line")


def _may_say(stored: bytes, word: bytes) -> bool:
    return word in stored or b"\\u" in stored or find_seal_remains(stored, 0) is not None


def examine(stored: bytes, start: int, era: Era) -> Line | None:
    """Decode one line with care, and say why if it is not a record. None for a blank line."""
    piece = stored.removesuffix(b"\n")
    end = start + len(stored)
    if not piece.strip():
        return None
    try:
        piece.decode()
    except UnicodeDecodeError as bad:
        return Rejected(start, end, Reason.BAD_UTF8, f"byte {start + bad.start} is not UTF-8")
    try:
        found = _unfold(stored, start, era)
    except msgspec.ValidationError as bad:
        return Rejected(start, end, Reason.BAD_ENVELOPE, str(bad))
    except msgspec.DecodeError as bad:
        return Rejected(start, end, Reason.NOT_JSON, _glued(piece, start) or str(bad))
    except RecursionError:
        return Rejected(start, end, Reason.TOO_DEEP, _TOO_DEEP)
    if isinstance(found, Rejected):
        return found
    problem = check_record(found)
    if problem is not None:
        detail = f"{found.type[:_SHOWN_CHARS]}: {problem.detail[:_SHOWN_CHARS]}"
        return Rejected(start, end, problem.reason, detail)
    return found


def _glued(piece: bytes, start: int) -> str | None:
    """Return what to say of half a line that a whole one was written behind, if that is what it is.

    Some writers go on behind a write that a crash cut short. Readers of every client skip both.
    """
    at = piece.rfind(_LINE_BEGINS)
    if at <= 0:
        return None
    try:
        steadily(_decode_strict, piece[at:])
    except (msgspec.MsgspecError, RecursionError):
        return None
    return f"half a line, and behind it, from byte {start + at} on, a whole one"


def _unfold(stored: bytes, start: int, era: Era) -> Line:
    """Return the line as a record still to be checked. Raise msgspec's errors."""
    piece = stored.removesuffix(b"\n")
    if era is not Era.ENVELOPE:
        early = unfold(piece, era)
        if isinstance(early, str):
            return Rejected(start, start + len(stored), Reason.OBSOLETE, early)
        probe = decode_probe(early.payload)
        if probe is None:
            detail = f"{early.type}: not of its shape"
            return Rejected(start, start + len(stored), Reason.BAD_PAYLOAD, detail)
        return Record(start, stored, Envelope(early.timestamp, early.type, probe), early.payload)
    strict = steadily(_decode_strict, piece)
    probe = decode_probe(strict.payload)
    if probe is None:
        if strict.type in {vocabulary.RESPONSE_ITEM, vocabulary.EVENT_MSG}:
            detail = f"{strict.type}: {_misfit(strict.payload)}"
            return Rejected(start, start + len(stored), Reason.BAD_PAYLOAD, detail)
        probe = Probe()  # other types name their members differently; their own check decides
    return Record(
        start, stored, Envelope(strict.timestamp, strict.type, probe, strict.ordinal, strict.metadata)
    )


def _misfit(payload: Raw) -> str:
    try:
        _decode_probe(payload)
    except UNDECODABLE as bad:
        return str(bad)
    return "not of its shape"


def _name_tail(line: Rejected, *, is_cut: bool) -> Rejected:
    """Return an unterminated last line that is no record by what made it so."""
    if line.reason not in {Reason.NOT_JSON, Reason.BAD_UTF8}:
        return line
    if is_cut:
        detail = "a base offset lies inside this line"
        return Rejected(line.start_offset, line.end_offset, Reason.CUT_LINE, detail)
    return Rejected(line.start_offset, line.end_offset, Reason.TORN_TAIL, "the last line is incomplete")
