"""The tables of a document, computed from a run: only what stands between a pair of marks is replaced.

A block begins with `<!-- bench: NAME -->` and ends with `<!-- bench end -->`. NAME is `machine`, `budgets`,
`threads`, or the name of a suite; `SUITE/GROUP` is one group of it. `found KEY KEY` is what was found of
these budgets, in short.
"""

import re
from typing import Any

from benchmark.budgets import BUDGETS, SOURCES
from benchmark.report import describe, key_of, markdown, markdown_table
from benchmark.suites import SUITES

_BLOCK = re.compile(r"(<!-- bench: (?P<name>[^>]*?) -->\n).*?(<!-- bench end -->)", re.DOTALL)
_MB = 1e6

Json = dict[str, Any]


def fill(document: str, run: Json) -> str:
    """Return the document with every block as the run has it. Raise KeyError for a block of no such name."""
    return _BLOCK.sub(lambda mark: f"{mark[1]}\n{_block(mark['name'], run)}\n\n{mark[3]}", document)


def block_names(document: str) -> list[str]:
    """Return the names of a document's blocks."""
    return [mark["name"] for mark in _BLOCK.finditer(document)]


def _block(name: str, run: Json) -> str:
    whole = {"machine": _machine, "budgets": _budgets, "threads": _threads}
    if name in whole:
        return "\n".join(whole[name](run))
    kind, *keys = name.split()
    if kind == "found":
        return "\n".join(_found(keys, run))
    suite, _, group = name.partition("/")
    rows = [row for row in run["rows"] if row["suite"] == suite and group in {"", row["group"]}]
    if suite not in SUITES:
        raise KeyError(name)
    if not rows:
        return "Not part of the run that is shown here."
    return "\n".join(markdown(rows))


def _machine(run: Json) -> list[str]:
    return [f"- {line}" for line in describe(run)]


def _budgets(run: Json) -> list[str]:
    """Return every budget with every row that it is about, and who set it."""
    lines = []
    for key, budget in BUDGETS.items():
        kept = [(row, row["budgets"][key]) for row in run["rows"] if key in row["budgets"]]
        if not kept:
            lines.append([f"`{key}`", budget.what, budget.bound, "", "not measured", budget.source, ""])
        for row, found in kept:
            said = "ok" if budget.is_met(found) else f"**over**, {_beyond(found, budget.limit)} times"
            place = f"{row['suite']}, {key_of(row)}"
            cells = [f"`{key}`", budget.what, budget.bound, budget.shown(found), said, budget.source, place]
            lines.append(cells)
    heads = ["budget", "what", "limit", "found", "", "source", "row"]
    ruled = [f"| {' | '.join(heads)} |", "|---|---|---|---|---|---|---|"]
    rows = [f"| {' | '.join(cells)} |" for cells in lines]
    return [*ruled, *rows, "", *(f"- *{name}*: {words}." for name, words in SOURCES.items())]


def _found(keys: list[str], run: Json) -> list[str]:
    """Return what was found in the first row of each budget, beside the reference client's time for it."""
    lines = []
    for key in keys:
        budget = BUDGETS[key]
        row = next((row for row in run["rows"] if key in row["budgets"]), None)
        found = "not measured" if row is None else budget.shown(row["budgets"][key])
        lines.append(
            [
                f"{budget.what[:1].upper()}{budget.what[1:]}",
                found,
                budget.bound,
                _beside(row, run) if budget.unit == "ms" else "",
            ]
        )
    return markdown_table(["", "found", "aim", "the reference client beside it"], lines)


def _beside(row: Json | None, run: Json) -> str:
    """Return the last time that the reference client took for what a row is about."""
    if row is None:
        return ""
    times = [
        other["median_ms"]
        for other in run["rows"]
        if other["suite"] == row["suite"]
        and other["group"].startswith("reference")
        and other["peer"] == key_of(row)
    ]
    return f"{times[-1]:,.0f} ms" if times else ""


def _beyond(found: float, limit: float) -> str:
    return f"{max(found / limit, limit / found):.1f}"


def _threads(run: Json) -> list[str]:
    heads = ["thread", "bytes", "turns", "records", "bytes a turn", "records a turn"]
    return markdown_table(
        heads,
        [
            [
                one["name"],
                f"{one['bytes'] / _MB:.1f} MB",
                f"{one['turns']:,}",
                f"{one['records']:,}",
                f"{one['bytes_a_turn']:,}",
                f"{one['records_a_turn']:g}",
            ]
            for one in run["threads"]
        ],
    )
