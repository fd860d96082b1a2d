"""Whether seals hold: digests compared along the chain that the seals of a rollout form.

A seal's own text lies in the range of the next, so from the newest one every older one is
reached without trusting a single line. Format: docs/format.md, "Seals".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rollout.format.record import Reason, Rejected
from rollout.format.seals import LONGEST_SEAL_BYTES, Seal, find_seal
from rollout.log.anchor import digest_text
from rollout.log.source import Source

_BLOCK_BYTES: Final = 1 << 20
_ORDINAL: Final = re.compile(rb'"ordinal":(0|[1-9][0-9]{0,18})[,}]')
_ENVELOPE_BYTES: Final = 120


def digest_of(source: Source, start: int, end: int) -> str:
    """Return the digest of `[start, end)`, read in blocks of a megabyte."""
    from blake3 import blake3  # readers of unsealed logs do not pay for it

    hasher = blake3()
    for at in range(start, end, _BLOCK_BYTES):
        hasher.update(source.read_at(at, min(_BLOCK_BYTES, end - at)))
    return digest_text(hasher.digest())


def iter_broken_seals(source: Source, newest: Seal, lowest_offset: int = 0) -> Iterator[Rejected]:
    """Yield what the chain from `newest` proves damaged, newest first, down to `lowest_offset`.

    Verifies every range that reaches above `lowest_offset`. The chain ends where no seal
    stands before a range: at the beginning of the rollout, or where another client's bytes were
    taken over. Behind a range that does not hold it goes on all the same.
    """
    seal: Seal | None = newest
    while seal is not None and seal.covered_to > lowest_offset:
        broken = find_broken_seal(source, seal)
        if broken is not None:
            yield broken
        seal = _seal_before(source, seal)


def find_broken_seal(source: Source, seal: Seal) -> Rejected | None:
    """Return the span that a seal covers, its own line included, as damage if it does not hold."""
    end = seal.covered_to + len(_member_at(source, seal.covered_to))
    if seal.digest is None:
        detail = f"{_named(source, seal)} is none: expected <offset>.<43 characters>"
        return Rejected(seal.covered_from, end, Reason.BROKEN_SEAL, detail)
    found = digest_of(source, seal.covered_from, seal.covered_to)
    if found == seal.digest:
        return None
    detail = f"{_named(source, seal)} does not hold: expected digest {seal.digest}, found {found}"
    return Rejected(seal.covered_from, end, Reason.BROKEN_SEAL, detail)


def _named(source: Source, seal: Seal) -> str:
    """Return which seal it is, for people: by its line's ordinal too, where that can still be read."""
    start = max(0, seal.covered_to - _BLOCK_BYTES)
    block = source.read_at(start, seal.covered_to - start)
    line_start = block.rfind(b"\n") + 1
    ordinal = _ORDINAL.search(block, line_start, line_start + _ENVELOPE_BYTES)
    of_record = f" of ordinal {ordinal.group(1).decode()}" if ordinal is not None else ""
    return f"the seal{of_record} at byte {seal.covered_to}"


def _seal_before(source: Source, seal: Seal) -> Seal | None:
    """Return the seal that the range of `seal` begins at, if one stands there."""
    if seal.digest is None or seal.covered_from == 0:
        return None
    older = find_seal(_member_at(source, seal.covered_from), seal.covered_from)
    return older if older is not None and older.covered_to == seal.covered_from else None


def _member_at(source: Source, offset: int) -> bytes:
    """Return the end of the line from `offset` on, newline included."""
    head = source.read_at(offset, LONGEST_SEAL_BYTES)
    newline = head.find(b"\n")
    return head if newline < 0 else head[: newline + 1]
