"""Following a thread: what is new is sent once, in order, with a position to go on from."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rollout.appserver import watching
from rollout.appserver.watching import RECORDS
from tests.builders import Rollout, thread, uuid
from tests.served import RefusedError, Served, serve

T = uuid(1)


@pytest.fixture(autouse=True)
def told_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No platform tells of changes in memory: tests do."""
    monkeypatch.setattr(watching, "_changes", lambda home, stop: iter(()))


def news(served: Served) -> list[Any]:
    """Let the server look for changes; return what it sent since the last time."""
    for watch in list(served.server.watches._watches.values()):
        watch.advance(served.server)
    found = msgspec.json.decode(msgspec.json.encode(served.outbox.notes))
    served.outbox.notes.clear()
    return list(found)


def followed(rollout: Rollout) -> tuple[Served, str, Any]:
    """Return a server that follows a thread from its end, the path of the thread, and the answer."""
    served = serve()
    path = served.put(rollout)
    return served, path, served.ask("rollout/thread/watch", threadId=T)


def ordinals(note: Any) -> list[int]:
    """Return the ordinals of the records of a notification."""
    return [one["ordinal"] for one in note["params"]["records"]]


def test_what_is_recorded_later_is_sent_once() -> None:
    """As it is stored, with the turns that it speaks of."""
    rollout = thread().turn("a")
    served, path, answer = followed(rollout)
    assert news(served) == []
    first = rollout.next_ordinal
    served.grow(rollout.turn("b"), path)
    (note,) = news(served)
    assert note["method"] == "rollout/thread/records"
    assert ordinals(note) == list(range(first, rollout.next_ordinal))
    assert note["params"]["watchId"] == answer["watchId"]
    assert note["params"]["turnIds"] == ["t2"]
    assert note["params"]["records"][0]["record"]["payload"]["type"] == "task_started"
    assert news(served) == []


def test_a_position_is_where_a_later_watch_goes_on() -> None:
    """Nothing is missed and nothing comes twice."""
    rollout = thread().turn("a")
    served, path, answer = followed(rollout)
    first = rollout.next_ordinal
    served.grow(rollout.turn("b"), path)
    other = serve()
    other.put(rollout)
    other.ask("rollout/thread/watch", threadId=T, position=answer["position"])
    (note,) = news(other)
    assert ordinals(note) == list(range(first, rollout.next_ordinal))
    assert note["params"]["position"]["endOffset"] == len(rollout.content)


def test_half_a_line_waits_for_its_end() -> None:
    """A writer at work is not taken for damage."""
    rollout = thread().turn("a")
    served, path, _ = followed(rollout)
    whole = thread().turn("a").start("t2").content
    with served.fs.open_append(path) as file:
        file.append(whole[len(rollout.content) : -10])
    assert news(served) == []
    with served.fs.open_append(path) as file:
        file.append(whole[-10:])
    assert len(news(served)) == 1


def test_a_watch_begins_at_the_last_whole_line() -> None:
    """What is half written when it begins is sent when it is whole."""
    whole = thread().turn("a").start("t2").content
    cut = thread().turn("a")
    cut.raw(whole[len(cut.content) : -10])
    served, path, _ = followed(cut)
    with served.fs.open_append(path) as file:
        file.append(whole[-10:])
    (note,) = news(served)
    assert note["params"]["records"][0]["record"]["payload"]["turn_id"] == "t2"


def test_a_revert_is_told_by_another_rollout() -> None:
    """Then what the client knows of turns has to be read anew."""
    served, _, answer = followed(thread().turn("a").turn("b"))
    served.store.revert_thread(T, before_turn="t2").close()
    notes = news(served)
    assert {note["params"]["rolloutId"] for note in notes} != {answer["position"]["rolloutId"]}
    assert notes[-1]["params"]["position"]["rolloutId"] == notes[0]["params"]["rolloutId"]


