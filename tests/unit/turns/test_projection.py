"""Turns of a paginated history: starts, ends and items, each record on its own."""

from __future__ import annotations

import pytest

from rollout.format.codec import decode_lines
from rollout.format.record import Record
from rollout.turns.paging import ItemsView
from rollout.turns.projection import Bounds, Projection
from rollout.turns.rows import in_order, shown_turn
from tests.builders import Json, Rollout, plain, thread

FAILURE = {"message": "no", "codex_error_info": "other"}


def fold(rollout: Rollout, bounds: Bounds | None = None) -> Projection:
    """Feed a rollout's events newest first, to its beginning."""
    projection = Projection()
    for line in reversed(decode_lines(rollout.log(), 0)):
        if isinstance(line, Record) and line.type == "event_msg":
            projection.feed(line, bounds or Bounds(0, 1))
    projection.finish()
    return projection


def turns(rollout: Rollout, view: ItemsView = ItemsView.FULL) -> list[Json]:
    """Return the turns of a rollout as their JSON reads."""
    return [plain(shown_turn(row, view)) for row in fold(rollout).turns()]


def outline(rollout: Rollout, view: ItemsView = ItemsView.FULL) -> list[tuple[str, list[str]]]:
    """Return every turn's id with its items' ids."""
    return [(turn["id"], [item["id"] for item in turn["items"]]) for turn in turns(rollout, view)]


def test_a_turn_has_a_start_items_and_an_end() -> None:
    """In the order they were written."""
    made = thread().start("a", started_at=5).shows("a", "i", "hi", "UserMessage").shows("a", "j", "yes")
    (turn,) = turns(made.end("a", started_at=5, completed_at=7, duration_ms=2000))
    assert (turn["id"], turn["status"]) == ("a", "completed")
    assert (turn["startedAt"], turn["completedAt"], turn["durationMs"]) == (5, 7, 2000)
    assert [item["id"] for item in turn["items"]] == ["i", "j"]


def test_nothing_else_makes_or_changes_a_turn() -> None:
    """Messages, errors, compactions and rollbacks of legacy files have no effect."""
    made = thread().start("a").event("user_message", message="x").event("agent_message", message="y")
    made.event("error", message="z").user("q").compact().rollback(1).event("context_compacted")
    assert outline(made.end("a")) == [("a", [])]


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ({}, "completed"),
        ({"error": None}, "completed"),
        ({"error": FAILURE}, "failed"),
    ],
)
def test_a_completion_gives_the_status(end: Json, status: str) -> None:
    """With an error the turn has failed."""
    assert [turn["status"] for turn in turns(thread().start("a").end("a", **end))] == [status]


def test_a_failed_turn_says_why() -> None:
    """The error's message is the turn's."""
    (turn,) = turns(thread().start("a").end("a", error=FAILURE))
    assert turn["error"]["message"] == "no"


def test_an_aborted_turn_is_interrupted() -> None:
    """Its times are those of the abort."""
    (turn,) = turns(thread().start("a", started_at=1).abort("a", started_at=2, completed_at=3))
    assert (turn["status"], turn["startedAt"], turn["completedAt"]) == ("interrupted", 2, 3)


def test_an_open_turn_is_shown_as_interrupted() -> None:
    """Nobody is known to run the thread."""
    (turn,) = turns(thread().start("a", started_at=1))
    assert (turn["status"], turn["startedAt"], turn["completedAt"]) == ("interrupted", 1, None)


def test_an_abort_without_id_ends_nothing() -> None:
    """It names no turn."""
    (turn,) = turns(thread().start("a", started_at=1).abort(completed_at=3))
    assert turn["completedAt"] is None


def test_an_end_without_start_makes_a_turn() -> None:
    """It stands where the end stands."""
    assert [turn["id"] for turn in turns(thread().end("a").start("b").end("b").abort("c"))] == ["a", "b", "c"]


def test_the_first_end_decides() -> None:
    """Later ends change neither status nor times."""
    made = thread().start("a").abort("a", completed_at=1).end("a", completed_at=2, error=FAILURE)
    (turn,) = turns(made)
    assert (turn["status"], turn["completedAt"], turn["error"]) == ("interrupted", 1, None)


