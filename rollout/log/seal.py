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


def iter_broken_seals(source: Source, newest: Seal, lowest_offset: int = 0) -> Iterator[Rejected]:
    """Yield what the chain from `newest` proves damaged, newest first, down to `lowest_offset`.

    Verifies every range that reaches above `lowest_offset`. The chain ends where no seal
    stands before a range: at the beginning of the rollout, or where another client's bytes were
    taken over. Behind a range that does not hold it goes on all the same.
    """
    seal: Seal | None = newest
    while seal is not None and seal.covered_to > lowest_offset:
        first = _first_block(source, seal)
        broken = _judge(source, seal, first)
        if broken is not None:
            yield broken
        seal = _seal_before(seal, first)


def find_broken_seal(source: Source, seal: Seal) -> Rejected | None:
    """Return the span that a seal covers, its own line included, as damage if it does not hold."""
    return _judge(source, seal, _first_block(source, seal))


def _first_block(source: Source, seal: Seal) -> bytes:
    return source.read_at(seal.covered_from, min(_BLOCK_BYTES, seal.covered_to - seal.covered_from))


def _judge(source: Source, seal: Seal, first: bytes) -> Rejected | None:
    found = _digest(source, seal, first) if seal.digest is not None else None
    if found is not None and found == seal.digest:
        return None
    name = _named(source, seal)
    if found is None:
        detail = f"{name} is none: expected <offset>.<43 characters>"
    else:
        detail = f"{name} does not hold: expected digest {seal.digest}, found {found}"
    rest = source.read_at(seal.covered_to, LONGEST_SEAL_BYTES)
    end = seal.covered_to + (rest.find(b"\n") + 1 or len(rest))
    return Rejected(seal.covered_from, end, Reason.BROKEN_SEAL, detail)


def _digest(source: Source, seal: Seal, first: bytes) -> str:
    """Return the digest of what a seal covers, read in blocks of a megabyte."""
    from blake3 import blake3  # readers of unsealed logs do not pay for it

    hasher = blake3(first)
    for at in range(seal.covered_from + _BLOCK_BYTES, seal.covered_to, _BLOCK_BYTES):
        hasher.update(source.read_at(at, min(_BLOCK_BYTES, seal.covered_to - at)))
    return digest_text(hasher.digest())


def _named(source: Source, seal: Seal) -> str:
    """Return which seal it is, for people: by its line's ordinal too, where that can still be read."""
    start = max(0, seal.covered_to - _BLOCK_BYTES)
    block = source.read_at(start, seal.covered_to - start)
    line_start = block.rfind(b"\n") + 1
    ordinal = _ORDINAL.search(block, line_start, line_start + _ENVELOPE_BYTES)
    of_record = f" of ordinal {ordinal.group(1).decode()}" if ordinal is not None else ""
    return f"the seal{of_record} at byte {seal.covered_to}"


def _seal_before(seal: Seal, first: bytes) -> Seal | None:
    """Return the seal that the range of `seal` begins with the text of, if one stands there."""
    if seal.digest is None or seal.covered_from == 0:
        return None
    member = first[: first.find(b"\n", 0, LONGEST_SEAL_BYTES) + 1]
    older = find_seal(member, seal.covered_from)
    return older if older is not None and older.covered_to == seal.covered_from else None
