"""Compacting, rolling back and reverting: where later reads stop, and what the thread is then."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest
from blake3 import blake3

from rollout.errors import Conflict, DamagedLog, InvalidRequest, LeaseHeld, NotFound
from rollout.replay.context import ReadPath
from rollout.store.root import Store
from tests.recorded_home import (
    HOME,
    LEGACY_ID,
    asked,
    check_whole,
    content_of,
    home_of,
    kinds_of,
    legacy_home,
    lines_of,
    new_home,
    new_thread,
    rollouts_of,
    said,
    settled,
    texts_of,
)

SUMMARY = said("user", "What was said so far.")


def record_turns(store: Store, thread_id: str, *questions: str) -> list[str]:
    """Record a turn for each question; return their ids."""
    ids = []
    with store.record(thread_id) as recorder:
        for question in questions:
            with recorder.turn(question) as turn:
                turn.append(said("assistant", f"{question} Yes."))
            ids.append(str(turn.id))
    return ids


def history(store: Store, thread_id: str) -> list[str]:
    """Return the texts of the model's history."""
    with store.open_thread(thread_id) as thread:
        return texts_of(thread)


def shown(store: Store, thread_id: str) -> list[str]:
    """Return the ids of the turns that are shown, oldest first."""
    with store.open_thread(thread_id) as thread:
        return [turn.id for turn in thread.all_turns()]


def test_a_compaction_takes_these_records() -> None:
    """A turn of its own, durable and sealed."""
    fs, store = new_home()
    thread_id = new_thread(store)
    record_turns(store, thread_id, "One?")
    with store.record(thread_id) as recorder:
        recorder.compact([SUMMARY])
    kinds = ["task_started", "compacted", "turn_context", "item_completed", "task_complete"]
    content = content_of(fs, thread_id)
    assert kinds_of(content)[-5:] == kinds
    assert check_whole(content) == 2


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_a_resume_stops_at_a_compaction(mode: str) -> None:
    """And answers as reading everything does; what users see stays."""
    if mode == "legacy":
        _, store = legacy_home(settled())
        thread_id = LEGACY_ID
    else:
        _, store = new_home()
        thread_id = new_thread(store)
    record_turns(store, thread_id, *(f"{number}? {'x' * 5000}" for number in range(40)))
    with store.record(thread_id) as recorder:
        recorder.compact([SUMMARY], message="a summary")
    record_turns(store, thread_id, "After?")
    bounded, full = store.resume(thread_id), store.resume(thread_id, full_replay=True)
    assert bounded.read.path is ReadPath.BOUNDED
    assert bounded.read.bytes_read < bounded.read.bytes_total / 2
    assert bounded.input_json() == full.input_json()
    assert history(store, thread_id) == ["What was said so far.", "After?", "After? Yes."]
    assert len(shown(store, thread_id)) == 42


def test_windows_count_up() -> None:
    """Each names the one before it and the first of all."""
    fs, store = new_home()
    thread_id = new_thread(store)
    for _ in range(3):
        with store.record(thread_id) as recorder:
            recorder.compact([SUMMARY])
    header, *rest = lines_of(content_of(fs, thread_id))
    first = header["payload"]["context_window"]["window_id"]
    windows = [each["payload"] for each in rest if each["type"] == "compacted"]
    assert [each["window_number"] for each in windows] == [1, 2, 3]
    assert {each["first_window_id"] for each in windows} == {first}
    ids = [first, *(each["window_id"] for each in windows)]
    assert [each["previous_window_id"] for each in windows] == ids[:-1]
    assert store.resume(thread_id).window.number == 3


