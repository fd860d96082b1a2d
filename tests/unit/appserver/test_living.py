"""Threads come to be loaded, and are let go of: start, resume, fork, unsubscribe."""

from __future__ import annotations

import pytest

from tests.builders import DAY, STAMP, thread, uuid
from tests.served import RefusedError, serve

T = uuid(1)


def test_a_started_thread_is_there_for_everybody() -> None:
    """Durable under its id before anybody is told of it."""
    served = serve()
    started = served.ask("thread/start", cwd="/src/app", model="model-b")
    assert served.notes == [("thread/started", "after")]
    with served.store.open_thread(started["thread"]["id"]) as found:
        assert found.summary().cwd == "/src/app"
    assert (started["model"], started["thread"]["status"]) == ("model-b", {"type": "idle"})


def test_a_relative_folder_is_joined_to_the_servers() -> None:
    """A client need not know where the server runs."""
    assert serve().ask("thread/start", cwd="../other/./deep")["cwd"] == "/src/other/deep"


def test_a_start_needs_a_model() -> None:
    """This server knows none to choose."""
    with pytest.raises(RefusedError, match="thread/start needs a `model`"):
        serve(model=None).ask("thread/start")


def test_an_empty_thread_is_not_listed() -> None:
    """Until a user said something there is nothing to show."""
    served = serve()
    served.ask("thread/start")
    assert served.ask("thread/list")["data"] == []


def test_a_resume_loads_and_says_so_first() -> None:
    """The status changes before the response; a second resume changes nothing."""
    served = serve(thread().turn("hi"))
    served.ask("thread/resume", threadId=T, excludeTurns=True)
    assert served.notes == [("thread/status/changed", "before")]
    served.ask("thread/resume", threadId=T, excludeTurns=True)
    assert served.notes == []
    assert served.ask("thread/loaded/list")["data"] == [T]


def test_a_resume_writes_nothing() -> None:
    """Looking at a thread leaves it as it is."""
    served = serve(thread().turn("hi"))
    before = served.fs.files()
    served.ask("thread/resume", threadId=T)
    assert served.fs.files() == before


def test_a_resume_has_turns_unless_they_are_excluded() -> None:
    """All of them in full, or none; a first page comes beside either."""
    served = serve(thread().turn("a").turn("b"))
    assert [turn["id"] for turn in served.ask("thread/resume", threadId=T)["thread"]["turns"]] == ["t1", "t2"]
    short = served.ask("thread/resume", threadId=T, excludeTurns=True, initialTurnsPage={"limit": 1})
    assert short["thread"]["turns"] == []
    assert [turn["id"] for turn in short["initialTurnsPage"]["data"]] == ["t2"]
    assert served.ask("thread/resume", threadId=T, excludeTurns=True)["initialTurnsPage"] is None


def test_a_resume_says_where_reading_backward_begins() -> None:
    """The newest turn and item, anchors included."""
    served = serve(thread().turn("a").turn("b"))
    found = served.ask("thread/resume", threadId=T, excludeTurns=True)
    turns = served.ask("thread/turns/list", threadId=T, cursor=found["turnsBackwardsCursor"])
    items = served.ask(
        "thread/items/list", threadId=T, cursor=found["itemsBackwardsCursor"], sortDirection="desc", limit=1
    )
    assert turns["data"][0]["id"] == "t2"
    assert items["data"][0]["item"]["id"] == "t2-said"


def test_settings_are_those_of_the_log() -> None:
    """In the words of the protocol."""
    found = serve(thread().turn("hi")).ask("thread/resume", threadId=T, excludeTurns=True)
    assert (found["model"], found["cwd"], found["approvalPolicy"]) == ("model-one", "/src/app", "never")
    assert found["sandbox"] == {"type": "dangerFullAccess"}


def test_a_model_that_is_given_is_recorded() -> None:
    """It holds for the turns to come, and for whoever resumes next."""
    served = serve(thread().turn("hi"))
    assert served.ask("thread/resume", threadId=T, excludeTurns=True, model="model-z")["model"] == "model-z"
    assert serve_again_model(served) == "model-z"


def serve_again_model(served: object) -> str:
    """Return the model that a fresh reading of the log names."""
    from rollout.store.recording import find_settings

    with served.store.open_thread(T) as found:  # type: ignore[attr-defined]  # a Served
        settings = find_settings(found.lineage)
    assert settings is not None
    return settings.model


