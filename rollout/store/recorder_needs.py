"""What a recorder works with: the thread's file and lease, its settings, and the store's clock and ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from rollout.format.record import Mode, Rejected
from rollout.ids import ThreadId
from rollout.log.lease import Lease
from rollout.log.writer import LogWriter
from rollout.replay.context import Context
from rollout.store.checkpoints import Checkpoints
from rollout.store.durability import Durability
from rollout.store.settings import ThreadSettings


class Recording(Struct, frozen=True):
    """What a recorder works with. Made by the store, which owns clocks and ids.

    `read_context` reads the thread as it stands; `torn_tail` is what was moved away on opening;
    `dynamic_tools` are those that the thread's header names, as stored.
    """

    thread_id: ThreadId
    mode: Mode
    writer: LogWriter
    lease: Lease
    settings: ThreadSettings | None
    durability: Durability
    clock: Callable[[], int]
    new_id: Callable[[], str]
    read_context: Callable[[], Context]
    torn_tail: Rejected | None = None
    session_id: str | None = None
    dynamic_tools: Sequence[Any] = ()
    checkpoints: Checkpoints | None = None
