"""Listings and searches: which threads are shown, in which order, under which filter."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import Rollout, thread, uuid
from tests.served import RefusedError, Served, paged, serve


def ids(page: dict[str, Any]) -> list[str]:
    """Return the ids of the threads of a page."""
    return [one["id"] for one in page["data"]]


def many() -> list[Rollout]:
    """Return six threads, the second and fifth of them empty, the fourth of a one-shot run."""
    made: list[Rollout] = []
    for number in range(1, 7):
        members = {"timestamp": f"2026-11-21T04:{number - 1:02d}:00.000Z"}
        rollout = thread(number, source="exec" if number == 4 else "cli", **members)
        made.append(rollout if number in {2, 5} else rollout.turn(f"question {number}"))
    return made


def served_many() -> Served:
    """Return a server over the six, each named and made at its own minute."""
    served = serve()
    for number, rollout in enumerate(many()):
        served.put(rollout, stamp=f"2026-11-21T04-{number:02d}-00")
    return served


def test_threads_come_newest_first_and_only_interactive_ones_with_words() -> None:
    """What was never asked anything is not listed; one-shot runs are asked for by name."""
    served = served_many()
    assert ids(served.ask("thread/list")) == [uuid(6), uuid(3), uuid(1)]
    assert ids(served.ask("thread/list", sourceKinds=["exec"])) == [uuid(4)]


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_of_threads_add_up_over_what_is_left_out(limit: int, direction: str) -> None:
    """A page is full although threads between are not shown."""
    served = served_many()
    found = paged(served, "thread/list", limit=limit, sortDirection=direction, sourceKinds=["cli", "exec"])
    expected = [uuid(1), uuid(3), uuid(4), uuid(6)]
    assert [one["id"] for one in found] == (expected if direction == "asc" else expected[::-1])


def test_a_backwards_cursor_begins_with_what_is_shown() -> None:
    """Not with a thread before it that is left out."""
    served = served_many()
    page = served.ask("thread/list", limit=1, excludedThreadIds=[uuid(6)])
    assert ids(page) == [uuid(3)]
    back = served.ask("thread/list", cursor=page["backwardsCursor"], sortDirection="asc")
    assert ids(back) == [uuid(3), uuid(6)]


def test_a_list_without_anything_has_null_cursors() -> None:
    """There is nowhere to go on."""
    assert serve().ask("thread/list") == {
        "data": [],
        "nextCursor": None,
        "backwardsCursor": None,
        "readStates": None,
    }


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"cwd": "/src/app/"}, 3),
        ({"cwd": ["/src", "/src/app"]}, 3),
        ({"cwd": []}, 0),
        ({"cwd": "/src"}, 0),
        ({"searchTerm": "question 3"}, 1),
        ({"searchTerm": "QUESTION 3"}, 0),
        ({"searchTerm": ""}, 3),
        ({"modelProviders": []}, 3),
        ({"modelProviders": ["nobody"]}, 0),
        ({"sectionId": "x"}, 0),
        ({"parentThreadId": uuid(1)}, 0),
        ({"ancestorThreadId": uuid(9)}, 0),
        ({"archived": None}, 3),
        ({"archived": True}, 0),
    ],
)
def test_filters_let_through_what_they_say(params: dict[str, object], expected: int) -> None:
    """Each is one rule of the protocol."""
    assert len(served_many().ask("thread/list", **params)["data"]) == expected


def test_a_configured_provider_is_the_only_one_listed() -> None:
    """Unless a client names others, or all."""
    served = serve(
        thread(1, model_provider="ours").turn("a"),
        thread(2, model_provider="theirs").turn("b"),
        provider="ours",
    )
    assert ids(served.ask("thread/list")) == [uuid(1)]
    assert len(served.ask("thread/list", modelProviders=[])["data"]) == 2


def test_spawned_threads_are_listed_below_their_parent() -> None:
    """Whatever their source; a thread lists only its own."""
    spawn = {"subagent": {"thread_spawn": {"parent_thread_id": uuid(1), "depth": 1}}}
    served = serve(thread(1).turn("a"), thread(2, source=spawn).turn("b"))
    assert ids(served.ask("thread/list")) == [uuid(1)]
    assert ids(served.ask("thread/list", parentThreadId=uuid(1))) == [uuid(2)]
    assert ids(served.ask("thread/list", ancestorThreadId=uuid(1))) == [uuid(2)]


@pytest.mark.parametrize(
    ("params", "code", "told"),
    [
        ({"cursor": "junk"}, -32600, "invalid cursor: junk"),
        ({"excludedThreadIds": [uuid(1)] * 101}, -32602, "excludedThreadIds accepts at most 100 entries"),
        ({"excludedThreadIds": ["x"]}, -32602, "invalid excluded thread id: "),
        ({"originators": ["x"]}, -32602, "originator filtering is not supported by the local app-server"),
        ({"sortKey": "section_position"}, -32600, "section-position sorting requires a section filter"),
        ({"parentThreadId": "x"}, -32600, "invalid parent thread id: "),
        ({"ancestorThreadId": "x"}, -32600, "invalid ancestor thread id: "),
        (
            {"parentThreadId": uuid(1), "ancestorThreadId": uuid(2)},
            -32600,
            "parentThreadId and ancestorThreadId are mutually exclusive",
        ),
    ],
)
def test_a_listing_that_makes_no_sense_is_refused(params: dict[str, object], code: int, told: str) -> None:
    """In the words that clients know."""
    with pytest.raises(RefusedError) as refused:
        serve(thread(1).turn("a")).ask("thread/list", **params)
    assert refused.value.code == code
    assert refused.value.message.startswith(told)


def test_a_cursor_of_another_order_is_refused() -> None:
    """A place in one order is none in another."""
    served = served_many()
    cursor = served.ask("thread/list", limit=1)["nextCursor"]
    with pytest.raises(RefusedError, match="invalid cursor"):
        served.ask("thread/list", cursor=cursor, sortKey="updated_at")


def test_a_thread_that_grew_is_listed_as_it_is() -> None:
    """What is kept of a thread counts while its file is the same."""
    rollout = thread(1)
    served = serve()
    path = served.put(rollout)
    assert served.ask("thread/list")["data"] == []
    served.grow(rollout.turn("now there is"), path)
    assert [one["preview"] for one in served.ask("thread/list")["data"]] == ["now there is"]


def test_a_search_finds_what_was_said_whatever_its_case() -> None:
    """In messages of users and agents, each thread once, with what stands around."""
    served = serve(thread(1).turn("Wo ist die STRASSE?", "Hier."), thread(2).turn("other", "nothing"))
    found = served.ask("thread/search", searchTerm="straße".replace("ß", "ss"))["data"]
    assert [(one["thread"]["id"], one["snippet"]) for one in found] == [(uuid(1), "Wo ist die STRASSE?")]


def test_a_snippet_is_cut_and_marked() -> None:
    """As much as the reference server shows: 49 characters before, 96 behind."""
    text = "a" * 80 + "needle" + "b" * 120
    found = serve(thread(1).turn(text)).ask("thread/search", searchTerm="needle")["data"]
    assert found[0]["snippet"] == "... " + "a" * 49 + "needle" + "b" * 96 + " ..."


@pytest.mark.parametrize("method", ["thread/search", "thread/searchOccurrences"])
def test_a_search_needs_a_term(method: str) -> None:
    """Blanks find everything, and so nothing."""
    with pytest.raises(RefusedError, match=f"{method} requires a non-empty searchTerm"):
        serve(thread(1).turn("a")).ask(method, threadId=uuid(1), searchTerm="  ")


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_occurrences_are_found_in_order_and_by_page(limit: int) -> None:
    """Oldest first, not overlapping, each with the cursor of its turn."""
    served = serve(thread(1).turn("aaaa", "😀 aa").turn("b", "aa"))
    found = paged(served, "thread/searchOccurrences", threadId=uuid(1), searchTerm="aa", limit=limit)
    places = [(one["turnId"], one["itemId"], one["snippetMatchRange"]) for one in found]
    assert places == [
        ("t1", "t1-asked", {"start": 0, "end": 2}),
        ("t1", "t1-asked", {"start": 2, "end": 4}),
        ("t1", "t1-said", {"start": 3, "end": 5}),
        ("t2", "t2-said", {"start": 0, "end": 2}),
    ]
    turns = served.ask("thread/turns/list", threadId=uuid(1), cursor=found[-1]["turnCursor"], limit=1)
    assert turns["data"][0]["id"] == "t2"


def test_a_cursor_of_another_search_is_refused() -> None:
    """It counts occurrences of another term."""
    served = serve(thread(1).turn("aaaa"))
    cursor = served.ask("thread/searchOccurrences", threadId=uuid(1), searchTerm="aa", limit=1)["nextCursor"]
    with pytest.raises(RefusedError, match="invalid cursor: "):
        served.ask("thread/searchOccurrences", threadId=uuid(1), searchTerm="a", cursor=cursor)
