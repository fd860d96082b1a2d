"""Opens the store over a home, with the clock, the ids and the folders that it lives on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from rollout.errors import NotFound
from rollout.fs.api import FileSystem
from rollout.fs.paths import absolute_path
from rollout.fs.posix import POSIX, random_bytes
from rollout.ids import mint_uuid7
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.log.layout import STATE_FOLDER
from rollout.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

_NANOS_A_MILLI: Final = 1_000_000


def _mint(clock: Callable[[], int]) -> str:
    return mint_uuid7(clock(), random_bytes(10))


def _now() -> int:
    return time.time_ns() // _NANOS_A_MILLI


def open_store(
    home: str | Path,
    *,
    fs: FileSystem = POSIX,
    max_line_bytes: int = MAX_LINE_BYTES,
    clock: Callable[[], int] = _now,
    new_id: Callable[[], str] | None = None,
    state_dir: str | Path | None = STATE_FOLDER,
) -> Store:
    """Open the store over a home: the folder that holds `sessions/`. A leading `~` is expanded.

    A line of more than `max_line_bytes` is reported as damage and passed over. `clock` gives
    UTC milliseconds, `new_id` UUIDs of version 7. `state_dir` is where derived files
    are kept, in the home unless it is absolute; "" or None for nowhere. Nothing is read yet. Raise
    NotFound when there is no such folder.
    """
    path = absolute_path(home)
    if not fs.is_folder(path):
        raise NotFound(
            f"opening the home {path}: there is no such folder",
            hint="Name the folder that holds `sessions/`, with --home or $ROLLOUT_HOME.",
        )
    mint = new_id or (lambda: _mint(clock))
    state_folder = absolute_path(state_dir, path) if state_dir else None
    return Store(fs, path, max_line_bytes, clock, mint, state_folder)
