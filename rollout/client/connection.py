"""One connection to a server: requests side by side, each answer to whoever asked for it.

Knows messages and nothing of methods. Answers come in any order; one that nobody waits for any more is
passed over. When the connection ends, everybody who waits is told why.
Contract: docs/protocol.md, "Messages".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import count
from typing import Any, Final, Protocol

import msgspec
from msgspec import Raw, Struct

from rollout.client.answers import Message
from rollout.client.refusals import NoAnswer, ServerGone, error_of, unreadable
from rollout.errors import InvalidRequest
from rollout.format.decoding import UNDECODABLE, decoder_of

MAX_REQUEST_BYTES: Final = 64 << 20
_END_SECONDS: Final = 5
_AGAIN: Final = "Connect again; what was asked may have been done or not."

_encode: Final = msgspec.json.Encoder().encode
_decode: Final[Callable[[bytes], Message]] = decoder_of(Message)
_ANSWER: Final = re.compile(rb'\s*\{\s*"id"\s*:\s*(\d{1,18})\s*,')


class Transport(Protocol):
    """A way to a server: lines out, lines in."""

    async def send(self, line: bytes) -> None:
        """Send one message without its newline. Raise OSError when it cannot be sent."""

    async def receive(self) -> list[bytes] | None:
        """Return the next messages, without their newlines; None at the end. Raise OSError."""

    async def why_ended(self) -> str:
        """Say what is known of the end."""

    async def close(self) -> None:
        """Let go of everything. Idempotent."""


class _Request(Struct, frozen=True):
    id: int
    method: str
    params: Any


class _Said(Struct, frozen=True):
    method: str


class _Waiting(Struct, frozen=True):
    method: str
    answer: asyncio.Future[Raw]
    then: Callable[[Raw], None] | None
    late: Callable[[Raw], None] | None


class Connection:
    """Asks a server. `take_note` is called with every notification, `take_end` once with why it ended."""

    def __init__(
        self,
        transport: Transport,
        *,
        timeout_seconds: float | None,
        take_note: Callable[[str, Raw], None],
        take_end: Callable[[ServerGone], None],
    ) -> None:
        self._transport = transport
        self._timeout_seconds = timeout_seconds
        self._take_note = take_note
        self._take_end = take_end
        self._waiting: dict[int, _Waiting] = {}
        self._ids = count(1)
        self._why: str | None = None
        self._ended = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reader = self.spawn(self._read())

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside, until the connection is closed."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def ask(
        self,
        method: str,
        params: Any,
        *,
        then: Callable[[Raw], None] | None = None,
        late: Callable[[Raw], None] | None = None,
    ) -> Raw:
        """Return the result of a request. `then` is called with it before any later message is looked at.

        `late` is called with it, whenever it comes, if whoever asked has left by then: cancelled, or out of
        patience. Raise what the server refused it with, NoAnswer, ServerGone, or InvalidRequest when it is
        too long.
        """
        if self._why is not None:
            raise self._gone(method)
        number = next(self._ids)
        line = _encode(_Request(number, method, params))
        if len(line) > MAX_REQUEST_BYTES:
            raise InvalidRequest(
                f"asking for {method}: expected at most {MAX_REQUEST_BYTES} bytes, found {len(line)}",
                hint="Send it in parts.",
            )
        answer: asyncio.Future[Raw] = asyncio.get_running_loop().create_future()
        self._waiting[number] = _Waiting(method, answer, then, late)
        is_taken = False
        patience = asyncio.timeout(self._timeout_seconds)
        try:
            async with patience:
                await self._transport.send(line)
                result = await answer
            is_taken = True
            return result
        except OSError as error:  # which a timeout is, too
            if patience.expired():
                raise NoAnswer(
                    f"asking for {method}: no answer within {self._timeout_seconds} s",
                    hint="Give the client a longer timeout_seconds, or ask again.",
                ) from error
            with suppress(TimeoutError):  # the reader knows more of the end than a pipe that broke
                async with asyncio.timeout(_END_SECONDS):
                    await self._ended.wait()
            self._end(str(error))
            raise self._gone(method) from error
        finally:
            if not is_taken:
                self._leave(number, answer, late)

    def _leave(self, number: int, answer: asyncio.Future[Raw], late: Callable[[Raw], None] | None) -> None:
        """Wait for an answer no more. It may have come while whoever asked was leaving."""
        if late is None:
            self._waiting.pop(number, None)
        if answer.cancel() or answer.cancelled():
            return
        if answer.exception() is None and late is not None:
            late(answer.result())

    async def say(self, method: str) -> None:
        """Send a notification; one that cannot be sent is no loss."""
        with suppress(OSError):
            await self._transport.send(_encode(_Said(method)))

    async def close(self) -> None:
        """End it: whoever waits is told. Idempotent."""
        self._end("it was closed here")
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._transport.close()

    async def _read(self) -> None:
        try:
            while (lines := await self._transport.receive()) is not None:
                for line in lines:
                    self._take(line)
            why = await self._transport.why_ended()
        except UNDECODABLE as error:
            why = f"it sent what is no message: {str(error) or 'nested too deeply'}"
        except OSError as error:
            why = str(error)
        except Exception as error:  # noqa: BLE001  # or all would wait for a reader that is no more
            why = f"a fault of this client: {type(error).__name__}: {error}"
        self._end(why)

    def _take(self, line: bytes) -> None:
        try:
            message = _decode(line)
        except RecursionError:
            self._refuse_deep(line)
            return
        if message.method is not None:
            if message.id is None:  # what a server asks its client for belongs to running turns
                self._take_note(message.method, message.params)
            return
        if message.id is None:
            why = message.error.message if message.error is not None else "an answer without an id"
            raise msgspec.DecodeError(why)
        waiting = self._waiting.pop(message.id, None) if isinstance(message.id, int) else None
        if waiting is None:
            return
        if waiting.answer.done():
            if waiting.late is not None and message.error is None:
                waiting.late(message.result)
            return
        if message.error is not None:
            waiting.answer.set_exception(error_of(message.error))
            return
        waiting.answer.set_result(message.result)
        if waiting.then is not None:
            waiting.then(message.result)

    def _refuse_deep(self, line: bytes) -> None:
        """Let one request end whose answer is nested too deeply to be read, if it is known whose it is."""
        found = _ANSWER.match(line)
        if found is None:
            raise RecursionError
        waiting = self._waiting.pop(int(found.group(1)), None)
        if waiting is not None and not waiting.answer.done():
            waiting.answer.set_exception(unreadable(waiting.method, "nested too deeply"))

    def _end(self, why: str) -> None:
        if self._why is not None:
            return
        self._why = why
        self._ended.set()
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(self._gone(waiting.method))
        self._waiting.clear()
        self._take_end(ServerGone(f"following a server: the connection ended: {why}", hint=_AGAIN))

    def _gone(self, method: str) -> ServerGone:
        return ServerGone(f"asking for {method}: the connection ended: {self._why}", hint=_AGAIN)
