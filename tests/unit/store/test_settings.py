"""Settings of turns: said once they hold; absent, cleared and set are three things."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET, Raw

from rollout.errors import InvalidRequest
from rollout.store.settings import ThreadSettings, applied_settings_of, settings_of
from rollout.store.turn_metadata import RESERVED
from rollout.testing.crashfs import CrashFS
from tests.recorded_home import (
    LEGACY_ID,
    content_of,
    home_of,
    legacy_home,
    lines_of,
    new_home,
    new_thread,
    settled,
)
from tests.unit.made_lines import compact, event


def contexts_of(fs: CrashFS, thread_id: str) -> list[dict[str, Any]]:
    """Return the turn contexts of a thread's newest rollout."""
    lines = lines_of(content_of(fs, thread_id))
    return [each["payload"] for each in lines if each["type"] == "turn_context"]


def record(fs: CrashFS, thread_id: str, **given: Any) -> dict[str, Any]:
    """Record one turn with these settings, in a store opened anew; return its context."""
    with home_of(fs).record(thread_id) as recorder, recorder.turn("?", **given):
        pass
    return contexts_of(fs, thread_id)[-1]


def test_settings_hold_until_others_are_given() -> None:
    """Over turns and openings, from those the thread was made with."""
    fs, store = new_home()
    thread_id = new_thread(store)
    assert record(fs, thread_id)["model"] == "model-a"
    assert record(fs, thread_id, model="model-b", cwd="/elsewhere")["cwd"] == "/elsewhere"
    kept = record(fs, thread_id)
    assert (kept["model"], kept["cwd"]) == ("model-b", "/elsewhere")
    with home_of(fs).record(thread_id) as recorder:
        recorder.turn("?", model="model-c").complete()
        recorder.turn("?").complete()
    assert contexts_of(fs, thread_id)[-1]["model"] == "model-c"


def test_an_effort_is_absent_cleared_or_set() -> None:
    """Each survives reopening and another turn that does not speak of it."""
    fs, store = new_home()
    thread_id = new_thread(store)
    assert "effort" not in record(fs, thread_id)
    assert "effort" not in record(fs, thread_id)
    assert record(fs, thread_id, effort="high")["effort"] == "high"
    assert record(fs, thread_id)["effort"] == "high"
    assert record(fs, thread_id, effort=None)["effort"] is None
    cleared = record(fs, thread_id)
    assert "effort" in cleared
    assert cleared["effort"] is None
    assert record(fs, thread_id, effort="low")["effort"] == "low"


def test_a_cleared_effort_stays_cleared_over_a_compaction_and_a_revert() -> None:
    """Neither makes it absent, which would inherit something again."""
    fs, store = new_home()
    thread_id = new_thread(store)
    record(fs, thread_id, effort=None)
    with store.record(thread_id) as recorder:
        recorder.compact([])
        last = recorder.turn("?")
        last.complete()
    store.revert_thread(thread_id, before_turn=last.id).close()
    assert record(fs, thread_id)["effort"] is None


def test_settings_that_were_not_opened_with_a_turn_do_not_hold() -> None:
    """A turn that is refused changes nothing."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id) as recorder:
        with pytest.raises(InvalidRequest):
            recorder.turn(items=[{"type": "nothing"}], model="model-b")
        recorder.turn("?").complete()
    assert contexts_of(fs, thread_id)[-1]["model"] == "model-a"


def test_another_client_s_members_are_carried_on() -> None:
    """Null ones too; what belongs to one turn is not."""
    own = {"turn_id": "t", "root_turn_id": "t", "turn_metadata": {"a": "b"}}
    extra = {"summary": "none", "personality": None, "approvals_reviewer": "user"}
    fs, _ = legacy_home(settled(**own, **extra))
    carried = record(fs, LEGACY_ID)
    assert extra.items() <= carried.items()
    assert carried["turn_id"] != "t"
    assert not {"root_turn_id", "turn_metadata"} & carried.keys()
    assert carried["sandbox_policy"] == {"type": "read-only"}


def test_a_collaboration_mode_names_the_model_as_it_is_now() -> None:
    """It repeats the model and the effort, and a client believes it."""
    mode = {"mode": "default", "settings": {"model": "model-a", "reasoning_effort": "low", "x": 1}}
    fs, _ = legacy_home(settled(collaboration_mode=mode))
    inner = record(fs, LEGACY_ID, model="model-b", effort=None)["collaboration_mode"]["settings"]
    assert inner == {"model": "model-b", "reasoning_effort": None, "x": 1}


def test_settings_applied_after_a_turn_hold_for_the_next() -> None:
    """On top of what the turn's context says and they do not."""
    changed = {"cwd": "/elsewhere", "model": "model-b", "approval_policy": "on-request"}
    applied = event("thread_settings_applied", thread_id=LEGACY_ID, thread_settings=changed)
    fs, _ = legacy_home(settled(summary="none", effort="high"), applied)
    carried = record(fs, LEGACY_ID)
    assert changed.items() <= carried.items()
    assert carried["sandbox_policy"] == {"type": "read-only"}
    assert carried["summary"] == "none"
    assert carried["effort"] is None


