"""The scan: which turns survive a rollback, and what the survivors establish."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.replay.context import Context
from tests.builders import Json, Rollout, home, message, plain, texts, thread

RESUME: Json = {"previous_turn_settings": {"model": "carried", "comp_hash": "h", "realtime_active": True}}
MODES = pytest.mark.parametrize("mode", ["legacy", "paginated"])


def resumed(rollout: Rollout) -> Context:
    """Resume a rollout; the bounded and the full read must agree."""
    made = home(rollout)
    context = made.context(rollout)
    full = made.context(rollout, reads_everything=True)
    assert (settings(context), reference(context)) == (settings(full), reference(full))
    return context


def settings(context: Context) -> str | None:
    """Return the model of the previous turn."""
    return context.previous_turn_settings.model if context.previous_turn_settings is not None else None


def reference(context: Context) -> Any:
    """Return the model of the reference context."""
    return plain(context.reference_context)["model"] if context.reference_context is not None else None


@MODES
def test_the_newest_user_turn_gives_settings_and_reference(mode: str) -> None:
    """Both come from one turn context."""
    context = resumed(thread(mode=mode).turn("one", model="a").turn("two", model="b"))
    assert (settings(context), reference(context)) == ("b", "b")


@MODES
def test_settings_carry_hash_and_realtime(mode: str) -> None:
    """All three members of the settings are taken over."""
    made = thread(mode=mode).start("t").context("t", "a", comp_hash="x", realtime_active=False)
    context = resumed(made.user("hi").end("t"))
    assert plain(context.previous_turn_settings) == {
        "model": "a",
        "comp_hash": "x",
        "realtime_active": False,
    }


@MODES
def test_the_oldest_context_of_a_turn_gives_the_settings(mode: str) -> None:
    """Of several contexts in one turn the first one written counts for settings, the last for reference."""
    made = thread(mode=mode).start("t").context("t", "first").user("hi").context("t", "last").end("t")
    context = resumed(made)
    assert (settings(context), reference(context)) == ("first", "last")


@MODES
def test_a_context_of_another_turn_is_ignored(mode: str) -> None:
    """A context that names another turn id than the turn has says nothing of it."""
    made = thread(mode=mode).start("t").context("t", "own").user("hi").context("other", "other").end("t")
    context = resumed(made)
    assert (settings(context), reference(context)) == ("own", "own")


@MODES
@pytest.mark.parametrize("position", ["before", "after"])
def test_a_context_without_id_fits_every_turn(mode: str, position: str) -> None:
    """A missing id is compatible, on either side of the message."""
    made = thread(mode=mode).start("t")
    made = made.context(None, "a").user("hi") if position == "before" else made.user("hi").context(None, "a")
    assert settings(resumed(made.end("t"))) == "a"


@MODES
def test_a_context_outside_a_user_turn_gives_nothing(mode: str) -> None:
    """A turn without a message of the user has no previous settings and no reference."""
    context = resumed(thread(mode=mode).start("t").context("t", "a").end("t"))
    assert (settings(context), reference(context)) == (None, None)


@MODES
def test_a_full_world_state_establishes_a_turn_without_user(mode: str) -> None:
    """A turn that stored the whole world state counts like a user's."""
    made = thread(mode=mode).start("t").world({"a": 1}).context("t", "a").end("t")
    context = resumed(made)
    assert (settings(context), reference(context)) == ("a", "a")


@MODES
def test_a_patch_does_not_establish(mode: str) -> None:
    """A patch is no whole state."""
    made = thread(mode=mode).start("t").world({"a": 1}, full=False).context("t", "a").end("t")
    assert settings(resumed(made)) is None


@MODES
def test_a_full_world_state_before_the_turns_compaction_does_not_establish(mode: str) -> None:
    """Only a state newer than the turn's newest compaction counts."""
    made = thread(mode=mode).start("t").world({"a": 1}).context("t", "a").compact(window=None).end("t")
    assert settings(resumed(made)) is None


@MODES
def test_a_full_world_state_behind_the_turns_compaction_establishes(mode: str) -> None:
    """A compaction turn of the reference client ends like that."""
    made = thread(mode=mode).start("t").compact(window=None).world({"a": 1}).context("t", "a").end("t")
    assert settings(resumed(made)) == "a"


