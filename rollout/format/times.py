"""Times as logs write them: RFC 3339, read into UTC milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_MILLIS: Final = 1000


def parse_time(text: str) -> int | None:
    """Return a timestamp of RFC 3339 in UTC milliseconds, or None when it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return int(found.timestamp() * _MILLIS)
