"""The comparison with peers: what every subject reads is what it was given, and who is absent is named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from benchmark.comparing import QUICK, compare
from benchmark.data import MIXED, Data
from benchmark.peer_environments import Tool, find_contenders, find_npm_tool, own_contenders
from benchmark.peers_comparison import OUR_TITLE, Plan
from benchmark.peers_recording import encoded_turn, turn_items
from benchmark.peers_subject import Turns, text_of, title_of, write_turns
from benchmark.peers_usage import usage_rows
from benchmark.peers_worker import SUBJECTS, Worker, make_subject
from benchmark.timed import TimedRow

_SMALL = replace(QUICK, depths=(4,), forks=2, threads=(3,))
_OWN = [contender.name for contender in own_contenders()]
_WORKS = ("append", "resume", "resume_json", "newest", "fork head", "resume")


def _worker(name: str, folder: Path) -> Worker:
    turns = Turns(write_turns(folder / "turns", 12, encoded_turn))
    home = folder / "home"
    home.mkdir()
    return Worker(make_subject(name, home), turns)


def _rows(folder: Path, plan: Plan, names: Sequence[str]) -> list[TimedRow]:
    contenders = [contender for contender in own_contenders() if contender.name in names]
    return compare(folder, plan, contenders, lambda _: None)


def test_turns_are_found_by_number(tmp_path: Path) -> None:
    """A file of turns gives back each of them, and is not written twice."""
    path = write_turns(tmp_path / "turns", 3, encoded_turn)
    assert write_turns(path, 3, lambda _: b"") == path
    assert [json.loads(Turns(path)[number]) for number in (2, 0)] == [turn_items(2), turn_items(0)]


@pytest.mark.parametrize("name", _OWN)
def test_what_is_read_back_is_what_was_given(name: str, tmp_path: Path) -> None:
    """Histories, pages and forks of a subject hold the texts that it was given, after appends too."""
    worker = _worker(name, tmp_path)
    assert worker.do({"do": "fill", "turns": 6, "seconds": 60}) == {"turns": 6}
    place = worker.do({"do": "aim", "first": 3})["place"]
    found = [worker.do({"do": work, "is_checked": True})["wrong"] for work in _WORKS]
    for work in ("middle", "fork middle"):
        answer = worker.do({"do": work, "place": place, "first": 3, "is_checked": True})
        found.append(answer["wrong"])
    worker.close()
    assert found == [""] * 8


@pytest.mark.parametrize("name", _OWN)
def test_newest_threads_are_listed_first(name: str, tmp_path: Path) -> None:
    """A list of a subject's threads begins with the one that was made last."""
    worker = _worker(name, tmp_path)
    worker.do({"do": "add threads", "threads": 5})
    assert worker.do({"do": "list_newest", "is_checked": True})["wrong"] == ""
    worker.close()


def test_wrong_texts_are_noticed(tmp_path: Path) -> None:
    """A subject that gives back something else is told so."""
    worker = _worker("lines", tmp_path)
    worker.do({"do": "fill", "turns": 2, "seconds": 60})
    path = tmp_path / "home" / "threads" / "main"
    path.write_bytes(path.read_bytes().replace(b"0", b"1"))
    assert "they differ at" in worker.do({"do": "resume", "is_checked": True})["wrong"]
    worker.close()


def test_every_subject_has_its_rows(tmp_path: Path) -> None:
    """A run without peers has a row a subject in every group; none failed, none was wrong."""
    rows = _rows(tmp_path, _SMALL, _OWN)
    titles = {contender.title for contender in own_contenders()}
    assert {row.name for row in rows} == titles
    assert not [row.note for row in rows if "FAILED" in row.note or "WRONG" in row.note]
    full = {row.group for row in rows if row.name == OUR_TITLE}
    assert full == {row.group for row in rows}
    assert {row.peer for row in rows if row.name != OUR_TITLE} == {f"{group}: {OUR_TITLE}" for group in full}


def test_fill_that_takes_too_long_is_told(tmp_path: Path) -> None:
    """A subject that cannot be filled in time is left out, and its row says how far it came."""
    rows = _rows(tmp_path, replace(_SMALL, fill_seconds=-1.0), ["lines"])
    notes = [row.note for row in rows if row.group == "append a turn, behind 4 turns"]
    assert notes
    assert all("behind 0 turns" in note for note in notes)


def test_forks_that_take_seconds_are_not_made_by_the_thousand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one fork takes too long, the row of many says what one takes, and none is made."""
    monkeypatch.setattr("benchmark.peers_comparison._SELDOM_MS", 0.0)
    many = [row for row in _rows(tmp_path, _SMALL, ["lines"]) if row.group.startswith("many forks")]
    assert [row.samples_ms for row in many] == [[]]
    assert many[0].note.startswith("not done: one takes")


def test_peers_that_cannot_be_had_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a single peer our own subjects remain, and every title of a peer has its reason."""

    def refuse(command: list[str]) -> None:
        raise OSError("no network")

    monkeypatch.setattr("benchmark.peer_environments._install", refuse)
    monkeypatch.setattr("venv.create", lambda *_, **__: None)
    found, absent = find_contenders(tmp_path, lambda _: None)
    assert [contender.name for contender in found] == _OWN
    assert len(absent) == len(SUBJECTS) - len(_OWN)
    assert set(absent.values()) == {"no network"}


def test_tool_without_npm_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no npm, a tool of it is absent, with its pinned version."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    tool = find_npm_tool("ccusage", tmp_path)
    assert tool.path is None
    assert tool.version.startswith("ccusage ")
    assert tool.absence


def test_totals_without_the_peer_are_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the other reader of token totals is absent, its row says so, and ours is timed."""
    tool = Tool("ccusage 1", None, "npm is not there")
    monkeypatch.setattr("benchmark.peers_usage.find_npm_tool", lambda *_: tool)
    thread = Data(tmp_path / "data").thread(replace(MIXED, turns=5))
    ours, theirs = usage_rows(thread, tmp_path, 1, lambda _: None)
    assert len(ours.samples_ms) == 1
    assert theirs.note == "absent: ccusage 1: npm is not there"
    assert theirs.peer == ours.key


def test_title_is_a_line_of_the_request() -> None:
    """A listing shows the first line of what was asked, at most a hundred letters of it."""
    items = turn_items(1)
    assert text_of(items[0]).startswith(title_of(items))
    assert len(title_of(items)) <= 100
