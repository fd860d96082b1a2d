"""Every refusal says the same things: a code, a message, the thread it is about, and what to do next."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from rollout.appserver.dispatch import METHODS
from rollout.appserver.protocol import Unreadable, encode_response, parse_message, unreadable
from rollout.appserver.watching import ENDED
from tests.builders import message, thread, uuid
from tests.served import RefusedError, Served, serve

LIVE, LEGACY, ARCHIVED, PARENT, FORK, NOBODY = (uuid(number) for number in range(1, 7))
CODES: Final = {
    "request.invalid",
    "not_found",
    "conflict",
    "log.damaged",
    "format.unsupported",
    "storage.failed",
}
NEEDED: Final[dict[str, dict[str, Any]]] = {
    "thread/items/read": {"turnId": "t1", "itemIds": ["i"]},
    "thread/inject_items": {"items": [message("user", "x")]},
    "thread/memoryMode/set": {"mode": "enabled"},
    "thread/metadata/update": {"gitInfo": {"branch": "b"}},
    "thread/name/set": {"name": "n"},
    "thread/revert": {"beforeTurnId": "t1"},
    "thread/searchOccurrences": {"searchTerm": "x"},
    "rollout/thread/diff": {"otherThreadId": LIVE},
}
OF_A_THREAD: Final = sorted(
    name for name, method in METHODS.items() if "thread_id" in method.params.__struct_fields__
)


def world() -> Served:
    """Return a server over a home with a thread of every kind; the live ones and the parent are loaded."""
    parent = thread(4).turn("p")
    served = serve(
        thread(1).turn("a"),
        thread(2, "legacy").turn("b"),
        thread(3).turn("c"),
        parent,
        parent.fork(5).turn("d"),
    )
    for thread_id in (LIVE, LEGACY, PARENT):
        served.ask("thread/resume", threadId=thread_id, excludeTurns=True)
    served.ask("thread/archive", threadId=ARCHIVED)
    return served


def refused(served: Served, method: str, **params: Any) -> RefusedError:
    """Return the refusal of a request."""
    with pytest.raises(RefusedError) as found:
        served.ask(method, **params)
    return found.value


def assert_whole(found: RefusedError, *codes: str, thread_id: str | None = None) -> None:
    """Hold a refusal against what every one of them says."""
    cause = found.data["rollout"]
    assert found.message
    assert cause["code"] in (codes or CODES)
    assert cause["hint"].endswith(".")
    if thread_id is not None:
        assert cause["threadId"] == thread_id


@pytest.mark.parametrize("method", [name for name in OF_A_THREAD if name != "thread/unsubscribe"])
def test_an_unknown_thread_is_not_found(method: str) -> None:
    """Whatever the words of the protocol are; those that want it loaded say so."""
    found = refused(world(), method, threadId=NOBODY, **NEEDED.get(method, {}))
    wants_loaded = method in {"thread/revert", "thread/inject_items"}
    assert_whole(found, "conflict" if wants_loaded else "not_found", thread_id=NOBODY)


@pytest.mark.parametrize("method", OF_A_THREAD)
def test_a_malformed_id_is_told_apart(method: str) -> None:
    """From one that nobody has."""
    assert_whole(refused(world(), method, threadId="nope", **NEEDED.get(method, {})), "request.invalid")


@pytest.mark.parametrize("method", sorted(METHODS))
def test_malformed_params_are_refused_alike(method: str) -> None:
    """Of every method."""
    served = world()
    response = served.respond(method, {"threadId": 5, "searchTerm": 5, "cwd": 5, "cursor": 5, "watchId": 5})
    cause = json.loads(encode_response(response))["error"]["data"]["rollout"]
    assert (cause["code"], cause["hint"]) == (
        "request.invalid",
        "Mend the params and send the request again.",
    )


STATES: Final[list[tuple[str, str, dict[str, Any], str]]] = [
    ("thread/delete", PARENT, {}, "conflict"),
    ("thread/archive", ARCHIVED, {}, "conflict"),
    ("thread/unarchive", LIVE, {}, "conflict"),
    ("thread/resume", ARCHIVED, {}, "conflict"),
    ("thread/fork", ARCHIVED, {}, "conflict"),
    ("thread/name/set", ARCHIVED, {"name": "n"}, "conflict"),
    ("thread/memoryMode/set", ARCHIVED, {"mode": "enabled"}, "conflict"),
    ("thread/timeline/list", ARCHIVED, {}, "conflict"),
    ("thread/revert", FORK, {"beforeTurnId": "t1"}, "conflict"),
    ("thread/revert", LEGACY, {"beforeTurnId": "t1"}, "conflict"),
    ("thread/revert", LIVE, {"beforeTurnId": "nope"}, "not_found"),
    ("thread/inject_items", FORK, {"items": [message("user", "x")]}, "conflict"),
    ("thread/inject_items", LIVE, {"items": []}, "request.invalid"),
    ("thread/inject_items", LIVE, {"items": [5]}, "request.invalid"),
    ("thread/fork", LIVE, {"lastTurnId": "nope"}, "not_found"),
    ("thread/fork", LEGACY, {"beforeTurnId": "nope"}, "not_found"),
    ("thread/fork", LIVE, {"beforeTurnId": "a", "lastTurnId": "b"}, "request.invalid"),
    ("thread/fork", LIVE, {"ephemeral": True}, "request.invalid"),
    ("thread/fork", LIVE, {"attachToSource": True}, "request.invalid"),
    ("thread/resume", LIVE, {"path": "/nowhere"}, "conflict"),
    ("thread/resume", LIVE, {"modelProvider": "other"}, "request.invalid"),
    ("thread/items/list", LEGACY, {}, "request.invalid"),
    ("thread/items/read", LEGACY, {"turnId": "t", "itemIds": ["i"]}, "request.invalid"),
    ("thread/items/read", LIVE, {"turnId": "t", "itemIds": []}, "request.invalid"),
    ("thread/items/list", LIVE, {"turnId": "t1", "cursor": {"type": "item", "itemId": "nope"}}, "not_found"),
    ("thread/items/list", LIVE, {"cursor": {"type": "item", "itemId": "nope"}}, "request.invalid"),
    ("thread/timeline/list", LEGACY, {}, "request.invalid"),
    ("thread/timeline/list", LIVE, {"cursor": "junk"}, "request.invalid"),
    ("thread/turns/list", LIVE, {"cursor": "junk"}, "request.invalid"),
    ("thread/items/list", LIVE, {"cursor": "junk"}, "request.invalid"),
    ("thread/searchOccurrences", LIVE, {"searchTerm": "x", "cursor": "junk"}, "request.invalid"),
    ("thread/searchOccurrences", LIVE, {"searchTerm": " "}, "request.invalid"),
    ("thread/searchOccurrences", LEGACY, {"searchTerm": "x"}, "request.invalid"),
    ("thread/name/set", LIVE, {"name": " "}, "request.invalid"),
    ("thread/metadata/update", LIVE, {}, "request.invalid"),
    ("thread/metadata/update", LIVE, {"gitInfo": {}}, "request.invalid"),
    ("thread/metadata/update", LIVE, {"projectId": "p"}, "request.invalid"),
    ("rollout/thread/watch", LIVE, {"position": {"rolloutId": "x", "endOffset": 0}}, "request.invalid"),
    ("rollout/thread/diff", LIVE, {"otherThreadId": LEGACY}, "request.invalid"),
]


@pytest.mark.parametrize(("method", "thread_id", "params", "code"), STATES)
def test_a_refusal_names_its_thread(method: str, thread_id: str, params: dict[str, Any], code: str) -> None:
    """With the code of its reason, and what to do next."""
    assert_whole(refused(world(), method, threadId=thread_id, **params), code, thread_id=thread_id)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("thread/list", {"cursor": "junk"}),
        ("thread/list", {"originators": ["x"]}),
        ("thread/list", {"excludedThreadIds": ["x"]}),
        ("thread/list", {"sortKey": "section_position"}),
        ("thread/list", {"parentThreadId": LIVE, "ancestorThreadId": LIVE}),
        ("thread/search", {"searchTerm": " "}),
        ("thread/search", {"searchTerm": "x", "cursor": "junk"}),
        ("thread/loaded/list", {"cursor": "junk"}),
        ("thread/start", {"historyMode": "legacy"}),
        ("thread/start", {"projectId": "p"}),
        ("turn/start", {}),
        ("no/such/method", {}),
        ("initialize", {"clientInfo": {"name": "n", "version": "1"}}),
    ],
)
def test_a_refusal_without_a_thread_names_none(method: str, params: dict[str, Any]) -> None:
    """It is the request that has to be mended."""
    found = refused(world(), method, **params)
    assert_whole(found, "request.invalid")
    assert "threadId" not in found.data["rollout"]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("thread/read", {"includeTurns": True}),
        ("thread/turns/list", {}),
        ("thread/items/list", {}),
        ("thread/delete", {}),
        ("thread/revert", {"beforeTurnId": "t"}),
        ("thread/inject_items", {"items": [message("user", "x")]}),
        ("thread/fork", {}),
    ],
)
def test_what_no_file_has_is_told_apart(method: str, params: dict[str, Any]) -> None:
    """An ephemeral thread is there, and cannot do what takes a file."""
    served = world()
    thread_id = served.ask("thread/start", ephemeral=True)["thread"]["id"]
    assert_whole(refused(served, method, threadId=thread_id, **params), "conflict", thread_id=thread_id)


def test_words_of_the_protocol_are_explained() -> None:
    """Where they do not name the thread, the library's own do."""
    found = refused(world(), "thread/items/list", threadId=NOBODY)
    assert found.message == "thread/items/list is not supported yet"
    assert NOBODY in found.data["rollout"]["detail"]


