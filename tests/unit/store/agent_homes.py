"""Homes of threads that spawned others, made line by line."""

from __future__ import annotations

from itertools import count

from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, Rollout, thread, uuid


def agent(number: int, parent: int, **members: object) -> Rollout:
    """Return a thread that another one spawned, as its header says."""
    return thread(number, parent_thread_id=uuid(parent), **members).turn(f"Task {number}")


def addressed(number: int, parent: int, path: str) -> Rollout:
    """Return an agent with an address, as its source says."""
    spawn = {"parent_thread_id": uuid(parent), "depth": 1, "agent_path": path}
    return thread(number, source={"subagent": {"thread_spawn": spawn}}).turn("Task")


def store_of(*rollouts: Rollout, folder: str = DAY) -> Store:
    """Return a store over a disk with these rollouts, whose clock moves on."""
    fs = CrashFS({f"{folder}/{one.name()}": one.log() for one in rollouts}, folders=[HOME])
    ticks = count(1_795_248_374_000)
    return Store(fs, HOME, 1 << 20, lambda: next(ticks), lambda: uuid(99))
