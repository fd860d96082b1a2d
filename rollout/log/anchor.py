"""Anchor: is this still the bytes I knew?

The one notion of it, used by fork bases, sidecars, watermarks and cursors. Two files that
agree in their first line, in the bytes just before a position, and in the position itself
are taken to agree before it. Format: docs/format.md, "Anchors".
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Final

from rollout.log.source import Source

ANCHOR_TAIL_BYTES: Final = 64 << 10
_POSITION_BYTES: Final = 8
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


def anchor_of(source: Source, header_end: int, position: int) -> str:
    """Return the anchor of `position`, 43 characters.

    Reads the first line, `[0, header_end)`, and at most 64 KiB before `position`.
    `position` is a byte offset in decoded bytes, not before `header_end`.
    """
    from blake3 import blake3  # readers that verify nothing do not pay for it

    hasher = blake3(position.to_bytes(_POSITION_BYTES, "little"))
    hasher.update(source.read_at(0, min(header_end, position)))
    start = max(0, position - ANCHOR_TAIL_BYTES)
    hasher.update(source.read_at(start, position - start))
    return digest_text(hasher.digest())


def digest_text(digest: bytes) -> str:
    """Return 32 bytes as 43 characters of URL-safe base 64."""
    return b2a_base64(digest, newline=False).translate(_URL_SAFE, b"=").decode()