def test_a_thread_that_was_moved_is_followed_on() -> None:
    """It is the same rollout, wherever it lies."""
    rollout = thread().turn("a")
    served, path, _ = followed(rollout)
    served.fs.make_folders("/home/sessions/2026/11/22")
    target = path.replace("/11/21/", "/11/22/")
    served.fs.replace(path, target)
    served.grow(rollout.turn("b"), target)
    assert len(news(served)) == 1


def test_a_thread_that_is_gone_ends_the_watch() -> None:
    """With the reason, once."""
    served, path, answer = followed(thread().turn("a"))
    served.fs.remove(path)
    (note,) = news(served)
    assert note["method"] == "rollout/thread/unwatched"
    assert note["params"]["watchId"] == answer["watchId"]
    assert "no rollout" in note["params"]["reason"]
    assert news(served) == []


def test_a_position_behind_the_end_ends_the_watch() -> None:
    """The log that it was made for was longer."""
    rollout = thread().turn("a")
    served = serve(rollout)
    served.ask("rollout/thread/watch", threadId=T, position={"rolloutId": T, "endOffset": 10**9})
    (note,) = news(served)
    assert "shorter than" in note["params"]["reason"]


@pytest.mark.parametrize("position", [{}, {"rolloutId": T}, {"rolloutId": T, "endOffset": -1}])
def test_a_malformed_position_is_refused(position: dict[str, object]) -> None:
    """A position is a rollout and an offset in it."""
    with pytest.raises(RefusedError, match="-32600 Invalid request"):
        serve(thread().turn("a")).ask("rollout/thread/watch", threadId=T, position=position)


def test_a_rollout_id_in_a_position_is_an_id() -> None:
    """Nothing else is looked up."""
    with pytest.raises(RefusedError, match="invalid position"):
        serve(thread().turn("a")).ask(
            "rollout/thread/watch", threadId=T, position={"rolloutId": "../x", "endOffset": 0}
        )


def test_who_follows_no_more_is_sent_nothing() -> None:
    """A watch ends when its client says so, or leaves."""
    rollout = thread().turn("a")
    served, path, answer = followed(rollout)
    assert served.ask("rollout/thread/unwatch", watchId=answer["watchId"]) == {"status": "unwatched"}
    assert served.ask("rollout/thread/unwatch", watchId=answer["watchId"]) == {"status": "notWatched"}
    served.grow(rollout.turn("b"), path)
    assert news(served) == []


def test_a_client_ends_its_own_watches_alone() -> None:
    """Ids of others mean nothing to it."""
    served, _, answer = followed(thread().turn("a"))
    other = served.server.connect()
    served.shake_hands(other)
    asked = served.ask("rollout/thread/unwatch", client=other, watchId=answer["watchId"])
    assert asked == {"status": "notWatched"}
    served.server.disconnect(served.client)
    assert served.server.watches.find(answer["watchId"], served.client) is None


def test_a_slow_follower_delays_nobody() -> None:
    """What is sent to each client is sent in a lane of its own."""
    served = serve(thread().turn("a"))
    lanes: list[str] = []
    served.server.run_aside = lambda lane, _: lanes.append(lane)
    for _ in range(2):
        served.ask("rollout/thread/watch", threadId=T)
    assert len(set(lanes)) == 2


def test_a_slow_follower_holds_no_worker() -> None:
    """What is left is sent once it has taken some: nobody waits for that, and nothing is sent twice."""
    rollout = thread().turn("a")
    served = serve(rollout)
    path = next(iter(served.fs.files()))
    served.ask("rollout/thread/watch", threadId=T)
    served.outbox.is_roomy = False
    served.grow(rollout.turn("b"), path)
    (watch,) = served.server.watches._watches.values()
    watch.advance(served.server)
    assert [note for note in served.outbox.notes if note.method == RECORDS] == []
    served.outbox.is_roomy = True
    for work in served.outbox.waiting:
        work()
    watch.advance(served.server)
    sent = [note for note in served.outbox.notes if note.method == RECORDS]
    assert [note.params["turnIds"] for note in sent] == [["t2"]]
