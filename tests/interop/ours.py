"""What this library says of the same threads, in a form that can be compared with a client's answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from refclient.capture import Page
from refclient.install import Client

from rollout.format.codec import decode_lines
from rollout.format.record import Era, Record
from rollout.fs.posix import POSIX
from rollout.ids import ThreadId
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.log.lines import iter_lines
from rollout.replay.context import Context, read_context
from rollout.replay.lineage import Lineage
from rollout.store.opening import Opener
from rollout.store.turn_pages import read_item_page, read_turn_page, read_turns
from rollout.turns.legacy import LegacyTurns
from rollout.turns.paging import ItemsView, PageRequest, SortDirection
from tests.interop.asked import LIMIT

METADATA = "internal_chat_message_metadata_passthrough"
"""The member of an item that the client does not send to a model endpoint such as ours."""

_SINCE_0_169 = frozenset({"startedAtMs", "completedAtMs", "moderation", "generationId"})
"""Members of items that earlier releases do not show; a listing of items tells the times beside each."""


def open_lineage(home: Path, thread_id: str) -> Lineage:
    """Open a thread of a home as it is on disk now."""
    return Opener(POSIX, str(home), MAX_LINE_BYTES).open_thread(ThreadId(thread_id))


def is_paginated(home: Path, thread_id: str) -> bool:
    """Tell whether a thread is of the kind whose items the client lists."""
    with open_lineage(home, thread_id) as lineage:
        return lineage.is_paginated


def our_context(home: Path, thread_id: str) -> Context:
    """Resume a thread with this library."""
    with open_lineage(home, thread_id) as lineage:
        return read_context(lineage)


def our_history(home: Path, thread_id: str) -> list[Any]:
    """Return the items a resume gives, as the client would send them."""
    with open_lineage(home, thread_id) as lineage:
        items: list[Any] = json.loads(read_context(lineage).input_json())
    return [{key: value for key, value in item.items() if key != METADATA} for item in items]


def our_turns(home: Path, thread_id: str, view: ItemsView = ItemsView.FULL) -> Any:
    """Return all turns of a thread, oldest first."""
    with open_lineage(home, thread_id) as lineage:
        return plain(read_turns(lineage, view))


def our_turns_without_marks(home: Path, thread_id: str) -> Any:
    """Return all turns as a reader sees them that does not know what we add to events of legacy rollouts."""
    with open_lineage(home, thread_id) as lineage:
        if lineage.is_paginated:
            return plain(read_turns(lineage, ItemsView.FULL))
        (segment,) = lineage.segments
        fold = LegacyTurns()
        for batch in iter_lines(lineage.source(segment), lineage.span(segment)):
            for line in batch:
                if isinstance(line, Record):
                    fold.feed(_without_marks(line))
        return plain(fold.result(ItemsView.FULL))


def _without_marks(record: Record) -> Record:
    members = json.loads(record.stored)
    for key in ("shown_as", "shown_in"):
        members["payload"].pop(key, None)
    (bare,) = decode_lines(json.dumps(members).encode() + b"\n", record.start_offset, Era.ENVELOPE)
    assert isinstance(bare, Record)
    return bare


def our_turn_pages(home: Path, thread_id: str, view: ItemsView, way: SortDirection) -> list[Page]:
    """Return every page of turns, each read from a thread opened anew."""

    def read(request: PageRequest) -> Any:
        with open_lineage(home, thread_id) as lineage:
            return read_turn_page(lineage, request, view)

    return _pages(read, way)


def our_item_pages(home: Path, thread_id: str, way: SortDirection) -> list[Page]:
    """Return every page of items, each read from a thread opened anew."""

    def read(request: PageRequest) -> Any:
        with open_lineage(home, thread_id) as lineage:
            return read_item_page(lineage, request)

    return _pages(read, way)


def _pages(read: Callable[[PageRequest], Any], way: SortDirection) -> list[Page]:
    pages: list[Page] = []
    cursor = None
    while True:
        page = read(PageRequest(LIMIT, cursor, way))
        pages.append(Page(plain(page.data), page.next_cursor, page.backwards_cursor))
        cursor = page.next_cursor
        if cursor is None:
            return pages


def plain(value: Any) -> Any:
    """Return a value as its JSON reads."""
    return msgspec.json.decode(msgspec.json.encode(value))


def is_older(client: Client, *release: int) -> bool:
    """Tell whether a client came before a release."""
    return tuple(int(number) for number in client.version.split("-")[0].split(".")) < release


def as_shown_by(client: Client, value: Any) -> Any:
    """Return turns or items of ours without what the client's release does not show yet."""
    if not is_older(client, 0, 169):
        return value
    if isinstance(value, dict):
        left_out = _SINCE_0_169 if "type" in value else frozenset[str]()
        return {key: as_shown_by(client, member) for key, member in value.items() if key not in left_out}
    if isinstance(value, list):
        return [as_shown_by(client, member) for member in value]
    return value


def anchors(pages: list[Page]) -> list[tuple[Any, Any]]:
    """Return the cursors of pages, reduced to what both sides put into them.

    A cursor of ours for a legacy thread names its thread as well, so that it is refused elsewhere.
    """
    return [(_anchor(page.next_cursor), _anchor(page.backwards_cursor)) for page in pages]


def _anchor(cursor: str | None) -> Any:
    if cursor is None:
        return None
    members = json.loads(cursor)
    return {key: value for key, value in members.items() if key != "threadId"}
