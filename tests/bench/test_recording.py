"""The recording rows: what is timed there is recorded as it should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmark.data import Data
from benchmark.peer_environments import find_peer
from benchmark.peers_recording import open_subject, turn_items
from benchmark.recorders import measure_crowds
from benchmark.recording import SUBJECTS, Plan, run_recording

import rollout
from tests.bench.small import small_run


def test_equal_numbers_give_equal_turns() -> None:
    """All subjects are given the same bytes, about 6 kB of six items."""
    items = turn_items(3)
    assert items == turn_items(3)
    assert items != turn_items(4)
    assert len(items) == 6
    assert 6000 < len(json.dumps(items)) < 7500


@pytest.mark.parametrize("given", ["at once", "item by item", "whole"])
def test_recorded_turns_are_read_back(given: str, tmp_path: Path) -> None:
    """What our subject was told to record is in the thread, behind the turns that were there."""
    subject = open_subject(f"ours none {given}", tmp_path, 2, None)
    subject.record(subject.prepare(turn_items(2)))
    subject.close()
    with rollout.open_store(str(tmp_path / "home")) as store:
        context = store.resume("recorded")
    expected = [item for number in range(3) for item in turn_items(number)]
    assert json.loads(context.input_json()) == expected


def test_every_subject_has_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours and the bare ones; durability decides the syncs of a turn."""
    monkeypatch.setattr("benchmark.recording._SYNC_TURNS", 2)
    monkeypatch.setattr("benchmark.recording.QUICK", Plan((1,), 1, 1))
    rows = run_recording(small_run(Data(tmp_path), only="a turn behind"))
    syncs = {row.name: row.syncs for row in rows}
    assert len(syncs) == len(SUBJECTS)
    assert syncs["recorder, durability turn, one write"] == 1
    assert syncs["durability record, item by item"] == 7
    assert syncs["durability none"] == 0
    assert syncs["Store.append_turn"] == 1


def test_peer_that_cannot_be_installed_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run goes on without a peer, and names it."""
    (tmp_path / "nobody.txt").write_text("nobody==1\n")
    python = tmp_path / "nobody" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()  # it cannot be run
    monkeypatch.setattr("benchmark.peer_environments._PINS", tmp_path)
    peer = find_peer("nobody", "nobody", tmp_path)
    assert peer.python is None
    assert peer.absence


def test_crowds_of_recorders_are_counted(tmp_path: Path) -> None:
    """Every crowd has a row, ours and the bare one."""
    rows = measure_crowds(tmp_path, (1, 2), 1, 4)
    assert [len(row.samples_ms) for row in rows] == [1] * 4
