"""One client's connection: what comes in, what goes out, and what becomes of those who take nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from rollout.appserver import connection as module
from rollout.appserver.connection import Connection, Hub
from rollout.appserver.lanes import Lanes
from rollout.appserver.protocol import Unreadable
from rollout.appserver.server import Server, ServerSettings
from rollout.store.root import open_store
from rollout.store.store import Store
from tests.builders import DAY, HOME, STAMP, Rollout, thread, uuid
from tests.recorded_home import now_ms

HELLO = {"id": 0, "method": "initialize", "params": {"clientInfo": {"name": "tests", "version": "1"}}}
T = uuid(1)


class Line:
    """A transport in memory: what the client says, what it was sent, and whether it takes anything."""

    def __init__(self, *said: object) -> None:
        self.incoming: asyncio.Queue[list[bytes | Unreadable] | None] = asyncio.Queue()
        self.sent: list[Any] = []
        self.closed_for: list[str | None] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.arrived = asyncio.Event()
        for one in said:
            self.say(one)

    def say(self, message: object) -> None:
        """Say one message, or bytes as they are."""
        self.incoming.put_nowait([message if isinstance(message, bytes) else json.dumps(message).encode()])

    def leave(self) -> None:
        """End what the client says."""
        self.incoming.put_nowait(None)

    async def receive(self) -> list[bytes | Unreadable] | None:
        return await self.incoming.get()

    async def send(self, messages: list[bytes]) -> None:
        await self.takes.wait()
        self.sent += [json.loads(line) for message in messages for line in message.splitlines()]
        self.arrived.set()

    async def close(self, reason: str | None) -> None:
        self.closed_for.append(reason)

    async def until(self, is_there: Callable[[Any], bool]) -> Any:
        """Return the first message that was sent and is wanted."""
        while True:
            for one in self.sent:
                if is_there(one):
                    return one
            self.arrived.clear()
            await asyncio.wait_for(self.arrived.wait(), 30)

    def answer(self, number: int) -> Any:
        """Return the answer to a request."""
        return next(one for one in self.sent if one.get("id") == number)


class World:
    """A home on disk and a server over it."""

    def __init__(self, folder: Path, *rollouts: Rollout) -> None:
        for rollout in rollouts:
            path = folder / DAY.removeprefix(f"{HOME}/") / rollout.name(STAMP)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rollout.content)
        self.store: Store = open_store(folder)
        self.server = Server(self.store, ServerSettings("/src/app", "model-a"), now_ms)
        self.lanes = Lanes()
        self.reports: list[str] = []
        self.hub = Hub(self.server, self.lanes, self.reports.append)

    def run(self, scenario: Callable[[World], Coroutine[Any, Any, None]]) -> None:
        """Run a scenario to its end, then close everything."""
        try:
            asyncio.run(asyncio.wait_for(scenario(self), 60))
        finally:
            self.server.close()
            self.lanes.close()

    async def serve(self, line: Line) -> None:
        """Serve one line to its end."""
        await Connection(self.hub, line).serve()


def ask(number: int, method: str, **params: object) -> dict[str, object]:
    """Return a request."""
    return {"id": number, "method": method, "params": params}


def test_what_was_read_is_answered_before_the_end(tmp_path: Path) -> None:
    """A client that writes all it has and closes its end gets every answer."""

    async def scenario(world: World) -> None:
        line = Line(HELLO, *(ask(n, "thread/turns/list", threadId=T) for n in range(1, 50)))
        line.leave()
        await world.serve(line)
        assert sorted(one["id"] for one in line.sent) == list(range(50))
        assert line.closed_for == [None]

    World(tmp_path, thread().turn("hi")).run(scenario)


def test_bad_lines_are_answered_and_end_nothing(tmp_path: Path) -> None:
    """The next request is served as if they had not been."""

    async def scenario(world: World) -> None:
        line = Line(HELLO, b"{bad", b"", b"[]", b"\xff\xfe", ask(1, "thread/loaded/list"))
        line.leave()
        await world.serve(line)
        assert [one["error"]["code"] for one in line.sent if one["id"] is None] == [-32700, -32700]
        assert line.answer(1)["result"] == {"data": [], "nextCursor": None}

    World(tmp_path).run(scenario)


def test_requests_for_one_thread_are_answered_in_order(tmp_path: Path) -> None:
    """What one changes, the next sees."""

    async def scenario(world: World) -> None:
        steps = [ask(1, "thread/resume", threadId=T, excludeTurns=True)]
        for n in range(2, 20, 2):
            steps.append(ask(n, "thread/name/set", threadId=T, name=f"name {n}"))
            steps.append(ask(n + 1, "thread/read", threadId=T))
        line = Line(HELLO, *steps)
        line.leave()
        await world.serve(line)
        for n in range(2, 20, 2):
            assert line.answer(n + 1)["result"]["thread"]["name"] == f"name {n}"

    World(tmp_path, thread().turn("hi")).run(scenario)


def test_a_slow_thread_delays_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second thread's page comes while the first one's is still being read."""
    goes_on = Event()
    open_thread = Store.open_thread

    def slowly(self: Store, reference: str, **hints: Any) -> Any:
        if reference == T:
            assert goes_on.wait(30)
        return open_thread(self, reference, **hints)

    monkeypatch.setattr(Store, "open_thread", slowly)

    async def scenario(world: World) -> None:
        line = Line(HELLO, ask(1, "thread/read", threadId=T), ask(2, "thread/read", threadId=uuid(2)))
        served = asyncio.create_task(world.serve(line))
        await line.until(lambda one: one.get("id") == 2)
        assert all(one.get("id") != 1 for one in line.sent)
        goes_on.set()
        line.leave()
        await served
        assert line.answer(1)["result"]["thread"]["id"] == T

    World(tmp_path, thread().turn("a"), thread(2).turn("b")).run(scenario)


