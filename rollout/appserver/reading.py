"""Methods that read one thread: itself, its turns by page, its items by page and by id.

Contract: docs/protocol.md, "Methods".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rollout.appserver import params as takes
from rollout.appserver.call import EPHEMERAL_HINT, Answer, Call, refusal
from rollout.appserver.opened import Opened
from rollout.appserver.protocol import INVALID_PARAMS, Refusal, encode_value
from rollout.appserver.shapes import shown_thread
from rollout.errors import NotFound
from rollout.format.decoding import decoder_of
from rollout.turns.items import CommandExecution, McpToolCall, ThreadItem
from rollout.turns.model import TurnItem
from rollout.turns.paging import DEFAULT_LIMIT, ItemsView, Page, SortDirection
from rollout.turns.words import CallStatus

_MOST_ITEM_IDS: Final = 100
_WHOLE_PAGE: Final = 100


class ItemEntry(Struct, frozen=True, rename="camel"):
    """An item with its turn; `output_deferred` is there only when output was left out."""

    turn_id: str
    item: ThreadItem
    started_at_ms: int | None
    completed_at_ms: int | None
    output_deferred: bool | UnsetType = UNSET


def read_thread(call: Call, given: takes.ThreadRead) -> Answer:
    """Return one thread, with all of its turns when they are asked for."""
    thread_id = call.thread_id(given.thread_id)
    ephemeral = call.server.loaded.ephemeral(thread_id)
    if ephemeral is not None:
        if given.include_turns:
            raise call.unfit("ephemeral threads do not support includeTurns", EPHEMERAL_HINT)
        return Answer({"thread": ephemeral, "readState": None})
    with call.lend(thread_id, f"thread not loaded: {thread_id}") as opened:
        turns = tuple(opened.thread.all_turns()) if given.include_turns else ()
        return Answer({"thread": shown_thread(call.server, opened.summary(), turns), "readState": None})


def list_turns(call: Call, given: takes.TurnsList) -> Answer:
    """Return one page of turns, newest first unless told otherwise."""
    thread_id = call.thread_id(given.thread_id)
    _refuse_ephemeral(call, thread_id)
    limit = given.limit if given.limit is not None else DEFAULT_LIMIT
    direction = given.sort_direction or SortDirection.DESC
    view = given.items_view or ItemsView.SUMMARY

    with call.lend(thread_id, f"thread not loaded: {thread_id}") as opened:

        def read() -> Raw:
            page = opened.thread.turns(limit=limit, cursor=given.cursor, direction=direction, view=view)
            return encode_value(page)

        return Answer(opened.page(f"turns {limit} {direction} {view} {given.cursor}", read))


def list_items(call: Call, given: takes.ItemsList) -> Answer:
    """Return one page of items, oldest first unless told otherwise."""
    thread_id = call.thread_id(given.thread_id)
    _refuse_ephemeral(call, thread_id)
    limit = given.limit if given.limit is not None else DEFAULT_LIMIT
    direction = given.sort_direction or SortDirection.ASC
    if isinstance(given.cursor, takes.ItemAnchor) and given.turn_id is None:
        raise Refusal(INVALID_PARAMS, "turnId is required when cursor is an item anchor")
    with call.lend(thread_id, call.not_supported()) as opened:
        if not opened.is_paginated:
            raise call.not_supported()

        def read() -> Raw:
            cursor = given.cursor
            if isinstance(cursor, takes.ItemAnchor):
                page = _page_behind(opened, given, cursor.item_id, limit, direction)
            else:
                page = _page(opened, given.turn_id, limit, cursor, direction)
            return encode_value(_entries(page, given.defer_output))

        key = f"items {limit} {direction} {given.turn_id} {given.cursor} {given.defer_output}"
        return Answer(opened.page(key, read))


def read_items(call: Call, given: takes.ItemsRead) -> Answer:
    """Return items of one turn by their ids, in the order they are stored in."""
    thread_id = call.thread_id(given.thread_id)
    if not 1 <= len(given.item_ids) <= _MOST_ITEM_IDS:
        raise call.invalid(f"itemIds must contain 1 to {_MOST_ITEM_IDS} IDs")
    wanted = frozenset(given.item_ids)
    with call.lend(thread_id, call.not_supported()) as opened:
        if not opened.is_paginated:
            raise call.not_supported()
        found = [one for one in _items_of(opened, given.turn_id) if one.item.id in wanted]
    return Answer({"data": [_entry(one, None) for one in found]})


def _refuse_ephemeral(call: Call, thread_id: Any) -> None:
    if call.server.loaded.ephemeral(thread_id) is not None:
        raise call.unfit(f"ephemeral threads do not support {call.method}", EPHEMERAL_HINT)


def _page(
    opened: Opened, turn_id: str | None, limit: int, cursor: str | None, direction: SortDirection
) -> Page[TurnItem]:
    """Return a page of items; an empty one for a turn that is not there."""
    try:
        return opened.thread.items(turn_id=turn_id, limit=limit, cursor=cursor, direction=direction)
    except NotFound:
        return Page([], None, None)


def _items_of(opened: Opened, turn_id: str) -> list[TurnItem]:
    """Return all items of one turn, oldest first."""
    found: list[TurnItem] = []
    cursor: str | None = None
    while True:
        page = _page(opened, turn_id, _WHOLE_PAGE, cursor, SortDirection.ASC)
        found += page.data
        cursor = page.next_cursor
        if cursor is None:
            return found


def _page_behind(
    opened: Opened, given: takes.ItemsList, item_id: str, limit: int, direction: SortDirection
) -> Page[TurnItem]:
    """Return the page of a turn's items that begins behind one of them, in the page's direction."""
    cursor: str | None = None
    while True:
        page = _page(opened, given.turn_id, _WHOLE_PAGE, cursor, direction)
        place = next((at for at, one in enumerate(page.data) if one.item.id == item_id), None)
        if place is not None:
            # The page that ends with the item gives the cursor that goes on behind it.
            upto = _page(opened, given.turn_id, place + 1, cursor, direction)
            if upto.next_cursor is None:
                return Page([], None, None)
            return _page(opened, given.turn_id, limit, upto.next_cursor, direction)
        cursor = page.next_cursor
        if cursor is None:
            message = "cursor.itemId does not identify an item in the requested history scope"
            hint = "See which items the turn has with thread/items/list, without a cursor."
            raise refusal(INVALID_PARAMS, message, "not_found", hint)


def _entries(page: Page[TurnItem], deferral: takes.OutputDeferral | None) -> dict[str, Any]:
    shown = {
        "data": [_entry(one, deferral) for one in page.data],
        "nextCursor": page.next_cursor,
        "backwardsCursor": page.backwards_cursor,
    }
    return shown | ({"rollout": page.rollout} if page.rollout is not UNSET else {})


def _entry(found: TurnItem, deferral: takes.OutputDeferral | None) -> ItemEntry:
    item = found.item
    shorter = _without_output(item, deferral) if deferral is not None else None
    if shorter is None:
        return ItemEntry(found.turn_id, item, found.started_at_ms, found.completed_at_ms)
    return ItemEntry(found.turn_id, shorter, found.started_at_ms, found.completed_at_ms, True)


def _without_output(item: ThreadItem, deferral: takes.OutputDeferral) -> ThreadItem | None:
    """Return an item without its saved output; None where there is none that may be left out."""
    if isinstance(item, CommandExecution) and deferral.command_execution:
        if item.status == CallStatus.COMPLETED and item.aggregated_output is not None:
            return msgspec.structs.replace(item, aggregated_output=None)
    elif isinstance(item, McpToolCall) and deferral.mcp_tool_call:
        result = item.result
        if result is not None and result.content and all(map(_is_text, result.content)):
            return msgspec.structs.replace(item, result=msgspec.structs.replace(result, content=()))
    return None


class _Part(Struct, frozen=True):
    type: str = ""


_decode_part: Final[Callable[[Raw], _Part]] = decoder_of(_Part)


def _is_text(part: Raw) -> bool:
    return _decode_part(part).type == "text"
