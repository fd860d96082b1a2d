"""What plots show, computed from a run: panels of curves with their spread and budget; marks of budgets."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmark.budgets import BUDGETS
from benchmark.growth import (
    APPEND,
    FORK,
    LIST,
    MIDDLE,
    NAIVE,
    NEWEST,
    OPEN,
    OURS,
    REFRESH,
    RESUME,
    SEARCH,
    SQLITE,
    group_of,
)

_MB = 1e6
_PROCESSOR = ("processor_ms", "processor_low_ms", "processor_high_ms")

Json = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """One row: where it stands, its median, and where the middle half of its samples lies."""

    at: float
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """Points of one subject, from left to right."""

    subject: str
    points: list[Point]


@dataclass(frozen=True)
class Panel:
    """One plot of a figure. `limit`: a budget, which holds at `limit_at`, or everywhere when that is None."""

    title: str
    unit: str
    curves: list[Curve] = field(default_factory=list)
    limit: float | None = None
    limit_at: float | None = None


@dataclass(frozen=True)
class Mark:
    """One budget: what it is about, and how much of it the worst of its rows takes; 1 is all of it."""

    what: str
    share: float


@dataclass(frozen=True)
class Figure:
    """Panels, or marks, that share what runs from left to right."""

    name: str
    title: str
    along: str
    panels: list[Panel] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """What the drawing depends on, in short; a drawn figure carries it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def figures(run: Json) -> list[Figure]:
    """Return the figures of a run, those without curves left out."""
    rows = [row for row in run["rows"] if row["suite"] == "growth"]
    by_length = [
        _panel(rows, RESUME, (OURS, SQLITE, NAIVE), "resume-before"),
        _panel(rows, NEWEST, (OURS, SQLITE), "newest-page"),
        _panel(rows, MIDDLE, (OURS, SQLITE)),
        _panel(rows, FORK, (OURS, SQLITE), "fork-head"),
        _panel(rows, APPEND, (OURS, SQLITE)),
        _memory(rows, RESUME, (OURS, NAIVE), "resume-memory"),
    ]
    by_threads = [
        _panel(rows, LIST, (OURS,)),
        _panel(rows, SEARCH, (OURS,)),
        _panel(rows, OPEN, (OURS,)),
        _panel(rows, REFRESH, (OURS,), "refresh", 60_607),
    ]
    found = [
        Figure("by-length", "As one log gets longer", "length of the log, MB", by_length),
        Figure("by-threads", "As a home gets more threads", "threads in the home", by_threads),
    ]
    found = [figure for figure in found if any(panel.curves for panel in figure.panels)]
    marks = _marks(run)
    if marks:
        along = "share of the budget that is taken by the worst of its rows; below 1 it is kept"
        found.append(Figure("budgets", "All budgets", along, marks=marks))
    return found


def _marks(run: Json) -> list[Mark]:
    marks = []
    for key, budget in BUDGETS.items():
        found = [row["budgets"][key] for row in run["rows"] if key in row["budgets"]]
        shares = [budget.limit / one if budget.is_least else one / budget.limit for one in found if one]
        marks += [Mark(f"{budget.what}, {budget.bound}".replace("`", ""), max(shares))] if shares else []
    return marks


def _panel(
    rows: list[Json], work: str, subjects: tuple[str, ...], budget: str = "", limit_at: float | None = None
) -> Panel:
    """Return a work's curves: by the clock where it waits for the disk, else by processor time."""
    curves, is_clocked = [], work in {FORK, APPEND}
    names = ("median_ms", "low_ms", "high_ms") if is_clocked else _PROCESSOR
    for subject in subjects:
        points = [Point(_along(row), *(row[name] for name in names)) for row in _rows_of(rows, work, subject)]
        curves += [Curve(subject, points)] if points else []
    limit = BUDGETS[budget].limit if budget else None
    return Panel(work, "ms by the clock" if is_clocked else "ms of processor time", curves, limit, limit_at)


def _memory(rows: list[Json], work: str, subjects: tuple[str, ...], budget: str) -> Panel:
    curves = []
    for subject in subjects:
        sizes = [
            (_along(row), row["peak_bytes"] / _MB)
            for row in _rows_of(rows, work, subject)
            if row["peak_bytes"] is not None
        ]
        curves += [Curve(subject, [Point(at, size, size, size) for at, size in sizes])] if sizes else []
    return Panel(f"{work}: peak memory of the process", "MB", curves, BUDGETS[budget].limit)


def _rows_of(rows: list[Json], work: str, subject: str) -> list[Json]:
    found = [row for row in rows if row["group"] == group_of(work) and row["name"].startswith(f"{subject}, ")]
    return sorted(found, key=lambda row: row["at"])


def _along(row: Json) -> float:
    """Return where a row stands: megabytes of a log, or threads."""
    return float(row["at"] / _MB if "length" in row["group"] else row["at"])
