"""Turns of a legacy file: explicit and implicit ones, what opens them, and what goes into them."""

from __future__ import annotations

import pytest

from rollout.format.codec import decode_lines
from rollout.format.record import Era, Record
from rollout.turns.legacy import LegacyTurns
from rollout.turns.paging import ItemsView
from tests.builders import Json, Rollout, message, plain, thread


def turns(content: bytes, view: ItemsView = ItemsView.FULL, era: Era = Era.ENVELOPE) -> list[Json]:
    """Return the turns of a legacy log as their JSON reads."""
    fold = LegacyTurns(reads_bare_items=era is Era.BARE)
    for line in decode_lines(content, 0, era):
        if isinstance(line, Record):
            fold.feed(line)
    return [plain(turn) for turn in fold.result(view)]


def outline(rollout: Rollout, view: ItemsView = ItemsView.FULL) -> list[tuple[str, str, list[str]]]:
    """Return every turn's id and status with its items' ids."""
    found = turns(rollout.log(), view)
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


def patches(rollout: Rollout, call_id: str, turn_id: str | None = None) -> Rollout:
    """Add the event of a change to files."""
    named = {"turn_id": turn_id} if turn_id is not None else {}
    result = {"stdout": "", "stderr": "", "success": True, "status": "completed", "changes": {}}
    return rollout.event("patch_apply_end", call_id=call_id, **result, **named)


def reviews(rollout: Rollout, item_id: str, turn_id: str | None = None) -> Rollout:
    """Add the mark that a review has begun."""
    named = {"turn_id": turn_id} if turn_id is not None else {}
    return rollout.event(
        "entered_review_mode", item_id=item_id, target={"type": "uncommittedChanges"}, **named
    )


def test_an_explicit_turn_is_opened_by_its_start() -> None:
    """It has the start's id, and its times."""
    made = says(asks(legacy().start("a", started_at=5))).end("a", completed_at=7, duration_ms=2000)
    (turn,) = turns(made.log())
    assert (turn["id"], turn["status"]) == ("a", "completed")
    assert (turn["startedAt"], turn["completedAt"], turn["durationMs"]) == (5, 7, 2000)
    assert [item["type"] for item in turn["items"]] == ["userMessage", "agentMessage"]


def test_messages_without_a_start_open_implicit_turns() -> None:
    """Every user message opens one; its id is the number of the record that opened it."""
    made = says(asks(says(asks(legacy()))))
    assert outline(made) == [
        ("rollout-1", "completed", ["item-1", "item-2"]),
        ("rollout-3", "completed", ["item-3", "item-4"]),
    ]


def test_an_answer_alone_opens_an_implicit_turn() -> None:
    """A user message behind it opens the next."""
    assert outline(asks(says(legacy()))) == [
        ("rollout-1", "completed", ["item-1"]),
        ("rollout-2", "completed", ["item-2"]),
    ]


@pytest.mark.parametrize(
    ("is_counted", "add"),
    [
        (True, lambda made: made.user("q")),
        (True, lambda made: made.context("a")),
        (True, lambda made: made.tokens(1)),
        (True, lambda made: made.record("session_meta", made.header())),
        (True, lambda made: made.item(message("system", "x"))),
        (True, lambda made: made.event("agent_message", message="")),
        (False, lambda made: made.event("error", message="x")),
        (False, lambda made: made.event("thread_settings_applied", thread_settings={})),
        (False, lambda made: made.event("exec_command_end", call_id="c")),
        (False, lambda made: made.shows("a", "i")),
        (False, lambda made: made.raw(b"{broken\n\n")),
        (False, lambda made: made.record("nonsense", {})),
        (False, lambda made: made.item({"type": "from_next_year"})),
    ],
    ids=[
        "item",
        "context",
        "tokens",
        "copied-header",
        "system",
        "empty-message",
        "error",
        "settings",
        "exec",
        "item-completed",
        "damage",
        "unknown-record",
        "unknown-item",
    ],
)
def test_what_is_numbered(is_counted: bool, add: object) -> None:
    """Non-events and the events of the listing set count, whether or not they give an item."""
    made = legacy()
    assert callable(add)
    add(made)
    assert outline(asks(made))[0][0] == ("rollout-2" if is_counted else "rollout-1")


