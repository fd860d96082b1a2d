"""A local socket as a transport: one file in the file system, for its owner alone."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from rollout.appserver.protocol import LineBuffer, Unreadable
from rollout.errors import Conflict, StorageFailed

_READ_BYTES: Final = 256 << 10
_BACKLOG: Final = 1024


class StreamTransport:
    """One connection over a local socket."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, max_message_bytes: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._lines = LineBuffer(max_message_bytes)

    async def receive(self) -> list[bytes | Unreadable] | None:
        """Return the next lines; None at the end."""
        while content := await self._reader.read(_READ_BYTES):
            lines = self._lines.feed(content)
            if lines:
                return lines
        return None

    async def send(self, messages: list[bytes]) -> None:
        """Send messages; the other side has taken most of them on return."""
        self._writer.write(b"".join(messages))
        await self._writer.drain()

    async def close(self, reason: str | None) -> None:
        """Close it, at once where there is a reason to let the client go."""
        if reason is not None:
            self._writer.transport.abort()
            return
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


def bind_private(path: str) -> socket.socket:
    """Return a socket bound to `path`, which only its owner may open. A socket nobody listens to is replaced.

    Raise Conflict when somebody listens there, or when it is no socket; StorageFailed.
    """
    try:
        _clear(path)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)  # from the first moment on
        try:
            bound.bind(path)
        finally:
            os.umask(mask)
        listen(bound)
        bound.setblocking(False)
    except OSError as error:
        raise StorageFailed(
            f"listening on {path}: {error.strerror or error}", hint="Name a path that you may write to."
        ) from error
    return bound


def listen(bound: socket.socket) -> None:
    """Let as many clients wait to be accepted as a server may ever have at once."""
    bound.listen(_BACKLOG)


def _clear(path: str) -> None:
    """Take a socket away that nobody listens to."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise Conflict(f"listening on {path}: it is there, and no socket", hint="Name another path.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
    raise Conflict(f"listening on {path}: another process listens there", hint="Name another path.")


def remove_socket(path: str) -> None:
    """Take the file of a socket away."""
    with suppress(OSError):
        Path(path).unlink()