def test_a_path_names_the_thread() -> None:
    """It wins over the id, which is not even read."""
    served = serve(thread().turn("hi"))
    path = f"{DAY}/{thread().name(f'{STAMP[:-5]}00-00')}"
    assert served.ask("thread/resume", threadId="junk", path=path)["thread"]["id"] == T


@pytest.mark.parametrize("method", ["thread/resume", "thread/fork"])
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../etc/passwd", "lost.jsonl", "\x00", "/home/../etc/passwd"]
)
def test_a_path_that_is_no_file_of_the_home_is_not_looked_at(method: str, path: str) -> None:
    """Whether there is such a file elsewhere is not told either."""
    with pytest.raises(
        RefusedError, match=r"^-32600 failed to resolve rollout path .*: file does not exist$"
    ):
        serve(thread().turn("hi")).ask(method, threadId=T, path=path)


@pytest.mark.parametrize("method", ["thread/resume", "thread/fork"])
def test_a_file_that_is_no_rollout_is_not_read(method: str) -> None:
    """Its name says so."""
    served = serve(thread().turn("hi"))
    with served.fs.create("/home/config.toml") as file:
        file.append(b"secret")
    with pytest.raises(RefusedError, match=r"^-32603 failed to read the rollout"):
        served.ask(method, threadId=T, path="config.toml")


def test_a_path_outside_the_home_is_not_followed() -> None:
    """Even one that is named like a thread's own rollout."""
    served = serve(thread().turn("hi"))
    served.fs.make_folders("/elsewhere")
    elsewhere = served.put(thread().turn("not yours"), folder="/elsewhere")
    with pytest.raises(RefusedError, match="file does not exist"):
        served.ask("thread/resume", threadId=T, path=elsewhere)


def test_a_loaded_thread_is_resumed_by_its_own_path_alone() -> None:
    """Whoever has it open would read another file than it."""
    served = serve(thread().turn("hi"), thread(2).turn("other"))
    served.ask("thread/resume", threadId=T, excludeTurns=True)
    other = f"{DAY}/{thread(2).name(f'{STAMP[:-5]}00-01')}"
    with pytest.raises(RefusedError, match=f"cannot resume running thread {T} with stale path"):
        served.ask("thread/resume", threadId=T, path=other)


def test_a_superseded_rollout_is_stale() -> None:
    """A thread goes on where its newest rollout ends."""
    first = thread().turn("a")
    place = first.position
    first.turn("b")
    served = serve(first, first.revert(7, place).turn("c"))
    old = f"{DAY}/{first.name(f'{STAMP[:-5]}00-00')}"
    with pytest.raises(RefusedError, match=r"cannot resume paginated thread .* with stale path"):
        served.ask("thread/resume", threadId=T, path=old)


def test_a_fork_can_be_asked_for_once_it_is_answered() -> None:
    """It is loaded, its history is its parent's, and its name is its parent's too."""
    served = serve(thread().turn("a").turn("b"))
    served.ask("thread/name/set", threadId=T, name="mine")
    child = served.ask("thread/fork", threadId=T, excludeTurns=True)["thread"]
    assert served.notes == [("thread/started", "after")]
    assert (child["forkedFromId"], child["name"], child["preview"]) == (T, "mine", "a")
    turns = served.ask("thread/turns/list", threadId=child["id"])["data"]
    assert [turn["id"] for turn in turns] == ["t2", "t1"]
    assert child["id"] in served.ask("thread/loaded/list")["data"]


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        ({"lastTurnId": "t1"}, ["t1"]),
        ({"beforeTurnId": "t2"}, ["t1"]),
        ({"beforeTurnId": "t1"}, []),
        ({}, ["t1", "t2"]),
    ],
)
def test_a_fork_leaves_where_it_is_told_to(cut: dict[str, str], left: list[str]) -> None:
    """Behind a turn, before one, or at the end."""
    child = serve(thread().turn("a").turn("b")).ask("thread/fork", threadId=T, **cut)["thread"]
    assert [turn["id"] for turn in child["turns"]] == left


