"""The curves: every work has its rows at every length, and a figure is a function of its run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from benchmark import growth
from benchmark.curves import figures
from benchmark.data import Data
from benchmark.growth import growth_tasks
from benchmark.timed import TimedRow

from tests.bench.made_runs import made_run
from tests.bench.small import small_run


def test_every_work_runs_at_every_length(tmp_path: Path) -> None:
    """Ours, the naive reader's, and that of a store by hand, on what was generated."""
    tasks = growth_tasks(small_run(Data(tmp_path)))
    for task in tasks:
        task.work()
    groups = {task.row.group for task in tasks}
    assert len(groups) == 9
    assert all(sum(task.row.group == group for task in tasks) >= 2 for group in groups)


def test_sqlite_by_hand_gives_the_turns_that_the_log_holds(tmp_path: Path) -> None:
    """Its newest page has the items of the newest 50 turns, so its times are about the same work."""
    run = small_run(Data(tmp_path))
    tasks = {
        task.row.key: task
        for task in growth_tasks(replace(run, scale=replace(run.scale, growth_turns=(60,))))
    }
    (page,) = [
        task for key, task in tasks.items() if key.startswith(f"{growth.NEWEST}") and growth.SQLITE in key
    ]
    found = page.work().count
    assert found is not None
    assert 100 <= found <= 250


def test_flatness_is_the_slowest_resume_over_the_fastest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a figure of the longest log's row."""
    rows = [growth._row(growth.RESUME, growth.OURS, size, 1.0) for size in ("1 MB", "8 MB")]
    for row, ms in zip(rows, (2.0, 3.0), strict=True):
        row.samples_ms, row.processor_ms = [ms], [ms]
    monkeypatch.setattr(growth, "run_tasks", lambda *_: rows)
    monkeypatch.setattr(growth, "growth_tasks", lambda _: [])
    assert growth.run_growth(small_run(Data(tmp_path)))[-1].found("resume-flat") == 1.5


def drawn_row(work: str, subject: str, at: float, ms: float) -> dict[str, object]:
    """Return a row of a curve."""
    row: TimedRow = growth._row(work, subject, f"{at:.0f}", at)
    row.processor_ms = row.samples_ms = [ms, ms * 2, ms * 3]
    return {"suite": "growth"} | row.as_json()


def test_curves_go_from_left_to_right() -> None:
    """In the order of lengths, whatever that of the rows, with the middle half of the samples around them."""
    rows = [drawn_row(growth.RESUME, growth.OURS, at, 1.0) for at in (8e6, 1e6)]
    figure = figures(made_run(*rows))[0]
    (curve,) = figure.panels[0].curves
    assert [point.at for point in curve.points] == [1.0, 8.0]
    assert (curve.points[0].low, curve.points[0].median, curve.points[0].high) == (1.0, 2.0, 3.0)


def test_marks_are_shares_of_budgets() -> None:
    """Of the worst row; a floor counts the other way round."""
    held = {"resume-after": 6.0}
    rows = [drawn_row(growth.RESUME, growth.OURS, 1e6, 1.0) | {"budgets": held, "suite": "reading"}]
    rows.append(drawn_row(growth.RESUME, growth.NAIVE, 1e6, 1.0) | {"budgets": {"flatten": 150.0}})
    figure = figures(made_run(*rows))[-1]
    assert [mark.share for mark in figure.marks] == [2.0, 2.0]


def test_digest_changes_with_what_is_drawn() -> None:
    """So that a figure of another run can be told."""
    one, same, other = (
        figures(made_run(drawn_row(growth.RESUME, growth.OURS, 1e6, ms)))[0].digest for ms in (1.0, 1.0, 2.0)
    )
    assert one == same != other
