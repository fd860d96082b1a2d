"""The seal of a line as text: read from its last bytes, and written there.

Pure: what the digest is of, and whether it holds, is `rollout.log.seal`'s to say.
Format: docs/format.md, "Seals".
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

_NAME: Final = b"seal"
_MEMBER: Final = re.compile(rb',"([^"]{4})":"([^"]*)"\}$')
_TEXT: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\.([A-Za-z0-9_-]{43})")
_REMAINS: Final = re.compile(
    rb'(?:,"seal":".*"\}|(?:..seal...|,"....":")(?:0|[1-9][0-9]{0,18})\.[A-Za-z0-9_-]{43}..)$', re.DOTALL
)
LONGEST_SEAL_BYTES: Final = 80
"""No seal's member is longer, closing brace and newline included."""


class Seal(Struct, frozen=True):
    """What a sealed line claims: `digest` is of `[covered_from, covered_to)` of its rollout.

    `covered_to` is where the seal's own member begins. `digest` is None when the text is no seal.
    """

    covered_from: int
    covered_to: int
    digest: str | None


def find_seal(line: bytes, start_offset: int) -> Seal | None:
    """Return the seal of a line that begins at `start_offset`, or None when it has none."""
    if line.endswith(b"}}\n"):
        return None  # most lines end with the payload's brace
    line = line.rstrip(b"\r\n")
    if not line.endswith(b'"}'):
        return None
    member = _MEMBER.search(line, max(0, len(line) - LONGEST_SEAL_BYTES))
    if member is None:
        return None
    name, text = member.group(1), _TEXT.fullmatch(member.group(2))
    if name != _NAME and text is None:
        return None
    covered_to = start_offset + member.start()
    # A seal under another name had its name altered: nothing else looks like one.
    if name != _NAME or text is None or int(text.group(1)) >= covered_to:
        return Seal(start_offset, covered_to, None)
    return Seal(int(text.group(1)), covered_to, text.group(2).decode())


def find_seal_remains(stored: bytes, start_offset: int) -> Seal | None:
    """Return the seal of a line that is no record, or what is left of one, with digest None.

    `stored` is the line or its last bytes. The whole member has to be there, a letter of it altered
    at most: what a write cut short has left of a seal says nothing.
    """
    line = stored.rstrip(b"\r\n")
    seal = find_seal(line, start_offset)
    if seal is not None:
        return seal
    remains = _REMAINS.search(line, max(0, len(line) - LONGEST_SEAL_BYTES))
    return Seal(start_offset, start_offset + remains.start(), None) if remains is not None else None


def seal_member(covered_from: int, digest: str) -> bytes:
    """Return the member that makes a line sealed, to stand before its closing brace."""
    return b',"%b":"%d.%b"' % (_NAME, covered_from, digest.encode())