@MODES
@pytest.mark.parametrize("said", ["user", "agent_message", "old_agent_message", "communication", "event"])
def test_what_makes_a_user_turn(mode: str, said: str) -> None:
    """Every boundary item, an agent's communication, and the event of legacy files."""
    made = thread(mode=mode).start("t").context("t", "a")
    match said:
        case "user":
            made.user("hi")
        case "agent_message":
            made.item({"type": "agent_message", "author": "x", "recipient": "y", "content": []})
        case "old_agent_message":
            made.assistant('{"author":"x","recipient":"y","content":"z"}')
        case "communication":
            sent = {"author": "x", "recipient": "y", "other_recipients": [], "content": "z"}
            made.record("inter_agent_communication", {**sent, "trigger_turn": True})
        case _:
            made.event("user_message", message="hi")
    assert settings(resumed(made.end("t"))) == "a"


@MODES
@pytest.mark.parametrize(
    "item",
    [
        message("user", "<environment_context>x</environment_context>"),
        message("developer", "do"),
        message("assistant", "done"),
        {"type": "reasoning", "summary": []},
    ],
    ids=["contextual", "developer", "assistant", "reasoning"],
)
def test_what_makes_no_user_turn(mode: str, item: Json) -> None:
    """Context and answers belong to whatever turn they stand in."""
    assert settings(resumed(thread(mode=mode).start("t").context("t", "a").item(item).end("t"))) is None


def test_a_rolled_back_turn_establishes_nothing() -> None:
    """The turn before it gives settings and reference again."""
    made = thread(mode="legacy").turn("one", model="a").turn("two", model="b").rollback(1)
    context = resumed(made)
    assert (settings(context), reference(context)) == ("a", "a")


def test_rollbacks_add_up() -> None:
    """Two markers in a row take back two turns, and one of two as many."""
    made = thread(mode="legacy").turn("one", model="a").turn("two").turn("three")
    twice = thread(mode="legacy").turn("one", model="a").turn("two").turn("three")
    assert settings(resumed(made.rollback(1).rollback(1))) == "a"
    assert settings(resumed(twice.rollback(2))) == "a"


def test_a_turn_without_user_does_not_use_up_a_rollback() -> None:
    """A shell or compaction turn goes with the user turn before it."""
    made = thread(mode="legacy").turn("one", model="a").turn("two", model="b")
    made.start("shell").assistant("ran").end("shell").rollback(1)
    assert settings(resumed(made)) == "a"


def test_a_rollback_reaches_only_what_is_older() -> None:
    """A turn behind the marker stays."""
    made = thread(mode="legacy").turn("one", model="a").turn("two").rollback(1).turn("three", model="c")
    assert settings(resumed(made)) == "c"


def test_a_compaction_inside_a_rolled_back_turn_is_no_base() -> None:
    """Its replacement history would bring back what was taken back."""
    made = thread(mode="legacy").turn("one").start("t").user("two").compact("gone").end("t").rollback(1)
    assert texts(resumed(made)) == ["one", "yes"]


def test_an_older_surviving_compaction_is_the_base() -> None:
    """The newest one that survives is taken, and what follows is replayed on it."""
    made = thread(mode="legacy").turn("one").compact("base").turn("two")
    made.start("t").user("three").compact("gone").end("t").rollback(1)
    assert texts(resumed(made)) == ["base", "two", "yes"]


@MODES
def test_a_compaction_clears_the_reference(mode: str) -> None:
    """What was known of the context is void once the history was replaced."""
    made = thread(mode=mode).turn("one", model="a").start("t").compact(window=None).end("t")
    context = resumed(made)
    assert (settings(context), reference(context)) == ("a", None)


@MODES
def test_a_context_behind_the_compaction_of_its_turn_is_the_reference(mode: str) -> None:
    """It was written after the history had been replaced."""
    made = thread(mode=mode).start("t").user("hi").compact(window=None).context("t", "b").end("t")
    assert reference(resumed(made)) == "b"


@MODES
def test_a_context_before_the_compaction_of_its_turn_is_none(mode: str) -> None:
    """It described a history that is gone; the settings are still the turn's."""
    made = thread(mode=mode).start("t").user("hi").context("t", "b").compact(window=None).end("t")
    context = resumed(made)
    assert (settings(context), reference(context)) == ("b", None)


def test_a_rolled_back_compaction_clears_nothing() -> None:
    """The reference of the surviving turn is valid again."""
    made = thread(mode="legacy").turn("one", model="a")
    made.start("t").user("two").compact().end("t").rollback(1)
    assert reference(resumed(made)) == "a"


@MODES
def test_an_aborted_turn_without_id_ends_at_its_start(mode: str) -> None:
    """Files of 2025 carry no id in aborts."""
    made = thread(mode=mode).start("t").context("t", "a").user("hi").abort()
    assert settings(resumed(made)) == "a"


