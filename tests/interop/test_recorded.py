"""The recorded threads, opened by a live client and by us: histories, turns and items are the same."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from refclient.install import Client
from refclient.rpc import RefusalError

from rollout.turns.paging import ItemsView, SortDirection
from tests.conformance.recorded import CASES, RECORDED
from tests.interop.asked import Answers
from tests.interop.conftest import Ask
from tests.interop.ours import (
    anchors,
    as_shown_by,
    is_older,
    is_paginated,
    our_context,
    our_history,
    our_item_pages,
    our_turn_pages,
    our_turns,
    plain,
)

pytestmark = pytest.mark.interop

WHOLE = [case for case in CASES if case.values[0].name != "reverts"]
PAGINATED = [case for case in WHOLE if is_paginated(*case.values)]
LEGACY = [case for case in WHOLE if case not in PAGINATED]
REVERTED = [case for case in CASES if case not in WHOLE]


@pytest.fixture
def answers(ask: Ask, home: Path, thread_id: str) -> Answers:
    """What the client says of one recorded thread."""
    recorded = json.loads((RECORDED / "PROVENANCE.json").read_text())["homes"][home.name]["threads"]
    return ask(home, list(recorded), compacts=True)[
        thread_id
    ]  # recorded in an order that has ancestors first


@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_history_sent_after_resume_is_our_context(answers: Answers, home: Path, thread_id: str) -> None:
    """The client goes on with exactly the items that our resume gives."""
    assert answers.history == our_history(home, thread_id)


@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_window_counts_on_from_ours(answers: Answers, home: Path, thread_id: str) -> None:
    """A compaction right after the resume opens the window behind the one we report."""
    compacted = answers.written("compacted")
    window = our_context(home, thread_id).window
    assert compacted["window_number"] == window.number + 1
    assert compacted["previous_window_id"] == window.id
    assert compacted["first_window_id"] == window.first_id


@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_previous_settings_are_ours(answers: Answers, home: Path, thread_id: str) -> None:
    """The settings that the client detects changes against are those of our context."""
    theirs = answers.written("compacted")["resume_metadata"]["previous_turn_settings"]
    assert theirs == plain(our_context(home, thread_id).previous_turn_settings)


@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_usage_adds_up_from_ours(answers: Answers, home: Path, thread_id: str) -> None:
    """The thread's total after one more response is our total plus that response."""
    record = answers.written("token_usage_record")
    ours = our_context(home, thread_id).usage.thread
    assert ours is not None
    grown = ours.total_tokens + record["usage"]["total_tokens"]
    assert record["thread_token_usage"]["total_tokens"] == grown


@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_ordinals_go_on_from_ours(answers: Answers, client: Client, home: Path, thread_id: str) -> None:
    """The first record that the client appends has the ordinal that we would give."""
    assert isinstance(answers.compaction, list)
    ours = our_context(home, thread_id).next_ordinal
    if ours is not None and is_older(client, 0, 169):
        ours += 1  # earlier releases append a record already when they resume a thread
    assert answers.compaction[0].get("ordinal") == ours


@pytest.mark.parametrize("way", SortDirection)
@pytest.mark.parametrize("view", ItemsView)
@pytest.mark.parametrize(("home", "thread_id"), WHOLE)
def test_turn_pages_are_ours(
    answers: Answers, client: Client, home: Path, thread_id: str, view: ItemsView, way: SortDirection
) -> None:
    """Two turns a page, from either end, in every view: the same rows and the same cursors."""
    assert not isinstance(answers.turn_pages, RefusalError)
    theirs = answers.turn_pages[view, way]
    ours = our_turn_pages(home, thread_id, view, way)
    assert [as_shown_by(client, page.entries) for page in ours] == [page.entries for page in theirs]
    assert anchors(ours) == anchors(theirs)


@pytest.mark.parametrize("way", SortDirection)
@pytest.mark.parametrize(("home", "thread_id"), PAGINATED)
def test_item_pages_are_ours(
    answers: Answers, client: Client, home: Path, thread_id: str, way: SortDirection
) -> None:
    """Two items a page, from either end: the same rows and the same cursors."""
    assert not isinstance(answers.item_pages, RefusalError)
    theirs = answers.item_pages[way]
    ours = our_item_pages(home, thread_id, way)
    assert [as_shown_by(client, page.entries) for page in ours] == [page.entries for page in theirs]
    assert anchors(ours) == anchors(theirs)


@pytest.mark.parametrize(("home", "thread_id"), LEGACY)
def test_items_of_a_legacy_thread_are_refused_by_the_client(answers: Answers) -> None:
    """Difference on purpose: the client lists no items of a legacy thread, and we do."""
    assert isinstance(answers.item_pages, RefusalError)
    assert answers.item_pages.message == "thread/items/list is not supported yet"


@pytest.mark.parametrize(("home", "thread_id"), REVERTED)
def test_reverted_thread_is_shown_in_part_by_a_client_without_its_database(
    answers: Answers, client: Client, home: Path, thread_id: str
) -> None:
    """Difference on purpose: the client shows turns of rollouts it has opened, and we show all.

    It never opens the superseded rollouts of a reverted thread. `test_live.py` compares such
    threads in full, with the database that the client kept while it wrote them.
    """
    assert not isinstance(answers.turn_pages, RefusalError)
    pages = answers.turn_pages[ItemsView.FULL, SortDirection.ASC]
    opened = turns_begun_in(newest_rollouts(home))
    ours = as_shown_by(client, our_turns(home, thread_id))
    assert [turn for page in pages for turn in page.entries] == [t for t in ours if t["id"] in opened]


def newest_rollouts(home: Path) -> list[Path]:
    """Return the newest rollout of every thread of a home."""
    paths = sorted(home.rglob("rollout-*.jsonl"))
    by_thread = groupby(sorted(paths, key=thread_in_name), key=thread_in_name)
    return [max(group) for _, group in by_thread]


def thread_in_name(path: Path) -> str:
    """Return the thread id in a rollout's name."""
    return path.stem.split("_")[0][-36:]


def turns_begun_in(paths: list[Path]) -> set[str]:
    """Return the ids of the turns that begin in the given files."""
    events: list[Any] = [
        json.loads(line)["payload"] for path in paths for line in path.read_bytes().splitlines()
    ]
    return {event["turn_id"] for event in events if event.get("type") == "task_started"}