def test_a_thread_of_unknown_settings_takes_turns_without() -> None:
    """Or with a folder and a model; one alone, or anything else, is not enough."""
    fs, store = legacy_home()
    with store.record(LEGACY_ID) as recorder:
        recorder.turn("?").complete()
        before = content_of(fs, LEGACY_ID)
        partly: list[dict[str, Any]] = [
            {"model": "model-b"},
            {"cwd": "/src"},
            {"effort": None},
            {"client_metadata": {"a": "b"}},
        ]
        for given in partly:
            with pytest.raises(InvalidRequest, match="its settings are not known"):
                recorder.turn("?", **given)
        assert content_of(fs, LEGACY_ID) == before
        assert contexts_of(fs, LEGACY_ID) == []
        recorder.turn("?", cwd="/src", model="model-b").complete()
    assert contexts_of(fs, LEGACY_ID)[-1]["model"] == "model-b"


def test_client_metadata_is_added_to_ours() -> None:
    """Reserved names are never set, there now or not; the next turn does not inherit it."""
    fs, store = new_home()
    thread_id = new_thread(store)
    given = dict.fromkeys(RESERVED, "mine") | {"ticket": "T-1"}
    stored = record(fs, thread_id, client_metadata=given)
    assert stored["turn_metadata"] == {
        "thread_id": thread_id,
        "turn_id": stored["turn_id"],
        "ticket": "T-1",
    }
    assert "turn_metadata" not in record(fs, thread_id)


@pytest.mark.parametrize(
    "given", [{"a": 1}, {"a": None}, {1: "a"}, {"a": ["b"]}, ["a"], "a", {"a": "\ud800"}]
)
def test_metadata_that_is_no_text_is_refused(given: Any) -> None:
    """With nothing written."""
    fs, store = new_home()
    thread_id = new_thread(store)
    before = content_of(fs, thread_id)
    with store.record(thread_id) as recorder, pytest.raises(InvalidRequest):
        recorder.turn("?", client_metadata=given)
    assert content_of(fs, thread_id) == before


@pytest.mark.parametrize("given", [{"cwd": ""}, {"model": ""}, {"model": 5}, {"cwd": None}, {"effort": ""}])
def test_settings_that_are_no_text_are_refused(given: dict[str, Any]) -> None:
    """With nothing written: a context that no reader takes would be lost."""
    fs, store = new_home()
    thread_id = new_thread(store)
    before = content_of(fs, thread_id)
    with store.record(thread_id) as recorder, pytest.raises(InvalidRequest, match="not empty"):
        recorder.turn("?", **given)
    assert content_of(fs, thread_id) == before


@pytest.mark.parametrize("effort", [UNSET, None, "high"])
def test_a_context_reads_back_as_the_settings_it_was_made_of(effort: Any) -> None:
    """All three states of the effort, and members that we do not interpret."""
    settings = ThreadSettings("/src", "model-a", effort=effort, extra={"summary": "none", "other": None})
    assert settings_of(Raw(compact(settings.payload("t")))) == settings


def test_a_settings_event_without_a_model_says_nothing() -> None:
    """As does one that is no object."""
    for inner in ({"cwd": "/src"}, {"model": "m"}, {"cwd": 1, "model": "m"}, 5):
        assert applied_settings_of(Raw(compact({"thread_settings": inner}))) is None
