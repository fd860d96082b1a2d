"""How turns of a legacy file end, and what a rollback leaves of them."""

from __future__ import annotations

import pytest

from rollout.format.codec import decode_lines
from rollout.format.record import Record
from rollout.turns.legacy import LegacyTurns
from rollout.turns.paging import ItemsView
from tests.builders import Json, Rollout, plain, thread

FAILURE = {"message": "no", "codex_error_info": "other"}


def turns(content: bytes) -> list[Json]:
    """Return the turns of a legacy log as their JSON reads."""
    fold = LegacyTurns()
    for line in decode_lines(content, 0):
        if isinstance(line, Record):
            fold.feed(line)
    return [plain(turn) for turn in fold.result(ItemsView.FULL)]


def outline(rollout: Rollout) -> list[tuple[str, str, list[str]]]:
    """Return every turn's id and status with its items' ids."""
    found = turns(rollout.log())
    return [(turn["id"], turn["status"], [item["id"] for item in turn["items"]]) for turn in found]


def legacy() -> Rollout:
    """Return a legacy rollout with nothing but its header."""
    return thread(mode="legacy")


def asks(rollout: Rollout, text: str = "q") -> Rollout:
    """Add the event of a user's message."""
    return rollout.event("user_message", message=text)


def says(rollout: Rollout, text: str = "a") -> Rollout:
    """Add the event of an agent's message."""
    return rollout.event("agent_message", message=text)


@pytest.mark.parametrize(
    ("end", "status"), [({}, "completed"), ({"error": FAILURE}, "failed"), ({"error": None}, "completed")]
)
def test_a_completion_gives_the_status(end: Json, status: str) -> None:
    """With an error the turn has failed."""
    assert [turn[1] for turn in outline(legacy().start("a").end("a", **end))] == [status]


def test_a_completion_of_a_finished_turn_updates_that_one_only() -> None:
    """The active turn goes on."""
    made = asks(asks(legacy().start("a").start("b")).end("a"))
    assert outline(made.end("b")) == [("a", "completed", []), ("b", "completed", ["item-1", "item-2"])]


def test_a_completion_of_an_unknown_turn_ends_the_active_one() -> None:
    """An implicit turn is ended by it, too."""
    assert outline(asks(asks(legacy().start("a")).end("z"))) == [
        ("a", "completed", ["item-1"]),
        ("rollout-4", "completed", ["item-2"]),
    ]
    assert [turn[0] for turn in outline(says(asks(legacy()).end("z")))] == ["rollout-1", "rollout-3"]


def test_a_completion_without_any_turn_is_ignored() -> None:
    """There is nothing to end."""
    assert outline(legacy().end("a")) == []


def test_a_completion_leaves_an_interrupted_turn_interrupted() -> None:
    """Unless it brings an error: then the turn has failed."""
    made = legacy().start("a").abort("a").end("a")
    assert [turn[1] for turn in outline(made)] == ["interrupted"]
    assert [turn[1] for turn in outline(made.end("a", error=FAILURE))] == ["failed"]


def test_a_completion_leaves_a_failed_turn_failed() -> None:
    """The error stays."""
    (turn,) = turns(legacy().start("a").end("a", error=FAILURE).end("a").log())
    assert (turn["status"], turn["error"]["message"]) == ("failed", "no")


def test_an_abort_interrupts_a_completed_turn() -> None:
    """The last word counts."""
    assert [turn[1] for turn in outline(legacy().start("a").end("a").abort("a"))] == ["interrupted"]


def test_an_abort_keeps_the_error_of_a_failed_turn() -> None:
    """It was interrupted, and why it had failed is still known."""
    (turn,) = turns(legacy().start("a").end("a", error=FAILURE).abort("a").log())
    assert (turn["status"], turn["error"]["message"]) == ("interrupted", "no")


def test_an_abort_without_id_ends_the_active_turn() -> None:
    """Files of 2025 carry none."""
    assert outline(asks(asks(legacy().start("a")).abort())) == [
        ("a", "interrupted", ["item-1"]),
        ("rollout-4", "completed", ["item-2"]),
    ]


def test_an_abort_of_an_unknown_turn_ends_an_implicit_one_only() -> None:
    """An explicit one goes on."""
    assert [turn[1] for turn in outline(asks(legacy()).abort("z"))] == ["interrupted"]
    assert [turn[1] for turn in outline(legacy().start("a").abort("z").end("a"))] == ["completed"]


def test_an_abort_of_an_unknown_turn_leaves_a_review_alone() -> None:
    """Its turn is implicit, but has an id of its own."""
    review = {"item_id": "i", "turn_id": "r", "target": {"type": "uncommittedChanges"}}
    made = says(legacy().event("entered_review_mode", **review).abort("z"))
    assert outline(made) == [("r", "completed", ["i", "item-1"])]


def test_an_end_of_one_of_two_finished_turns_is_that_of_the_older() -> None:
    """Both have the id that it names."""
    made = legacy().start("a").start("a").start("b").end("a")
    assert [turn[:2] for turn in outline(made.end("b"))] == [
        ("a", "completed"),
        ("a", "interrupted"),
        ("b", "completed"),
    ]


def test_an_abort_without_any_turn_is_ignored() -> None:
    """There is nothing to interrupt."""
    assert outline(legacy().abort().abort("a")) == []


def test_a_rollback_drops_the_last_turns_of_any_kind() -> None:
    """Explicit, implicit, with or without a message of the user."""
    made = asks(legacy()).start("a").end("a").start("b").end("b").rollback(2)
    assert [turn[0] for turn in outline(made)] == ["rollout-1"]


def test_a_rollback_finishes_the_active_turn_first() -> None:
    """So it is the first to go."""
    assert outline(asks(legacy().start("a").end("a").start("b")).rollback(1)) == [("a", "completed", [])]


def test_a_rollback_of_more_turns_than_there_are_drops_all() -> None:
    """And of none drops none."""
    assert outline(asks(asks(legacy())).rollback(9)) == []
    assert len(outline(asks(asks(legacy())).rollback(0))) == 2
