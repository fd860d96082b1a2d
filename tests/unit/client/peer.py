"""The other side of a client, in memory: it is told what to answer, and remembers what it was asked.

with_client(lambda client, peer: ...) runs a test's coroutine on a loop of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from rollout.client.client import Client

WAIT_SECONDS = 30
GREETING = {"userAgent": "peer/1", "codexHome": "/home"}

Answer = Callable[[dict[str, Any]], Any]


class Peer:
    """A transport whose far end is a function from requests to results; None means no answer by itself."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: dict[str, Answer] = {"initialize": lambda _: GREETING}
        self.send_error: OSError | None = None
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._heard = asyncio.Condition()
        self._why = ""

    async def send(self, line: bytes) -> None:
        """Take a message of the client."""
        if self.send_error is not None:
            raise self.send_error
        message = json.loads(line)
        self.asked.append(message)
        answer = self.answers.get(message["method"])
        result = answer(message.get("params")) if answer is not None else None
        if result is not None and "id" in message:
            self.answer(message, result)
        async with self._heard:
            self._heard.notify_all()

    async def receive(self) -> list[bytes] | None:
        """Give the client its next message."""
        line = await self._lines.get()
        return None if line is None else [line]

    async def why_ended(self) -> str:
        """Say what the test gave as the reason."""
        return self._why

    async def close(self) -> None:
        """Hold nothing."""

    def say(self, message: object) -> None:
        """Send any message."""
        self.say_line(json.dumps(message).encode())

    def say_line(self, line: bytes) -> None:
        """Send any bytes."""
        self._lines.put_nowait(line)

    def answer(self, request: dict[str, Any], result: object) -> None:
        """Answer a request."""
        self.say({"id": request["id"], "result": result})

    def refuse(self, request: dict[str, Any], error: dict[str, Any]) -> None:
        """Answer a request with an error."""
        self.say({"id": request["id"], "error": error})

    def note(self, method: str, params: object) -> None:
        """Send a notification."""
        self.say({"method": method, "params": params, "emittedAtMs": 1})

    def hang_up(self, why: str = "it went away") -> None:
        """End the connection."""
        self._why = why
        self._lines.put_nowait(None)

    def of(self, method: str) -> list[dict[str, Any]]:
        """Return the requests of one method, oldest first."""
        return [one for one in self.asked if one["method"] == method]

    async def heard(self, method: str, times: int = 1) -> dict[str, Any]:
        """Wait until a method was asked so many times; return the newest request of it."""
        async with self._heard:
            await self._heard.wait_for(lambda: len(self.of(method)) >= times)
        return self.of(method)[-1]


def with_client(test: Callable[[Client, Peer], Awaitable[None]]) -> None:
    """Run a test with a client that has shaken hands with a peer."""

    async def run() -> None:
        peer = Peer()
        client = Client(peer)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await client.shake_hands()
                await test(client, peer)
        finally:
            await client.close()

    asyncio.run(run(), debug=True)
