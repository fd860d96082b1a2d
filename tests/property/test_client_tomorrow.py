"""A client of today reads the answers of a server of tomorrow: what is unknown is kept, the rest is read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from rollout.client.following import Followed
from rollout.client.lenient import decode_answer
from rollout.turns.items import ThreadItem, item_type
from rollout.turns.model import Turn
from rollout.turns.paging import Page
from rollout.turns.unknown import UnknownItem
from tests.unit.turns.test_items import load_vectors

KNOWN = [json.loads(bytes(vector.wire)) for vector in load_vectors() if bytes(vector.wire) != b"null"]
KINDS = {item["type"] for item in KNOWN}

words = st.text("abcdefgh", min_size=1, max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
others = st.dictionaries(words.map(lambda word: f"tomorrow_{word}"), values, max_size=3)


@st.composite
def unknown_items(draw: st.DrawFn) -> dict[str, Any]:
    """Return an item of a kind that nobody knows yet."""
    kind = draw(words.filter(lambda word: word not in KINDS))
    return {
        "type": kind,
        "id": draw(words),
        **draw(others),
        "startedAtMs": draw(st.none() | st.integers(0, 9)),
    }


@st.composite
def altered_items(draw: st.DrawFn) -> dict[str, Any]:
    """Return a known item in which any one value, however deep, became another."""
    item = json.loads(json.dumps(draw(st.sampled_from(KNOWN))))
    inside: Any = item
    while True:
        key = draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(len(inside))))
        if not isinstance(inside[key], dict | list) or not inside[key] or draw(st.booleans()):
            inside[key] = draw(values)
            return item
        inside = inside[key]


def page_of(items: list[dict[str, Any]], more: dict[str, Any], status: str) -> bytes:
    """Return a page of one turn as a server sends it."""
    turn = {
        "id": "t1", "rootTurnId": None, "itemsView": "full", "status": status, "error": None,
        "startedAt": 1, "completedAt": 2.5, "durationMs": None, "items": items, **more,
    }  # fmt: skip
    return json.dumps({"data": [turn], "nextCursor": "c", "backwardsCursor": None, **more}).encode()


def read(page: bytes) -> Turn:
    """Return the turn of a page, as the client reads it."""
    found = decode_answer(page, Page[Turn])
    assert found.next_cursor == "c"
    return found.data[0]


@given(st.lists(st.sampled_from(KNOWN) | unknown_items(), max_size=6), others, words)
def test_what_is_unknown_is_kept_and_the_rest_is_read(
    items: list[dict[str, Any]], more: dict[str, Any], status: str
) -> None:
    """Kinds of items, members of any object and words of enums, all at once."""
    turn = read(page_of([{**item, **more} for item in items], more, status))
    assert turn.status == turn.status.value == status
    for found, item in zip(turn.items, items, strict=True):
        if item["type"] in KINDS:
            assert found == msgspec.json.decode(json.dumps(item), type=ThreadItem)
        else:
            assert isinstance(found, UnknownItem)
            assert json.loads(bytes(found.members)) == {**item, **more}
            assert (found.id, item_type(found)) == (item["id"], item["type"])
            assert found.started_at_ms == item["startedAtMs"]


@given(altered_items())
def test_whatever_becomes_of_an_item_costs_no_other(item: dict[str, Any]) -> None:
    """A known kind with members of another sort is kept whole; so its neighbours are read as ever."""
    turn = read(page_of([KNOWN[0], item, KNOWN[-1]], {}, "completed"))
    first, found, last = turn.items
    assert [first, last] == msgspec.json.decode(json.dumps([KNOWN[0], KNOWN[-1]]), type=list[ThreadItem])
    if isinstance(found, UnknownItem):
        assert json.loads(bytes(found.members)) == item
    else:
        assert item_type(found) == item["type"]


@given(others, values)
def test_what_is_told_of_a_record_may_grow(more: dict[str, Any], record: Any) -> None:
    """Records are carried as they are stored, whatever a later server says of them besides."""
    position = {"rolloutId": "r", "endOffset": 9, **more}
    stored = {"ordinal": None, "startOffset": 0, "endOffset": 9, "record": record, "damage": None, **more}
    told = {
        "threadId": "t",
        "rolloutId": "r",
        "records": [stored],
        "turnIds": [],
        "position": position,
        **more,
    }
    found = decode_answer(Raw(json.dumps(told).encode()), Followed)
    assert json.loads(bytes(found.records[0].record)) == record
