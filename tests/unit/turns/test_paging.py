"""Pages and cursors: sizes, anchors, both directions, and what a cursor is refused for."""

from __future__ import annotations

import json

import pytest

from rollout.errors import InvalidCursor
from rollout.turns.paging import (
    Page,
    PageRequest,
    Scope,
    SortDirection,
    invalid_anchor,
    make_ordinal_cursor,
    make_row_cursor,
    parse_ordinal_cursor,
    parse_row_cursor,
    slice_rows,
)
from tests.builders import uuid

HERE, THERE = uuid(1), uuid(2)
ORDINAL = {
    "requestedThreadId": HERE,
    "rolloutOrdinal": 3,
    "includeAnchor": True,
    "scope": {"kind": "turns"},
}
ROW = {"turnId": "t", "includeAnchor": True, "threadId": HERE}
ASC, DESC = SortDirection.ASC, SortDirection.DESC


def page(start: int | None, limit: int, direction: SortDirection, rows: str = "abcde") -> Page[str]:
    """Slice letters; a cursor is the letter, marked if it excludes it."""
    request = PageRequest(limit, None, direction)
    return slice_rows(rows, start, request, lambda row, includes: row if includes else f"{row}!")


@pytest.mark.parametrize(
    ("limit", "size"), [(-5, 1), (0, 1), (1, 1), (25, 25), (100, 100), (101, 100), (10**9, 100)]
)
def test_the_limit_is_clamped(limit: int, size: int) -> None:
    """To 1-100."""
    assert PageRequest(limit).size == size


def test_the_default_is_twenty_five_newest_first() -> None:
    """As the reference client has it for turns."""
    assert (PageRequest().size, PageRequest().direction) == (25, DESC)


@pytest.mark.parametrize(
    ("start", "limit", "direction", "expected"),
    [
        (None, 2, DESC, Page(["e", "d"], "d!", "e")),
        (None, 2, ASC, Page(["a", "b"], "b!", "a")),
        (2, 2, DESC, Page(["c", "b"], "b!", "c")),
        (2, 2, ASC, Page(["c", "d"], "d!", "c")),
        (2, 3, DESC, Page(["c", "b", "a"], None, "c")),
        (2, 3, ASC, Page(["c", "d", "e"], None, "c")),
        (None, 9, DESC, Page(list("edcba"), None, "e")),
        (-1, 2, DESC, Page([], None, None)),
        (5, 2, ASC, Page([], None, None)),
    ],
)
def test_a_page_is_a_slice(
    start: int | None, limit: int, direction: SortDirection, expected: Page[str]
) -> None:
    """The next cursor excludes the last row and is null at the end; the backwards one names the first."""
    assert page(start, limit, direction) == expected


@pytest.mark.parametrize("direction", [ASC, DESC])
def test_a_page_of_nothing_has_no_cursors(direction: SortDirection) -> None:
    """There is no row to name."""
    assert page(None, 2, direction, rows="") == Page([], None, None)


@pytest.mark.parametrize("scope", list(Scope))
def test_an_ordinal_cursor_reads_back(scope: Scope) -> None:
    """It carries thread, scope, ordinal, and whether it includes it."""
    text = make_ordinal_cursor(HERE, scope, 7, includes_anchor=False)
    found = parse_ordinal_cursor(text, HERE, scope)
    assert (found.rollout_ordinal, found.include_anchor) == (7, False)


def test_an_ordinal_cursor_is_the_clients() -> None:
    """The same members under the same names."""
    assert json.loads(make_ordinal_cursor(HERE, Scope.TURNS, 3, includes_anchor=True)) == ORDINAL


def test_a_row_cursor_reads_back() -> None:
    """It carries the thread too, which the client's does not."""
    found = parse_row_cursor(make_row_cursor(HERE, "t", "i", includes_anchor=True), HERE, wants_item=True)
    assert (found.turn_id, found.item_id, found.include_anchor) == ("t", "i", True)
    assert json.loads(make_row_cursor(HERE, "t", None, includes_anchor=True)) == ROW


def test_a_row_cursor_of_the_client_is_accepted() -> None:
    """It names no thread, so none is compared."""
    text = json.dumps({"turnId": "t", "includeAnchor": False})
    assert parse_row_cursor(text, HERE, wants_item=False).turn_id == "t"


JUNK = ["", "junk", "{}", "null", "[]", "3", '"x"', "\ud800", "{" * 5000]


@pytest.mark.parametrize("text", JUNK)
def test_junk_is_refused(text: str) -> None:
    """Whatever was sent, the error quotes the beginning of it."""
    for parse in (
        lambda: parse_ordinal_cursor(text, HERE, Scope.TURNS),
        lambda: parse_row_cursor(text, HERE, wants_item=False),
    ):
        with pytest.raises(InvalidCursor, match=r"^invalid cursor: ") as caught:
            parse()
        assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    "edit",
    [
        {"requestedThreadId": THERE},
        {"requestedThreadId": 1},
        {"rolloutOrdinal": -1},
        {"rolloutOrdinal": 3.5},
        {"rolloutOrdinal": "3"},
        {"rolloutOrdinal": None},
        {"includeAnchor": 1},
        {"includeAnchor": None},
        {"scope": "turns"},
        {"scope": {"kind": "itemsByCreatedAtOrdinal"}},
        {"scope": {"kind": "itemsByUpdatedAtOrdinal"}},
        {"extra": 1},
    ],
    ids=str,
)
def test_an_edited_ordinal_cursor_is_refused(edit: dict[str, object]) -> None:
    """Another thread, another scope, another form."""
    with pytest.raises(InvalidCursor):
        parse_ordinal_cursor(json.dumps(ORDINAL | edit), HERE, Scope.TURNS)


@pytest.mark.parametrize("member", list(ORDINAL))
def test_an_ordinal_cursor_without_a_member_is_refused(member: str) -> None:
    """All four are needed."""
    rest = {key: value for key, value in ORDINAL.items() if key != member}
    with pytest.raises(InvalidCursor):
        parse_ordinal_cursor(json.dumps(rest), HERE, Scope.TURNS)


@pytest.mark.parametrize(
    "edit",
    [
        {"threadId": THERE},
        {"turnId": 1},
        {"turnId": None},
        {"includeAnchor": "yes"},
        {"itemId": "i"},
        {"extra": 1},
    ],
    ids=str,
)
def test_an_edited_row_cursor_is_refused(edit: dict[str, object]) -> None:
    """Another thread, the other scope, another form."""
    with pytest.raises(InvalidCursor):
        parse_row_cursor(json.dumps(ROW | edit), HERE, wants_item=False)


def test_a_cursor_of_turns_pages_no_items() -> None:
    """A row of items has an item."""
    with pytest.raises(InvalidCursor, match="it pages turns, not items"):
        parse_row_cursor(json.dumps(ROW), HERE, wants_item=True)


def test_cursors_of_the_two_kinds_of_thread_are_told_apart() -> None:
    """Neither is read as the other."""
    with pytest.raises(InvalidCursor, match="not a cursor of a paginated thread"):
        parse_ordinal_cursor(json.dumps(ROW), HERE, Scope.TURNS)
    with pytest.raises(InvalidCursor, match="not a cursor of a legacy thread"):
        parse_row_cursor(json.dumps(ORDINAL), HERE, wants_item=False)


def test_an_anchor_that_is_gone_says_so() -> None:
    """Its turn was rolled back."""
    assert "anchor turn is no longer present" in invalid_anchor("x").message