def test_a_start_behind_the_end_changes_nothing() -> None:
    """The turn stands at its first record, and keeps its end."""
    made = thread().end("a", completed_at=1).start("a", started_at=9).start("b")
    assert [(turn["id"], turn["completedAt"]) for turn in turns(made)] == [("a", 1), ("b", None)]


def test_the_last_start_of_an_open_turn_gives_its_time() -> None:
    """It is one turn, and goes on from there."""
    (turn,) = turns(thread().start("a", started_at=1).start("a", started_at=2))
    assert turn["startedAt"] == 2


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (["start:r1", "end:r2"], "r1"),
        (["start:", "end:r2"], "r2"),
        (["start:", "start:r2"], "r2"),
        (["end:r1", "start:r2"], "r1"),
        (["end:", "end:r2", "start:r3"], None),
        (["start:"], None),
    ],
)
def test_the_first_root_up_to_the_end_counts(records: list[str], expected: str | None) -> None:
    """Later records of an ended turn do not give it a root."""
    made = thread()
    for record in records:
        kind, _, root = record.partition(":")
        members = {"root_turn_id": root} if root else {}
        made = made.start("a", **members) if kind == "start" else made.end("a", **members)
    (turn,) = turns(made)
    assert turn["rootTurnId"] == expected


def test_an_item_seen_again_keeps_its_place() -> None:
    """Its content is the newest."""
    made = thread().start("a").shows("a", "i", "old").shows("a", "j").shows("a", "i", "new")
    (turn,) = turns(made)
    assert [(item["id"], item["text"]) for item in turn["items"]] == [("i", "new"), ("j", "")]


def test_an_item_of_unknown_form_does_not_replace_one() -> None:
    """A newer client may write what we cannot show; what we can show stays."""
    made = thread().start("a").shows("a", "i", "old").shows("a", "i", kind="FromNextYear").shows("a", "k")
    assert outline(made) == [("a", ["i", "k"])]


def test_an_item_of_unknown_form_does_not_give_the_place() -> None:
    """The item stands where it was first seen in a form that is one."""
    made = thread().start("a").shows("a", "i", kind="FromNextYear").shows("a", "j").shows("a", "i")
    assert outline(made) == [("a", ["j", "i"])]


def test_items_of_two_turns_may_have_one_id() -> None:
    """An id names an item within its turn."""
    made = thread().start("a").shows("a", "i", "one").end("a").start("b").shows("b", "i", "two").end("b")
    assert outline(made) == [("a", ["i"]), ("b", ["i"])]


def test_items_before_their_turn_belong_to_it() -> None:
    """A review writes items before its turn has started."""
    made = thread().turn("x", turn_id="old").shows("a", "i").start("a").shows("a", "j").end("a")
    assert outline(made)[1] == ("a", ["i", "j"])


def test_items_behind_the_end_belong_to_their_turn() -> None:
    """A tool may finish late, even in the middle of the next turn."""
    made = thread().start("a").end("a").shows("a", "i").start("b").shows("a", "j").shows("b", "k").end("b")
    assert outline(made) == [("a", ["i", "j"]), ("b", ["k"])]


def test_an_item_without_turn_is_no_turn() -> None:
    """But it is an item."""
    projection = fold(thread().shows("nowhere", "i").turn("x", turn_id="a"))
    assert [row.turn_id for row in projection.turns()] == ["a"]
    assert [row.id for row in in_order(projection.items())] == ["i", "a-asked", "a-said"]


def test_a_turn_id_used_again_hides_the_older_turn() -> None:
    """Once another turn has begun in between; the older items stay items."""
    made = thread().turn("one", turn_id="a").turn("two", turn_id="b").turn("three", turn_id="a")
    projection = fold(made)
    assert outline(made) == [("b", ["b-asked", "b-said"]), ("a", ["a-asked", "a-said"])]
    listed = [row.id for row in in_order(projection.items())]
    assert listed == ["a-asked", "a-said", "b-asked", "b-said", "a-asked", "a-said"]
    assert [row.ordinal for row in in_order(projection.items("a"))] == [18, 19]


