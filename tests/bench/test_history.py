"""Runs that are compared: a regression is told from a slow machine, and nothing else is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmark.history import compare, comparison, find_last, keep

from tests.bench.made_runs import made_row, made_run


def test_slower_row_is_a_regression() -> None:
    """Twice the time on the same machine."""
    (change,) = compare(made_run(made_row("resume", 10)), made_run(made_row("resume", 20)))
    assert change.times == pytest.approx(2)
    assert change.worse == ("time",)


def test_slower_machine_is_no_regression() -> None:
    """Twice the time where everything takes twice as long."""
    before = made_run(made_row("resume", 10), python_ms=30)
    (change,) = compare(before, made_run(made_row("resume", 20), python_ms=60))
    assert change.times == pytest.approx(1)
    assert change.worse == ()


def test_faster_machine_hides_no_regression() -> None:
    """The same time where everything else takes half."""
    before = made_run(made_row("resume", 10), python_ms=60)
    (change,) = compare(before, made_run(made_row("resume", 10), python_ms=30))
    assert change.worse == ("time",)


def test_factor_says_how_much_slower_is_a_regression() -> None:
    """A row within it stays one that is not worse."""
    before, now = made_run(made_row("resume", 10)), made_run(made_row("resume", 20))
    assert compare(before, now, factor=2.5)[0].worse == ()


def test_one_fast_sample_speaks_against_a_regression() -> None:
    """The machine was busy while the others were taken."""
    now = made_row("resume", 20)
    now["processor_min_ms"] = 9.0
    (change,) = compare(made_run(made_row("resume", 10)), made_run(now))
    assert change.worse == ()


@pytest.mark.parametrize("counted", ["bytes_read", "bytes_written", "syncs", "peak_bytes"])
def test_more_bytes_syncs_or_memory_are_a_regression(counted: str) -> None:
    """Whatever the machine's speed."""
    before = made_run(made_row("fork", 10, **{counted: 1000}))
    (change,) = compare(before, made_run(made_row("fork", 10, **{counted: 1500})))
    assert change.worse == (counted,)


def test_only_rows_of_both_runs_are_compared() -> None:
    """A suite that was left out, and a row that is new, say nothing."""
    before = made_run(made_row("resume", 10), made_row("fork", 10, suite="forks"))
    assert [change.key for change in compare(before, made_run(made_row("fork", 10, suite="forks")))] == [
        "forks, fork"
    ]
    assert compare(before, made_run(made_row("new", 10))) == []


def test_small_data_is_not_compared_with_large() -> None:
    """Their times have nothing to do with each other."""
    with pytest.raises(ValueError, match="cannot be compared"):
        compare(made_run(made_row("resume", 10), scale="quick"), made_run(made_row("resume", 10)))


def test_comparison_marks_what_is_worse() -> None:
    """And counts it in its last line."""
    before = made_run(made_row("resume", 10), made_row("fork", 10))
    now = made_run(made_row("resume", 30), made_row("fork", 10))
    lines = list(comparison(compare(before, now), before, now))
    assert [("REGRESSION: time" in line) for line in lines[1:3]] == [True, False]
    assert lines[-1] == "2 rows compared, 1 of them worse"


def test_last_run_of_a_scale_is_found(tmp_path: Path) -> None:
    """Among those that were kept, by when they were."""
    first = made_run(made_row("resume", 1))
    for run in (first, first | {"at": "2026-03-03T09:00:00Z"}, first | {"scale": "quick"}):
        path = keep(run, tmp_path)
    assert find_last(tmp_path, "quick") == path
    found = find_last(tmp_path, "normal")
    assert found is not None
    assert found.name.startswith("2026-03-03")
    assert find_last(tmp_path, "full") is None