def test_a_start_finishes_the_turn_before_it() -> None:
    """As it is: a turn that was never ended is shown as interrupted."""
    assert outline(asks(legacy().start("a")).start("b").end("b")) == [
        ("a", "interrupted", ["item-1"]),
        ("b", "completed", []),
    ]


def test_the_same_id_twice_makes_two_turns() -> None:
    """Each start opens one."""
    made = legacy().start("a").end("a").start("a").end("a")
    assert [turn[0] for turn in outline(made)] == ["a", "a"]


def test_a_user_message_joins_an_explicit_turn() -> None:
    """Also a second one: the user may add to a running turn."""
    assert outline(asks(asks(legacy().start("a"))).end("a")) == [("a", "completed", ["item-1", "item-2"])]


def test_a_compaction_opens_an_implicit_turn() -> None:
    """It shows no item, and keeps the turn alive."""
    assert outline(legacy().compact()) == [("rollout-1", "completed", [])]


def test_a_user_message_joins_a_turn_that_only_saw_a_compaction() -> None:
    """The compaction came before the request."""
    assert outline(asks(legacy().compact())) == [("rollout-1", "completed", ["item-1"])]


def test_a_user_message_opens_a_turn_behind_a_compaction_that_came_late() -> None:
    """A turn that has items is over when the user speaks again."""
    made = asks(asks(legacy()).compact())
    assert [turn[0] for turn in outline(made)] == ["rollout-1", "rollout-3"]


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("agent_message", {"message": ""}),
        ("agent_reasoning", {"text": ""}),
        ("agent_reasoning_raw_content", {"text": ""}),
    ],
)
def test_empty_texts_are_ignored(kind: str, members: Json) -> None:
    """They open no turn and give no item."""
    assert outline(legacy().event(kind, **members)) == []


def test_reasoning_in_a_row_is_one_item() -> None:
    """Summaries and raw texts are collected until another item comes between."""
    made = asks(legacy()).event("agent_reasoning", text="s1").event("agent_reasoning_raw_content", text="r1")
    made = says(made.event("agent_reasoning", text="s2")).event("agent_reasoning", text="s3")
    (turn,) = turns(made.log())
    assert [(item["id"], item.get("summary"), item.get("content")) for item in turn["items"][1::2]] == [
        ("item-2", ["s1", "s2"], ["r1"]),
        ("item-4", ["s3"], []),
    ]


def test_an_item_with_a_turn_id_goes_to_that_turn() -> None:
    """To a finished one, too."""
    made = patches(patches(legacy().start("a").end("a").start("b"), "1", "a"), "2", "b").end("b")
    assert outline(made) == [("a", "completed", ["1"]), ("b", "completed", ["2"])]


def test_an_item_of_an_unknown_turn_is_dropped() -> None:
    """It opens no turn."""
    assert outline(patches(legacy().start("a").end("a"), "1", "b")) == [("a", "completed", [])]


@pytest.mark.parametrize("turn_id", [None, ""])
def test_an_item_without_turn_id_goes_to_the_active_turn(turn_id: str | None) -> None:
    """Or opens an implicit one."""
    made = patches(patches(legacy().start("a"), "1", turn_id).end("a"), "2", turn_id)
    assert outline(made) == [("a", "completed", ["1"]), ("rollout-4", "completed", ["2"])]


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("web_search_end", {"query": "x", "action": {"type": "other"}}),
        ("image_generation_end", {"status": "completed", "result": "r"}),
        ("agent_message", {"message": "x"}),
        ("agent_reasoning", {"text": "x"}),
    ],
)
def test_other_items_go_to_the_active_turn_whatever_they_name(kind: str, members: Json) -> None:
    """Their events have no turn id; a member of that name is an unknown one."""
    made = legacy().start("a").end("a").start("b").event(kind, call_id="c", turn_id="a", **members)
    assert [(turn[0], len(turn[2])) for turn in outline(made.end("b"))] == [("a", 0), ("b", 1)]


def test_a_repeated_item_replaces_the_one_of_its_id() -> None:
    """Within its turn, and in place."""
    made = says(patches(legacy().start("a"), "1"))
    made.event("web_search_end", call_id="1", query="new", action={"type": "other"})
    (turn,) = turns(made.log())
    assert [(item["id"], item.get("query")) for item in turn["items"]] == [("1", "new"), ("item-1", None)]


