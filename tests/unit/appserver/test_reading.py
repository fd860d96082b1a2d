"""Reading one thread: itself, its turns and items by page, by anchor and by id."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import Rollout, thread, uuid
from tests.served import RefusedError, paged, serve

T = uuid(1)


def five_turns(mode: str = "paginated") -> Rollout:
    """Return a thread of five turns."""
    rollout = thread(mode=mode)
    for number in range(5):
        rollout.turn(f"question {number}", f"answer {number}")
    return rollout


def ids(page: dict[str, Any]) -> list[str]:
    """Return the ids of the turns of a page."""
    return [turn["id"] for turn in page["data"]]


def test_a_thread_is_read_without_turns_unless_they_are_asked_for() -> None:
    """The short answer is the usual one."""
    served = serve(five_turns())
    assert served.ask("thread/read", threadId=T)["thread"]["turns"] == []
    turns = served.ask("thread/read", threadId=T, includeTurns=True)["thread"]["turns"]
    assert [(turn["id"], turn["itemsView"]) for turn in turns] == [(f"t{n}", "full") for n in range(1, 6)]


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_turns_come_newest_first_as_summaries(mode: str) -> None:
    """That is what a client scrolls through."""
    page = serve(five_turns(mode)).ask("thread/turns/list", threadId=T, limit=2)
    assert ids(page) == ["t5", "t4"]
    assert {turn["itemsView"] for turn in page["data"]} == {"summary"}


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_turns_add_up(mode: str, direction: str, limit: int) -> None:
    """Every turn once, in order, whatever the size of the page."""
    found = paged(
        serve(five_turns(mode)), "thread/turns/list", threadId=T, limit=limit, sortDirection=direction
    )
    expected = [f"t{n}" for n in range(1, 6)]
    assert [turn["id"] for turn in found] == (expected if direction == "asc" else expected[::-1])


def test_a_backwards_cursor_begins_with_the_first_entry() -> None:
    """Read the other way, it leads to what came after."""
    served = serve(five_turns())
    first = served.ask("thread/turns/list", threadId=T, limit=2)
    second = served.ask("thread/turns/list", threadId=T, limit=2, cursor=first["nextCursor"])
    back = served.ask("thread/turns/list", threadId=T, cursor=second["backwardsCursor"], sortDirection="asc")
    assert ids(back) == ["t3", "t4", "t5"]


@pytest.mark.parametrize(("limit", "size"), [(0, 1), (2**32 - 1, 5)])
def test_limits_are_clamped(limit: int, size: int) -> None:
    """None is one, and too many is the most."""
    assert len(serve(five_turns()).ask("thread/turns/list", threadId=T, limit=limit)["data"]) == size


@pytest.mark.parametrize("cursor", ["", "junk", '{"threadId":1}'])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    """Whoever made it up is told so."""
    with pytest.raises(RefusedError, match=r"^-32600 invalid cursor: "):
        serve(five_turns()).ask("thread/turns/list", threadId=T, cursor=cursor)


def test_a_cursor_of_another_thread_is_refused() -> None:
    """A page is never built from the wrong thread."""
    served = serve(five_turns(), thread(2).turn("a").turn("b"))
    foreign = served.ask("thread/turns/list", threadId=T, limit=1)["nextCursor"]
    with pytest.raises(RefusedError, match="invalid cursor"):
        served.ask("thread/turns/list", threadId=uuid(2), cursor=foreign)


def test_a_cursor_of_turns_does_not_page_items() -> None:
    """Nor the reverse: each says what it pages."""
    served = serve(five_turns())
    cursor = served.ask("thread/turns/list", threadId=T, limit=1)["nextCursor"]
    with pytest.raises(RefusedError, match="invalid cursor"):
        served.ask("thread/items/list", threadId=T, cursor=cursor)


def test_a_page_that_was_read_before_is_the_same() -> None:
    """What is kept of a thread is what a fresh reading gives."""
    served = serve(five_turns())
    first = [served.ask("thread/turns/list", threadId=T, limit=2) for _ in range(3)]
    assert (
        first[0] == first[1] == first[2] == serve(five_turns()).ask("thread/turns/list", threadId=T, limit=2)
    )


def test_items_come_oldest_first() -> None:
    """In the order in which they appeared."""
    page = serve(five_turns()).ask("thread/items/list", threadId=T, limit=3)
    assert [entry["item"]["id"] for entry in page["data"]] == ["t1-asked", "t1-said", "t2-asked"]
    assert page["data"][0].keys() == {"turnId", "item", "startedAtMs", "completedAtMs"}


def test_items_of_an_unknown_turn_are_none() -> None:
    """An empty page, and no error: the turn may be reverted."""
    found = serve(five_turns()).ask("thread/items/list", threadId=T, turnId="lost")
    assert found == {"data": [], "nextCursor": None, "backwardsCursor": None}


@pytest.mark.parametrize("method", ["thread/items/list", "thread/timeline/list"])
def test_legacy_threads_have_no_such_pages(method: str) -> None:
    """A client falls back to turns when it reads this."""
    with pytest.raises(RefusedError, match=rf"^-32601 {method} is not supported yet$"):
        serve(five_turns("legacy")).ask(method, threadId=T)


@pytest.mark.parametrize(("direction", "left"), [("asc", ["t2-said"]), ("desc", [])])
def test_an_item_anchors_a_page_of_its_turn(direction: str, left: list[str]) -> None:
    """The page goes on behind it, without it."""
    page = serve(five_turns()).ask(
        "thread/items/list",
        threadId=T,
        turnId="t2",
        cursor={"type": "item", "itemId": "t2-asked"},
        sortDirection=direction,
    )
    assert [entry["item"]["id"] for entry in page["data"]] == left


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "turnId is required when cursor is an item anchor"),
        ({"turnId": "t1"}, "cursor.itemId does not identify an item in the requested history scope"),
    ],
)
def test_an_anchor_needs_its_turn(params: dict[str, str], message: str) -> None:
    """Ids of items are those of their turn."""
    with pytest.raises(RefusedError) as refused:
        serve(five_turns()).ask(
            "thread/items/list", threadId=T, cursor={"type": "item", "itemId": "t2-asked"}, **params
        )
    assert (refused.value.code, refused.value.message) == (-32602, message)


def test_items_are_read_by_id_in_stored_order_once() -> None:
    """Unknown ids are passed over."""
    found = serve(five_turns()).ask(
        "thread/items/read", threadId=T, turnId="t2", itemIds=["t2-said", "lost", "t2-asked", "t2-said"]
    )
    assert [entry["item"]["id"] for entry in found["data"]] == ["t2-asked", "t2-said"]


@pytest.mark.parametrize("count", [0, 101])
def test_a_hundred_items_are_read_at_once_and_no_more(count: int) -> None:
    """A request has a bound."""
    with pytest.raises(RefusedError, match="itemIds must contain 1 to 100 IDs"):
        serve(five_turns()).ask("thread/items/read", threadId=T, turnId="t1", itemIds=["x"] * count)


def test_saved_output_may_be_left_out() -> None:
    """Of commands that succeeded; the entry says so, and others have no such member."""
    rollout = thread().start("t1")
    for number, status in enumerate(("completed", "failed")):
        rollout.event(
            "item_completed",
            turn_id="t1",
            item={
                "type": "CommandExecution",
                "id": f"c{number}",
                "command": ["ls"],
                "cwd": "file:///src",
                "parsed_cmd": [],
                "source": "agent",
                "status": status,
                "aggregated_output": "much",
                "exit_code": number,
            },
        )
    served = serve(rollout.end("t1"))
    page = served.ask("thread/items/list", threadId=T, deferOutput={"commandExecution": True})
    shown = [(one["item"]["aggregatedOutput"], one.get("outputDeferred")) for one in page["data"]]
    assert shown == [(None, True), ("much", None)]


def test_the_timeline_is_in_order_of_records() -> None:
    """Starts, items and ends of turns, the newest page first, ascending within."""
    served = serve(five_turns())
    whole = served.ask("thread/timeline/list", threadId=T, limit=100)["data"]
    assert [one["type"] for one in whole[:4]] == ["turnStarted", "item", "item", "turnCompleted"]
    assert [one["position"] for one in whole] == sorted(one["position"] for one in whole)
    pieces: list[Any] = []
    cursor: str | None = None
    while True:
        page = served.ask(
            "thread/timeline/list", threadId=T, limit=3, **({"cursor": cursor} if cursor else {})
        )
        pieces = page["data"] + pieces
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert pieces == whole


@pytest.mark.parametrize("cursor", ["", "{}", "junk"])
def test_a_bad_cursor_of_a_timeline_is_refused(cursor: str) -> None:
    """In the words that clients know."""
    with pytest.raises(RefusedError, match=r"^-32600 invalid thread timeline cursor$"):
        serve(five_turns()).ask("thread/timeline/list", threadId=T, cursor=cursor)


def test_a_timeline_cursor_stays_with_its_thread() -> None:
    """A position means nothing elsewhere."""
    served = serve(five_turns(), thread(2).turn("a"))
    cursor = served.ask("thread/timeline/list", threadId=T, limit=1)["nextCursor"]
    with pytest.raises(RefusedError, match="thread timeline cursor belongs to another thread"):
        served.ask("thread/timeline/list", threadId=uuid(2), cursor=cursor)


@pytest.mark.parametrize(
    ("method", "code", "message"),
    [
        ("thread/read", -32600, "thread not loaded: {}"),
        ("thread/turns/list", -32600, "thread not loaded: {}"),
        ("thread/items/list", -32601, "thread/items/list is not supported yet"),
        ("thread/timeline/list", -32601, "thread/timeline/list is not supported yet"),
        ("thread/resume", -32600, "no rollout found for thread id {}"),
        ("thread/fork", -32600, "no rollout found for thread id {}"),
        ("thread/archive", -32600, "no rollout found for thread id {}"),
        ("thread/unarchive", -32600, "no archived rollout found for thread id {}"),
        ("thread/delete", -32600, "no rollout found for thread id {}"),
        ("rollout/context/read", -32600, "no rollout found for thread id {}"),
        ("rollout/thread/watch", -32600, "no rollout found for thread id {}"),
    ],
)
def test_an_unknown_thread_is_refused_in_each_methods_words(method: str, code: int, message: str) -> None:
    """Clients match on them, inconsistent as they are."""
    with pytest.raises(RefusedError) as refused:
        serve(five_turns()).ask(method, threadId=uuid(9))
    assert (refused.value.code, refused.value.message) == (code, message.format(uuid(9)))