def test_a_compaction_carries_the_world_settings_and_usage_on() -> None:
    """Nothing of them has to be looked for behind it."""
    _, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder:
        with recorder.turn("?", model="model-b", effort="high") as turn:
            turn.set_world({"shell": "bash"}, is_full=True)
            turn.count_tokens({"input_tokens": 5, "output_tokens": 2})
        recorder.compact([SUMMARY])
    context = store.resume(thread_id)
    assert context.world_state is not None
    assert json.loads(bytes(context.world_state)) == {"shell": "bash"}
    assert context.latest_context is not None
    assert (context.latest_context.model, bytes(context.latest_context.effort)) == ("model-b", b'"high"')
    assert context.usage.thread is not None
    assert context.usage.thread.total_tokens == 7
    assert context.previous_turn_settings is not None
    assert context.previous_turn_settings.model == "model-b"


def test_a_message_that_is_no_text_is_refused() -> None:
    """With nothing written."""
    fs, store = new_home()
    thread_id = new_thread(store)
    before = content_of(fs, thread_id)
    with store.record(thread_id) as recorder, pytest.raises(InvalidRequest, match="expected text"):
        recorder.compact([], message=5)  # type: ignore[arg-type]
    assert content_of(fs, thread_id) == before


def test_a_legacy_thread_is_rolled_back() -> None:
    """Its last turns are out of replay and of what is shown; their bytes stay."""
    fs, store = legacy_home(settled(), asked("Before?"))
    first, *_ = record_turns(store, LEGACY_ID, "One?", "Two?", "Three?")
    before = content_of(fs, LEGACY_ID)
    with store.record(LEGACY_ID) as recorder:
        recorder.roll_back(2)
    assert content_of(fs, LEGACY_ID).startswith(before)
    assert history(store, LEGACY_ID)[-2:] == ["One?", "One? Yes."]
    assert shown(store, LEGACY_ID)[-1] == first


@pytest.mark.parametrize("count", [0, -1, 1 << 32])
def test_a_rollback_of_no_possible_number_is_refused(count: int) -> None:
    """With nothing written."""
    fs, store = legacy_home(settled())
    before = content_of(fs, LEGACY_ID)
    with store.record(LEGACY_ID) as recorder, pytest.raises(InvalidRequest, match="1 turn or more"):
        recorder.roll_back(count)
    assert content_of(fs, LEGACY_ID) == before


def test_a_paginated_thread_is_not_rolled_back() -> None:
    """It is reverted."""
    fs, store = new_home()
    thread_id = new_thread(store)
    before = content_of(fs, thread_id)
    with store.record(thread_id) as recorder, pytest.raises(InvalidRequest, match="has no rollback"):
        recorder.roll_back(1)
    assert content_of(fs, thread_id) == before


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_thread_ends_before_the_turn_it_was_reverted_to(number: int) -> None:
    """The older rollout stays as it is, and recording goes on in the new one."""
    fs, store = new_home()
    thread_id = new_thread(store)
    ids = record_turns(store, thread_id, "0?", "1?", "2?")
    older = content_of(fs, thread_id)
    store.revert_thread(thread_id, before_turn=ids[number]).close()
    assert shown(store, thread_id) == ids[:number]
    (another,) = record_turns(store, thread_id, "Instead?")
    assert shown(store, thread_id) == [*ids[:number], another]
    assert history(store, thread_id)[-2:] == ["Instead?", "Instead? Yes."]
    assert len(history(store, thread_id)) == 2 * number + 2
    first, second = rollouts_of(fs, thread_id)
    assert fs.files()[first] == older
    assert check_whole(fs.files()[second]) == 1


