"""One client's connection: requests in by order of arrival, answers out as they come, both in bounds.

A client that sends faster than it is answered is read more slowly; one that takes nothing for too long is
disconnected, with a reason. Contract: docs/protocol.md, "Messages".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import Final, Protocol

from rollout.appserver.dispatch import Prepared, prepare
from rollout.appserver.lanes import Gate, Lanes
from rollout.appserver.protocol import (
    Note,
    Request,
    Response,
    Unreadable,
    encode_note,
    encode_response,
    parse_message,
    unreadable,
)
from rollout.appserver.server import Server

MOST_IN_FLIGHT: Final = 128
"""Requests of one client that were read and are not answered yet."""
_ROOM_BYTES: Final = 8 << 20
"""Above this, nothing more is read from a client, or streamed to it, until it has taken some."""
_MOST_BYTES: Final = 256 << 20
_SENT_BYTES: Final = 1 << 20
STALL_SECONDS: Final = 30.0


class Transport(Protocol):
    """The bytes of one connection. `receive` and `send` are called from the loop alone."""

    async def receive(self) -> list[bytes | Unreadable] | None:
        """Return the next messages, in order; None at the end. Raise OSError when it broke."""

    async def send(self, messages: list[bytes]) -> None:
        """Send messages, each one line with its newline. Raise OSError when it broke."""

    async def close(self, reason: str | None) -> None:
        """Close it, telling the other side why if the transport can. Idempotent."""


class Hub:
    """What the connections of a server share."""

    def __init__(self, server: Server, lanes: Lanes, report: Callable[[str], None]) -> None:
        self.server = server
        self.lanes = lanes
        self.report = report
        self.connections: set[Connection] = set()
        self._is_warm = False
        server.run_aside = lanes.submit

    def warm_up(self) -> None:
        """Load what requests need, once somebody has been answered and may ask."""
        if not self._is_warm:
            self._is_warm = True
            self.lanes.submit(None, self._warm_up)

    def _warm_up(self) -> None:
        from rollout.appserver.memory import give_back_large_blocks
        from rollout.appserver.warming import warm_up  # late: it brings along all that methods need

        give_back_large_blocks()
        warm_up(self.server)

    def broadcast(self, notes: tuple[Note, ...], besides: Connection | None) -> None:
        """Send notifications to every client but one."""
        for connection in tuple(self.connections):
            if connection is not besides:
                for note in notes:
                    connection.send(note)


class Connection:
    """One client, from its first byte to its last. All but `serve` may be called from any thread."""

    def __init__(self, hub: Hub, transport: Transport) -> None:
        self._hub = hub
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._client = hub.server.connect(self)
        self._lock = Lock()
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._in_flight = 0
        self._making: list[Gate] = []
        self._waiting: list[Callable[[], None]] = []
        self._is_ending = False
        self._failure: str | None = None
        self._wake = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    async def serve(self) -> None:
        """Serve the client until it leaves, all answers sent, or until it has to be let go."""
        self._hub.connections.add(self)
        writer = asyncio.create_task(self._write())
        reader = asyncio.create_task(self._read())
        try:
            await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
            if not writer.done():
                self._is_ending = True
                self._wake.set()
                await writer
        finally:
            self._hub.connections.discard(self)
            reader.cancel()
            writer.cancel()
            with self._lock:
                self._failure = self._failure or "the connection was closed"
                self._out = []  # at once: what holds it may be found to be garbage much later
                self._waiting = []
            await self._transport.close(self._failure if self._is_let_go else None)
            notes = self._hub.server.disconnect(self._client)
            self._hub.broadcast(notes, None)

    @property
    def _is_let_go(self) -> bool:
        return self._failure is not None and not self._is_ending

    async def _read(self) -> None:
        try:
            while (messages := await self._transport.receive()) is not None:
                for message in messages:
                    await self._has_room.wait()
                    self._take(message)
        except OSError as error:
            self._fail(f"reading from a client: {error}")

    def _take(self, message: bytes | Unreadable) -> None:
        """Answer a message, or have it answered."""
        found = parse_message(message) if isinstance(message, bytes) else message
        if isinstance(found, Unreadable):
            self._post([encode_response(unreadable(found))])
        if not isinstance(found, Request):
            return
        prepared = prepare(self._hub.server, self._client, found)
        if isinstance(prepared, Response):
            self._post([encode_response(prepared)])
            self._hub.warm_up()
            return
        making = Gate() if prepared.method.makes_threads else None
        earlier = tuple(self._making)
        if making is not None:
            self._making.append(making)
        with self._lock:
            self._in_flight += 1
        self._measure()
        self._hub.lanes.submit(prepared.lane, lambda: self._answer(prepared, earlier, making))

    def _answer(self, prepared: Prepared, earlier: tuple[Gate, ...], making: Gate | None) -> None:
        """Run a request and post its answer, unless nobody is there to take it. Runs on a worker."""
        if self._failure is not None:
            if making is not None:
                making.open()
            return
        pending = [one for one in earlier if not one.is_open]
        response, is_unknown = prepared.attempt()
        if is_unknown and pending:
            # Whoever asks for a thread right behind the request that makes it means the thread it makes.
            def again() -> None:
                self._hub.lanes.submit(prepared.lane, lambda: self._answer(prepared, earlier, making))

            pending[-1].when_open(again)
            return
        lines = [self._line(note) for note in response.before if self._client.takes(note)]
        lines.append(encode_response(response))
        lines += [self._line(note) for note in response.after if self._client.takes(note)]
        if making is not None:
            making.open()
            self._making.remove(making)
        self._post(lines, is_answer=True)
        if response.before or response.after:
            self._hub.broadcast((*response.before, *response.after), self)
        if response.then is not None:
            response.then()

    def _line(self, note: Note) -> bytes:
        return encode_note(note, self._hub.server.now_ms())

    def send(self, note: Note) -> None:
        """Send a notification, unless the client does not take it."""
        if self._client.takes(note):
            self._post([self._line(note)])

    def has_room(self) -> bool:
        """Tell whether the client is there and has taken most of what was sent."""
        return self._failure is None and self._out_bytes < _ROOM_BYTES

    def when_room(self, work: Callable[[], None]) -> None:
        """Do a short piece of work once it has: now or later, or never when it leaves."""
        with self._lock:
            if self._failure is not None:
                return
            if self._out_bytes >= _ROOM_BYTES:
                self._waiting.append(work)
                return
        work()

    def _post(self, lines: list[bytes], *, is_answer: bool = False) -> None:
        with self._lock:
            if is_answer:
                self._in_flight -= 1
            if self._failure is not None:
                return
            must_wake = not self._out
            self._out += lines
            self._out_bytes += sum(map(len, lines))
            is_too_much = self._out_bytes > _MOST_BYTES
        if is_too_much:
            self._fail(f"a client takes too little: {_MOST_BYTES >> 20} MiB wait for it")
        if must_wake:
            self._call(self._wake.set)

    def _fail(self, reason: str) -> None:
        with self._lock:
            if self._failure is not None:
                return
            self._failure = reason
        self._hub.report(reason)
        self._call(self._wake.set)

    def _call(self, what: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)

    def _measure(self) -> None:
        """Read on only while there is room."""
        if self._in_flight < MOST_IN_FLIGHT and self._out_bytes < _ROOM_BYTES:
            self._has_room.set()
        else:
            self._has_room.clear()

    async def _write(self) -> None:
        while self._failure is None:
            await self._wake.wait()
            self._wake.clear()
            while out := self._next_out():
                if not await self._send(out):
                    return
                self._taken(sum(map(len, out)))
                self._measure()
            self._measure()
            if self._is_ending and not self._in_flight and not self._out:
                return

    def _taken(self, size_bytes: int) -> None:
        """Count what the client has taken, and let go on what waited for that."""
        with self._lock:
            self._out_bytes -= size_bytes
            waiting: list[Callable[[], None]] = []
            if self._out_bytes < _ROOM_BYTES:
                waiting, self._waiting = self._waiting, waiting
        for work in waiting:
            work()

    def _next_out(self) -> list[bytes]:
        """Take what is sent at once: some of what waits, the oldest first."""
        with self._lock:
            size = 0
            for count, line in enumerate(self._out, 1):
                size += len(line)
                if size >= _SENT_BYTES:
                    out, self._out = self._out[:count], self._out[count:]
                    return out
            out, self._out = self._out, []
            return out

    async def _send(self, out: list[bytes]) -> bool:
        try:
            await asyncio.wait_for(self._transport.send(out), STALL_SECONDS)
        except TimeoutError:
            self._fail(f"a client took nothing for {STALL_SECONDS:g} s")
            return False
        except OSError as error:
            self._fail(f"writing to a client: {error}")
            return False
        return True
