"""Pages, cursors, and the slicing of a sequence from either end.

A cursor names an anchor, not a place in a list: pages stay right while a thread grows,
and a cursor is refused anywhere but where it was made. Format: docs/format.md, "Paging".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from rollout.errors import InvalidCursor
from rollout.format.decoding import decode_json
from rollout.format.record import Damage

T = TypeVar("T")

DEFAULT_LIMIT: Final = 25
MAX_LIMIT: Final = 100


class SortDirection(StrEnum):
    """Newest first, or oldest first."""

    DESC = "desc"
    ASC = "asc"


class ItemsView(StrEnum):
    """How much of a turn a page holds."""

    NOT_LOADED = "notLoaded"
    SUMMARY = "summary"
    FULL = "full"


class Scope(StrEnum):
    """What a cursor pages through."""

    TURNS = "turns"
    ITEMS = "itemsByCreatedAtOrdinal"


class PageRequest(Struct, frozen=True):
    """Which page is wanted. `limit` is clamped to 1-100; no cursor means the page at the near end."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    direction: SortDirection = SortDirection.DESC

    @property
    def size(self) -> int:
        return max(1, min(self.limit, MAX_LIMIT))


class PageExtras(Struct, frozen=True):
    """What we say of a page beyond the protocol: seals that do not hold, of what was read for it."""

    damage: list[Damage]


class Page(Struct, Generic[T], frozen=True, rename="camel"):
    """One page. `next_cursor` goes on behind the last row; `backwards_cursor` names the first
    row, and read in the other direction begins with it."""

    data: list[T]
    next_cursor: str | None
    backwards_cursor: str | None
    rollout: PageExtras | UnsetType = UNSET

    @property
    def damage(self) -> list[Damage]:
        """The broken seals of what was read for it, if the caller allowed any."""
        return [] if self.rollout is UNSET else self.rollout.damage


class _ScopeKind(Struct, frozen=True):
    kind: Scope


class OrdinalCursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The anchor of a page of a paginated thread."""

    requested_thread_id: str
    rollout_ordinal: int
    include_anchor: bool
    scope: _ScopeKind


class RowCursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The anchor of a page whose rows have ids but no ordinals: legacy turns and their items.

    `copy` tells rows of one id apart, for a turn started twice is two turns: how many of them are older.
    """

    turn_id: str
    include_anchor: bool
    thread_id: str | None = None
    item_id: str | None = None
    copy: int | None = None


def make_ordinal_cursor(thread_id: str, scope: Scope, ordinal: int, *, includes_anchor: bool) -> str:
    """Return the cursor for a row at `ordinal`."""
    return msgspec.json.encode(OrdinalCursor(thread_id, ordinal, includes_anchor, _ScopeKind(scope))).decode()


def make_row_cursor(
    thread_id: str, turn_id: str, item_id: str | None, *, includes_anchor: bool, copy: int = 0
) -> str:
    """Return the cursor for a row of a legacy thread."""
    cursor = RowCursor(turn_id, includes_anchor, thread_id, item_id, copy or None)
    members = {key: value for key, value in msgspec.to_builtins(cursor).items() if value is not None}
    return msgspec.json.encode(members).decode()


def parse_ordinal_cursor(text: str, thread_id: str, scope: Scope) -> OrdinalCursor:
    """Return the anchor. Raise InvalidCursor when it is junk, of another thread or another scope."""
    found = decode_json(text.encode("utf-8", "replace"), OrdinalCursor)
    if found is None or found.rollout_ordinal < 0:
        raise _invalid(text, "it is not a cursor of a paginated thread")
    if found.requested_thread_id != thread_id:
        raise _invalid(text, f"it belongs to thread {found.requested_thread_id}, not {thread_id}")
    if found.scope.kind is not scope:
        raise _invalid(text, f"it pages {found.scope.kind.name.lower()}, not {scope.name.lower()}")
    return found


def parse_row_cursor(text: str, thread_id: str, *, wants_item: bool) -> RowCursor:
    """Return the anchor. Raise InvalidCursor when it is junk, of another thread or another scope."""
    found = decode_json(text.encode("utf-8", "replace"), RowCursor)
    if found is None:
        raise _invalid(text, "it is not a cursor of a legacy thread")
    if found.thread_id not in {None, thread_id}:
        raise _invalid(text, f"it belongs to thread {found.thread_id}, not {thread_id}")
    if (found.item_id is not None) is not wants_item:
        found_kind, wanted = ("turns", "items") if wants_item else ("items", "turns")
        raise _invalid(text, f"it pages {found_kind}, not {wanted}")
    return found


def _invalid(text: str, why: str) -> InvalidCursor:
    return InvalidCursor(
        f"invalid cursor: {text[:200]}: {why}",
        hint="Use a cursor from a page of the same thread and kind, or start without one.",
    )


def invalid_anchor(text: str) -> InvalidCursor:
    """Return the error for a legacy cursor whose turn is gone (rolled back)."""
    return InvalidCursor(
        f"invalid cursor: {text[:200]}: anchor turn is no longer present",
        hint="Start again without a cursor.",
    )


def slice_rows(
    rows: Sequence[T], start: int | None, request: PageRequest, cursor_of: Callable[[T, bool], str]
) -> Page[T]:
    """Return the page of `rows` (oldest first) that begins at index `start`, in the wanted direction.

    `start` None begins at the near end; an index outside the rows gives an empty page.
    """
    is_descending = request.direction is SortDirection.DESC
    step = -1 if is_descending else 1
    first = start if start is not None else (len(rows) - 1 if is_descending else 0)
    indexes = range(first, -1 if is_descending else len(rows), step)
    chosen = [rows[index] for index in indexes[: request.size]]
    has_more = len(indexes) > request.size
    return Page(
        chosen,
        cursor_of(chosen[-1], False) if chosen and has_more else None,
        cursor_of(chosen[0], True) if chosen else None,
    )
