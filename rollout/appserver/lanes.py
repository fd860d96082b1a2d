"""Work for many threads at once, work for one thread in order: a pool of workers with lanes.

What is submitted to one lane runs one after the other, in the order of submission; different lanes, and
work without a lane, run side by side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final

WORKERS: Final = 64
"""So many slow requests may run before another one waits; workers are started when they are needed."""

Work = Callable[[], None]
"""Something to do that never raises."""


class Lanes:
    """A pool of workers. Safe to share between threads."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._is_closed = False
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="request")
        self._lock = Lock()
        self._waiting: dict[str, deque[Work]] = {}

    def submit(self, lane: str | None, work: Work) -> None:
        """Have work done, behind all that was submitted to the same lane before; none once it is closed."""
        with self._lock:
            if self._is_closed:
                return
            if lane is None:
                self._pool.submit(work)
                return
            waiting = self._waiting.get(lane)
            if waiting is not None:
                waiting.append(work)
                return
            self._waiting[lane] = deque([work])
            self._pool.submit(self._drain, lane)

    def _drain(self, lane: str) -> None:
        while True:
            with self._lock:
                waiting = self._waiting[lane]
                if not waiting:
                    del self._waiting[lane]
                    return
                work = waiting.popleft()
            work()

    def close(self) -> None:
        """Wait for what is being done, and drop what has not begun. Idempotent."""
        with self._lock:
            self._is_closed = True
            for waiting in self._waiting.values():
                waiting.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)


class Gate:
    """Opened once. What has to be behind it is done then: no worker waits for it. Safe to share."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_open = False
        self._waiting: list[Work] = []

    @property
    def is_open(self) -> bool:
        """Whether it has been opened."""
        return self._is_open

    def open(self) -> None:
        """Open it, and do what waited. Idempotent."""
        with self._lock:
            self._is_open = True
            waiting, self._waiting = self._waiting, []
        for work in waiting:
            work()

    def when_open(self, work: Work) -> None:
        """Do a short piece of work once it is open: now, or by whoever opens it."""
        with self._lock:
            if not self._is_open:
                self._waiting.append(work)
                return
        work()
