"""Durability: how often a recorder syncs, and that it takes nothing more after a failure."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from rollout.errors import Conflict, RolloutError, StorageFailed
from rollout.store.recorder import Recorder
from rollout.testing.crash_handles import Handle
from rollout.testing.crashfs import CrashFS
from tests.recorded_home import (
    HOME,
    LEGACY_ID,
    check_whole,
    content_of,
    home_of,
    legacy_home,
    new_home,
    new_thread,
    rollouts_of,
    said,
    settled,
    texts_of,
)

TURNS = 3


def syncs_of(fs: CrashFS, path: str) -> int:
    """Return how often a file was synced so far."""
    return [cut.operation for cut in fs.cuts()].count(f"after syncing {path}")


def record_turns(recorder: Recorder) -> int:
    """Record a few turns of four writes each; return how many writes that were."""
    for number in range(TURNS):
        with recorder.turn(f"Question {number}?") as turn:
            turn.append(said("assistant", "Let me see."))
            turn.append(said("assistant", f"Answer {number}."))
    return 4 * TURNS


@pytest.mark.parametrize(("durability", "syncs"), [("turn", TURNS), ("record", 4 * TURNS), ("none", 0)])
def test_a_recorder_syncs_as_often_as_it_says(durability: str, syncs: int) -> None:
    """Once a turn, once a write, or never; opening and closing add none."""
    fs, store = new_home()
    thread_id = new_thread(store)
    path = rollouts_of(fs, thread_id)[0]
    with store.record(thread_id, durability=durability) as recorder:
        record_turns(recorder)
    assert syncs_of(fs, path) == syncs


def test_what_is_left_is_synced_on_closing() -> None:
    """Outside of a turn's end nothing is; closing a clean recorder syncs nothing."""
    fs, store = new_home()
    thread_id = new_thread(store)
    path = rollouts_of(fs, thread_id)[0]
    recorder = store.record(thread_id)
    recorder.turn("?")
    recorder.sync()
    assert syncs_of(fs, path) == 1
    recorder.close()
    assert syncs_of(fs, path) == 2
    store.record(thread_id).close()
    assert syncs_of(fs, path) == 2


def test_taking_a_thread_for_recording_syncs_nothing() -> None:
    """But for folders that are made the first time."""
    fs, store = new_home()
    thread_id = new_thread(store)
    store.record(thread_id).close()
    before = len(list(fs.cuts()))
    store.record(thread_id).close()
    done = [cut.operation for cut in fs.cuts()][before:]
    assert not [each for each in done if "syncing" in each]


def test_another_client_s_folders_are_synced_before_the_first_acknowledgement() -> None:
    """From the file's to the home, once; that client never does."""
    fs, store = legacy_home(settled())
    with store.record(LEGACY_ID) as recorder:
        record_turns(recorder)
    done = [cut.operation for cut in fs.cuts()]
    day = f"{HOME}/sessions/2026/11/20"
    at = done.index(f"after syncing {rollouts_of(fs, LEGACY_ID)[0]}")
    chain = [day, f"{HOME}/sessions/2026/11", f"{HOME}/sessions/2026", f"{HOME}/sessions", HOME]
    assert done[at - len(chain) : at] == [f"after syncing the folder {each}" for each in chain]
    assert done.count(f"after syncing the folder {day}") == 1


def refused_everywhere(recorder: Recorder) -> None:
    """Check that a recorder takes nothing more."""
    asked: list[Callable[[], object]] = [
        lambda: recorder.turn("?"),
        lambda: recorder.compact([]),
        recorder.sync,
    ]
    for ask in asked:
        with pytest.raises(StorageFailed, match="an earlier write failed"):
            ask()


@pytest.mark.parametrize(
    ("at", "what"), [(1, "append"), (2, "append"), (3, "append"), (4, "append"), (5, "sync")]
)
def test_after_a_failure_everything_is_refused_until_reopened(at: int, what: str) -> None:
    """Whichever write or sync it was; what had been acknowledged is there."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, recorder.turn("First?"):
        pass
    recorder = store.record(thread_id)
    fs.failing(at, errno.ENOSPC, written_bytes=10)
    with pytest.raises(StorageFailed, match="No space left") as failure:
        record_turns(recorder)
    assert ("syncing" if what == "sync" else "appending") in failure.value.message
    refused_everywhere(recorder)
    with pytest.raises(StorageFailed):
        recorder.close()
    with store.record(thread_id) as recorder:
        assert (recorder.torn_tail is not None) == (what == "append")
        with recorder.turn("Again?"):
            pass
    with store.open_thread(thread_id) as thread:
        assert {"First?", "Again?"} <= {*texts_of(thread)}
    check_whole(content_of(fs, thread_id))


def test_a_failed_close_does_not_hide_the_first_error() -> None:
    """It is noted on it."""
    fs, store = new_home()
    thread_id = new_thread(store)

    def fail_and_raise() -> None:
        with store.record(thread_id) as recorder:
            turn = recorder.turn("?")
            fs.failing(1, errno.EIO)
            with pytest.raises(RolloutError):
                turn.append(said("user", "?"))
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as mine:
        fail_and_raise()
    assert "an earlier write failed" in mine.value.__notes__[0]


def test_a_file_that_grew_is_a_conflict() -> None:
    """Somebody else wrote to it; nothing is added, and nothing more taken."""
    fs, store = new_home()
    thread_id = new_thread(store)
    path = rollouts_of(fs, thread_id)[0]
    recorder = store.record(thread_id)
    recorder.turn("?").complete()
    fs.open_append(path).append(b'{"somebody":"else"}\n')
    before = content_of(fs, thread_id)
    with pytest.raises(Conflict, match="somebody else wrote to it"):
        recorder.turn("?")
    refused_everywhere(recorder)
    assert content_of(fs, thread_id) == before


def test_a_stopped_write_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a write that an interruption broke off nobody knows how much was taken."""
    _, store = new_home()
    recorder = store.record(new_thread(store))
    turn = recorder.turn("?")

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Handle, "append", stopped)
    with pytest.raises(KeyboardInterrupt):
        turn.complete()
    monkeypatch.undo()
    refused_everywhere(recorder)


def test_another_store_goes_on_where_one_stopped() -> None:
    """What one knew of the home before is no obstacle."""
    fs, store = new_home()
    thread_id = new_thread(store)
    other = home_of(fs)
    for each in (store, other, store):
        with each.record(thread_id) as recorder, recorder.turn("?"):
            pass
    assert check_whole(content_of(fs, thread_id)) == 3
