"""The end of a rollout: where the next record goes, and what stands in its way.

Read backward, a few blocks at most where the file is ours or its writer left whole lines.
Format: docs/format.md, "Appending" and "Seals".
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rollout.format.record import Mode, Reason, Record, Rejected
from rollout.format.seals import find_seal
from rollout.log.anchor import ANCHOR_TAIL_BYTES
from rollout.log.header import Header
from rollout.log.lines import Span, iter_lines_backward
from rollout.log.source import Source

_SEARCH_BYTES: Final = 4 << 20
"""How far back a seal is looked for in a file that another client made."""
_SEAL_TEXT: Final = b',"seal":"'
_BLOCK_BYTES: Final = 1 << 20


class Tail(Struct, frozen=True):
    """Where a rollout ends.

    `end_offset` is behind the last whole line; `torn` the incomplete one behind it, if any;
    `lacks_newline` says that the last line stays, whatever it is, and only its newline is missing.
    `covered_from` is where the next seal's range begins. `next_ordinal` is None for a legacy
    rollout, and for one that cannot go on: `refusal` says why.
    """

    end_offset: int
    lacks_newline: bool
    torn: Rejected | None
    next_ordinal: int | None
    covered_from: int
    refusal: str | None


def read_tail(source: Source, header: Header, max_line_bytes: int, *, is_ours: bool) -> Tail:
    """Return where a rollout ends and how it goes on.

    `is_ours`: we made the file, so that a seal, or its beginning, is worth any way back.
    """
    size = source.size_bytes
    span = Span(0, size, header.era, max_line_bytes=max_line_bytes)
    torn: Rejected | None = None
    newest: Record | None = None
    covered_from: int | None = None
    is_first = True
    may_be_sealed = is_ours or _has_seal_text(source)  # a search of bytes: lines take ten times as long
    for batch in iter_lines_backward(source, span):
        for line in reversed(batch):
            if is_first and isinstance(line, Rejected) and line.reason is Reason.TORN_TAIL:
                torn = line
            if isinstance(line, Record):
                if newest is None:
                    newest = line
                seal = find_seal(line.line, line.start_offset)
                if covered_from is None and seal is not None and seal.digest is not None:
                    covered_from = seal.covered_to
            is_first = False
        reached = batch[0].start_offset if batch else 0
        is_far = not is_ours and size - reached > _SEARCH_BYTES
        if newest is not None and (covered_from is not None or is_far or not may_be_sealed):
            break
    end_offset = torn.start_offset if torn is not None else size
    lacks_newline = end_offset > 0 and source.read_at(end_offset - 1, 1) != b"\n"
    if covered_from is None:
        covered_from = 0 if is_ours else max(0, end_offset - ANCHOR_TAIL_BYTES)
    next_ordinal, refusal = _go_on(header, newest)
    return Tail(end_offset, lacks_newline, torn, next_ordinal, covered_from, refusal)


def _has_seal_text(source: Source) -> bool:
    """Tell whether the bytes in which a seal would be looked for hold what every seal begins with."""
    end = source.size_bytes
    lowest = max(0, end - _SEARCH_BYTES)
    while end > lowest:
        start = max(lowest, end - _BLOCK_BYTES)
        if source.read_at(start, end - start).rfind(_SEAL_TEXT) >= 0:  # from the end: faster than `in`
            return True
        if start == lowest:
            break
        end = start + len(_SEAL_TEXT) - 1  # one may lie across two blocks
    return False


def _go_on(header: Header, newest: Record | None) -> tuple[int | None, str | None]:
    if not header.is_first:
        return None, "the file does not start with its session metadata"
    if header.mode is not Mode.PAGINATED:
        return None, None
    if newest is None or newest.ordinal is None:
        return None, "the last record is missing an ordinal"
    return newest.ordinal + 1, None
