"""The standard streams as a transport: whatever they are, pipe, file or terminal.

Both are read and written by a thread of their own, for neither can be waited for in every case.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from concurrent.futures import CancelledError
from typing import Final

from rollout.appserver.protocol import LineBuffer, Unreadable

_READ_BYTES: Final = 256 << 10
_AHEAD: Final = 4
"""Reads that may wait to be looked at."""


class PipeTransport:
    """Two descriptors, made in the loop that they are served in."""

    def __init__(self, input_fd: int, output_fd: int, max_message_bytes: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._input_fd = input_fd
        self._output_fd = output_fd
        self._lines = LineBuffer(max_message_bytes)
        self._chunks: asyncio.Queue[bytes | OSError] = asyncio.Queue(_AHEAD)
        self._outgoing: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._read_all, daemon=True, name="stdin").start()
        threading.Thread(target=self._write_all, daemon=True, name="stdout").start()

    async def receive(self) -> list[bytes | Unreadable] | None:
        """Return the next lines; None at the end."""
        while True:
            content = await self._chunks.get()
            if isinstance(content, OSError):
                raise content
            if not content:
                return None
            lines = self._lines.feed(content)
            if lines:
                return lines

    async def send(self, messages: list[bytes]) -> None:
        """Write messages; all of them are written on return."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._outgoing.put((b"".join(messages), done))
        await done

    async def close(self, reason: str | None) -> None:  # noqa: ARG002  # a pipe has no place for a reason
        """Let the writer go; the descriptors are not ours to close."""
        self._outgoing.put(None)

    def _read_all(self) -> None:
        while True:
            found: bytes | OSError
            try:
                found = os.read(self._input_fd, _READ_BYTES)
            except OSError as error:
                found = error
            if not self._hand_over(found) or not found or isinstance(found, OSError):
                return

    def _hand_over(self, found: bytes | OSError) -> bool:
        """Wait until there is room for what was read; tell whether the loop was still there to take it."""
        waiting = self._chunks.put(found)
        try:
            asyncio.run_coroutine_threadsafe(waiting, self._loop).result()
        except (RuntimeError, CancelledError):
            waiting.close()
            return False
        return True

    def _write_all(self) -> None:
        while (work := self._outgoing.get()) is not None:
            content, done = work
            error: OSError | None = None
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(self._output_fd, rest) :]
            except OSError as failed:
                error = failed
            try:
                self._loop.call_soon_threadsafe(_settle, done, error)
            except RuntimeError:
                return  # the loop has ended


def _settle(done: asyncio.Future[None], error: OSError | None) -> None:
    if done.cancelled():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
