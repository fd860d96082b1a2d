"""The run that is published: documents, tables and figures say what its JSON says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmark.budgets import BUDGETS
from benchmark.curves import figures
from benchmark.suites import SUITES
from benchmark.tables import block_names, fill

DOCS = Path(__file__).resolve().parents[2] / "docs"
DOCUMENT = (DOCS / "performance.md").read_text(encoding="utf-8")


def published() -> dict[str, Any]:
    """Return the run that the documents show."""
    found: dict[str, Any] = json.loads((DOCS / "bench" / "baseline.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("path", ["docs/performance.md", "README.md"])
def test_tables_are_those_of_the_published_run(path: str) -> None:
    """`tools/bench --tables` writes them again."""
    document = (DOCS.parent / path).read_text(encoding="utf-8")
    assert block_names(document) != []
    assert fill(document, published()) == document


def test_every_suite_has_its_tables() -> None:
    """And so have the machine, the threads and the budgets."""
    assert {*SUITES, "machine", "threads", "budgets"} <= set(block_names(DOCUMENT))


def test_every_budget_is_in_the_document() -> None:
    """By its key, whether it is met or not."""
    assert [key for key in BUDGETS if f"| `{key}` |" not in DOCUMENT] == []


def test_figures_are_those_of_the_published_run() -> None:
    """A drawing carries the digest of what it shows; `--plot docs/bench/baseline.json` draws it again."""
    drawn = {path.stem: path.read_text(encoding="utf-8") for path in (DOCS / "bench").glob("*.svg")}
    expected = {figure.name: figure.digest for figure in figures(published())}
    assert set(drawn) == set(expected)
    for name, digest in expected.items():
        assert f"<!-- {name} {digest} -->" in drawn[name]


def test_every_figure_is_shown() -> None:
    """On the page that speaks of it."""
    for figure in figures(published()):
        assert f"](bench/{figure.name}.svg)" in DOCUMENT
