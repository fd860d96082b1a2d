"""Searches over what was said: which threads say it, and where one thread does.

Literal, whatever the case of the letters. Contract: docs/protocol.md, "Methods".
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from rollout.appserver import params as takes
from rollout.appserver.call import Answer, Call
from rollout.appserver.listing import INTERACTIVE, SORTS
from rollout.appserver.shapes import shown_thread
from rollout.catalog.query import ThreadFilter
from rollout.format.decoding import decode_json
from rollout.replay.sealed import SealWatch, refuse_broken
from rollout.store.listing import ListRequest
from rollout.store.places import SortKey
from rollout.store.projecting import project
from rollout.store.spoken import SpokenPlace, letters_of
from rollout.store.thread import Thread
from rollout.turns.items import AgentMessage, ThreadItem, UserMessage
from rollout.turns.paging import DEFAULT_LIMIT, Scope, SortDirection, make_ordinal_cursor
from rollout.turns.parts import TextInput
from rollout.turns.rows import in_order, shown_item
from rollout.turns.words import MessagePhase

_BEFORE_CHARS: Final = 49
_BEHIND_CHARS: Final = 96
_SPACE: Final = re.compile(r"\s+")
_OCCURRENCES: Final = 50
_MOST_OCCURRENCES: Final = 250


class Snippet(Struct, frozen=True):
    """A match with what stands around it; start and end in UTF-16 units of the text."""

    text: str
    start: int
    end: int


def search_threads(call: Call, given: takes.ThreadSearch) -> Answer:
    """Return one page of the threads in whose own newest rollout the term was said."""
    term = _term(call, given.search_term)
    request = ListRequest(
        given.limit if given.limit is not None else DEFAULT_LIMIT,
        given.cursor,
        SORTS[takes.ThreadSortKey(given.sort_key)] if given.sort_key is not None else SortKey.CREATED,
        given.sort_direction or SortDirection.DESC,
        bool(given.archived),
        ThreadFilter(source_kinds=tuple(kind.value for kind in given.source_kinds or ()) or INTERACTIVE),
    )
    page = call.server.store.catalog.search_spoken(request, term)
    data = [
        {"thread": shown_thread(call.server, found.summary), "snippet": shown_place(found.place)}
        for found in page.data
    ]
    return Answer({"data": data, "nextCursor": page.next_cursor, "backwardsCursor": page.backwards_cursor})


def _term(call: Call, given: str) -> str:
    term = given.strip()
    if not term:
        raise call.invalid(f"{call.method} requires a non-empty searchTerm")
    return term


def shown_place(place: SpokenPlace) -> str:
    """Return a match with some of what stands around it on one line; ends that are cut are marked."""
    before = _on_one_line(place.text[: place.start]).lstrip()
    behind = _on_one_line(place.text[place.end :]).rstrip()
    head = before if len(before) <= _BEFORE_CHARS else "... " + before[-_BEFORE_CHARS:].lstrip()
    tail = behind if len(behind) <= _BEHIND_CHARS else behind[:_BEHIND_CHARS].rstrip() + " ..."
    return head + _on_one_line(place.text[place.start : place.end]) + tail


def _on_one_line(text: str) -> str:
    return _SPACE.sub(" ", text)


def snippet_of(text: str, match: re.Match[str]) -> Snippet:
    """Return a match with some of what stands around it; ends that are cut are marked."""
    first, last = max(0, match.start() - _BEFORE_CHARS), match.end() + _BEHIND_CHARS
    head = ("... " if first > 0 else "") + text[first : match.start()]
    shown = head + match.group() + text[match.end() : last] + (" ..." if last < len(text) else "")
    start = _units(head)
    return Snippet(shown, start, start + _units(match.group()))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class OccurrenceCursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The occurrence that the next page begins with."""

    thread_id: str
    search_term: str
    next_rollout_ordinal: int
    next_occurrence_index: int


class _Text(Struct, frozen=True):
    """What an item says, where it stands, and the cursor of its turn."""

    ordinal: int
    turn_id: str
    item_id: str
    text: str
    turn_cursor: str


def search_occurrences(call: Call, given: takes.SearchOccurrences) -> Answer:
    """Return one page of the places where a thread says the term, oldest first."""
    _term(call, given.search_term)
    pattern = letters_of(given.search_term)
    thread_id = call.thread_id(given.thread_id)
    limit = given.limit if given.limit is not None else _OCCURRENCES
    size = max(1, min(limit, _MOST_OCCURRENCES))
    with call.lend(thread_id, call.not_supported()) as opened:
        if not opened.thread.lineage.is_paginated:
            raise call.not_supported()
        start = _occurrence_start(call, thread_id, given)
        texts = opened.hold("texts", lambda: _texts(opened.thread))
    found: list[dict[str, Any]] = []
    for one in texts:
        if one.ordinal < start.next_rollout_ordinal:
            continue
        skipped = start.next_occurrence_index if one.ordinal == start.next_rollout_ordinal else 0
        for index, match in enumerate(pattern.finditer(one.text)):
            if index < skipped:
                continue
            if len(found) == size:
                cursor = OccurrenceCursor(thread_id, given.search_term, one.ordinal, index)
                return Answer({"data": found, "nextCursor": msgspec.json.encode(cursor).decode()})
            found.append(_occurrence(one, match))
    return Answer({"data": found, "nextCursor": None})


def _occurrence_start(call: Call, thread_id: str, given: takes.SearchOccurrences) -> OccurrenceCursor:
    if given.cursor is None:
        return OccurrenceCursor(thread_id, given.search_term, 0, 0)
    found = decode_json(given.cursor.encode("utf-8", "replace"), OccurrenceCursor)
    if found is None or (found.thread_id, found.search_term) != (thread_id, given.search_term):
        raise call.bad_cursor(f"invalid cursor: {given.cursor}")
    return found


def _texts(thread: Thread) -> list[_Text]:
    """Return what the items of a thread say, in their order."""
    lineage = thread.lineage
    seals = SealWatch(lineage)
    projection = project(lineage, seals)
    refuse_broken(lineage.thread_id, seals.find_broken())
    cursors = {
        row.turn_id: make_ordinal_cursor(thread.id, Scope.TURNS, row.ordinal or 0, includes_anchor=True)
        for row in projection.turns()
    }
    found: list[_Text] = []
    for row in in_order(projection.items()):
        entry = shown_item(row)
        text = _text_of(entry.item) if entry is not None else ""
        if text and row.turn_id in cursors:
            found.append(_Text(row.ordinal, row.turn_id, row.id, text, cursors[row.turn_id]))
    return found


def _text_of(item: ThreadItem) -> str:
    if isinstance(item, UserMessage):
        return "\n".join(part.text for part in item.content if isinstance(part, TextInput))
    if isinstance(item, AgentMessage) and item.phase != MessagePhase.COMMENTARY:
        return item.text
    return ""


def _occurrence(one: _Text, match: re.Match[str]) -> dict[str, Any]:
    snippet = snippet_of(one.text, match)
    return {
        "turnId": one.turn_id,
        "itemId": one.item_id,
        "snippet": snippet.text,
        "snippetMatchRange": {"start": snippet.start, "end": snippet.end},
        "turnCursor": one.turn_cursor,
    }
