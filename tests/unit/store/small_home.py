"""A home in memory with a few threads, for tests of the store."""

from __future__ import annotations

from collections.abc import Callable

from rollout.store.root import Store, open_store
from rollout.testing.memory import MemoryFileSystem
from tests.unit.made_lines import event, header, line

HOME = "/home"
DAY = f"{HOME}/sessions/2026/11/21"


def thread_id(number: int) -> str:
    """Return the id of the thread made `number` minutes into the day of the fixtures."""
    made = 1_795_219_200_000 + number * 60_000
    packed = f"{made:012x}"
    return f"{packed[:8]}-{packed[8:]}-7000-8000-{number:012x}"


def stamp_of(number: int) -> str:
    """Return the header's time of that thread."""
    return f"2026-11-21T{number // 60:02d}:{number % 60:02d}:00.000Z"


def path_of(number: int, *, folder: str = DAY, suffix: str = ".jsonl") -> str:
    """Return where that thread lies."""
    return f"{folder}/rollout-{stamp_of(number)[:19].replace(':', '-')}-{thread_id(number)}{suffix}"


def log_of(number: int, *said: str, **members: object) -> bytes:
    """Return a legacy log of that thread: its header, then one user message for each of `said`."""
    first = header(thread_id(number), **({"timestamp": stamp_of(number)} | members))
    return first + b"".join(event("user_message", message=text) for text in said)


def turn_context(model: str, cwd: str = "/src/app", **members: object) -> bytes:
    """Return a line with the settings of a turn."""
    settings = {"approval_policy": "never", "sandbox_policy": {"type": "read-only"}, "model": model}
    return line("turn_context", {"cwd": cwd, **settings, **members})


def store_of(fs: MemoryFileSystem, clock: Callable[[], int] = lambda: 1 << 50) -> Store:
    """Open the store over the home."""
    return open_store(HOME, fs=fs, clock=clock)
