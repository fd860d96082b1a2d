"""The one command: suites in processes of their own, parts by name, and what the command line does."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmark import __main__ as command
from benchmark import suites
from benchmark.data import Data
from benchmark.history import as_text
from benchmark.run import Run, percentile, run_parts
from benchmark.timed import TimedRow

from tests.bench.made_runs import made_row, made_run
from tests.bench.small import small_run


def some(*names: str) -> object:
    """Return a part that yields rows of these names."""

    def part(_: Run) -> Iterator[TimedRow]:
        for name in names:
            yield TimedRow(name, samples_ms=[1.0])

    return part


@pytest.mark.parametrize(
    ("only", "keys"),
    [
        ("", ["fork: head", "fork: middle", "family: many"]),
        ("fork", ["fork: head", "fork: middle"]),
        ("many", []),
    ],
)
def test_only_keeps_groups(only: str, keys: list[str], tmp_path: Path) -> None:
    """A group is measured whole or not at all."""
    parts = {"fork": some("head", "middle"), "family": some("many")}
    rows = run_parts(small_run(Data(tmp_path), only=only), parts)  # type: ignore[arg-type]
    assert [row.key for row in rows] == keys


def test_suite_that_fails_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last words are in the result."""

    def in_own_process(suite: str, run: Run) -> dict[str, object]:
        if suite == "forks":
            raise OSError("no space left")
        return {"rows": [made_row("resume", 1, suite=suite)], "threads": []}

    monkeypatch.setattr(suites, "_in_own_process", in_own_process)
    found = suites.run_suites(["forks", "reading"], small_run(Data(tmp_path)))
    assert found["failures"] == [{"suite": "forks", "error": "no space left"}]
    assert [row["suite"] for row in found["rows"]] == ["reading"]


def test_run_that_is_stopped_leaves_what_it_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result so far is kept after every suite."""
    row = made_row("resume", 1)
    monkeypatch.setattr(suites, "_in_own_process", lambda *_: {"rows": [row], "threads": []})
    kept: list[int] = []
    suites.run_suites(
        ["reading", "forks"], small_run(Data(tmp_path)), lambda run: kept.append(len(run["rows"]))
    )
    assert kept == [1, 2]


def test_suite_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is bounded: it goes on after a suite's time, and says so."""
    monkeypatch.setitem(suites._LIMIT_SECONDS, "quick", 0.0)
    found = suites.run_suites(["forks"], small_run(Data(tmp_path)))
    ((failed, error),) = [(one["suite"], one["error"]) for one in found["failures"]]
    assert failed == "forks"
    assert "longer than 0 minutes" in error


def test_run_says_what_it_was_taken_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine, the versions, and its speed at both ends."""
    monkeypatch.setattr(suites, "_in_own_process", lambda *_: {"rows": [], "threads": []})
    found = suites.run_suites(["forks"], small_run(Data(tmp_path)))
    assert {"cpu", "cores", "memory_gib", "disk", "system", "python", "msgspec", "commit"} <= set(
        found["machine"]
    )
    assert set(found["speed"]) == {"start", "end"}
    assert all(one["python_ms"] > 0 and one["sync_ms"] > 0 for one in found["speed"].values())


def test_small_data_has_no_budgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold for the data that they were set for."""
    row = TimedRow("right after", ("resume-after",), samples_ms=[1.0])
    monkeypatch.setattr(suites, "_load", lambda _: lambda *_: [row])
    monkeypatch.setattr("benchmark.suites.SUITES", {"forks": "any:any"})
    (found,) = suites.run_worker("forks", small_run(Data(tmp_path)))["rows"]
    assert found["budgets"] == {}


def test_every_suite_is_there() -> None:
    """Each names a function of a module."""
    for place in suites.SUITES.values():
        assert callable(suites._load(place))


@pytest.mark.parametrize(("ms", "status"), [(10.0, 0), (40.0, 1)])
def test_regression_is_the_exit_status(
    ms: float,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two runs of files, compared without measuring."""
    for name, taken in (("before", 10.0), ("now", ms)):
        (tmp_path / name).write_text(as_text(made_run(made_row("resume", taken))))
    arguments = ["--load", str(tmp_path / "now"), "--compare", str(tmp_path / "before"), "--no-client"]
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    assert command.main() == status
    assert "rows compared" in capsys.readouterr().out


def test_result_is_written_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same JSON that the history keeps."""
    run = made_run(made_row("resume", 1))
    (tmp_path / "run").write_text(as_text(run))
    arguments = ["--load", str(tmp_path / "run"), "--json", str(tmp_path / "result"), "--no-client"]
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    assert command.main() == 0
    assert json.loads((tmp_path / "result").read_text()) == run
    assert "resume" in capsys.readouterr().out


def test_percentile_is_a_sample() -> None:
    """The one that so many do not pass."""
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.99) == 4.0
