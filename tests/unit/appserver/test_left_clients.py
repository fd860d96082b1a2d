"""Clients that take nothing, or have left: what the server still holds of them, and still does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rollout.appserver import connection as module
from rollout.appserver.protocol import Note
from tests.builders import thread
from tests.unit.appserver.test_connection import HELLO, Line, T, World, ask


def test_nothing_waits_for_a_client_that_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers were held until garbage was looked for: 250 MB for each client that came and left."""
    monkeypatch.setattr(module, "STALL_SECONDS", 0.01)

    async def scenario(world: World) -> None:
        line = Line(HELLO)
        served = asyncio.create_task(world.serve(line))
        await line.until(lambda one: one.get("id") == 0)
        (connection,) = world.hub.connections
        line.takes.clear()
        for number in range(1, 50):
            line.say(ask(number, "thread/read", threadId=T))
        await served
        connection.send(Note("thread/archived", {"threadId": T}))
        assert connection._out == []

    World(tmp_path, thread().turn("a")).run(scenario)


def test_a_client_that_takes_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reason, and without a trace in the server."""
    monkeypatch.setattr(module, "STALL_SECONDS", 0.01)

    async def scenario(world: World) -> None:
        line = Line(HELLO)
        line.takes.clear()
        await world.serve(line)
        assert line.closed_for == ["a client took nothing for 0.01 s"]
        assert world.reports == line.closed_for
        assert world.hub.connections == set()

    World(tmp_path).run(scenario)


def test_too_much_that_waits_lets_a_client_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notifications are not held without bound for one who does not read."""
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)

    async def scenario(world: World) -> None:
        line = Line(HELLO)
        served = asyncio.create_task(world.serve(line))
        await line.until(lambda one: one.get("id") == 0)
        line.takes.clear()
        (connection,) = world.hub.connections
        for _ in range(20):
            connection.send(Note("thread/archived", {"threadId": "x" * 100}))
        line.takes.set()
        await served
        assert line.closed_for[0] is not None
        assert "takes too little" in line.closed_for[0]

    World(tmp_path).run(scenario)
