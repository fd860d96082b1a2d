"""Ways to a server: a child process over its standard streams, a local socket, a websocket."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

HELD_BYTES: Final = 1 << 20
"""How much of what a server sends is read ahead."""
_READ_BYTES: Final = 256 << 10
_EXIT_SECONDS: Final = 5
_STDERR_LINES: Final = 5
_STDERR_CHARS: Final = 1000


class Streams:
    """Lines over a pair of streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._parts: list[bytes] = []

    async def send(self, line: bytes) -> None:
        """Send one line; the other side has taken most of what was sent before on return."""
        self._writer.write(line + b"\n")
        await self._writer.drain()

    async def receive(self) -> list[bytes] | None:
        """Return the next lines; None at the end, where half a line is dropped."""
        while content := await self._reader.read(_READ_BYTES):
            first, *others = content.split(b"\n")
            self._parts.append(first)
            if others:
                whole = [b"".join(self._parts), *others[:-1]]
                self._parts = others[-1:]
                return [line for line in whole if line]
        return None

    async def drop(self) -> None:
        """Read to the end, for nobody."""
        while await self._reader.read(_READ_BYTES):
            pass

    async def why_ended(self) -> str:
        """Say that the other side closed it; no more is known."""
        return "the server closed it"

    async def close(self) -> None:
        """Close both directions; what the other side does not take within some time is dropped."""
        self.end()
        await self.ended()

    def end(self) -> None:
        """Send what was written, then nothing more."""
        self._writer.close()

    async def ended(self) -> None:
        """Wait until all was taken; drop what the other side leaves lying for too long."""
        closing = asyncio.ensure_future(self._writer.wait_closed())
        _, late = await asyncio.wait((closing,), timeout=_EXIT_SECONDS)
        if late:
            self._writer.transport.abort()
        with suppress(OSError):
            await closing


class Child:
    """A server of our own, which ends with us: its input is closed, and it is given some time."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._streams = Streams(process.stdout, process.stdin)
        self._said: deque[str] = deque(maxlen=_STDERR_LINES)
        self._listener = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while content := await self._process.stderr.read(_READ_BYTES):
            self._said += content.decode(errors="replace").splitlines()

    async def send(self, line: bytes) -> None:
        """Send one line."""
        await self._streams.send(line)

    async def receive(self) -> list[bytes] | None:
        """Return the next lines; None at the end."""
        return await self._streams.receive()

    async def why_ended(self) -> str:
        """Say how the process ended, and the last that it said to people."""
        try:
            async with asyncio.timeout(_EXIT_SECONDS):
                status = await self._process.wait()
        except TimeoutError:
            return "the server closed its output"
        # Whatever the server started may hold its stderr open.
        await asyncio.wait((self._listener,), timeout=_EXIT_SECONDS)
        said = " | ".join(self._said)[-_STDERR_CHARS:]
        how = f"was killed by signal {-status}" if status < 0 else f"exited with status {status}"
        return f"the server {how}" + (f", saying: {said}" if said else "")

    async def close(self) -> None:
        """Let it answer what it read and exit; one that does not is terminated, then killed."""
        self._streams.end()
        for stop in (None, self._process.terminate, self._process.kill):
            if stop is not None:
                with suppress(ProcessLookupError):
                    stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(_EXIT_SECONDS):
                    await self._streams.drop()
                    await self._process.wait()
                    break
        await self._streams.ended()
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)


class Websocket:
    """One message a frame."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, line: bytes) -> None:
        """Send one message."""
        from websockets.exceptions import ConnectionClosed

        try:
            await self._connection.send(line, text=True)
        except ConnectionClosed as error:
            raise ConnectionResetError(str(error)) from error

    async def receive(self) -> list[bytes] | None:
        """Return the next message; None at the end."""
        from websockets.exceptions import ConnectionClosed

        try:
            return [bytes(await self._connection.recv(decode=False))]
        except ConnectionClosed:
            return None

    async def why_ended(self) -> str:
        """Say why the server closed it, if it said so."""
        reason = self._connection.close_reason
        return f"the server closed it: {reason}" if reason else "the server closed it"

    async def close(self) -> None:
        """Close it."""
        await self._connection.close()