def test_an_abort_with_an_id_opens_a_turn() -> None:
    """Its id keeps contexts of other turns out."""
    made = thread(mode="legacy").start("t").user("hi").context("other", "b").abort("t")
    assert settings(resumed(made)) is None


@MODES
@pytest.mark.parametrize("is_abort", [False, True], ids=["complete", "abort"])
def test_an_end_of_another_turn_says_nothing(mode: str, is_abort: bool) -> None:
    """The running turn goes on, and its context fits it."""
    made = thread(mode=mode).start("t").context("t", "a").user("hi")
    assert settings(resumed(made.abort("other") if is_abort else made.end("other"))) == "a"


@MODES
def test_an_end_of_a_turn_that_has_ended_says_nothing(mode: str) -> None:
    """So the turns between keep their borders, and one rollback takes back one of them."""
    made = thread(mode=mode).turn("one", turn_id="a", model="a").turn("two", turn_id="b").end("a")
    assert settings(resumed(made.rollback(1))) == "a"


@MODES
def test_an_end_of_a_turn_that_another_has_replaced_says_nothing(mode: str) -> None:
    """The newer start took over; the older turn's end comes too late."""
    made = thread(mode=mode).start("a").context("a", "a").user("one").start("b").user("two").end("a")
    assert settings(resumed(made.rollback(1))) == "a"


@MODES
def test_before_any_start_every_end_counts(mode: str) -> None:
    """Nobody knows which turn is running, so the end names it: the context is another's."""
    assert settings(resumed(thread(mode=mode).context("a", "a").user("hi").end("b"))) is None


def test_behind_a_checkpoint_every_end_counts_until_a_start() -> None:
    """The start may lie before the checkpoint."""
    made = thread().start("t").compact().context("t", "own").user("hi").end("t")
    assert settings(resumed(made)) == "own"
    other = thread().start("t").compact().context("t", "own").user("hi").end("other")
    assert settings(resumed(other)) is None


def test_a_start_of_another_turn_does_not_end_the_open_one() -> None:
    """Records of both make one stretch, whose oldest fitting context counts."""
    made = thread(mode="legacy").start("a").context(None, "a").user("hi").start("b").user("x").end("a")
    assert settings(resumed(made)) == "a"


def test_a_legacy_file_without_starts_is_one_turn() -> None:
    """Files of 2025 have no turn events: one rollback takes back everything there is."""
    made = thread(mode="legacy").context(None, "a").user("one").context(None, "b").user("two")
    assert settings(resumed(made)) == "a"
    assert settings(resumed(made.rollback(1))) is None


@MODES
def test_an_open_turn_counts(mode: str) -> None:
    """A turn that has not ended is finished where the input begins, or at its start."""
    assert settings(resumed(thread(mode=mode).start("t").context("t", "a").user("hi"))) == "a"


def test_a_checkpoint_gives_its_settings_to_an_open_turn() -> None:
    """What the checkpoint knows is better than a turn that has neither started behind it nor ended."""
    made = thread().turn("one").compact(resume_metadata=RESUME).context(None, "open").user("hi")
    assert settings(resumed(made)) == "carried"


def test_a_completed_turn_behind_a_checkpoint_keeps_its_settings() -> None:
    """The turn that the compaction stood in has ended, so its own context counts."""
    made = thread().start("t").compact(resume_metadata=RESUME).context("t", "own").user("hi").end("t")
    assert settings(resumed(made)) == "own"


def test_an_open_turn_behind_a_checkpoint_without_resume_metadata_keeps_its_settings() -> None:
    """There is nothing better to know."""
    assert settings(resumed(thread().turn("one").compact().context(None, "open").user("hi"))) == "open"


def test_a_checkpoints_settings_stand_in_for_missing_ones() -> None:
    """A suffix without a user turn leaves them to the compaction."""
    assert settings(resumed(thread().turn("one").compact(resume_metadata=RESUME))) == "carried"


def test_a_checkpoint_that_knows_of_no_settings_is_believed() -> None:
    """An explicit null is the answer; nothing older is looked at."""
    made = thread().turn("one").compact(resume_metadata={"previous_turn_settings": None})
    assert settings(resumed(made)) is None


def test_events_and_messages_may_disagree() -> None:
    """Metadata counts events, history counts messages; both results are kept."""
    made = thread(mode="legacy").turn("one", model="a")
    made.start("t").context("t", "b").event("user_message", message="never sent").end("t").rollback(1)
    context = resumed(made)
    assert (settings(context), texts(context)) == ("a", [])
