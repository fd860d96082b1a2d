"""The rows of reading, forks and the server: each is measured, with a peer and budgets that are there."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmark.budgets import BUDGETS
from benchmark.data import Data
from benchmark.forking import run_forks
from benchmark.reading import run_reading, shapes_of
from benchmark.serving import run_serving
from benchmark.timed import TimedRow

from tests.bench.small import SCALE, small_run


def check(rows: list[TimedRow]) -> None:
    """Check what holds for the rows of every suite."""
    keys = [row.key for row in rows]
    assert len(keys) == len(set(keys))
    assert all(row.samples_ms for row in rows)
    assert [row.peer for row in rows if row.peer is not None and row.peer not in keys] == []
    assert {key for row in rows for key in row.budgets} <= set(BUDGETS)
    assert [row.key for row in rows if any(row.found(key) is None for key in row.budgets)] == []


def test_rows_of_reading_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the shapes of the threads that they read."""
    monkeypatch.setattr("benchmark.run.peak_in_fresh_process", lambda *_: 30_000_000)
    data = Data(tmp_path)
    check(run_reading(small_run(data)))
    assert [shape["turns"] for shape in shapes_of(data, SCALE)] == [SCALE.turns] * 3


def test_rows_of_forks_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forks, families, deep lineages and flattening."""
    monkeypatch.setattr("benchmark.forking._DEEP", 2)
    monkeypatch.setattr("benchmark.forking._SETTLE_SECONDS", 0)
    check(run_forks(small_run(Data(tmp_path))))


def test_rows_of_the_server_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cold, warm, many at once, and a listing."""
    monkeypatch.setattr("benchmark.serving._WARM_UP_SECONDS", 0)
    monkeypatch.setattr("benchmark.serving._BURST", 20)
    check(run_serving(small_run(Data(tmp_path))))
