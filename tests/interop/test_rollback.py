"""Rollbacks, which no release in use writes any more, in legacy files: history, turns and settings."""

from __future__ import annotations

from functools import partial

import pytest
from handmade.draft import Draft, JsonObject, text_message, uuid
from refclient.install import Client
from refclient.rpc import RefusalError

from rollout.turns.paging import ItemsView, SortDirection
from tests.interop.conftest import Ask
from tests.interop.ours import as_shown_by, our_context, our_history, our_turns, plain
from tests.interop.written import Case, Lines, put_to_client

pytestmark = pytest.mark.interop

REPLACEMENT = [text_message("user", text) for text in ("Kept one.", "Kept two.", "A summary.")]
WINDOW: JsonObject = {
    "window_number": 1,
    "first_window_id": uuid(900),
    "previous_window_id": uuid(900),
    "window_id": uuid(901),
}
RESUME_METADATA: JsonObject = {
    "dynamic_tools": {"thread_id": uuid(1), "tools": []},
    "multi_agent_version": "disabled",
    "last_started_turn_id": None,
    "turn_attribution": None,
    "previous_turn_settings": None,
}
COMPACTIONS: dict[str, JsonObject] = {
    "a plain compaction": {},
    "a compaction without window": {"replacement_history": REPLACEMENT},
    "a compaction with window": {"replacement_history": REPLACEMENT, **WINDOW},
    "a checkpoint": {"replacement_history": REPLACEMENT, **WINDOW, "resume_metadata": RESUME_METADATA},
}


def turns(draft: Draft, *numbers: int) -> None:
    """Write numbered turns, every one with a model of its own."""
    for number in numbers:
        draft.turn_context(f"turn-{number}", model=f"model-{number}")
        draft.turn(f"turn-{number}", f"Question {number}.", f"Answer {number}.")


def roll_back(draft: Draft, count: int) -> None:
    """Take back so many turns."""
    draft.event("thread_rolled_back", num_turns=count)


def four_then(*counts: int) -> Lines:
    """Return a case: four turns, then rollbacks."""

    def lines(draft: Draft) -> None:
        turns(draft, 1, 2, 3, 4)
        for count in counts:
            roll_back(draft, count)

    return lines


def gone_on(draft: Draft) -> None:
    """Roll back, go on, roll back a part of that, go on."""
    four_then(2)(draft)
    turns(draft, 5)
    roll_back(draft, 1)
    turns(draft, 6)


def with_context(draft: Draft) -> None:
    """Roll back a turn before which the client had said where it is."""
    turns(draft, 1)
    draft.user("<environment_context>elsewhere</environment_context>")
    draft.item(text_message("developer", "<permissions instructions>all</permissions instructions>"))
    turns(draft, 2)
    roll_back(draft, 1)


def with_note(draft: Draft) -> None:
    """Roll back a turn before which an application had left a note."""
    turns(draft, 1)
    draft.item(text_message("developer", "A plain note."))
    turns(draft, 2)
    roll_back(draft, 1)


def first_with_context(draft: Draft) -> None:
    """Roll back the only turn."""
    draft.user("<environment_context>here</environment_context>")
    turns(draft, 1)
    roll_back(draft, 1)


def implicit(draft: Draft) -> None:
    """Roll back one of the turns of 2025, which had no beginning and no end."""
    for number in (1, 2, 3):
        draft.user(f"Question {number}.")
        draft.event("user_message", message=f"Question {number}.")
        draft.event("agent_message", message=f"Answer {number}.")
        draft.assistant(f"Answer {number}.")
    roll_back(draft, 1)


def begin(draft: Draft, number: int) -> None:
    """Write the beginning of a turn."""
    draft.event("task_started", turn_id=f"turn-{number}")
    draft.user(f"Question {number}.")
    draft.event("user_message", message=f"Question {number}.")


