"""Following through a client: nothing is missed, nothing grows, and every end is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from rollout.client import following
from rollout.client.client import Client
from rollout.client.following import ENDED, RECORDS, Position
from rollout.client.refusals import NoAnswer, ServerGone
from rollout.errors import Conflict, NotFound, UnsupportedFormat
from tests.unit.client.peer import Peer, with_client

START = {"rolloutId": "r", "endOffset": 100}


def news(end_offset: int, watch_id: str = "watch-1") -> dict[str, Any]:
    """Return the params of a notification of one record that ends there."""
    record = {
        "ordinal": None,
        "startOffset": end_offset - 10,
        "endOffset": end_offset,
        "record": {"type": "x"},
        "damage": None,
    }
    return {
        "watchId": watch_id,
        "threadId": "one",
        "rolloutId": "r",
        "records": [record],
        "turnIds": ["t1"],
        "position": {"rolloutId": "r", "endOffset": end_offset},
    }


def watching(peer: Peer) -> None:
    """Let a peer take watches, each with an id of its own, from where they ask."""
    peer.answers["rollout/thread/watch"] = lambda params: {
        "watchId": f"watch-{len(peer.of('rollout/thread/watch'))}",
        "position": params.get("position", START),
    }
    peer.answers["rollout/thread/unwatch"] = lambda _: {"status": "unwatched"}


def test_records_come_with_a_position_to_go_on_from() -> None:
    """From the end of the thread, or from where one left off."""

    async def run(client: Client, peer: Peer) -> None:
        watching(peer)
        async with client.watch("one") as watch:
            assert watch.position == Position("r", 100)
            peer.note(RECORDS, news(110))
            found = await anext(watch)
            assert (found.records[0].end_offset, found.turn_ids) == (110, ["t1"])
            assert watch.position == found.position == Position("r", 110)
        assert peer.asked[-1]["params"] == {"watchId": "watch-1"}
        async with client.watch("one", position=watch.position):
            asked = peer.of("rollout/thread/watch")[-1]["params"]
            assert asked == {"threadId": "one", "position": {"rolloutId": "r", "endOffset": 110}}

    with_client(run)


def test_records_that_come_before_the_answer_are_kept() -> None:
    """The server may tell of a change while it still answers."""

    async def run(client: Client, peer: Peer) -> None:
        watch = client.watch("one")
        beginning = asyncio.ensure_future(watch.__aenter__())
        request = await peer.heard("rollout/thread/watch")
        peer.note(RECORDS, news(110))
        peer.note(RECORDS, news(110, "watch-of-nobody"))
        peer.answer(request, {"watchId": "watch-1", "position": START})
        await beginning
        assert (await anext(watch)).position.end_offset == 110

    with_client(run)


def test_a_slow_reader_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is asked for again, behind what was read."""
    monkeypatch.setattr(following, "_WATCHED_MOST", 2)

    async def run(client: Client, peer: Peer) -> None:
        watching(peer)
        async with client.watch("one") as watch:
            for end_offset in (110, 120, 130, 140):
                peer.note(RECORDS, news(end_offset))
            peer.answers["thread/unsubscribe"] = lambda _: {"status": "notLoaded"}
            await client.unsubscribe("one")  # all of them have come by now
            found = [(await anext(watch)).position.end_offset for _ in range(2)]
            going_on = asyncio.ensure_future(anext(watch))
            request = await peer.heard("rollout/thread/watch", 2)
            assert request["params"]["position"] == {"rolloutId": "r", "endOffset": 120}
            for end_offset in (130, 140):
                peer.note(RECORDS, news(end_offset, "watch-2"))
            found += [(await going_on).position.end_offset, (await anext(watch)).position.end_offset]
            assert found == [110, 120, 130, 140]

    with_client(run)


def test_a_thread_that_can_be_followed_no_further_is_an_error() -> None:
    """With the server's reason, behind what was told before."""

    async def run(client: Client, peer: Peer) -> None:
        watching(peer)
        async with client.watch("one") as watch:
            peer.note(RECORDS, news(110))
            peer.note(ENDED, {"watchId": "watch-1", "threadId": "one", "reason": "it was deleted"})
            await anext(watch)
            with pytest.raises(NotFound, match="following thread one: it was deleted"):
                await anext(watch)

    with_client(run)


def test_a_reader_is_told_of_the_end_of_the_server() -> None:
    """Behind what was told before; leaving the block then asks for nothing."""

    async def run(client: Client, peer: Peer) -> None:
        watching(peer)
        async with client.watch("one") as watch, client.notices() as notices:
            peer.note(RECORDS, news(110))
            peer.hang_up()
            await anext(watch)
            with pytest.raises(ServerGone, match="it went away"):
                await anext(watch)
            with pytest.raises(ServerGone, match="it went away"):
                await anext(notices)
        with pytest.raises(ServerGone):
            await anext(client.notices())

    with_client(run)