def test_a_start_twice_in_a_row_is_one_turn() -> None:
    """No other turn has begun in between."""
    made = thread().start("a").shows("a", "i").start("a").shows("a", "j").end("a")
    assert outline(made) == [("a", ["i", "j"])]


def test_a_record_without_ordinal_is_left_out() -> None:
    """It is history, but has no place among the turns."""
    made = thread().start("a").event("task_complete", turn_id="a")
    made.record("event_msg", {"type": "task_started", "turn_id": "b"}, ordinal=...)
    assert [turn["id"] for turn in turns(made)] == ["a"]


def test_of_two_records_with_one_ordinal_the_first_counts() -> None:
    """The second line with an ordinal is not projected."""
    made = thread().start("a").end("a")
    made.next_ordinal -= 1
    assert [turn["status"] for turn in turns(made.abort("b").abort("c"))] == ["completed", "interrupted"]
    assert [turn["id"] for turn in turns(made)] == ["a", "c"]


def test_gaps_are_fine() -> None:
    """Ordinals need not follow one another."""
    made = thread().start("a")
    made.next_ordinal += 1000
    assert [turn["id"] for turn in turns(made.end("a").start("b"))] == ["a", "b"]


def test_going_down_is_noticed() -> None:
    """Only a reading from the other end can say which lines count then."""
    made = thread().start("a").end("a")
    made.next_ordinal = 1
    assert fold(made.start("b")).is_disordered


def test_an_unterminated_last_line_is_left_out() -> None:
    """It counts once its newline is there."""
    made = thread().start("a").end("a")
    made.content = made.content.removesuffix(b"\n")
    (turn,) = turns(made)
    assert turn["status"] == "interrupted"


def test_records_outside_the_bounds_are_left_out() -> None:
    """Below the first ordinal, and at or behind the cut."""
    made = thread().start("a").end("a").start("b").end("b").start("c").end("c")
    rows = fold(made, Bounds(0, 3, 5)).turns()
    assert [(row.turn_id, row.ordinal) for row in rows] == [("b", 3)]


def test_an_error_that_is_none_makes_no_end() -> None:
    """The client rejects such a line."""
    (turn,) = turns(thread().start("a").end("a", error={"unknown": "shape"}))
    assert (turn["status"], turn["error"]) == ("interrupted", None)


def test_a_view_without_items_has_none() -> None:
    """And says which view it is."""
    (turn,) = turns(thread().turn("hi"), ItemsView.NOT_LOADED)
    assert (turn["items"], turn["itemsView"]) == ([], "notLoaded")


@pytest.mark.parametrize(
    ("phases", "is_ended", "expected"),
    [
        (["final_answer", "final_answer"], True, ["u", "1"]),
        (["final_answer", "commentary"], True, ["u", "0"]),
        (["final_answer", None], True, ["u", "0"]),
        ([None, "commentary"], True, ["u", "0"]),
        ([None, None], True, ["u", "1"]),
        ([None, None], False, ["u"]),
        (["final_answer", None], False, ["u", "0"]),
        (["commentary"], True, ["u"]),
        ([], True, ["u"]),
    ],
)
def test_a_summary_is_question_and_final_answer(
    phases: list[str | None], is_ended: bool, expected: list[str]
) -> None:
    """The last final answer; once the turn has ended, else the last message without phase; no commentary."""
    made = thread().start("a").shows("a", "u", "q", "UserMessage").shows("a", "v", "more", "UserMessage")
    for number, phase in enumerate(phases):
        made.shows("a", str(number), **({"phase": phase} if phase else {}))
    made = made.end("a") if is_ended else made
    assert outline(made, ItemsView.SUMMARY) == [("a", expected)]


def test_the_first_end_fixes_the_summary() -> None:
    """Items that appear later are listed, but not summed up; a later content is shown."""
    made = thread().start("a").shows("a", "i", "old", phase="final_answer").end("a")
    made.shows("a", "u", "q", "UserMessage").shows("a", "j", phase="final_answer").end("a")
    made.shows("a", "i", "new", phase="final_answer")
    (turn,) = turns(made, ItemsView.SUMMARY)
    assert [(item["id"], item["text"]) for item in turn["items"]] == [("i", "new")]
