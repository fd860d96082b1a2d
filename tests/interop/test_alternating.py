"""Both write one thread in turns: each goes on where the other stopped, and both show the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from refclient.capture import copy_home, sent_input_after_resume
from refclient.driver import Driver
from refclient.replies import say
from refclient.rpc import RefusalError

import rollout
from rollout.log.layout import ACTIVE_FOLDER
from tests.interop.live import Live
from tests.interop.ours import as_shown_by, our_history, our_turns, our_turns_without_marks
from tests.recorded_home import check_whole, said

pytestmark = pytest.mark.interop

ROUNDS = 20
USED = {"input_tokens": 120, "cached_input_tokens": 20, "output_tokens": 14, "reasoning_output_tokens": 4}
CALL = {"type": "function_call", "name": "look", "call_id": "call-1", "arguments": '{"at":1}'}
ANSWER = {"type": "function_call_output", "call_id": "call-1", "output": "seen"}


def load(live: Live, thread_id: str) -> None:
    """Have the client load a thread for writing."""
    live.server.request("thread/resume", {"threadId": thread_id, "excludeTurns": True})


def unload(live: Live, thread_id: str) -> None:
    """Have the client give a thread up, as archiving does, and leave it where it was.

    It announces the end of a turn before it has let go of it; until then it refuses.
    """
    for _ in range(100):
        try:
            live.server.request("thread/archive", {"threadId": thread_id})
        except RefusalError as refusal:
            if "already has an active writer" not in str(refusal):
                raise
        else:
            break
    live.server.request("thread/unarchive", {"threadId": thread_id})


def started(live: Live, mode: str) -> str:
    """Return a thread of one turn that the client made and has given up."""
    driver = Driver(live.server, live.workspace)
    thread_id = driver.start(mode)
    driver.turn(thread_id, "The client begins.", say("So it does."))
    unload(live, thread_id)
    return thread_id


def made(live: Live, *acts: Callable[[rollout.Recorder], object]) -> str:
    """Return a thread that we made, and into which these were recorded."""
    with rollout.open_store(live.home) as store:
        with store.create_thread(
            cwd=live.workspace, model="stand-in-model", model_provider="stand_in"
        ) as thread:
            thread_id = str(thread.id)
        with store.record(thread_id) as recorder:
            recorder.turn("We begin.").complete()
            for act in acts:
                act(recorder)
    return thread_id


def record(live: Live, thread_id: str, *acts: Callable[[rollout.Recorder], object]) -> None:
    """Record into a thread that nobody has."""
    with rollout.open_store(live.home) as store, store.record(thread_id) as recorder:
        for act in acts:
            act(recorder)


def full_turn(recorder: rollout.Recorder) -> None:
    """Record a turn that holds one of each."""
    with recorder.turn("Have a look.") as turn:
        turn.append({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]})
        turn.append(CALL)
        turn.append(ANSWER)
        turn.append({**said("assistant", "I saw it."), "id": "msg_1", "phase": "final_answer"})
        turn.count_tokens(USED, context_window=100_000)


def failed_turn(recorder: rollout.Recorder) -> None:
    """Record a turn that fails."""
    with suppress(ValueError), recorder.turn("Will it work?"):
        raise ValueError("no")


def oddly_failed_turn(recorder: rollout.Recorder) -> None:
    """Record a turn that fails in a way that no release knows."""
    recorder.turn("Is it raining?").fail("It is.", kind="weather")


def interrupted_turn(recorder: rollout.Recorder) -> None:
    """Record a turn that is interrupted."""
    recorder.turn("Will it take long?").interrupt()


def compaction(recorder: rollout.Recorder) -> None:
    """Compact."""
    recorder.compact([said("user", "We spoke of this and that.")], message="We spoke.")


ACTS = [full_turn, failed_turn, oddly_failed_turn, interrupted_turn, compaction]


def check_files(home: Path, thread_id: str) -> int:
    """Check ordinals and seals of every rollout of a thread; return how many seals there are."""
    paths = (home / ACTIVE_FOLDER).rglob(f"*-{thread_id}*.jsonl")
    return sum(check_whole(path.read_bytes()) for path in paths)


def plainly(items: list[Any]) -> list[Any]:
    """Return items without ids and nulls: the client adds both to what was stored without."""
    return [
        {key: value for key, value in item.items() if key != "id" and value is not None} for item in items
    ]


def ask(live: Live, thread_id: str, text: str) -> str:
    """Have the client run a turn, and compare both sides; return the turn's id."""
    known = our_history(live.home, thread_id)
    asked = len(live.server.endpoint.requests)
    driver = Driver(live.server, live.workspace)
    turn_id = driver.turn(thread_id, text, say(f"{text} Yes."))
    sent = plainly(live.server.endpoint.requests[asked]["input"])
    wanted = plainly(known)
    at = next(start for start in range(len(sent)) if sent[start : start + len(wanted)] == wanted)
    assert all(item["role"] == "developer" for item in sent[:at]), "nothing but instructions comes before"
    assert {item.get("role") for item in sent[at + len(wanted) :]} <= {"user", "developer"}
    compare_turns(live, thread_id)
    return turn_id