def test_a_review_goes_to_the_turn_that_it_names() -> None:
    """To a finished one, too; without a name to the active one."""
    made = reviews(reviews(legacy().start("a").end("a").start("b"), "1", "a"), "2").end("b")
    assert outline(made) == [("a", "completed", ["1"]), ("b", "completed", ["2"])]


def test_a_review_of_an_unknown_turn_opens_one_of_that_id() -> None:
    """It is implicit: the next message of the user opens another."""
    assert outline(asks(says(reviews(legacy(), "i", "r")))) == [
        ("r", "completed", ["i", "item-1"]),
        ("rollout-3", "completed", ["item-2"]),
    ]


def test_a_review_of_an_unknown_turn_finishes_the_active_one() -> None:
    """There is at most one active turn; an end of the finished one changes only that."""
    made = says(reviews(asks(legacy().start("a")), "i", "r").end("a"))
    assert outline(made) == [("a", "completed", ["item-1"]), ("r", "completed", ["i", "item-2"])]


def test_items_are_numbered_on_from_those_a_rollback_leaves() -> None:
    """Every item that is left counts, whether or not its own id is a number."""
    made = patches(asks(legacy()), "c")
    made = asks(asks(made).rollback(1))
    assert [turn[2] for turn in outline(made)] == [["item-1", "c"], ["item-3"]]


def test_a_hook_prompt_is_an_item() -> None:
    """Other items of the model conversation give none."""
    prompt = '<hook_prompt hook_run_id="r">go on</hook_prompt>'
    made = legacy().start("a").user("q").user(prompt, id="h").assistant("x").end("a")
    (turn,) = turns(made.log())
    assert [(item["type"], item["id"]) for item in turn["items"]] == [("hookPrompt", "h")]


def test_a_hook_prompt_without_id_is_named_by_its_place() -> None:
    """Reading twice gives the same."""
    prompt = '<hook_prompt hook_run_id="r">go on</hook_prompt>'
    assert outline(legacy().start("a").user(prompt))[0][2] == ["hook-2"]


def test_a_plan_is_an_item() -> None:
    """The only completed item that counts."""
    plan = {"type": "Plan", "id": "p", "text": "first this"}
    made = legacy().start("a").event("item_completed", thread_id="x", turn_id="a", item=plan)
    assert outline(made)[0][2] == ["p"]


@pytest.mark.parametrize("is_explicit", [True, False], ids=["explicit", "implicit"])
def test_a_finished_turn_without_anything_stays_if_explicit(is_explicit: bool) -> None:
    """Explicit turns stay even if empty; an implicit one never was."""
    made = legacy().start("a").end("a") if is_explicit else says(legacy(), "").start("b").end("b")
    assert [turn[0] for turn in outline(made)] == (["a"] if is_explicit else ["b"])


def test_a_summary_is_question_and_last_answer() -> None:
    """Of any phase."""
    made = asks(asks(legacy().start("a"), "q1"), "q2").event(
        "agent_message", message="x", phase="final_answer"
    )
    (turn,) = turns(made.event("agent_message", message="y", phase="commentary").log(), ItemsView.SUMMARY)
    assert [item["id"] for item in turn["items"]] == ["item-1", "item-4"]


def test_a_view_without_items_has_none() -> None:
    """And says which view it is."""
    (turn,) = turns(asks(legacy()).log(), ItemsView.NOT_LOADED)
    assert (turn["items"], turn["itemsView"]) == ([], "notLoaded")


def test_bare_items_stand_for_the_events_that_are_not_there() -> None:
    """A file of mid 2025 stores messages as items only; context opens no turn."""
    lines = [
        b'{"id":"01a1fc4b-0000-7000-8000-000000000001","timestamp":"t"}',
        b'{"type":"message","role":"user","content":[{"type":"input_text","text":"<skill>x</skill>"}]}',
        b'{"record_type":"state"}',
        b'{"type":"message","role":"user","content":[{"type":"input_text","text":"q"}]}',
        b'{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}',
    ]
    (turn,) = turns(b"\n".join(lines) + b"\n", era=Era.BARE)
    assert (turn["id"], [item["type"] for item in turn["items"]]) == (
        "rollout-2",
        ["userMessage", "agentMessage"],
    )
