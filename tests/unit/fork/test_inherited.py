"""What a child's header and settings take over from its parent, and what was given instead."""

from __future__ import annotations

import pytest

import fork
from rollout.errors import InvalidRequest
from rollout.testing.crashfs import CrashFS
from tests.altered import record_turns
from tests.builders import thread, uuid
from tests.recorded_home import content_of, lines_of, rollouts_of
from tests.unit.fork.forked import Json, header, shown, stored


def test_the_header_takes_over_what_its_parent_s_says() -> None:
    """Members that are null, and those nobody knows, included; who and when it is are its own."""
    members: Json = {
        "session_id": uuid(5),
        "parent_thread_id": uuid(6),
        "source": {"subagent": "review"},
        "model_provider": None,
        "base_instructions": None,
        "git": {"branch": "main", "more": 1.5},
        "unknown": {"deep": [None]},
        "context_window": {"window_id": uuid(8)},
        "subagent_history_start_ordinal": 1,
        "agent_nickname": None,
    }
    fs, store = stored(thread(1, **members).turn("one"))
    child = fork.fork_thread(store, uuid(1))
    found = header(fs, child.id)
    kept = ("cwd", "model_provider", "base_instructions", "git", "unknown", "agent_nickname")
    parent: Json = lines_of(fs.files()[rollouts_of(fs, uuid(1))[0]])[0]["payload"]
    assert {key: found[key] for key in kept} == {key: parent[key] for key in kept}
    assert {"parent_thread_id", "subagent_history_start_ordinal"} & set(found) == set()
    assert (found["id"], found["session_id"], found["forked_from_id"]) == (child.id, child.id, uuid(1))
    assert (found["source"], found["originator"], found["history_mode"]) == (
        "cli",
        "rollout-store",
        "paginated",
    )
    assert found["context_window"]["window_id"] != uuid(8)
    assert found["timestamp"] != parent["timestamp"]


def test_members_keep_their_spelling() -> None:
    """A number that no float holds used to lose the whole header."""
    odd = b'{"large":123456789012345678901234567890,"huge":1e400,"exact":1.0}'
    parent = thread(1, model_provider="p", odd={}).turn("one")
    parent.content = parent.content.replace(b'"odd":{}', b'"odd":' + odd)
    fs, store = stored(parent)
    for child in (fork.fork_thread(store, uuid(1)).id, uuid(1)):
        assert odd in content_of(fs, child).splitlines()[0]
        assert header(fs, child)["model_provider"] == "p"
    store.revert_thread(uuid(1), before_turn="t1").close()
    assert odd in content_of(fs, uuid(1)).splitlines()[0]


def test_a_spawned_parent_hides_no_turn_of_its_child() -> None:
    """Where its own history began is a place in the parent's rollout: a child before it lost its turns."""
    parent = thread(1, subagent_history_start_ordinal=5).user("a").user("b").user("c").user("d")
    _, store = stored(parent.turn("one"))
    child = fork.fork_thread(store, uuid(1), before_turn="t1")
    record_turns(store, child.id, "Of the child.")
    assert len(shown(store, child.id)) == 1


def newest_context(fs: CrashFS, thread_id: str) -> Json:
    """Return the newest turn context that stands in a thread's rollout."""
    contexts = [
        line["payload"] for line in lines_of(content_of(fs, thread_id)) if line["type"] == "turn_context"
    ]
    newest: Json = contexts[-1]
    return newest


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_settings_that_were_cleared_stay_cleared(mode: str) -> None:
    """A null is no absence: the next turn of the child says null again, and what is unknown is kept."""
    parent = (
        thread(1, mode).start("t").context("t", effort=None, summary=None, more={"deep": None}).user("one")
    )
    fs, store = stored(parent.end("t"))
    child = fork.fork_thread(store, uuid(1), exclude_turns=True)
    record_turns(store, child.id, "So.")
    found = newest_context(fs, child.id)
    assert {key: found[key] for key in ("effort", "summary", "more")} == {
        "effort": None,
        "summary": None,
        "more": {"deep": None},
    }


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_settings_that_are_given_hold_from_there_on(mode: str) -> None:
    """In the child's next turn, in its listing, and in its resume; those not given are inherited."""
    parent = thread(1, mode).start("t").context("t", effort="high", personality="dry").user("one").end("t")
    fs, store = stored(parent)
    child = fork.fork_thread(store, uuid(1), cwd="/src/other", model="model-two", effort=None, source="exec")
    summary = store.summary(child.id)
    assert (summary.cwd, summary.model) == ("/src/other", "model-two")
    record_turns(store, child.id, "So.")
    found = newest_context(fs, child.id)
    assert (found["cwd"], found["model"], found["effort"]) == ("/src/other", "model-two", None)
    assert (found["personality"], found["approval_policy"]) == ("dry", "never")
    assert header(fs, child.id)["source"] == "exec"
    settings = store.resume(child.id).previous_turn_settings
    assert settings is not None
    assert settings.model == "model-two"


def test_settings_of_turns_behind_the_cut_are_not_inherited() -> None:
    """The child goes on with those that held where it left its parent."""
    parent = thread(1).turn("one", model="older").turn("two", model="newer")
    fs, store = stored(parent)
    for given in ({}, {"cwd": "/src/other"}):
        child = fork.fork_thread(store, uuid(1), through_turn="t1", **given)  # type: ignore[arg-type]  # a folder
        record_turns(store, child.id, "So.")
        assert newest_context(fs, child.id)["model"] == "older"


def test_a_folder_can_be_given_where_no_turn_has_said_how_it_ran() -> None:
    """The header's is all there is to change."""
    fs, store = stored(thread(1).turn("one"))
    child = fork.fork_thread(store, uuid(1), before_turn="t1", cwd="/src/other")
    assert header(fs, child.id)["cwd"] == "/src/other"
    with pytest.raises(InvalidRequest, match="settings are not known"):
        fork.fork_thread(store, uuid(1), before_turn="t1", effort="high")
    child = fork.fork_thread(store, uuid(1), before_turn="t1", model="m", effort="high")
    record_turns(store, child.id, "So.")
    assert newest_context(fs, child.id)["effort"] == "high"