def compare_turns(live: Live, thread_id: str) -> None:
    """Compare the turns that both sides show; of legacy threads, those that others can see."""
    ours = our_turns_without_marks(live.home, thread_id)
    assert as_shown_by(live.client, ours) == live.turns(thread_id)


@pytest.mark.parametrize("maker", ["ours, paginated", "the client's, paginated", "the client's, legacy"])
def test_each_goes_on_where_the_other_stopped(live: Live, maker: str) -> None:
    """Twenty times; every turn of both is shown and sent by both, and every seal of ours holds."""
    thread_id = made(live) if maker.startswith("ours") else started(live, maker.rpartition(" ")[2])
    for number in range(ROUNDS):
        load(live, thread_id)
        ask(live, thread_id, f"The client asks {number}.")
        unload(live, thread_id)
        record(live, thread_id, ACTS[number % len(ACTS)])
    load(live, thread_id)
    compare_turns(live, thread_id)
    unload(live, thread_id)
    assert check_files(live.home, thread_id) >= ROUNDS


@pytest.mark.parametrize("act", ACTS)
def test_the_client_resumes_what_we_recorded(live: Live, act: Callable[[rollout.Recorder], object]) -> None:
    """Each kind of turn, as the newest thing in a thread."""
    thread_id = made(live, act)
    load(live, thread_id)
    compare_turns(live, thread_id)
    ask(live, thread_id, "And then?")
    unload(live, thread_id)


def test_the_client_forks_what_we_recorded(live: Live) -> None:
    """At its end and at a turn of ours; both go on, each with what it inherited."""
    thread_id = made(live, full_turn, compaction, full_turn)
    turns = [turn["id"] for turn in our_turns(live.home, thread_id)]
    load(live, thread_id)
    driver = Driver(live.server, live.workspace)
    for options in ({}, {"lastTurnId": turns[1]}):
        fork_id = driver.fork(thread_id, **options)
        ask(live, fork_id, "In the fork?")
        unload(live, fork_id)
        record(live, fork_id, full_turn)
        load(live, fork_id)
        ask(live, fork_id, "Still in the fork?")
        unload(live, fork_id)
    unload(live, thread_id)


def test_the_client_reverts_what_we_recorded(live: Live) -> None:
    """And we go on in the rollout that it makes for that."""
    thread_id = made(live, full_turn, full_turn, failed_turn)
    turns = [turn["id"] for turn in our_turns(live.home, thread_id)]
    load(live, thread_id)
    Driver(live.server, live.workspace).revert(thread_id, turns[2])
    compare_turns(live, thread_id)
    unload(live, thread_id)
    record(live, thread_id, full_turn)
    load(live, thread_id)
    ask(live, thread_id, "What is left?")
    unload(live, thread_id)
    assert len(our_turns(live.home, thread_id)) == 4


@pytest.mark.parametrize("maker", ["ours", "the client's"])
def test_a_client_goes_on_with_what_we_reverted(live: Live, tmp_path: Path, maker: str) -> None:
    """In the rollout that we made for that: the newest name counts where its database says nothing.

    And then we go on there again.
    """
    thread_id = made(live) if maker == "ours" else started(live, "paginated")
    record(live, thread_id, full_turn, full_turn)
    turns = [turn["id"] for turn in our_turns(live.home, thread_id)]
    with rollout.open_store(live.home) as store:
        store.revert_thread(thread_id, before_turn=turns[1]).close()
    home = copy_home(live.home, tmp_path / "home")
    sent = sent_input_after_resume(live.client, home, thread_id)
    assert plainly(sent.history) == plainly(our_history(live.home, thread_id))
    with rollout.open_store(home) as store, store.record(thread_id) as recorder:
        full_turn(recorder)
    assert [turn["id"] for turn in our_turns(home, thread_id)][:1] == turns[:1]
    assert len(our_turns(home, thread_id)) == 3
    check_files(home, thread_id)


def test_the_client_tells_the_tokens_that_we_counted(live: Live) -> None:
    """Over a compaction of ours, too; what it uses is added."""
    thread_id = made(live, full_turn, compaction)
    load(live, thread_id)
    ask(live, thread_id, "How much?")
    unload(live, thread_id)
    with rollout.open_store(live.home) as store:
        usage = store.resume(thread_id).usage
    assert usage.thread is not None
    assert usage.thread.total_tokens == 2 * 134


def test_neither_writes_while_the_other_has_the_thread(live: Live) -> None:
    """And each may as soon as the other has let go."""
    thread_id = made(live)
    load(live, thread_id)
    with pytest.raises(rollout.LeaseHeld), rollout.open_store(live.home) as store:
        store.record(thread_id)
    unload(live, thread_id)
    with rollout.open_store(live.home) as store, store.record(thread_id), pytest.raises(RefusalError):
        load(live, thread_id)
    load(live, thread_id)
    unload(live, thread_id)
