"""Every recorded thread, of every era, is forked at each of its turns; each child is gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fork
from rollout.errors import InvalidRequest
from rollout.format.record import Reason
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.recorded_home import HOME, home_of, said

FIXTURES = Path(__file__).parents[2] / "fixtures"
HOMES = [*sorted(path for path in (FIXTURES / "recorded").iterdir() if path.is_dir())]
HOMES += [FIXTURES / "handmade" / "early"]
OF_LINKS = {Reason.ORDINAL, Reason.CUT_LINE, Reason.BROKEN_SEAL}


def copy_of(home: Path) -> tuple[CrashFS, Store]:
    """Return a recorded home in memory."""
    files = [path for path in home.rglob("*") if path.is_file() and ".jsonl" in path.name]
    fs = CrashFS({f"{HOME}/{path.relative_to(home)}": path.read_bytes() for path in files}, folders=[HOME])
    return fs, home_of(fs)


def turn_ids(store: Store, thread_id: str) -> list[str]:
    """Return the ids of a thread's turns."""
    with store.open_thread(thread_id) as thread:
        return [turn.id for turn in thread.all_turns()]


def check_child(store: Store, child_id: str, kept: list[str]) -> None:
    """Record a turn into a child, and check what it shows, link by link."""
    before = json.loads(store.resume(child_id).input_json())
    with store.record(child_id) as recorder:
        turn = recorder.turn("And now?", items=[said("assistant", "So.")])
        turn.complete()
    assert turn_ids(store, child_id) == [*kept, turn.id]
    assert json.loads(store.resume(child_id).input_json())[: len(before)] == before
    with store.open_thread(child_id) as thread:
        assert not OF_LINKS & {damage.reason for damage in thread.check_lineage().damage}


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.name)
def test_each_thread_is_left_at_each_turn(home: Path) -> None:
    """At its head, before every turn and through it, by reference; no recorded file is touched."""
    fs, store = copy_of(home)
    before = fs.files()
    for row in store.list_threads(limit=100).data:
        known = turn_ids(store, row.id)
        points = [({}, known)] if known else []
        points += [({"before_turn": turn_id}, known[:at]) for at, turn_id in enumerate(known)]
        points += [({"through_turn": turn_id}, known[: at + 1]) for at, turn_id in enumerate(known)]
        for point, kept in points:
            try:
                child = fork.fork_thread(store, row.id, model="m", **point)  # type: ignore[arg-type]  # ids of turns
            except InvalidRequest as refused:
                if "in-progress turn" not in refused.message:
                    raise
                continue
            assert child.copied_because is None
            assert child.turns is not None
            assert [turn.id for turn in child.turns] == kept
            check_child(store, child.id, kept)
    assert {path: content for path, content in fs.files().items() if path in before} == before