def test_the_base_of_a_revert_is_anchored() -> None:
    """By the digest that docs/format.md describes, inside the range of the first seal."""
    fs, store = new_home()
    thread_id = new_thread(store)
    _, second = record_turns(store, thread_id, "0?", "1?")
    parent = content_of(fs, thread_id)
    store.revert_thread(thread_id, before_turn=second).close()
    header = lines_of(content_of(fs, thread_id))[0]
    base = header["payload"]["history_base"]
    at = base["end_byte_offset"]
    assert lines_of(parent[:at])[-1]["ordinal"] + 1 == base["end_ordinal_exclusive"] == header["ordinal"]
    first = parent[: parent.index(b"\n") + 1]
    digest = blake3(at.to_bytes(8, "little") + first + parent[max(0, at - 65536) : at]).digest()
    assert header["payload"]["base_anchor"] == urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_an_inherited_turn_may_be_reverted_to() -> None:
    """The base is then the rollout it stands in, whichever came between."""
    fs, store = new_home()
    thread_id = new_thread(store)
    ids = record_turns(store, thread_id, "0?", "1?", "2?")
    store.revert_thread(thread_id, before_turn=ids[2]).close()
    record_turns(store, thread_id, "3?")
    store.revert_thread(thread_id, before_turn=ids[1]).close()
    assert shown(store, thread_id) == ids[:1]
    header = lines_of(content_of(fs, thread_id))[0]
    assert header["payload"]["history_base"]["thread_id"] == thread_id
    record_turns(store, thread_id, "4?")
    assert len(history(store, thread_id)) == 4


def test_a_revert_counts_though_the_clock_went_back() -> None:
    """The newest name is the thread's; another client writes local time into names."""
    fs, store = new_home()
    thread_id = new_thread(store)
    ids = record_turns(store, thread_id, "0?", "1?")
    (path,) = rollouts_of(fs, thread_id)
    later = path.replace("2026-11-21T00", "2026-11-21T14")
    fs.replace(path, later)
    for _ in range(2):
        store = home_of(fs)
        store.revert_thread(thread_id, before_turn=ids.pop()).close()
        assert shown(store, thread_id) == ids


def test_a_name_that_sorts_behind_every_time_is_in_the_way() -> None:
    """A revert that nobody would see is refused, and none is made."""
    fs, store = new_home()
    thread_id = new_thread(store)
    ids = record_turns(store, thread_id, "0?")
    (path,) = rollouts_of(fs, thread_id)
    fs.replace(path, path.replace("rollout-2026-11-21T", "rollout-someday-"))
    with pytest.raises(Conflict, match="no later name"):
        home_of(fs).revert_thread(thread_id, before_turn=ids[0])
    assert len(rollouts_of(fs, thread_id)) == 1


def test_what_cannot_be_reverted_is_refused() -> None:
    """A turn that is not there, a legacy thread, a thread that is being recorded."""
    fs, store = legacy_home(settled())
    with pytest.raises(InvalidRequest, match="legacy"):
        store.revert_thread(LEGACY_ID, before_turn="x")
    thread_id = new_thread(store)
    (turn_id,) = record_turns(store, thread_id, "0?")
    with pytest.raises(NotFound, match="turn not found"):
        store.revert_thread(thread_id, before_turn=thread_id)
    with store.record(thread_id), pytest.raises(LeaseHeld):
        store.revert_thread(thread_id, before_turn=turn_id)
    assert len(rollouts_of(fs, thread_id)) == 1


def test_a_revert_is_seen_by_a_store_that_was_open_before() -> None:
    """It records into the new rollout."""
    fs, store = new_home()
    thread_id = new_thread(store)
    other = home_of(fs, HOME)
    ids = record_turns(other, thread_id, "0?", "1?")
    store.revert_thread(thread_id, before_turn=ids[1]).close()
    record_turns(other, thread_id, "2?")
    assert history(other, thread_id) == ["0?", "0? Yes.", "2?", "2? Yes."]


def test_altered_bytes_are_not_carried_into_a_compaction() -> None:
    """A record that others stop at is not made from what is not what was sealed; nothing is written."""
    fs, store = new_home()
    thread_id = new_thread(store)
    record_turns(store, thread_id, "Apple?", "Pear?")
    content = content_of(fs, thread_id)
    (path,) = rollouts_of(fs, thread_id)
    with fs.open_append(path) as log:
        log.truncate(0)
        log.append(content.replace(b"Apple?", b"Apply?"))
    with store.record(thread_id) as recorder, pytest.raises(DamagedLog, match="seal"):
        recorder.compact([SUMMARY])
    assert len(content_of(fs, thread_id)) == len(content)
