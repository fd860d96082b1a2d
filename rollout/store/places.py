"""Where a thread can stand in the order of a listing, from its file's name and time alone.

So that a page opens few files, and rows kept elsewhere stand where the files would put them.
Format: docs/format.md, "Listing".
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from rollout.format.times import parse_time
from rollout.ids import is_uuid7
from rollout.log.layout import RolloutFile

_ID_SLACK_MS: Final = 60_000
"""How far the time in an id may be from the header's."""
_STAMP_SLACK_MS: Final = 26 * 3_600_000
"""A stamp in a file name is local time of a zone that nobody recorded."""
_WRITE_SLACK_MS: Final = 1_000
_STAMP: Final = "0000-00-00T00-00-00"


class SortKey(StrEnum):
    """What a listing is sorted by: the header's time, the file's last change, the newest turn's start."""

    CREATED = "created"
    UPDATED = "updated"
    RECENCY = "recency"


def named_time(file: RolloutFile) -> tuple[int, int]:
    """Return bounds, in UTC milliseconds, of when a rollout was made, by its name."""
    rollout_id = file.name.rollout_id
    if is_uuid7(rollout_id):
        made = int(rollout_id[:8] + rollout_id[9:13], 16)
        return made - _ID_SLACK_MS, made + _ID_SLACK_MS
    stamp = file.name.stamp
    made_at = parse_time(stamp[:13] + stamp[13:].replace("-", ":")) if len(stamp) == len(_STAMP) else None
    if made_at is None:
        return 0, 1 << 62
    return made_at - _STAMP_SLACK_MS, made_at + _STAMP_SLACK_MS


def recency_time(file: RolloutFile, changed_at: int) -> tuple[int, int]:
    """Return bounds of when a rollout's newest turn began, by its name and its last change."""
    lowest, highest = named_time(file)
    return lowest, max(highest, changed_at + _WRITE_SLACK_MS)


def held(value: int, bounds: tuple[int, int]) -> int:
    """Return the value within its bounds: a header that contradicts its name could fall between two pages."""
    lowest, highest = bounds
    return min(max(value, lowest), highest)
