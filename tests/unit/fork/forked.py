"""Homes in memory whose threads are forked, and what is looked at in a child."""

from __future__ import annotations

import json
from typing import Any

from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, Rollout
from tests.recorded_home import content_of, home_of, lines_of
from tests.unit.log.packed import frame

Json = dict[str, Any]


def stored(*rollouts: Rollout, folder: str = DAY, is_packed: bool = False) -> tuple[CrashFS, Store]:
    """Return a home with these rollouts, made by another client."""
    files = {}
    for number, rollout in enumerate(rollouts):
        path = f"{folder}/{rollout.name(f'2026-11-21T04-{number:02d}-00')}"
        files[path + ".zst" * is_packed] = frame(rollout.log()) if is_packed else rollout.log()
    fs = CrashFS(files, folders=[HOME, folder])
    return fs, home_of(fs)


def shown(store: Store, thread_id: str) -> list[str]:
    """Return the ids of a thread's turns."""
    with store.open_thread(thread_id) as opened:
        return [turn.id for turn in opened.all_turns()]


def history(store: Store, thread_id: str) -> list[str]:
    """Return the texts of a thread's model history, read in both ways."""
    bounded, full = store.resume(thread_id), store.resume(thread_id, full_replay=True)
    assert bounded.input_json() == full.input_json()
    return [part["text"] for item in json.loads(bounded.input_json()) for part in item["content"]]


def header(fs: CrashFS, thread_id: str) -> Json:
    """Return the payload of a thread's header."""
    payload: Json = lines_of(content_of(fs, thread_id))[0]["payload"]
    return payload