@pytest.mark.parametrize("method", ["thread/list", "thread/search", "thread/read"])
def test_a_request_before_the_handshake_is_told_what_to_send(method: str) -> None:
    """Initialize comes first."""
    served = serve()
    client = served.server.connect()
    response = served.respond(method, {"threadId": LIVE, "searchTerm": "x"}, client)
    assert (
        json.loads(encode_response(response))["error"]["data"]["rollout"]["hint"] == "Send initialize first."
    )


def test_a_line_that_is_no_json_is_told_what_to_send() -> None:
    """It has no id and no method, and a code all the same."""
    found = parse_message(b"{")
    assert isinstance(found, Unreadable)
    assert (
        json.loads(encode_response(unreadable(found)))["error"]["data"]["rollout"]["code"]
        == "request.invalid"
    )


def test_a_fault_of_the_server_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not the request that is wrong."""
    served = world()
    monkeypatch.setattr("rollout.appserver.reading.shown_thread", lambda *_: 1 / 0)
    assert_whole(refused(served, "thread/read", threadId=LIVE), "internal", thread_id=LIVE)


def test_the_end_of_a_watch_says_why() -> None:
    """With a code and what to do, as an error has them."""
    served = world()
    served.ask("rollout/thread/watch", threadId=LIVE, position={"rolloutId": LIVE, "endOffset": 1 << 40})
    (note,) = [note for note in served.outbox.notes if note.method == ENDED]
    assert note.params["code"] == "not_found"
    assert note.params["hint"].endswith(".")
    assert LIVE in note.params["reason"]
