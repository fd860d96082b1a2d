"""Tokens: what a response used is added to what the thread has used so far."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.errors import InvalidRequest
from rollout.testing.crashfs import CrashFS
from tests.recorded_home import (
    LEGACY_ID,
    content_of,
    home_of,
    legacy_home,
    lines_of,
    new_home,
    new_thread,
    said,
    settled,
)
from tests.unit.made_lines import event


def spend(fs: CrashFS, thread_id: str, *used: dict[str, int], **options: Any) -> None:
    """Record one turn that uses tokens, in a store opened anew."""
    with home_of(fs).record(thread_id) as recorder, recorder.turn("?") as turn:
        for each in used:
            turn.count_tokens(each, **options)


def records_of(fs: CrashFS, thread_id: str, kind: str) -> list[dict[str, Any]]:
    """Return the payloads of one record type, or of one event."""
    lines = lines_of(content_of(fs, thread_id))
    return [each["payload"] for each in lines if kind in (each["type"], each["payload"].get("type"))]


def test_totals_add_up_over_turns_and_openings() -> None:
    """The turn's own begin anew with each; members left out count 0."""
    fs, store = new_home()
    thread_id = new_thread(store)
    spend(fs, thread_id, {"input_tokens": 10, "output_tokens": 1}, {"input_tokens": 20, "output_tokens": 2})
    spend(fs, thread_id, {"input_tokens": 30, "cached_input_tokens": 5, "output_tokens": 3})
    records = records_of(fs, thread_id, "token_usage_record")
    assert [each["thread_token_usage"]["total_tokens"] for each in records] == [11, 33, 66]
    assert [each["turn_token_usage"]["total_tokens"] for each in records] == [11, 33, 33]
    assert [each["usage"]["total_tokens"] for each in records] == [11, 22, 33]
    told = [each["info"]["total_token_usage"] for each in records_of(fs, thread_id, "token_count")]
    assert [each["total_tokens"] for each in told] == [11, 33, 66]
    assert told[-1]["cached_input_tokens"] == 5
    assert len({each["response_id"] for each in records}) == 3


def test_totals_go_on_over_a_compaction() -> None:
    """It carries them."""
    fs, store = new_home()
    thread_id = new_thread(store)
    spend(fs, thread_id, {"input_tokens": 10})
    with store.record(thread_id) as recorder:
        recorder.compact([said("user", "So far.")])
    usage = home_of(fs).resume(thread_id).usage
    assert usage.thread is not None
    assert usage.info is not None
    assert usage.info.total_token_usage is not None
    assert (usage.thread.total_tokens, usage.info.total_token_usage.total_tokens) == (10, 10)
    spend(fs, thread_id, {"input_tokens": 5})
    assert records_of(fs, thread_id, "token_usage_record")[-1]["thread_token_usage"]["total_tokens"] == 15


def test_both_totals_go_on_each_from_its_own() -> None:
    """A thread from before usage records has told its users a total all the same."""
    info = {"total_token_usage": {"total_tokens": 100, "input_tokens": 100}, "last_token_usage": None}
    fs, _ = legacy_home(settled(), event("token_count", info=info, rate_limits=None))
    spend(fs, LEGACY_ID, {"input_tokens": 5})
    assert records_of(fs, LEGACY_ID, "token_usage_record")[-1]["thread_token_usage"]["total_tokens"] == 5
    assert records_of(fs, LEGACY_ID, "token_count")[-1]["info"]["total_token_usage"]["total_tokens"] == 105


def test_a_total_that_is_given_is_gone_on_from() -> None:
    """The application knows better."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, recorder.turn("?") as turn:
        turn.count_tokens({"input_tokens": 1}, total={"input_tokens": 1000})
        turn.count_tokens({"input_tokens": 1}, response_id="resp_1", context_window=9000)
    last = records_of(fs, thread_id, "token_usage_record")[-1]
    assert (last["thread_token_usage"]["total_tokens"], last["response_id"]) == (1001, "resp_1")
    assert records_of(fs, thread_id, "token_count")[-1]["info"]["model_context_window"] == 9000


@pytest.mark.parametrize(
    "used", [{"input_tokens": -1}, {"input_tokens": 1.5}, {"input_tokens": True}, {1: 1}]
)
def test_counts_that_are_none_are_refused(used: Any) -> None:
    """With nothing written, and nothing added."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder, recorder.turn("?") as turn:
        before = content_of(fs, thread_id)
        for options in ({}, {"total": used}):
            with pytest.raises(InvalidRequest, match="counts of 0 or more"):
                turn.count_tokens(used if not options else {}, **options)
        assert content_of(fs, thread_id) == before
        turn.count_tokens({"input_tokens": 7})
    assert records_of(fs, thread_id, "token_usage_record")[-1]["thread_token_usage"]["total_tokens"] == 7
