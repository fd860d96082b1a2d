"""What is added to events of a legacy file, so that our readers show there what a paginated file shows.

An event with a *name* gives its item under the id and with the times that the name says. A completed item
that is *marked* is shown, of whatever kind. Other readers look at neither. Format: docs/format.md,
"Names and marks".
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rollout.format.decoding import decode_payload
from rollout.format.record import Record
from rollout.turns.items import ThreadItem, with_times
from rollout.turns.stored import public_item

_NAME_KEY: Final = b'"shown_as":'
_MARK: Final = b'"shown_in":"legacy"'


class Named(Struct, frozen=True, omit_defaults=True):
    """The name of an event's item. `goes_on`: it is more of the one that the event before began."""

    id: str
    started_at_ms: int | None = None
    completed_at_ms: int | None = None
    goes_on: bool = False

    def given_to(self, item: ThreadItem) -> ThreadItem:
        """Return the item under this name."""
        named = msgspec.structs.replace(item, id=self.id)
        return with_times(named, started_at_ms=self.started_at_ms, completed_at_ms=self.completed_at_ms)


class Completed(Struct, frozen=True):
    """What an `item_completed` of any file shows, and in which files."""

    item: Raw
    started_at_ms: int | None = None
    completed_at_ms: int | None = None
    shown_in: str | UnsetType = UNSET

    def public(self) -> ThreadItem | None:
        """Return the item as people see it, or None when it has no such form."""
        return public_item(self.item, started_at_ms=self.started_at_ms, completed_at_ms=self.completed_at_ms)


class _NamedEvent(Struct, frozen=True):
    shown_as: Named | UnsetType = UNSET


def find_name(record: Record) -> Named | None:
    """Return the name that an event gives its item, or None when it gives none that can be read."""
    if _NAME_KEY not in record.stored:
        return None
    found = decode_payload(record, _NamedEvent)
    return None if found is None or found.shown_as is UNSET else found.shown_as


def find_marked(record: Record) -> Completed | None:
    """Return what a completed item shows in a legacy file, or None when it is not marked."""
    if _MARK not in record.stored:
        return None
    found = decode_payload(record, Completed)
    return found if found is not None and found.shown_in == "legacy" else None


def marked(payload: bytes) -> bytes:
    """Return the payload of a completed item with the mark, all else as it is spelled."""
    return payload.rstrip().removesuffix(b"}") + b"," + _MARK + b"}"
