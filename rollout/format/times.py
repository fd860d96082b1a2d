"""Times as logs write them: RFC 3339, read into UTC milliseconds and written from them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

_MILLIS: Final = 1000
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


def parse_time(text: str) -> int | None:
    """Return a timestamp of RFC 3339 in UTC milliseconds, or None when it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return int(found.timestamp() * _MILLIS)


def timestamp_of(now_ms: int) -> str:
    """Return UTC milliseconds as the timestamp of a record."""
    minutes, millis = divmod(now_ms, 60 * _MILLIS)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    second, milli = divmod(millis, _MILLIS)
    return f"{_day_of(days)}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"


@lru_cache(maxsize=2)
def _day_of(days: int) -> str:
    """Return the day of that number since 1970 as text."""
    return date.fromordinal(_EPOCH_DAY + days).isoformat()