def in_a_turn(draft: Draft) -> None:
    """Roll back while a turn goes on."""
    turns(draft, 1)
    begin(draft, 2)
    roll_back(draft, 1)
    draft.assistant("Too late.")
    draft.event("agent_message", message="Too late.")
    draft.event("task_complete", turn_id="turn-2", last_agent_message="Too late.")


def interrupted(draft: Draft) -> None:
    """Roll back an interrupted turn."""
    turns(draft, 1)
    begin(draft, 2)
    draft.event("turn_aborted", turn_id="turn-2", reason="interrupted")
    roll_back(draft, 1)
    turns(draft, 3)


def over(compaction: JsonObject, count: int, draft: Draft) -> None:
    """Roll back turns, with a compaction among them."""
    turns(draft, 1, 2)
    draft.event("task_started", turn_id="compaction")
    draft.record("compacted", {"message": "A summary.", **compaction})
    draft.event("task_complete", turn_id="compaction", last_agent_message=None)
    turns(draft, 3)
    roll_back(draft, count)


def inside(compaction: JsonObject, draft: Draft) -> None:
    """Roll back a turn in which the history was compacted, and go on."""
    turns(draft, 1)
    begin(draft, 2)
    draft.record("compacted", {"message": "A summary.", **compaction})
    draft.assistant("Answer 2.")
    draft.event("task_complete", turn_id="turn-2", last_agent_message="Answer 2.")
    roll_back(draft, 1)
    turns(draft, 3)


def not_a_count(count: object, draft: Draft) -> None:
    """Write a rollback that counts no turns."""
    turns(draft, 1, 2)
    draft.event("thread_rolled_back", num_turns=count)


CASES: dict[str, Lines] = {
    **{f"of {count}": four_then(count) for count in (0, 1, 2, 4, 9, 0xFFFFFFFF)},
    "of one, and of one": four_then(1, 1),
    "gone on": gone_on,
    "with context": with_context,
    "with a note": with_note,
    "the first turn": first_with_context,
    "implicit turns": implicit,
    "in a turn": in_a_turn,
    "interrupted": interrupted,
    **{
        f"of {count} over {name}": partial(over, compaction, count)
        for name, compaction in COMPACTIONS.items()
        for count in (1, 2, 3, 6)
    },
    **{f"with {name} inside": partial(inside, compaction) for name, compaction in COMPACTIONS.items()},
    **{f"of {count!r}": partial(not_a_count, count) for count in (-1, 1.0, 0x100000000, None, "1")},
}


@pytest.fixture(scope="module")
def cases(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Every case, read by the client."""
    return put_to_client(ask, tmp_path_factory.mktemp("rollback"), CASES, compacts=True)


@pytest.mark.parametrize("name", CASES)
def test_history_after_rollback_is_the_clients(cases: dict[str, Case], name: str) -> None:
    """What stays of the model history."""
    case = cases[name]
    assert our_history(case.home, case.thread_id) == case.answers.history


@pytest.mark.parametrize("name", CASES)
def test_turns_after_rollback_are_the_clients(cases: dict[str, Case], client: Client, name: str) -> None:
    """What stays of the turns; counted otherwise than the history, and both sides keep both counts."""
    case = cases[name]
    assert not isinstance(case.answers.turn_pages, RefusalError)
    pages = case.answers.turn_pages[ItemsView.FULL, SortDirection.ASC]
    ours = as_shown_by(client, our_turns(case.home, case.thread_id))
    assert ours == [turn for page in pages for turn in page.entries]


@pytest.mark.parametrize("name", CASES)
def test_settings_after_rollback_are_the_clients(cases: dict[str, Case], name: str) -> None:
    """Settings, window and reference context belong to the newest turn that stays."""
    case = cases[name]
    compacted = case.answers.written("compacted")
    ours = our_context(case.home, case.thread_id)
    assert plain(ours.previous_turn_settings) == compacted["resume_metadata"]["previous_turn_settings"]
    assert ours.window.number + 1 == compacted["window_number"]
    assert ours.window.id in {compacted["previous_window_id"], None}
