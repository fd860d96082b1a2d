"""What waits for a reader, in bounded memory: a queue that says that it ran over instead of growing."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from rollout.errors import RolloutError

T = TypeVar("T")


class Inbox(Generic[T]):
    """A bounded queue for one reader. What comes once it is full is dropped, and the reader is told."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: deque[T] = deque()
        self._is_over = False
        self._error: RolloutError | None = None
        self._changed = asyncio.Event()

    def put(self, one: T) -> None:
        """Keep one, unless there is no room, or was none before: what was kept has no gaps."""
        self._is_over = self._is_over or len(self._held) >= self._most
        if not self._is_over:
            self._held.append(one)
        self._changed.set()

    def fail(self, error: RolloutError) -> None:
        """Let the reader end with an error, behind what is held."""
        self._error = error
        self._changed.set()

    async def get(self) -> T | None:
        """Return the next one; None where some were dropped. Raise the error that it ended with."""
        while not self._held:
            if self._is_over:
                return None
            if self._error is not None:
                raise self._error
            self._changed.clear()
            await self._changed.wait()
        return self._held.popleft()
