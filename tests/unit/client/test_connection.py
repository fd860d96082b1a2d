"""A client's connection: whose answer is whose, and what becomes of those who wait."""

from __future__ import annotations

import asyncio

import pytest

from rollout.client import connection
from rollout.client.client import Client
from rollout.client.refusals import NoAnswer, ServerGone
from rollout.errors import InvalidRequest, UnsupportedFormat
from tests.unit.client.peer import Peer, with_client

LET_GO = {"status": "unsubscribed"}


def test_the_handshake_asks_for_all_methods() -> None:
    """And says that it is done."""

    async def run(client: Client, peer: Peer) -> None:
        hello, done = peer.asked
        assert hello["params"]["clientInfo"]["name"] == "rollout-client"
        assert hello["params"]["capabilities"] == {"experimentalApi": True}
        assert done == {"method": "initialized"}
        assert client.home == "/home"

    with_client(run)


def test_members_that_are_not_given_are_not_sent() -> None:
    """The server's defaults are the server's."""

    async def run(client: Client, peer: Peer) -> None:
        peer.answers["thread/turns/list"] = lambda _: {
            "data": [],
            "nextCursor": None,
            "backwardsCursor": None,
        }
        await client.turns("one", limit=3)
        assert peer.asked[-1]["params"] == {"threadId": "one", "limit": 3}

    with_client(run)


def test_an_answer_that_was_left_is_passed_over() -> None:
    """Whoever cancels is answered no more, and the next request is answered as ever."""

    async def run(client: Client, peer: Peer) -> None:
        asking = asyncio.ensure_future(client.unsubscribe("one"))
        request = await peer.heard("thread/unsubscribe")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        peer.answer(request, {"status": "notLoaded"})
        peer.answers["thread/unsubscribe"] = lambda _: LET_GO
        assert await client.unsubscribe("two") == "unsubscribed"

    with_client(run)


def test_no_answer_in_time_is_an_error_of_one_request() -> None:
    """The connection goes on."""

    async def run(client: Client, peer: Peer) -> None:
        client._connection._timeout_seconds = 0
        with pytest.raises(NoAnswer, match="thread/unsubscribe: no answer within 0 s"):
            await client.unsubscribe("one")
        client._connection._timeout_seconds = None
        peer.answers["thread/unsubscribe"] = lambda _: LET_GO
        assert await client.unsubscribe("two") == "unsubscribed"

    with_client(run)


def test_all_who_wait_are_told_of_the_end() -> None:
    """Each by the name of what it asked, with the reason; and so is whoever asks later."""

    async def run(client: Client, peer: Peer) -> None:
        one, other = (
            asyncio.ensure_future(client.unsubscribe("one")),
            asyncio.ensure_future(client.search("x")),
        )
        await peer.heard("thread/search")
        peer.hang_up("the server was killed by signal 9")
        for asking, method in ((one, "thread/unsubscribe"), (other, "thread/search")):
            with pytest.raises(ServerGone, match=f"{method}: the connection ended: the server was killed"):
                await asking
        with pytest.raises(ServerGone, match="thread/archive"):
            await client.archive("one")

    with_client(run)


def test_what_cannot_be_sent_ends_with_what_the_other_side_says() -> None:
    """A broken pipe alone says little."""

    async def run(client: Client, peer: Peer) -> None:
        peer.send_error = BrokenPipeError("broken pipe")
        peer.hang_up("the server exited with status 7")
        with pytest.raises(ServerGone, match="status 7"):
            await client.archive("one")

    with_client(run)


@pytest.mark.parametrize(
    "line", [b"no json", b"[]", b'{"id":null,"error":{"code":-32700,"message":"Invalid JSON"}}', b'{"id":{}}']
)
def test_what_is_no_message_ends_the_connection(line: bytes) -> None:
    """Nobody waits for an answer that cannot be told apart."""

    async def run(client: Client, peer: Peer) -> None:
        asking = asyncio.ensure_future(client.archive("one"))
        await peer.heard("thread/archive")
        peer.say_line(line)
        with pytest.raises(ServerGone, match="no message"):
            await asking

    with_client(run)


def test_answers_to_nobody_are_passed_over() -> None:
    """Ids that were never given, twice the same answer, and requests of the server."""

    async def run(client: Client, peer: Peer) -> None:
        peer.say({"id": 99, "result": {}})
        peer.say({"id": "x", "result": {}})
        peer.say({"id": 7, "method": "item/commandExecution/requestApproval", "params": {}})
        asking = asyncio.ensure_future(client.unsubscribe("one"))
        request = await peer.heard("thread/unsubscribe")
        peer.answer(request, LET_GO)
        peer.answer(request, LET_GO)
        assert await asking == "unsubscribed"

    with_client(run)


def test_a_request_that_no_server_takes_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server could not say whose it was."""
    monkeypatch.setattr(connection, "MAX_REQUEST_BYTES", 200)

    async def run(client: Client, peer: Peer) -> None:
        with pytest.raises(InvalidRequest, match="at most 200 bytes"):
            await client.set_name("one", name="x" * 200)
        assert peer.of("thread/name/set") == []

    with_client(run)


def test_an_answer_of_another_shape_is_refused() -> None:
    """Answers are validated; what is there besides is passed over."""

    async def run(client: Client, peer: Peer) -> None:
        peer.answers["thread/unsubscribe"] = lambda _: {"status": "unsubscribed", "new": 1}
        assert await client.unsubscribe("one") == "unsubscribed"
        peer.answers["thread/unsubscribe"] = lambda _: {"status": 1}
        with pytest.raises(UnsupportedFormat, match=r"answer to thread/unsubscribe: .*status"):
            await client.unsubscribe("one")

    with_client(run)


def test_an_answer_that_is_nested_too_deeply_ends_its_request_alone() -> None:
    """The reader of all answers does not end with it, which would leave everybody waiting."""

    async def run(client: Client, peer: Peer) -> None:
        asking = asyncio.ensure_future(client.ask("thread/read"))
        request = await peer.heard("thread/read")
        peer.say_line(b'{"id":%d,"result":%s%s}' % (request["id"], b"[" * 100_000, b"]" * 100_000))
        with pytest.raises(UnsupportedFormat, match="answer to thread/read: nested too deeply"):
            await asking
        peer.answers["thread/unsubscribe"] = lambda _: LET_GO
        assert await client.unsubscribe("two") == "unsubscribed"

    with_client(run)


def test_closing_tells_those_who_wait() -> None:
    """Nobody waits for an answer of a connection that was let go."""

    async def run(client: Client, peer: Peer) -> None:
        asking = asyncio.ensure_future(client.archive("one"))
        await peer.heard("thread/archive")
        await client.close()
        with pytest.raises(ServerGone, match="thread/archive: the connection ended: it was closed here"):
            await asking

    with_client(run)


def test_nothing_is_kept_of_requests_that_were_left() -> None:
    """Whether they were cancelled, refused, out of time or answered."""

    async def run(client: Client, peer: Peer) -> None:
        held = client._connection._waiting
        asking = [asyncio.ensure_future(client.archive(str(number))) for number in range(3)]
        await peer.heard("thread/archive", 3)
        answered, refused, left = peer.of("thread/archive")
        assert len(held) == 3
        peer.answer(answered, {})
        peer.refuse(refused, {"code": -32600, "message": "no"})
        asking[2].cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        client._connection._timeout_seconds = 0
        with pytest.raises(NoAnswer):
            await client.archive("late")
        assert held == {}
        peer.answer(left, {})

    with_client(run)
