"""Identities and numbers: the only place that parses them.

A `ThreadId` or `RolloutId` in hand is a valid one: lower-case, hyphenated
UUID text. Offsets are decoded (uncompressed) bytes; ranges are half-open.
"""

from __future__ import annotations

import re
from typing import Final, NewType

from rollout.errors import InvalidRequest

ThreadId = NewType("ThreadId", str)
RolloutId = NewType("RolloutId", str)
TurnId = NewType("TurnId", str)
Ordinal = NewType("Ordinal", int)
Offset = NewType("Offset", int)

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BARE: Final = re.compile(r"[0-9a-f]{32}")
_TIME_BITS: Final = (1 << 48) - 1
_VARIANT: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""A digit with its upper two bits set as the variant wants them."""


def find_uuid(text: str) -> str | None:
    """Return `text` as canonical UUID text, or None when it is no UUID.

    Upper case, braces, a `urn:uuid:` prefix, and no hyphens at all are accepted.
    """
    lowered = text.lower()
    if _UUID.fullmatch(lowered):
        return lowered
    core = lowered.removeprefix("urn:uuid:")
    if core.startswith("{") and core.endswith("}"):
        core = core[1:-1]
    if _UUID.fullmatch(core):
        return core
    if not _BARE.fullmatch(core):
        return None
    return "-".join((core[:8], core[8:12], core[12:16], core[16:20], core[20:]))


def parse_thread_id(text: str) -> ThreadId:
    """Return a valid thread id. Raise InvalidRequest when `text` is not a UUID."""
    found = find_uuid(text)
    if found is None:
        raise InvalidRequest(
            f"reading a thread id: expected a UUID, found {text[:80]!r}",
            hint="Pass a full id, or run `rollout list` to see what is there.",
        )
    return ThreadId(found)


def is_uuid7(text: str) -> bool:
    """Tell whether `text` is UUID text of version 7."""
    return bool(_UUID.fullmatch(text.lower())) and text[14] == "7"


def mint_uuid7(now_ms: int, random: bytes) -> str:
    """Return a UUID of version 7: UTC milliseconds, then 10 random bytes (6 bits of them unused)."""
    time = f"{now_ms & _TIME_BITS:012x}"
    rest = random[:10].hex().rjust(20, "0")
    return f"{time[:8]}-{time[8:]}-7{rest[1:4]}-{_VARIANT[rest[4]]}{rest[5:8]}-{rest[8:]}"
