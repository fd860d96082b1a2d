"""Errors of a server are the library's again."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from rollout.appserver.call import refusal_of
from rollout.appserver.protocol import encode_response, refused
from rollout.client.answers import Message, Refused
from rollout.client.client import Client
from rollout.client.refusals import error_of
from rollout.errors import (
    Conflict,
    DamagedLog,
    InvalidCursor,
    InvalidRequest,
    NotFound,
    RolloutError,
    StorageFailed,
    UnsupportedFormat,
)
from tests.unit.client.peer import Peer, with_client

FAMILIES = [InvalidRequest, NotFound, Conflict, DamagedLog, UnsupportedFormat, StorageFailed]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_comes_back_with_its_hint(family: type[RolloutError]) -> None:
    """Whatever the library raised in the server, the client raises."""
    error = family("reading thread 1: it is odd", hint="Look at it.")
    line = encode_response(refused(1, refusal_of(error)))
    sent = msgspec.json.decode(line, type=Message).error
    assert sent is not None
    found = error_of(sent)
    assert (type(found), found.message, found.hint) == (family, error.message, error.hint)


def test_a_cursor_comes_back_as_one() -> None:
    """A client knows to start again without it."""
    line = encode_response(refused(1, refusal_of(InvalidCursor("junk", hint="Start anew."), "abc")))
    sent = msgspec.json.decode(line, type=Message).error
    assert sent is not None
    found = error_of(sent)
    assert (type(found), found.hint) == (InvalidCursor, "Start anew.")


@pytest.mark.parametrize(
    ("code", "message", "family"),
    [
        (-32600, "no rollout found for thread id 1", NotFound),
        (-32600, "no archived rollout found for thread id 1", NotFound),
        (-32600, "thread not loaded: 1", NotFound),
        (-32600, "thread not found: 1", NotFound),
        (-32600, "turn not found: t9", NotFound),
        (-32600, "lastTurnId 't9' was not found in the source thread", NotFound),
        (-32600, "session 1 is archived. Run `rollout unarchive 1` to unarchive it first.", Conflict),
        (-32600, "cannot delete thread 1: forked history still references it", Conflict),
        (-32600, "invalid cursor: zz", InvalidCursor),
        (-32600, "thread name must not be empty", InvalidRequest),
        (-32601, "turn/start is not supported: this server keeps threads and runs no model", InvalidRequest),
        (-32602, "turnId is required when cursor is an item anchor", InvalidRequest),
        (-32603, "failed to read", StorageFailed),
    ],
)
def test_words_that_clients_know_name_a_family(code: int, message: str, family: type[RolloutError]) -> None:
    """Where a server says no code of ours: its own words, and its number."""
    assert type(error_of(Refused(code, message))) is family


@pytest.mark.parametrize("data", ["null", "3", '{"rollout":3}', '{"rollout":{"code":"new.kind"}}', '{"x":1}'])
def test_data_of_another_server_is_passed_over(data: str) -> None:
    """The number decides then."""
    refused_here = Refused(-32600, "odd", msgspec.Raw(data.encode()))
    assert type(error_of(refused_here)) is InvalidRequest


def test_a_refusal_reaches_who_asked() -> None:
    """And nobody else."""

    async def run(client: Client, peer: Peer) -> None:
        asking, other = (asyncio.ensure_future(client.unsubscribe(one)) for one in ("one", "two"))
        await peer.heard("thread/unsubscribe", 2)
        first, second = peer.of("thread/unsubscribe")
        error = {"code": -32600, "message": "m", "data": {"rollout": {"code": "conflict", "hint": "Wait."}}}
        peer.refuse(first, json.loads(json.dumps(error)))
        peer.answer(second, {"status": "notLoaded"})
        with pytest.raises(Conflict, match="m") as caught:
            await asking
        assert caught.value.hint == "Wait."
        assert await other == "notLoaded"

    with_client(run)
