"""What is kept of threads changes: names, git state, the archive, deletion, reverts, injected items."""

from __future__ import annotations

import json

import pytest

from rollout.ids import ThreadId
from tests.builders import message, thread, uuid
from tests.recorded_home import kinds_of
from tests.served import RefusedError, Served, serve

T = uuid(1)


def content(served: Served) -> bytes:
    """Return the bytes of the newest rollout of the thread."""
    return served.fs.files()[sorted(path for path in served.fs.files() if f"-{T}" in path)[-1]]


def loaded(served: Served) -> Served:
    """Return a server that has loaded the thread."""
    served.ask("thread/resume", threadId=T, excludeTurns=True)
    return served


def test_a_name_is_trimmed_told_and_shown() -> None:
    """The rollout itself is left alone."""
    served = serve(thread().turn("hi"))
    before = content(served)
    assert served.ask("thread/name/set", threadId=T, name="  A name ") == {}
    assert served.notes == [("thread/name/updated", "after")]
    assert served.ask("thread/read", threadId=T)["thread"]["name"] == "A name"
    assert served.ask("thread/list")["data"][0]["name"] == "A name"
    assert content(served) == before


def test_a_blank_name_is_refused() -> None:
    """A thread has a name, or none."""
    with pytest.raises(RefusedError, match=r"^-32600 thread name must not be empty$"):
        serve(thread().turn("hi")).ask("thread/name/set", threadId=T, name=" \t")


def test_git_state_is_changed_member_by_member() -> None:
    """Absent keeps, null clears; the header says what it said."""
    served = serve(thread(git={"commit_hash": "abc", "branch": "main"}).turn("hi"))
    found = served.ask("thread/metadata/update", threadId=T, gitInfo={"branch": "fix", "originUrl": "u"})
    assert found["thread"]["gitInfo"] == {"sha": "abc", "branch": "fix", "originUrl": "u"}
    found = served.ask("thread/metadata/update", threadId=T, gitInfo={"sha": None, "originUrl": None})
    assert found["thread"]["gitInfo"] == {"sha": None, "branch": "fix", "originUrl": None}
    assert served.ask("thread/list")["data"][0]["gitInfo"] == found["thread"]["gitInfo"]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({}, "thread metadata update must include at least one field"),
        ({"gitInfo": None}, "thread metadata update must include at least one field"),
        ({"gitInfo": {}}, "gitInfo must include at least one field"),
        ({"gitInfo": {"branch": " "}}, "gitInfo.branch must not be empty"),
        ({"gitInfo": {"originUrl": ""}}, "gitInfo.originUrl must not be empty"),
        ({"gitInfo": {"sha": 5}}, "Invalid request: invalid type: integer `5`, expected a string"),
    ],
)
def test_an_update_changes_something(params: dict[str, object], told: str) -> None:
    """Otherwise the client meant something else."""
    with pytest.raises(RefusedError) as refused:
        serve(thread().turn("hi")).ask("thread/metadata/update", threadId=T, **params)
    assert refused.value.message == told


def test_a_memory_mode_is_kept() -> None:
    """Beside the log, where it changes no history."""
    served = serve(thread().turn("hi"))
    before = content(served)
    assert served.ask("thread/memoryMode/set", threadId=T, mode="disabled") == {}
    assert content(served) == before
    assert served.server.opened.facts.of(ThreadId(T)).memory_mode == "disabled"


def test_an_archived_thread_is_listed_among_the_archived() -> None:
    """Whoever uses it is told first, everybody afterwards."""
    served = loaded(serve(thread().turn("hi")))
    assert served.ask("thread/archive", threadId=T) == {}
    assert served.notes == [("thread/status/changed", "before"), ("thread/archived", "after")]
    assert served.ask("thread/list")["data"] == []
    assert [one["id"] for one in served.ask("thread/list", archived=True)["data"]] == [T]
    found = served.ask("thread/unarchive", threadId=T)["thread"]
    assert served.notes == [("thread/unarchived", "after")]
    assert (found["id"], found["status"]) == (T, {"type": "notLoaded"})


@pytest.mark.parametrize(
    ("method", "params", "told"),
    [
        ("thread/resume", {}, f"session {T} is archived"),
        ("thread/fork", {}, f"session {T} is archived"),
        ("thread/name/set", {"name": "x"}, "no rollout found for thread id"),
        ("thread/memoryMode/set", {"mode": "enabled"}, "no rollout found for thread id"),
        ("thread/archive", {}, "no rollout found for thread id"),
        ("thread/timeline/list", {}, f"thread {T} is archived"),
    ],
)
def test_an_archived_thread_is_not_gone_on_with(method: str, params: dict[str, str], told: str) -> None:
    """It has to be taken out of the archive first."""
    served = serve(thread().turn("hi"))
    served.ask("thread/archive", threadId=T)
    with pytest.raises(RefusedError, match=told):
        served.ask(method, threadId=T, **params)


@pytest.mark.parametrize("method", ["thread/read", "thread/turns/list", "thread/items/list"])
def test_an_archived_thread_is_read(method: str) -> None:
    """Reading needs no unarchiving."""
    served = serve(thread().turn("hi"))
    served.ask("thread/archive", threadId=T)
    assert served.ask(method, threadId=T)


def test_a_live_thread_cannot_be_unarchived() -> None:
    """In the words for one that is not there."""
    with pytest.raises(RefusedError, match=f"no archived rollout found for thread id {T}"):
        serve(thread().turn("hi")).ask("thread/unarchive", threadId=T)


