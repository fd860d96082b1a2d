"""Flattened threads, opened by a live client and by us: it lists, resumes and goes on with them as before."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from handmade.draft import Draft, uuid
from refclient.install import Client
from refclient.rpc import RefusalError

import fork
from rollout.store.root import open_store
from rollout.turns.paging import ItemsView, SortDirection
from tests.conformance.recorded import RECORDED
from tests.interop.asked import Answers
from tests.interop.conftest import Ask
from tests.interop.ours import as_shown_by, our_history, our_turns, our_turns_without_marks

pytestmark = pytest.mark.interop

HOMES = ("forks", "reverts")
PARENT = uuid(0xF1A7)
ASKED = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go on."}]}
SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Gladly."}]}

VECTORS = Path(__file__).parents[1] / "unit" / "turns" / "vectors" / "stored_items.jsonl"
SOUND_BY_ID = '"input_audio","file_id"'
"""What release 0.163 does not read."""
LINES = [line for line in VECTORS.read_text().splitlines() if SOUND_BY_ID not in line]
KNOWN = [one["stored"] for one in map(json.loads, LINES) if one["wire"] is not None]
STORED = [{**stored, "id": f"shown-{place}"} for place, stored in enumerate(KNOWN)]
"""Stored items of every kind."""


@dataclass(frozen=True)
class Flat:
    """A thread that was flattened: what we said of it before, and what the client says now."""

    home: Path
    thread_id: str
    turns: list[Any]
    history: list[Any]
    answers: Answers

    def listed(self) -> list[Any]:
        """Return the turns that the client lists."""
        assert not isinstance(self.answers.turn_pages, RefusalError)
        pages = self.answers.turn_pages[ItemsView.FULL, SortDirection.ASC]
        return [turn for page in pages for turn in page.entries]


def flattened(ask: Ask, home: Path, thread_ids: list[str], wanted: list[str]) -> list[Flat]:
    """Flatten threads of a home, and put all of it to the client."""
    before = {one: (our_turns(home, one), our_history(home, one)) for one in wanted}
    with open_store(home, state_dir=None) as store:
        for thread_id in wanted:
            assert fork.flatten_thread(store, thread_id).bytes_written
    answers = ask(home, thread_ids)
    return [Flat(home, one, *before[one], answers[one]) for one in wanted]


@pytest.fixture(scope="module")
def recorded(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> list[Flat]:
    """Every recorded fork and revert that inherits anything."""
    found: list[Flat] = []
    for name in HOMES:
        home = tmp_path_factory.mktemp("flat") / name
        shutil.copytree(RECORDED / name, home)
        thread_ids = list(json.loads((RECORDED / "PROVENANCE.json").read_text())["homes"][name]["threads"])
        with open_store(home, state_dir=None) as store:
            wanted = []
            for thread_id in thread_ids:
                with store.open_thread(thread_id) as opened:
                    wanted += [thread_id] * (len(opened.segments()) > 1)
        found += flattened(ask, home, thread_ids, wanted)
    return found


def test_a_flat_thread_goes_on_with_the_same_history(recorded: list[Flat]) -> None:
    """What the model is sent after a resume is what we said before the thread was flattened."""
    assert len(recorded) > 8
    for one in recorded:
        assert one.answers.history == one.history, one.thread_id
        assert our_history(one.home, one.thread_id) == one.history


def test_a_flat_thread_is_listed_with_the_same_turns(recorded: list[Flat], client: Client) -> None:
    """Of all segments, with the items that they had."""
    for one in recorded:
        assert our_turns(one.home, one.thread_id) == one.turns
        assert one.listed() == as_shown_by(client, one.turns), one.thread_id


@pytest.fixture(scope="module")
def legacy(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> Flat:
    """A fork of ours of a legacy thread, with items of every kind; the client refuses it until it is flat."""
    home = tmp_path_factory.mktemp("flat-legacy")
    draft = Draft(PARENT, "legacy")
    draft.header()
    for number in (1, 2):
        draft.turn(f"turn-{number}", f"Question {number}.", f"Answer {number}.")
    draft.write_to(home)
    with open_store(home, state_dir=None) as store:
        child = fork.fork_thread(store, PARENT, model="model-two", exclude_turns=True).id
        store.append_turn(child, [ASKED, SAID])
        with store.record(child) as recorder, recorder.turn("Do it.") as turn:
            for item in STORED:
                turn.append(SAID, shown=item)
    (found,) = flattened(ask, home, [PARENT, child], [child])
    return found


def test_a_fork_of_a_legacy_thread_is_opened_once_it_is_flat(legacy: Flat) -> None:
    """And goes on with the parent's history and its own."""
    assert legacy.answers.history == legacy.history


def test_a_fork_of_a_legacy_thread_shows_what_it_showed(legacy: Flat) -> None:
    """Items of every kind, under the ids and with the times that they had."""
    assert our_turns(legacy.home, legacy.thread_id) == legacy.turns


def test_the_client_shows_of_it_what_events_say(legacy: Flat, client: Client) -> None:
    """No more and no less than we without our marks: what was said, and what was done that events hold."""
    listed = legacy.listed()
    ours = as_shown_by(client, our_turns_without_marks(legacy.home, legacy.thread_id))
    assert listed == ours
    assert [turn["id"] for turn in listed] == [turn["id"] for turn in legacy.turns]
    kinds = {item["type"] for item in listed[-1]["items"]}
    assert kinds >= {
        "userMessage",
        "agentMessage",
        "reasoning",
        "plan",
        "fileChange",
        "mcpToolCall",
        "webSearch",
    }
    assert kinds.isdisjoint({"commandExecution", "dynamicToolCall", "collabAgentToolCall"})
