"""The generated threads: the same bytes every time, and read back as what they were meant to be."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmark.data import LEGACY, MIXED, Data, Thread
from benchmark.generator import Shape, write_thread
from benchmark.work import open_thread

from rollout.replay.context import read_context
from rollout.replay.reading import ReadPath
from rollout.store.turn_pages import read_turns
from rollout.turns.model import TurnStatus
from rollout.turns.paging import ItemsView

PAGINATED = replace(MIXED, turns=12, interval=4, suffix_turns=3, kept_tokens=500)
SHAPES = [
    pytest.param(PAGINATED, id="paginated"),
    pytest.param(replace(LEGACY, turns=12), id="legacy"),
]


@pytest.fixture
def thread(request: pytest.FixtureRequest, tmp_path: Path) -> Thread:
    """Return a generated thread in a home of its own."""
    return Data(tmp_path).thread(request.param)


def stored(thread: Thread) -> list[Any]:
    """Return the records as a plain JSON parser sees them."""
    return [json.loads(line) for line in thread.path.read_bytes().splitlines()]


@pytest.mark.parametrize("shape", SHAPES)
def test_equal_shapes_give_equal_bytes(shape: Shape, tmp_path: Path) -> None:
    """Whoever generates a thread gets the same one."""
    for name in ("one", "two"):
        write_thread(tmp_path / name, shape)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_another_seed_gives_another_thread(tmp_path: Path) -> None:
    """The seed decides what is said and who says it."""
    write_thread(tmp_path / "one", PAGINATED)
    write_thread(tmp_path / "two", replace(PAGINATED, seed=1))
    assert (tmp_path / "one").read_bytes() != (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("thread", SHAPES, indirect=True)
def test_every_line_is_a_record(thread: Thread) -> None:
    """A full replay meets neither damage nor a line that it does not count."""
    with open_thread(thread) as lineage:
        context = read_context(lineage, reads_everything=True)
    assert context.damage == []
    headers = 1 if thread.shape.is_paginated else 0  # a paginated segment begins behind its header
    assert context.read.records == len(stored(thread)) - headers


@pytest.mark.parametrize("thread", SHAPES, indirect=True)
def test_all_turns_are_there_and_completed(thread: Thread) -> None:
    """The turns asked for, and one for every compaction."""
    with open_thread(thread) as lineage:
        turns = read_turns(lineage, ItemsView.FULL)
    compactions = sum(record["type"] == "compacted" for record in stored(thread))
    assert len(turns) == thread.shape.turns + compactions
    assert {turn.status for turn in turns} == {TurnStatus.COMPLETED}


@pytest.mark.parametrize("thread", [SHAPES[0]], indirect=True)
def test_resume_is_bounded_by_the_newest_compaction(thread: Thread) -> None:
    """The suffix has the turns it was made with, behind a compaction as the reference client writes it."""
    records = stored(thread)
    newest = max(place for place, record in enumerate(records) if record["type"] == "compacted")
    started = [record for record in records[newest:] if record["payload"].get("type") == "task_started"]
    with open_thread(thread) as lineage:
        context = read_context(lineage)
    assert context.read.path is ReadPath.BOUNDED
    assert len(started) == thread.shape.suffix_turns


@pytest.mark.parametrize("thread", SHAPES, indirect=True)
def test_model_input_is_what_a_plain_parser_builds(thread: Thread) -> None:
    """The naive reader of the benchmark does the same work."""
    history: list[Any] = []
    for record in stored(thread):
        if record["type"] == "response_item":
            history.append(record["payload"])
        elif record["type"] == "compacted":
            history = record["payload"]["replacement_history"]
    with open_thread(thread) as lineage:
        assert json.loads(read_context(lineage).input_json()) == history


def test_old_leftovers_of_killed_runs_are_taken_away(tmp_path: Path) -> None:
    """Those of a run that may still go on stay, and so does what is kept."""
    for name in ("growth-old", "growth-new", "archive-5-0123"):
        (tmp_path / name / "home").mkdir(parents=True)
    for name in ("growth-old", "archive-5-0123"):
        os.utime(tmp_path / name, (0, 0))
    Data(tmp_path).clear_leftovers()
    assert {path.name for path in tmp_path.iterdir()} == {"growth-new", "archive-5-0123"}
