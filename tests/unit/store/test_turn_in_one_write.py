"""A turn given to a recorder from beginning to end: the same records, in one write."""

from __future__ import annotations

import pytest

from rollout.errors import Conflict, InvalidRequest
from tests.recorded_home import check_whole, content_of, kinds_of, lines_of, new_home, new_thread, said

CALL = {"type": "function_call", "name": "look", "call_id": "c1", "arguments": '{"at":1}'}
ANSWER = {"type": "function_call_output", "call_id": "c1", "output": "seen"}
ITEMS = [CALL, ANSWER, said("assistant", "Hello.")]


def test_a_turn_in_one_write_takes_the_records_of_one_opened_and_ended() -> None:
    """In their order, sealed, and with the last word of it."""
    contents = []
    for is_whole in (True, False):
        fs, store = new_home()
        thread_id = new_thread(store)
        with store.record(thread_id) as recorder:
            if is_whole:
                recorder.append_turn("Hello?", items=ITEMS, effort="high")
            else:
                recorder.turn("Hello?", items=ITEMS, effort="high").complete()
        contents.append(content_of(fs, thread_id))
    whole, opened = contents
    assert kinds_of(whole) == kinds_of(opened)
    assert check_whole(whole) == 1
    assert lines_of(whole)[-1]["payload"]["last_agent_message"] == "Hello."


def test_a_turn_in_one_write_is_written_and_synced_once() -> None:
    """Durable on return."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder:
        begun = fs.operation_count
        recorder.append_turn("Hello?", items=ITEMS)
        assert fs.operation_count == begun + 2


def test_settings_given_with_a_turn_in_one_write_hold_from_then_on() -> None:
    """As those of an opened turn do."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder:
        recorder.append_turn("Hello?", model="other")
        recorder.append_turn("Hello?")
    contexts = [line for line in lines_of(content_of(fs, thread_id)) if line["type"] == "turn_context"]
    assert [line["payload"]["model"] for line in contexts] == ["other", "other"]


def test_a_refused_turn_in_one_write_leaves_nothing() -> None:
    """Neither a record nor the settings that came with it."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder:
        recorder.append_turn("Hello?")
        before = content_of(fs, thread_id)
        with pytest.raises(InvalidRequest):
            recorder.append_turn("Hello?", items=[{"type": "nothing"}], model="other")
        assert content_of(fs, thread_id) == before
        recorder.append_turn("Hello?")
    assert b'"other"' not in content_of(fs, thread_id)


def test_no_turn_goes_into_an_open_one() -> None:
    """Turns do not nest."""
    _, store = new_home()
    with store.record(new_thread(store)) as recorder:
        turn = recorder.turn("Hello?")
        with pytest.raises(Conflict):
            recorder.append_turn("And?")
        turn.complete()
