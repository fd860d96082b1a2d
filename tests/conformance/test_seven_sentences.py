"""The sentences of docs/architecture.md that reading can break, each held to the recorded homes."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rollout.format.record import Record
from rollout.log.lines import iter_lines
from rollout.replay.context import Context, read_context
from rollout.replay.lineage import Lineage
from rollout.store.turn_pages import read_turns
from rollout.turns.paging import ItemsView
from tests.conformance.recorded import CASES, RECORDED, expected_of, open_lineage

HOMES = [pytest.param(path, id=path.name) for path in sorted(RECORDED.iterdir()) if path.is_dir()]
PAGINATED = [case for case in CASES if expected_of(*case.values)["items"] is not None]
PLAIN_HOMES = [param for param in HOMES if param.id != "compressed"]


def copy_of(home: Path, folder: Path) -> Path:
    """Return a copy of a recorded home, without what the client answered about it."""
    return Path(shutil.copytree(home, folder, ignore=shutil.ignore_patterns("expected")))


def threads_of(home: Path) -> list[str]:
    """Return the ids of a recorded home's threads."""
    return [path.stem for path in sorted((RECORDED / home.name / "expected").glob("*-*.json"))]


def read_all(home: Path, thread_ids: list[str]) -> dict[str, tuple[bytes, Any, list[bytes]]]:
    """Return what a home says of its threads: model history, what a resume needs beside it, turns."""
    found: dict[str, tuple[bytes, Any, list[bytes]]] = {}
    for thread_id in thread_ids:
        with open_lineage(home, thread_id) as lineage:
            context = read_context(lineage)
            turns = [msgspec.json.encode(turn) for turn in read_turns(lineage, ItemsView.FULL)]
        found[thread_id] = (context.input_json(), needed_beside(context), turns)
    return found


def needed_beside(context: Context) -> Any:
    """Return the parts of a context that are no items."""
    parts = (
        context.previous_turn_settings,
        context.reference_context,
        context.world_state,
        context.window,
        context.usage,
        context.next_ordinal,
    )
    return msgspec.json.decode(msgspec.json.encode(parts))


def bytes_of(home: Path) -> dict[str, tuple[bytes, int]]:
    """Return the content and time of every file of a home, by name."""
    return {
        str(path.relative_to(home)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("home", HOMES)
def test_the_log_is_the_only_truth(home: Path, tmp_path: Path) -> None:
    """Sentence 1: with a junk database beside it, a home reads as it does without one."""
    threads = threads_of(home)
    marred = copy_of(home, tmp_path / "marred")
    (marred / "state_5.sqlite").write_bytes(b"no database")
    (marred / ".rollout").mkdir()
    (marred / ".rollout" / "catalog.sqlite").write_bytes(b"no catalog")
    assert read_all(marred, threads) == read_all(home, threads)


@pytest.mark.parametrize("home", HOMES)
def test_reading_changes_no_byte(home: Path, tmp_path: Path) -> None:
    """Sentence 2: after everything was read, every file has its bytes and its time, and there is no other."""
    copied = copy_of(home, tmp_path / home.name)
    before = bytes_of(copied)
    read_all(copied, threads_of(home))
    assert bytes_of(copied) == before


@pytest.mark.parametrize(("home", "thread_id"), PAGINATED)
def test_ordinals_run_along_a_lineage(home: Path, thread_id: str) -> None:
    """Sentence 4: from an ancestor's first record to the newest, no ordinal is missing or used twice."""
    with open_lineage(home, thread_id) as lineage:
        ordinals = ordinals_of(lineage)
    assert ordinals == list(range(len(ordinals)))


def ordinals_of(lineage: Lineage) -> list[int | None]:
    """Return the stored ordinals along a lineage, headers included."""
    found: list[int | None] = []
    for segment in lineage.segments:
        found.append(segment.header.ordinal)
        for batch in iter_lines(lineage.source(segment), lineage.span(segment)):
            found.extend(line.ordinal for line in batch if isinstance(line, Record))
    return found


@pytest.mark.parametrize("home", HOMES)
def test_history_is_a_function_of_the_lineage(home: Path, tmp_path: Path) -> None:
    """Sentence 5: a copy elsewhere, with other file times and fewer neighbours, has the same history."""
    threads = threads_of(home)
    moved = copy_of(home, tmp_path / "elsewhere")
    (moved / "session_index.jsonl").unlink(missing_ok=True)
    for path in moved.rglob("*.jsonl*"):
        os.utime(path, (1, 1))
    assert read_all(moved, threads) == read_all(home, threads)


@pytest.mark.parametrize("home", HOMES)
def test_readers_do_not_ask_for_a_lock(home: Path, tmp_path: Path) -> None:
    """Sentence 6: while somebody holds every file exclusively, everything is read, and nothing waits."""
    copied = copy_of(home, tmp_path / home.name)
    held = [path.open("rb") for path in sorted(copied.rglob("*.jsonl*"))]
    try:
        for file in held:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert read_all(copied, threads_of(home)) == read_all(home, threads_of(home))
    finally:
        for file in held:
            file.close()


@pytest.mark.parametrize("home", PLAIN_HOMES)
def test_unknown_is_not_wrong(home: Path, tmp_path: Path) -> None:
    """Sentence 7: a line of a newer type at the end of every file changes no answer."""
    grown = copy_of(home, tmp_path / "grown")
    for path in grown.rglob("rollout-*.jsonl"):
        with path.open("ab") as file:
            file.write(
                b'{"timestamp":"2030-01-01T00:00:00.000Z","type":"from_the_future","payload":{"any":[1]}}\n'
            )
    assert read_all(grown, threads_of(home)) == read_all(home, threads_of(home))


@pytest.mark.parametrize(("home", "thread_id"), CASES)
def test_history_is_the_stored_bytes(home: Path, thread_id: str) -> None:
    """Sentence 7: every item of the model history is a piece of some file, members unknown to us included."""
    with open_lineage(home, thread_id) as lineage:
        items = [bytes(item.read_json()) for item in read_context(lineage).items]
        stored = b"".join(
            lineage.source(segment).read_at(segment.start_offset, segment.end_offset - segment.start_offset)
            for segment in lineage.segments
        )
    assert [item for item in items if item not in stored] == []