def test_a_deleted_thread_is_gone() -> None:
    """For every method, from the response on."""
    served = loaded(serve(thread().turn("hi")))
    served.ask("thread/turns/list", threadId=T)
    served.ask("thread/delete", threadId=T)
    assert served.notes == [("thread/status/changed", "before"), ("thread/deleted", "after")]
    assert served.ask("thread/list")["data"] == []
    with pytest.raises(RefusedError, match="thread not loaded"):
        served.ask("thread/turns/list", threadId=T)


def test_a_base_is_not_deleted_under_its_forks() -> None:
    """Their history is in it."""
    served = serve(thread().turn("hi"))
    served.ask("thread/fork", threadId=T, excludeTurns=True)
    with pytest.raises(RefusedError, match="forked history still references it"):
        served.ask("thread/delete", threadId=T)


def test_a_thread_reverts_to_before_a_turn() -> None:
    """What was before stays, and its cursors are given."""
    served = loaded(serve(thread().turn("a").turn("b").turn("c")))
    found = served.ask("thread/revert", threadId=T, beforeTurnId="t2")
    assert served.notes == [
        ("thread/status/changed", "before"),
        ("thread/status/changed", "before"),
        ("thread/reverted", "after"),
    ]
    assert found["thread"]["turns"] == []
    page = served.ask("thread/turns/list", threadId=T, cursor=found["turnsBackwardsCursor"])
    assert [turn["id"] for turn in page["data"]] == ["t1"]


def test_cursors_are_null_when_nothing_is_left() -> None:
    """An empty thread has no place to begin."""
    served = loaded(serve(thread().turn("a")))
    found = served.ask("thread/revert", threadId=T, beforeTurnId="t1")
    assert (found["turnsBackwardsCursor"], found["itemsBackwardsCursor"]) == (None, None)


@pytest.mark.parametrize("method", ["thread/revert", "thread/inject_items"])
def test_only_loaded_threads_are_changed(method: str) -> None:
    """A client that changes a thread has it open."""
    served = serve(thread().turn("a"))
    with pytest.raises(RefusedError, match=rf"^-32600 thread not found: {T}$"):
        served.ask(method, threadId=T, beforeTurnId="t1", items=[{}])


def test_an_unknown_turn_is_not_reverted_to() -> None:
    """The thread stays as it is, loaded."""
    served = loaded(serve(thread().turn("a")))
    with pytest.raises(RefusedError, match="turn not found: lost"):
        served.ask("thread/revert", threadId=T, beforeTurnId="lost")
    assert T in served.server.loaded


def test_legacy_threads_do_not_revert() -> None:
    """They roll back instead, which the protocol has no word for."""
    served = loaded(serve(thread(mode="legacy").turn("a")))
    with pytest.raises(RefusedError, match="thread/revert only supports paginated threads"):
        served.ask("thread/revert", threadId=T, beforeTurnId="t1")


def test_injected_items_are_for_the_model_alone() -> None:
    """The context has them; turns and items do not."""
    served = loaded(serve(thread().turn("a")))
    turns = served.ask("thread/turns/list", threadId=T, itemsView="full")
    assert served.ask("thread/inject_items", threadId=T, items=[message("user", "a secret")]) == {}
    assert kinds_of(content(served))[-1] == "response_item"
    assert served.ask("thread/turns/list", threadId=T, itemsView="full")["data"] == turns["data"]
    context = served.ask("rollout/context/read", threadId=T)["context"]
    assert context["items"][-1]["content"][0]["text"] == "a secret"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "of_tomorrow", "deep": {"b": [1, {"a": None}]}, "a": 1.50},
        {"type": "compaction_trigger"},
        {"type": "message", "role": "critic", "content": []},
    ],
)
def test_items_that_nobody_knows_are_kept(item: dict[str, object]) -> None:
    """Verbatim, in their order; no model is given one."""
    served = loaded(serve(thread().turn("a")))
    before = served.ask("rollout/context/read", threadId=T)["context"]["items"]
    served.ask("thread/inject_items", threadId=T, items=[item, message("user", "known")])
    stored = [json.loads(line)["payload"] for line in content(served).splitlines()[-2:]]
    assert stored == [item, message("user", "known")]
    assert served.ask("rollout/context/read", threadId=T)["context"]["items"][len(before) :] == stored[1:]


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([], "items must not be empty"),
        ([{"type": "ghost_snapshot"}], "'ghost_snapshot' is no item type"),
        ([{"type": 5}], "expected a `type` that is text"),
        ([{"timestamp": "t", "type": "event_msg", "payload": {}}], "this is a whole record"),
        ([{"type": "message", "role": "user"}], r"items\[0\] is not a valid response item: "),
        ([message("user", "fine"), 5], r"items\[1\] is not a valid response item: "),
    ],
)
def test_items_are_judged_before_any_is_written(items: list[object], told: str) -> None:
    """All of them are recorded, or none."""
    served = loaded(serve(thread().turn("a")))
    before = content(served)
    with pytest.raises(RefusedError, match=told):
        served.ask("thread/inject_items", threadId=T, items=items)
    assert content(served) == before


def test_a_thread_that_somebody_records_is_not_changed() -> None:
    """One writer at a time; the refusal says what the library says."""
    served = loaded(serve(thread().turn("a")))
    with served.store.record(T), pytest.raises(RefusedError) as refused:
        served.ask("thread/revert", threadId=T, beforeTurnId="t1")
    assert refused.value.code == -32600
    assert refused.value.data["rollout"]["code"] == "conflict"
