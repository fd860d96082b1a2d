"""What a run found, to read: verdicts, ratios to peers, and tables that a document takes over."""

from __future__ import annotations

import pytest
from benchmark.budgets import BUDGETS, SOURCES
from benchmark.report import table
from benchmark.tables import block_names, fill
from benchmark.timed import TimedRow

from tests.bench.made_runs import made_row, made_run


def test_every_budget_has_a_known_source() -> None:
    """The table of budgets says where each was set."""
    assert {budget.source for budget in BUDGETS.values()} == set(SOURCES)


def test_budget_by_processor_time_does_not_count_waiting() -> None:
    """A row that was kept from running is within its budget."""
    row = TimedRow("right after", ("resume-after",), samples_ms=[50.0], processor_ms=[2.0])
    assert row.found("resume-after") == 2.0


def test_budget_by_the_clock_counts_waiting() -> None:
    """A fork waits for its disk."""
    row = TimedRow("at the head", ("fork-head",), samples_ms=[50.0], processor_ms=[1.0])
    assert row.found("fork-head") == 50.0


@pytest.mark.parametrize(
    ("key", "fields", "found"),
    [
        ("resume-memory", {"peak_bytes": 32_000_000}, 32.0),
        ("fork-bytes", {"bytes_written": 898}, 0.898),
        ("flatten", {"figures": {"flatten": 250.0}}, 250.0),
    ],
)
def test_budget_is_held_against_what_it_is_about(key: str, fields: dict[str, object], found: float) -> None:
    """Memory, bytes, or a figure of its own."""
    row = TimedRow("a row", (key,), samples_ms=[1.0], **fields)  # type: ignore[arg-type]
    assert row.found(key) == found


def test_floor_is_missed_from_below() -> None:
    """As much or more is what such a budget asks for."""
    assert not BUDGETS["flatten"].is_met(299)
    assert BUDGETS["flatten"].is_met(301)


def test_ratio_is_to_the_peer_of_the_same_run() -> None:
    """How many times faster a row is."""
    run = made_run(
        made_row("ours", 2, group="resume", peer="resume: naive"), made_row("naive", 10, group="resume")
    )
    assert [row["times_peer"] for row in run["rows"]] == [5.0, None]
    assert "5.00 naive" in table(run)


def test_ratio_of_what_waits_is_by_the_clock() -> None:
    """Writes are compared with writes as a user meets them."""
    ours = made_row("ours", 2, peer="bare", syncs=1.0)
    bare = made_row("bare", 1)
    bare["processor_ms"] = 0.1
    run = made_run(ours, bare)
    assert run["rows"][0]["times_peer"] == 0.5


def test_row_over_its_budget_is_marked() -> None:
    """In the table, and by how much in the document's."""
    run = made_run(made_row("right after", 6, budgets=("resume-after",)))
    assert "OVER" in table(run)
    filled = fill("<!-- bench: budgets -->\n<!-- bench end -->\n", run)
    assert "**over**, 2.0 times" in filled


def test_row_that_was_not_measured_is_shown() -> None:
    """A peer that is not there keeps its line, with the reason."""
    row = TimedRow("a peer", note="absent: no such package")
    assert "absent: no such package" in table(made_run({"suite": "comparing"} | row.as_json()))


def test_failed_suite_is_named() -> None:
    """Below the rows of the others."""
    run = made_run(made_row("resume", 1)) | {"failures": [{"suite": "forks", "error": "no space"}]}
    assert "FAILED forks: no space" in table(run)


def test_blocks_are_filled_and_all_else_stays() -> None:
    """However often."""
    document = "Before.\n\n<!-- bench: reading -->\nold\n<!-- bench end -->\n\nAfter.\n"
    run = made_run(made_row("resume", 1.5, group="open"))
    once = fill(document, run)
    assert once.startswith("Before.\n\n<!-- bench: reading -->\n")
    assert once.endswith("<!-- bench end -->\n\nAfter.\n")
    assert "| resume | 1.50 |" in once
    assert "old" not in once
    assert fill(once, run) == once
    assert block_names(once) == ["reading"]


def test_block_of_no_such_suite_is_refused() -> None:
    """Rather than left as it was."""
    with pytest.raises(KeyError):
        fill("<!-- bench: nothing -->\n<!-- bench end -->\n", made_run(made_row("resume", 1)))
