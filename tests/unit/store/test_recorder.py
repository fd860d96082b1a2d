"""The recorder: which records a turn takes, in which order, and how it ends."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from rollout.errors import Conflict, InvalidRequest
from rollout.store.root import Store
from rollout.turns.model import TurnStatus
from tests.recorded_home import (
    LEGACY_ID,
    check_whole,
    content_of,
    home_of,
    kinds_of,
    legacy_home,
    lines_of,
    new_home,
    new_thread,
    said,
    settled,
    texts_of,
)

CALL = {"type": "function_call", "name": "look", "call_id": "c1", "arguments": '{"at":1}'}
ANSWER = {"type": "function_call_output", "call_id": "c1", "output": "seen"}
TURN = ["task_started", "turn_context", "response_item", "item_completed"]


def statuses(store: Store, thread_id: str) -> list[TurnStatus]:
    """Return the statuses of a thread's turns, oldest first."""
    with store.open_thread(thread_id) as thread:
        return [turn.status for turn in thread.all_turns()]


def test_a_turn_takes_these_records_in_this_order() -> None:
    """Start, settings, the question and what it shows; items with what they show; the end."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, recorder.turn("Hello?") as turn:
        turn.append(CALL)
        turn.append(ANSWER)
        turn.set_world({"shell": "bash"}, is_full=True)
        turn.append(said("assistant", "Hello."))
        turn.count_tokens({"input_tokens": 5, "output_tokens": 2})
    content = content_of(fs, thread_id)
    tools = ["response_item", "response_item", "item_completed"]
    rest = ["world_state", "response_item", "item_completed", "token_usage_record", "token_count"]
    assert kinds_of(content)[2:] == [*TURN, *tools, *rest, "task_complete"]
    assert check_whole(content) == 1
    assert [each["ordinal"] for each in lines_of(content)] == list(range(len(lines_of(content))))


def test_a_legacy_turn_shows_items_as_events() -> None:
    """And numbers nothing; a tool's answer, which has no event, as a marked item."""
    fs, store = legacy_home(settled())
    with store.record(LEGACY_ID) as recorder, recorder.turn("Hello?") as turn:
        turn.append({"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]})
        turn.append(CALL)
        turn.append(ANSWER)
        turn.append(said("assistant", "Hello."))
    content = content_of(fs, LEGACY_ID)
    reasoned = ["response_item", "agent_reasoning"]
    called = ["response_item", "response_item", "item_completed"]
    answered = ["response_item", "agent_message", "task_complete"]
    started = ["task_started", "turn_context", "response_item", "user_message"]
    assert kinds_of(content)[2:] == [*started, *reasoned, *called, *answered]
    assert b"ordinal" not in content


def test_a_legacy_turn_shows_what_a_paginated_one_shows() -> None:
    """The same items, tools included, under the ids that they were recorded with."""
    shown = []
    for thread_id, (_, store) in ((LEGACY_ID, legacy_home(settled())), (None, new_home())):
        thread_id = thread_id or new_thread(store)
        with store.record(thread_id) as recorder, recorder.turn("Hello?") as turn:
            turn.append(
                {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Hm."}]}
            )
            turn.append(CALL)
            turn.append(ANSWER)
            turn.append({**said("assistant", "Hello."), "id": "a"})
        with store.open_thread(thread_id) as thread:
            (made,) = [one for one in thread.all_turns() if one.id == turn.id]
            shown.append([(type(item), item.id) for item in made.items[1:]])
    assert shown[0] == shown[1]
    assert [item_id for _, item_id in shown[0]] == ["r", "c1", "a"]


def test_a_turn_reads_back_as_it_was_recorded() -> None:
    """Its items for people, the history for the model, its end and its last word."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, recorder.turn("Hello?") as turn:
        turn.append(said("assistant", "Hello."))
    with store.open_thread(thread_id) as thread:
        (shown,) = thread.all_turns()
        assert texts_of(thread) == ["Hello?", "Hello."]
    assert (shown.id, shown.status) == (turn.id, TurnStatus.COMPLETED)
    assert [type(each).__name__ for each in shown.items] == ["UserMessage", "AgentMessage"]
    assert lines_of(content_of(fs, thread_id))[-1]["payload"]["last_agent_message"] == "Hello."


def test_an_item_of_bytes_keeps_its_spelling() -> None:
    """Numbers and strings are stored as they were given; only space between them goes."""
    fs, store = new_home()
    thread_id = new_thread(store)
    spelled = b'{ "type":"reasoning", "summary":[], "big":123456789012345678901234, "n":1.50, "t":"\\u00e9" }'
    with store.record(thread_id) as recorder, recorder.turn() as turn:
        turn.append(spelled)
    assert (
        b'{"type":"reasoning","summary":[],"big":123456789012345678901234,"n":1.50,"t":"\\u00e9"}'
        in content_of(fs, thread_id)
    )


def test_an_exception_fails_the_turn_and_goes_on() -> None:
    """With its words as the turn's error."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, pytest.raises(ValueError, match="no such"), recorder.turn("?"):
        raise ValueError("no such tool")
    assert statuses(store, thread_id) == [TurnStatus.FAILED]
    ended = lines_of(content_of(fs, thread_id))[-1]["payload"]
    assert ended["error"] == {"message": "ValueError: no such tool", "codex_error_info": "other"}


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_being_stopped_interrupts_the_turn(stop: type[BaseException]) -> None:
    """It is nobody's failure; what stopped it goes on."""
    _, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, pytest.raises(stop), recorder.turn("?"):
        raise stop
    assert statuses(store, thread_id) == [TurnStatus.INTERRUPTED]


def test_an_exception_that_no_text_can_hold_fails_the_turn_all_the_same() -> None:
    """Half a surrogate, or words that cannot be had at all."""

    class WordlessError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    _, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder:
        for error in (ValueError("half \ud800"), WordlessError()):
            with pytest.raises(type(error)), recorder.turn("?"):
                raise error
    assert statuses(store, thread_id) == [TurnStatus.FAILED] * 2


def test_a_turn_that_was_ended_in_its_block_stays_so() -> None:
    """Leaving the block adds nothing, not even by an exception."""
    _, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder:
        with recorder.turn("?") as turn:
            turn.interrupt()
        with suppress(ValueError), recorder.turn("?") as turn:
            turn.complete()
            raise ValueError("late")
    assert statuses(store, thread_id) == [TurnStatus.INTERRUPTED, TurnStatus.COMPLETED]


@pytest.mark.parametrize("act", ["append", "set_world", "count_tokens", "complete", "fail", "interrupt"])
def test_an_ended_turn_refuses(act: str) -> None:
    """Whatever one asks of it; nothing is written."""
    fs, store = new_home()
    thread_id = new_thread(store)
    arguments: dict[str, tuple[Any, ...]] = {
        "append": (said("user", "?"),),
        "set_world": ({},),
        "count_tokens": ({},),
        "fail": ("why",),
    }
    with store.record(thread_id) as recorder:
        turn = recorder.turn("?")
        turn.complete()
        before = content_of(fs, thread_id)
        options: dict[str, Any] = {"is_full": True} if act == "set_world" else {}
        with pytest.raises(Conflict, match="it has ended"):
            getattr(turn, act)(*arguments.get(act, ()), **options)
    assert content_of(fs, thread_id) == before


@pytest.mark.parametrize("act", ["turn", "compact"])
def test_one_turn_is_open_at_a_time(act: str) -> None:
    """Another one, and what is a turn of its own, has to wait; the open one goes on."""
    _, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder:
        first = recorder.turn("?")
        with pytest.raises(Conflict, match=f"turn {first.id} is open"):
            getattr(recorder, act)(*([[]] if act == "compact" else []))
        first.complete()
        getattr(recorder, act)(*([[]] if act == "compact" else []))
    assert len(statuses(store, thread_id)) == 2


def test_closing_interrupts_an_open_turn() -> None:
    """Closing again does nothing, and a closed recorder takes nothing."""
    fs, store = new_home()
    thread_id = new_thread(store)
    recorder = store.record(thread_id)
    turn = recorder.turn("?")
    recorder.close()
    after = content_of(fs, thread_id)
    recorder.close()
    for late in (lambda: turn.append(said("user", "?")), lambda: recorder.turn("?")):
        with pytest.raises(Conflict):
            late()
    assert statuses(store, thread_id) == [TurnStatus.INTERRUPTED]
    assert content_of(fs, thread_id) == after


def test_a_closed_recorder_gives_the_lease_back() -> None:
    """The next one goes on where it stopped."""
    fs, store = new_home()
    thread_id = new_thread(store)
    for number in range(3):
        recorder = store.record(thread_id)
        recorder.turn(f"{number}?").complete()
        with pytest.raises(Conflict):
            store.record(thread_id)
        recorder.close()
    assert check_whole(content_of(fs, thread_id)) == 3


def test_what_is_shown_may_be_said_outright() -> None:
    """In place of what follows from the item."""
    _, store = new_home()
    thread_id = new_thread(store)
    plan = {"type": "Plan", "id": "p1", "text": "First this."}
    with store.record(thread_id) as recorder, recorder.turn() as turn:
        turn.append(said("assistant", "I have a plan."), shown=plan)
    with store.open_thread(thread_id) as thread:
        (item,) = thread.all_turns()[0].items
    assert type(item).__name__ == "Plan"


def test_an_answer_that_was_refused_is_given_again() -> None:
    """Made short enough for a line, it still shows the call it answers."""
    fs, store = new_home()
    thread_id = new_thread(store)
    store = home_of(fs, max_line_bytes=1000)
    with store.record(thread_id) as recorder, recorder.turn() as turn:
        turn.append(CALL)
        with pytest.raises(InvalidRequest, match="a line may hold 1000"):
            turn.append(ANSWER | {"output": "seen" * 1000})
        turn.append(ANSWER)
    with store.open_thread(thread_id) as thread:
        (item,) = thread.all_turns()[0].items
    assert type(item).__name__ == "DynamicToolCall"


def test_turn_ids_may_be_given() -> None:
    """Any UUID; it is the id that readers show."""
    _, store = new_home()
    thread_id = new_thread(store)
    given = "01A1FC4B-0000-7000-8000-0000000000AA"
    with store.record(thread_id) as recorder, recorder.turn("?", turn_id=given) as turn:
        pass
    with store.open_thread(thread_id) as thread:
        assert [each.id for each in thread.all_turns()] == [turn.id] == [given.lower()]


def test_world_changes_are_patches_onto_what_was_recorded() -> None:
    """Full states replace; null takes a member away."""
    _, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, recorder.turn("?") as turn:
        turn.set_world({"shell": "bash", "os": "linux"}, is_full=True)
        turn.set_world({"shell": None, "date": "today"}, is_full=False)
    world = store.resume(thread_id).world_state
    assert world is not None
    assert json.loads(bytes(world)) == {"os": "linux", "date": "today"}