@pytest.mark.parametrize(
    ("mode", "cut", "message"),
    [
        (
            "paginated",
            {"lastTurnId": "t1", "beforeTurnId": "t1"},
            "`beforeTurnId` cannot be combined with `lastTurnId`",
        ),
        ("paginated", {"lastTurnId": "lost"}, "turn not found: lost"),
        ("paginated", {"beforeTurnId": ""}, "turn not found: "),
        ("legacy", {"lastTurnId": "lost"}, "lastTurnId 'lost' was not found in the source thread"),
        ("legacy", {"beforeTurnId": "lost"}, "beforeTurnId 'lost' was not found in the source thread"),
    ],
)
def test_a_fork_at_no_turn_is_refused(mode: str, cut: dict[str, str], message: str) -> None:
    """In the words that clients know."""
    with pytest.raises(RefusedError) as refused:
        serve(thread(mode=mode).turn("a")).ask("thread/fork", threadId=T, **cut)
    assert (refused.value.code, refused.value.message) == (-32600, message)


def test_a_fork_does_not_end_with_an_open_turn() -> None:
    """Its end may still come."""
    served = serve(thread().turn("a").start("t9"))
    with pytest.raises(RefusedError, match="lastTurnId 't9' identifies an in-progress turn"):
        served.ask("thread/fork", threadId=T, lastTurnId="t9")


def test_an_ephemeral_fork_has_no_file() -> None:
    """It lasts until it is let go of; what needs a file is refused."""
    served = serve(thread().turn("a"))
    before = served.fs.files().keys()
    child = served.ask("thread/fork", threadId=T, ephemeral=True, excludeTurns=True)["thread"]
    assert (child["path"], child["ephemeral"], served.fs.files().keys()) == (None, True, before)
    assert served.ask("thread/read", threadId=child["id"])["thread"]["id"] == child["id"]
    with pytest.raises(RefusedError, match="ephemeral threads do not support thread/turns/list"):
        served.ask("thread/turns/list", threadId=child["id"])
    served.ask("thread/unsubscribe", threadId=child["id"])
    with pytest.raises(RefusedError, match="thread not loaded"):
        served.ask("thread/read", threadId=child["id"])


def test_an_ephemeral_fork_excludes_turns() -> None:
    """Of a paginated thread there is nowhere to page them from."""
    with pytest.raises(RefusedError, match="requires `excludeTurns: true`"):
        serve(thread().turn("a")).ask("thread/fork", threadId=T, ephemeral=True)


def test_a_thread_is_unloaded_when_its_last_user_leaves() -> None:
    """Loaded is what somebody uses."""
    served = serve(thread().turn("hi"))
    other = served.server.connect()
    served.shake_hands(other)
    served.ask("thread/resume", threadId=T, excludeTurns=True)
    served.ask("thread/resume", client=other, threadId=T, excludeTurns=True)
    assert served.ask("thread/unsubscribe", threadId=T)["status"] == "unsubscribed"
    assert served.notes == []
    assert served.ask("thread/unsubscribe", threadId=T)["status"] == "notSubscribed"
    assert served.ask("thread/unsubscribe", client=other, threadId=T)["status"] == "unsubscribed"
    assert served.notes == [("thread/status/changed", "after"), ("thread/closed", "after")]
    assert served.ask("thread/unsubscribe", threadId=T)["status"] == "notLoaded"


def test_a_client_that_is_gone_uses_nothing() -> None:
    """The others are told what was unloaded with it."""
    served = serve(thread().turn("hi"))
    served.ask("thread/resume", threadId=T, excludeTurns=True)
    assert [note.method for note in served.server.disconnect(served.client)] == [
        "thread/status/changed",
        "thread/closed",
    ]
    assert served.server.loaded.ids() == []


def test_loaded_threads_are_listed_by_id() -> None:
    """By page when a limit is given; any id goes as a cursor."""
    served = serve(*(thread(n).turn("hi") for n in (3, 1, 2)))
    for number in (3, 1, 2):
        served.ask("thread/resume", threadId=uuid(number), excludeTurns=True)
    assert served.ask("thread/loaded/list", limit=2) == {"data": [uuid(1), uuid(2)], "nextCursor": uuid(2)}
    assert served.ask("thread/loaded/list", cursor=uuid(2)) == {"data": [uuid(3)], "nextCursor": None}
    with pytest.raises(RefusedError, match="invalid cursor"):
        served.ask("thread/loaded/list", cursor="junk")
