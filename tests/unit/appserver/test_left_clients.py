"""What a server still holds of a client that has left, and still does for it."""

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
