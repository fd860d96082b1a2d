"""A live client and our checkpoints: it passes over the line, numbers on without it; we still stand on it."""

from __future__ import annotations

import pytest
from refclient.driver import Driver

import rollout
from rollout.replay.reading import ReadPath
from tests.interop.live import Live
from tests.interop.test_alternating import (
    ask,
    check_files,
    compaction,
    compare_turns,
    full_turn,
    load,
    made,
    record,
    started,
    unload,
)

pytestmark = pytest.mark.interop

MAKERS = ["ours, paginated", "the client's, paginated", "the client's, legacy"]


def checkpoint(recorder: rollout.Recorder) -> None:
    """Write a checkpoint into the log."""
    assert recorder.checkpoint().is_in_log


def thread_of(live: Live, maker: str) -> str:
    """Return a thread of one turn, whoever made it."""
    return made(live) if maker.startswith("ours") else started(live, maker.rpartition(" ")[2])


def stands(live: Live, thread_id: str) -> bool:
    """Tell whether a resume stands on a checkpoint; it must say what reading everything says."""
    with rollout.open_store(live.home) as store:
        context, full = store.resume(thread_id), store.resume(thread_id, full_replay=True)
    assert context.input_json() == full.input_json()
    assert (context.next_ordinal, context.window) == (full.next_ordinal, full.window)
    assert (context.usage, context.world_state) == (full.usage, full.world_state)
    assert context.reference_context == full.reference_context
    assert context.previous_turn_settings == full.previous_turn_settings
    return "a checkpoint stands" in context.read.reason


@pytest.mark.parametrize("maker", MAKERS)
def test_the_client_goes_on_behind_a_checkpoint(live: Live, maker: str) -> None:
    """As the last line, and in the middle; the next ordinal is that behind the last record."""
    thread_id = thread_of(live, maker)
    for _ in range(3):
        record(live, thread_id, full_turn, checkpoint)
        assert stands(live, thread_id)
        load(live, thread_id)
        compare_turns(live, thread_id)
        ask(live, thread_id, "What next?")
        unload(live, thread_id)
        assert stands(live, thread_id)
    record(live, thread_id, full_turn)
    assert check_files(live.home, thread_id) >= 4


def test_the_client_forks_at_a_checkpoint(live: Live) -> None:
    """At the end, where it is inherited, and at a turn before it; both go on."""
    thread_id = made(live, full_turn, checkpoint, full_turn, checkpoint)
    load(live, thread_id)
    driver = Driver(live.server, live.workspace)
    turns = live.turns(thread_id)
    for options in ({}, {"lastTurnId": turns[1]["id"]}):
        fork_id = driver.fork(thread_id, **options)
        ask(live, fork_id, "In the fork?")
        unload(live, fork_id)
        record(live, fork_id, full_turn, checkpoint)
        assert stands(live, fork_id)
        load(live, fork_id)
        ask(live, fork_id, "Still in the fork?")
        unload(live, fork_id)
    unload(live, thread_id)


def test_a_compaction_of_the_client_goes_first(live: Live) -> None:
    """It stands behind ours; then ours stands behind it."""
    thread_id = made(live, full_turn, checkpoint)
    load(live, thread_id)
    ask(live, thread_id, "One more.")
    unload(live, thread_id)
    record(live, thread_id, compaction, full_turn)
    assert not stands(live, thread_id)
    record(live, thread_id, checkpoint)
    assert stands(live, thread_id)
    load(live, thread_id)
    ask(live, thread_id, "And now?")
    unload(live, thread_id)


def test_the_clients_own_log_stays_as_it_is(live: Live) -> None:
    """Its checkpoint lies beside it, while the client has the thread."""
    thread_id = started(live, "legacy")
    load(live, thread_id)
    (path,) = (live.home / "sessions").rglob(f"*-{thread_id}.jsonl")
    before = path.read_bytes()
    with rollout.open_store(live.home) as store:
        kept = store.checkpoint(thread_id)
        assert not kept.is_in_log
        assert store.resume(thread_id).read.path is ReadPath.FULL, "so short a log is read as fast"
    assert path.read_bytes() == before
    ask(live, thread_id, "And then?")
    unload(live, thread_id)
