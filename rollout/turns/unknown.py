"""What a server of a later release shows and this one has no shape for, kept as it came.

The library makes none of these: it shows every record as one of the kinds it knows. A client that reads
a server's answers does, so that one new word does not cost a whole page.
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw, Struct

NO_TAG: Final = ""
"""What no kind is called."""


class UnknownItem(Struct, frozen=True, tag=NO_TAG, tag_field="type", rename="camel", kw_only=True):
    """An item of another kind, or of a known one that cannot be read; `members` is all its JSON."""

    id: str
    kind: str
    members: Raw
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class UnknownPart(Struct, frozen=True, tag=NO_TAG, tag_field="type"):
    """A part of an item, of another kind; `members` is all its JSON."""

    kind: str
    members: Raw
