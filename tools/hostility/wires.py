"""A hostile client's end of a connection: any bytes out, lines in, no manners.

Whatever a server says is looked at: a fault of its own, or a word of a file outside its home, is a finding.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import time
from collections import deque
from contextlib import suppress
from itertools import count
from typing import Any, Final, Protocol

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

SECRET: Final = "marker-of-a-file-outside-of-the-home"
FAULTS: Final = (b"a fault of this server", SECRET.encode())
HELLO: Final = {
    "clientInfo": {"name": "hostile", "version": "1"},
    "capabilities": {"experimentalApi": True},
}
WAIT_SECONDS: Final = 60.0
_READ_BYTES: Final = 1 << 20
_IDS: Final = count(1_000_000)


class Wire(Protocol):
    """A connection. `hear` gives the next message, None at the end; TimeoutError where there is none."""

    def write(self, line: bytes) -> None: ...

    def hear(self, seconds: float = WAIT_SECONDS) -> bytes | None: ...

    def close(self) -> None: ...


def looked_at(line: bytes) -> bytes:
    """Return what was heard, if a server may say it."""
    for fault in FAULTS:
        assert fault not in line, f"the server said: {line[:500]!r}"
    return line


class Streams:
    """Lines over two descriptors, which may be one."""

    def __init__(self, into: int, out: int) -> None:
        self.into = into
        self.out = out
        self._ready = select.poll()
        self._ready.register(out, select.POLLIN)
        self._lines: deque[bytes] = deque()
        self._rest: list[bytes] = []

    def write(self, line: bytes) -> None:
        """Send a message."""
        self.write_raw(line + b"\n")

    def write_raw(self, content: bytes) -> None:
        """Send bytes."""
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self.into, rest) :]

    def hear(self, seconds: float = WAIT_SECONDS) -> bytes | None:
        """Return the next line."""
        ends_at = time.monotonic() + seconds
        while not self._lines:
            if not self._ready.poll(max(0.0, ends_at - time.monotonic()) * 1e3):
                raise TimeoutError(f"nothing was said for {seconds:g} s")
            try:
                content = os.read(self.out, _READ_BYTES)
            except ConnectionResetError:
                return None
            if not content:
                return None
            first, *others = content.split(b"\n")
            self._rest.append(first)
            if others:
                self._lines.append(b"".join(self._rest))
                self._lines.extend(others[:-1])
                self._rest = others[-1:]
        return looked_at(self._lines.popleft())

    def close(self) -> None:
        """Let go."""
        for one in {self.into, self.out}:
            with suppress(OSError):
                os.close(one)


class Local(Streams):
    """Lines over a local socket."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        super().__init__(self.socket.fileno(), self.socket.fileno())

    def close(self) -> None:
        """Let go, even while a thread still writes."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def reset(self) -> None:
        """Let go without a word, as a machine that dies does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Frames:
    """Messages over a websocket."""

    def __init__(self, url: str) -> None:
        self._coming = connect(url, max_size=None, compression=None, ping_interval=None, close_timeout=1)
        self.connection: ClientConnection = self._coming.__enter__()

    def write(self, line: bytes) -> None:
        """Send a message as text, whatever its bytes are."""
        try:
            self.connection.send(line, text=True)
        except ConnectionClosed as error:
            raise BrokenPipeError(str(error)) from error

    def hear(self, seconds: float = WAIT_SECONDS) -> bytes | None:
        """Return the next message."""
        try:
            return looked_at(self.connection.recv(seconds, decode=False))
        except ConnectionClosed:
            return None

    def close(self) -> None:
        """Let go."""
        self._coming.__exit__(None, None, None)


def say(wire: Wire, message: Any) -> None:
    """Send a value as JSON."""
    wire.write(json.dumps(message).encode())


def answer_to(wire: Wire, number: object) -> dict[str, Any]:
    """Return the answer to a request: without an id where it was no JSON. Other messages are passed over."""
    while (line := wire.hear()) is not None:
        message: dict[str, Any] = json.loads(line)
        if message.get("id") in (number, None) and "method" not in message:
            return message
    raise AssertionError("the server ended the connection instead of answering")


def ask(wire: Wire, method: str, /, **params: Any) -> dict[str, Any]:
    """Return the whole answer to a request."""
    number = next(_IDS)
    say(wire, {"id": number, "method": method, "params": params})
    return answer_to(wire, number)


def greet(wire: Wire) -> Wire:
    """Shake hands."""
    found = ask(wire, "initialize", **HELLO)
    assert "result" in found, found
    return wire


def outcome(message: dict[str, Any]) -> str:
    """Return what an answer comes to, in a word."""
    return str(message["error"]["code"]) if "error" in message else "result"