def test_a_watch_whose_reader_left_before_the_answer_is_taken_off() -> None:
    """The server does not go on telling nobody."""

    async def run(client: Client, peer: Peer) -> None:
        peer.answers["rollout/thread/unwatch"] = lambda _: {"status": "unwatched"}
        beginning = asyncio.ensure_future(client.watch("one").__aenter__())
        request = await peer.heard("rollout/thread/watch")
        beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning
        peer.answer(request, {"watchId": "watch-1", "position": START})
        assert (await peer.heard("rollout/thread/unwatch"))["params"] == {"watchId": "watch-1"}

    with_client(run)


def test_a_watch_that_was_answered_too_late_is_taken_off() -> None:
    """Once whoever asked ran out of patience, and nobody knows it by its id."""

    async def run(client: Client, peer: Peer) -> None:
        peer.answers["rollout/thread/unwatch"] = lambda _: {"status": "unwatched"}
        client._connection._timeout_seconds = 0
        with pytest.raises(NoAnswer, match="rollout/thread/watch"):
            await client.watch("one").__aenter__()
        client._connection._timeout_seconds = None
        peer.answer(peer.of("rollout/thread/watch")[0], {"watchId": "watch-1", "position": START})
        assert (await peer.heard("rollout/thread/unwatch"))["params"] == {"watchId": "watch-1"}
        assert client._connection._waiting.keys() <= {peer.asked[-1]["id"]}

    with_client(run)


def test_a_watch_that_is_answered_while_its_reader_leaves_is_taken_off() -> None:
    """The answer has come, and who asked is cancelled before it could look at it."""

    async def run(client: Client, peer: Peer) -> None:
        peer.answers["rollout/thread/unwatch"] = lambda _: {"status": "unwatched"}
        beginning = asyncio.ensure_future(client.watch("one").__aenter__())
        request = await peer.heard("rollout/thread/watch")
        answer = json.dumps({"id": request["id"], "result": {"watchId": "watch-1", "position": START}})
        client._connection._take(answer.encode())
        beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning
        assert (await peer.heard("rollout/thread/unwatch"))["params"] == {"watchId": "watch-1"}
        assert client._following._watches == {}

    with_client(run)


def test_leaving_a_watch_waits_for_no_server_that_is_silent() -> None:
    """What was read is not lost to an error about an answer that nobody needs."""

    async def run(client: Client, peer: Peer) -> None:
        watching(peer)
        async with client.watch("one"):
            del peer.answers["rollout/thread/unwatch"]
            client._connection._timeout_seconds = 0
        assert peer.of("rollout/thread/unwatch")

    with_client(run)


def test_a_notification_that_is_unknown_is_a_notice() -> None:
    """By its name, with its members as they came; of a watch it cannot name it is dropped."""

    async def run(client: Client, peer: Peer) -> None:
        async with client.notices() as notices:
            peer.note(RECORDS, {"watch": 1})
            peer.note("thread/teleported", {"threadId": 7, "to": "Mars"})
            found = await anext(notices)
            assert (found.method, found.thread_id) == ("thread/teleported", None)
            assert json.loads(bytes(found.params)) == {"threadId": 7, "to": "Mars"}

    with_client(run)


def test_notices_name_their_thread() -> None:
    """Whether by its id alone, or whole; every reader has them, none that left."""

    async def run(client: Client, peer: Peer) -> None:
        left = client.notices()
        left.close()
        async with client.notices() as notices, client.notices() as others:
            peer.note("thread/started", {"thread": {"id": "one", "preview": ""}})
            peer.note("thread/archived", {"threadId": "two"})
            peer.note("account/updated", {"thread": "odd"})
            expected = [("thread/started", "one"), ("thread/archived", "two"), ("account/updated", None)]
            for one in (notices, others):
                found = [await anext(one) for _ in expected]
                assert [(notice.method, notice.thread_id) for notice in found] == expected

    with_client(run)


def test_a_slow_reader_of_notices_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """They carry no position to go on from: whoever missed some has to list anew."""
    monkeypatch.setattr(following, "_NOTICES_MOST", 2)

    async def run(client: Client, peer: Peer) -> None:
        async with client.notices() as notices:
            for number in range(3):
                peer.note("thread/archived", {"threadId": str(number)})
            peer.answers["thread/unsubscribe"] = lambda _: {"status": "notLoaded"}
            await client.unsubscribe("one")
            assert [(await anext(notices)).thread_id for _ in range(2)] == ["0", "1"]
            with pytest.raises(Conflict, match="more than 2 waited"):
                await anext(notices)

    with_client(run)


def test_records_of_another_shape_are_refused() -> None:
    """To who reads them; the connection goes on."""

    async def run(client: Client, peer: Peer) -> None:
        watching(peer)
        async with client.watch("one") as watch:
            peer.note(RECORDS, {"watchId": "watch-1", "threadId": "one", "records": 1})
            with pytest.raises(UnsupportedFormat, match="rollout/thread/records"):
                await anext(watch)
        peer.answers["rollout/thread/watch"] = lambda _: {}
        with pytest.raises(UnsupportedFormat, match="rollout/thread/watch"):
            await client.watch("one").__aenter__()

    with_client(run)