def test_a_request_behind_a_fork_finds_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It arrived behind the request that makes the thread; that it runs before it is made does not matter."""
    child_id, asked = "01a1fdaf-eef7-7c3f-b4cf-e635ecd662e3", Event()
    open_thread = Store.open_thread

    def in_the_wrong_order(self: Store, reference: str, **hints: Any) -> Any:
        if reference == child_id and not asked.is_set():
            try:
                return open_thread(self, reference, **hints)
            finally:
                asked.set()
        if reference == T:
            assert asked.wait(30)
        return open_thread(self, reference, **hints)

    monkeypatch.setattr(Store, "open_thread", in_the_wrong_order)

    async def scenario(world: World) -> None:
        world.store._new_id = lambda: child_id
        line = Line(
            HELLO,
            ask(1, "thread/fork", threadId=T, excludeTurns=True),
            ask(2, "thread/turns/list", threadId=child_id),
        )
        line.leave()
        await world.serve(line)
        assert line.answer(1)["result"]["thread"]["id"] == child_id
        assert [turn["id"] for turn in line.answer(2)["result"]["data"]] == ["t1"]

    World(tmp_path, thread().turn("a")).run(scenario)


def test_requests_that_wait_for_a_fork_hold_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: the fork itself, and other clients, are served meanwhile."""
    goes_on = Event()
    open_thread = Store.open_thread

    def slowly(self: Store, reference: str, **hints: Any) -> Any:
        if reference == T:
            assert goes_on.wait(30)
        return open_thread(self, reference, **hints)

    monkeypatch.setattr(Store, "open_thread", slowly)

    async def scenario(world: World) -> None:
        world.lanes = world.hub.lanes = Lanes(2)
        unknown = [ask(n, "thread/read", threadId=uuid(100 + n)) for n in range(2, 12)]
        line = Line(HELLO, ask(1, "thread/fork", threadId=T, excludeTurns=True), *unknown)
        served = asyncio.create_task(world.serve(line))
        await line.until(lambda one: one.get("id") == 0)
        other = Line(HELLO, ask(1, "thread/read", threadId=uuid(2)))
        other.leave()
        await world.serve(other)
        assert other.answer(1)["result"]["thread"]["id"] == uuid(2)
        goes_on.set()
        line.leave()
        await served
        assert "result" in line.answer(1)
        assert {line.answer(n)["error"]["data"]["rollout"]["code"] for n in range(2, 12)} == {"not_found"}

    World(tmp_path, thread().turn("a"), thread(2).turn("b")).run(scenario)


def test_notifications_stand_around_their_response(tmp_path: Path) -> None:
    """Status before, the rest behind; and other clients hear of it as well."""

    async def scenario(world: World) -> None:
        other = Line(HELLO)
        listening = asyncio.create_task(world.serve(other))
        await other.until(lambda one: one.get("id") == 0)
        line = Line(
            HELLO,
            ask(1, "thread/resume", threadId=T, excludeTurns=True),
            ask(2, "thread/archive", threadId=T),
        )
        line.leave()
        await world.serve(line)
        told = [one.get("method", one.get("id")) for one in line.sent]
        assert told == [0, "thread/status/changed", 1, "thread/status/changed", 2, "thread/archived"]
        await other.until(lambda one: one.get("method") == "thread/archived")
        other.leave()
        await listening

    World(tmp_path, thread().turn("a")).run(scenario)


def test_what_was_opted_out_of_is_not_sent(tmp_path: Path) -> None:
    """Exactly those notifications, to this client alone."""

    async def scenario(world: World) -> None:
        capabilities = {"optOutNotificationMethods": ["thread/status/changed"]}
        params = {"clientInfo": {"name": "x", "version": "1"}, "capabilities": capabilities}
        line = Line(
            {"id": 0, "method": "initialize", "params": params},
            ask(1, "thread/resume", threadId=T),
            ask(2, "thread/archive", threadId=T),
        )
        line.leave()
        await world.serve(line)
        assert [one["method"] for one in line.sent if "method" in one] == ["thread/archived"]

    World(tmp_path, thread().turn("a")).run(scenario)


def test_a_full_client_is_read_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that wait hold back requests, and reading goes on when they are taken."""
    monkeypatch.setattr(module, "_ROOM_BYTES", 1000)

    async def scenario(world: World) -> None:
        line = Line(HELLO)
        served = asyncio.create_task(world.serve(line))
        await line.until(lambda one: one.get("id") == 0)
        line.takes.clear()
        for number in range(1, 200):
            line.say(ask(number, "thread/read", threadId=T))
        while line.incoming.qsize() > 198:
            await asyncio.sleep(0)
        (connection,) = world.hub.connections
        assert connection._out_bytes < 1_000_000
        line.takes.set()
        line.leave()
        await served
        assert sorted(one["id"] for one in line.sent) == list(range(200))

    World(tmp_path, thread().turn("a" * 500)).run(scenario)


def test_a_broken_line_ends_its_connection_alone(tmp_path: Path) -> None:
    """The reason is reported, the server lives on."""

    async def scenario(world: World) -> None:
        line = Line(HELLO)

        async def broken() -> None:
            raise ConnectionResetError("reset by peer")

        line.receive = broken  # type: ignore[assignment,method-assign]  # breaks at once
        await world.serve(line)
        assert world.reports == ["reading from a client: reset by peer"]
        assert world.hub.connections == set()

    World(tmp_path).run(scenario)
