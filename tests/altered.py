"""Recorded rollouts with bytes altered behind the recorder's back, and the seals that tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from rollout.store.root import Store
from rollout.testing.crashfs import CrashFS
from rollout.testing.memory import MemoryFileSystem
from tests.recorded_home import home_of, new_home, new_thread, said

_SEAL = re.compile(rb',"seal":"([0-9]+)\.[A-Za-z0-9_-]{43}"\}\n')

READERS: dict[str, Callable[[Store, str], object]] = {
    "context": lambda store, thread_id: store.resume(thread_id),
    "full context": lambda store, thread_id: store.resume(thread_id, full_replay=True),
    "turns": lambda store, thread_id: store.turns(thread_id, limit=1),
    "items": lambda store, thread_id: store.items(thread_id),
    "all turns": lambda store, thread_id: store.open_thread(thread_id).all_turns(),
}
"""Every way to ask for what a thread holds; the newest page of turns reads the least."""


class Sealed(Struct, frozen=True):
    """What one seal covers, `[start_offset, end_offset)`, and where its line ends."""

    start_offset: int
    end_offset: int
    line_end_offset: int


def seals_in(content: bytes) -> list[Sealed]:
    """Return the seals of a rollout by their spelling, oldest first."""
    return [Sealed(int(seal.group(1)), seal.start(), seal.end()) for seal in _SEAL.finditer(content)]


def altered(files: Mapping[str, bytes], path: str, at: int, by: int = 1) -> Store:
    """Return a store over a copy of a home in which one byte of one file is another."""
    content = files[path]
    return store_of({**files, path: content[:at] + bytes([content[at] ^ by]) + content[at + 1 :]})


def store_of(files: Mapping[str, bytes]) -> Store:
    """Return a store over a home in memory that holds these files."""
    return home_of(MemoryFileSystem(files))


def record_turns(store: Store, thread_id: str, *answers: str) -> None:
    """Record a turn for every answer."""
    with store.record(thread_id) as recorder:
        for number, answer in enumerate(answers):
            with recorder.turn(f"Question {number}?") as turn:
                turn.append(said("assistant", answer))


def recorded(*answers: str) -> tuple[CrashFS, str]:
    """Return a home with one thread that has a turn for every answer, and its id."""
    fs, store = new_home()
    thread_id = new_thread(store)
    record_turns(store, thread_id, *answers)
    return fs, thread_id
