"""`thread/timeline/list`: starts, items and ends of turns in the order of their records, newest page first.

Contract: docs/protocol.md, "Methods".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from rollout.appserver import params as takes
from rollout.appserver.call import Answer, Call
from rollout.appserver.opened import Opened
from rollout.appserver.protocol import encode_value
from rollout.format.decoding import decode_json
from rollout.replay.sealed import SealWatch, refuse_broken
from rollout.store.projecting import project
from rollout.turns.failure import TurnFailure
from rollout.turns.items import ThreadItem
from rollout.turns.model import TurnStatus
from rollout.turns.paging import DEFAULT_LIMIT, ItemsView, PageRequest
from rollout.turns.projection import Projection
from rollout.turns.rows import TurnRow, shown_item, shown_turn


class TurnStarted(Struct, frozen=True, rename="camel", tag="turnStarted", tag_field="type"):
    """A turn began."""

    position: int
    turn_id: str
    started_at: float | None


class ItemPlaced(Struct, frozen=True, rename="camel", tag="item", tag_field="type"):
    """An item appeared."""

    position: int
    turn_id: str
    item: ThreadItem


class TurnCompleted(Struct, frozen=True, rename="camel", tag="turnCompleted", tag_field="type"):
    """A turn ended."""

    position: int
    turn_id: str
    status: TurnStatus
    error: TurnFailure | None
    started_at: float | None
    completed_at: float | None
    duration_ms: float | None


Entry = TurnStarted | ItemPlaced | TurnCompleted


class TimelineCursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The oldest entry of a page; the next one goes on below it."""

    thread_id: str
    position: int
    scope: str = "timeline"


def list_timeline(call: Call, given: takes.PageOf) -> Answer:
    """Return one page of a thread's timeline: the newest, or what lies below a cursor."""
    thread_id = call.thread_id(given.thread_id)
    size = PageRequest(given.limit if given.limit is not None else DEFAULT_LIMIT).size
    with call.lend(thread_id, call.not_supported()) as opened:
        if not opened.thread.lineage.is_paginated:
            raise call.not_supported()
        if opened.is_archived:
            raise call.archived(f"thread {thread_id} is archived")
        below = _anchor(call, thread_id, given.cursor)

        def read() -> Raw:
            return encode_value(_page(opened, size, below))

        return Answer(opened.page(f"timeline {size} {below}", read))


def _anchor(call: Call, thread_id: str, cursor: str | None) -> float:
    if cursor is None:
        return float("inf")
    found = decode_json(cursor.encode("utf-8", "replace"), TimelineCursor)
    if found is None:
        raise call.bad_cursor("invalid thread timeline cursor")
    if found.thread_id != thread_id:
        raise call.bad_cursor("thread timeline cursor belongs to another thread")
    return found.position


def _page(opened: Opened, size: int, below: float) -> dict[str, Any]:
    lineage = opened.thread.lineage
    seals = SealWatch(lineage)

    def is_enough(projection: Projection) -> bool:
        # Of turns as of items: whichever of them reaches further down fills the page.
        return projection.is_turn_page_certain(size + 1, below) and projection.is_item_page_certain(
            size + 1, below
        )

    projection = project(lineage, seals, is_enough)
    refuse_broken(lineage.thread_id, seals.find_broken())
    entries = sorted(
        (entry for row in projection.turns() for entry in _entries(row) if entry.position < below),
        key=lambda entry: entry.position,
    )
    shown = entries[-size:]
    has_more = len(entries) > size
    cursor = TimelineCursor(opened.id, shown[0].position) if has_more else None
    return {
        "data": shown,
        "nextCursor": msgspec.json.encode(cursor).decode() if cursor is not None else None,
        "activeRealtimeSessionAtPageStart": None,
    }


def _entries(row: TurnRow) -> Iterator[Entry]:
    stretch = row.shown
    assert stretch is not None, "a row without start or end is no turn"
    turn = shown_turn(row, ItemsView.NOT_LOADED)
    if stretch.started is not None and stretch.ordinal is not None:
        yield TurnStarted(stretch.ordinal, turn.id, stretch.started.started_at)
    for item in row.items:
        entry = shown_item(item)
        if entry is not None:
            yield ItemPlaced(item.ordinal, turn.id, entry.item)
    if stretch.end_ordinal is not None:
        yield TurnCompleted(
            stretch.end_ordinal,
            turn.id,
            turn.status,
            turn.error,
            turn.started_at,
            turn.completed_at,
            turn.duration_ms,
        )
