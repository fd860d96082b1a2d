"""What a run found, as a table to read: one set of columns for every suite, as text and as Markdown."""

from collections.abc import Callable, Iterable
from typing import Any

from benchmark.budgets import BUDGETS, Of

_MB, _KB = 1e6, 1e3
_NAME_WIDTH = 44

Json = dict[str, Any]


def _time(ms: float | None) -> str:
    if ms is None:
        return ""
    return f"{ms:,.0f}" if ms >= 1000 else f"{ms:.1f}" if ms >= 100 else f"{ms:.2f}"


def _span(row: Json) -> str:
    return "" if row["min_ms"] is None else f"{_time(row['min_ms'])}-{_time(row['max_ms'])}"


def verdict(key: str, found: float) -> str:
    """Return a budget, and whether it is kept; what was found too, when no column says it."""
    budget = BUDGETS[key]
    said = f"{budget.bound} {'ok' if budget.is_met(found) else 'OVER'}"
    return f"{budget.shown(found)}: {said}" if budget.of is Of.FIGURE else said


def _budget(row: Json) -> str:
    return ", ".join(verdict(key, found) for key, found in row["budgets"].items())


def _times_peer(row: Json) -> str:
    if row.get("times_peer") is None:
        return ""
    times, digits = row["times_peer"], 2 if row["times_peer"] < 10 else 0
    peer, own = row["peer"], f"{row['group']}: "
    name = peer.removeprefix(own) if peer.startswith(own) else peer.removesuffix(f": {row['name']}")
    return f"{times:.{digits}f} {name}"


def _size(size: float | None) -> str:
    if size is None:
        return ""
    return f"{size / _MB:,.1f} MB" if size >= _MB / 10 else f"{size / _KB:,.1f} kB"


def _syncs(row: Json) -> str:
    return "" if row["syncs"] is None else f"{row['syncs']:g}"


COLUMNS: dict[str, Callable[[Json], str]] = {
    "median ms": lambda row: _time(row["median_ms"]),
    "min-max": _span,
    "processor": lambda row: _time(row["processor_ms"]),
    "budget": _budget,
    "x peer": _times_peer,
    "peak": lambda row: _size(row["peak_bytes"]),
    "read": lambda row: _size(row["bytes_read"]),
    "written": lambda row: _size(row["bytes_written"]),
    "syncs": _syncs,
    "returned": lambda row: "" if row["returned"] is None else f"{row['returned']:,}",
    "note": lambda row: str(row["note"]),
}
_TO_THE_LEFT = ("budget", "x peer", "note")


def with_ratios(rows: list[Json]) -> list[Json]:
    """Return the rows, each with how many times faster than its peer it is.

    By processor time, which other processes disturb least, where both are known and neither writes; else
    by the clock.
    """
    by_key = {(row["suite"], key_of(row)): row for row in rows}
    return [row | {"times_peer": _ratio(row, by_key.get((row["suite"], row["peer"] or "")))} for row in rows]


def key_of(row: Json) -> str:
    """Return a row's name as `TimedRow.key` gives it."""
    return f"{row['group']}: {row['name']}" if row["group"] else str(row["name"])


def _ratio(row: Json, peer: Json | None) -> float | None:
    if peer is None or row["median_ms"] is None or peer["median_ms"] is None:
        return None
    waits = any(one["bytes_written"] or one["syncs"] for one in (row, peer))
    by = "median_ms" if waits or None in {row["processor_ms"], peer["processor_ms"]} else "processor_ms"
    return float(peer[by] / row[by]) if row[by] else None


def table(run: Json) -> str:
    """Return a run as text: the machine, then one paragraph a suite and group."""
    lines = [*describe(run), ""]
    widths = _widths(run["rows"])
    lines.append(_line(("", *COLUMNS), widths))
    group = None
    for row in run["rows"]:
        if (row["suite"], row["group"]) != group:
            group = (row["suite"], row["group"])
            lines.append(": ".join(word for word in group if word))
        lines.append(_line((f"  {row['name']}", *(cell(row) for cell in COLUMNS.values())), widths))
    lines += [f"FAILED {one['suite']}: {one['error']}" for one in run["failures"]]
    return "\n".join(lines)


def describe(run: Json) -> list[str]:
    """Return what a run was taken on, and with."""
    speeds = [
        f"at the {when}: {one['python_ms']:.1f} ms for a fixed piece of Python, "
        f"{one['sync_ms']:.2f} ms for a write and its sync, load {one['load']:g}"
        for when, one in run["speed"].items()
    ]
    return [
        ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in run["machine"].items()),
        f"{run['at']}, {run['scale']} data, {run['rounds']} rounds, {run['took_seconds'] / 60:.1f} minutes",
        *speeds,
        *([run["remark"]] if "remark" in run else []),
    ]


def _widths(rows: list[Json]) -> list[int]:
    name = max([_NAME_WIDTH, *(len(row["name"]) + 2 for row in rows)])
    return [name, *(max([len(head), *(len(cell(row)) for row in rows)]) for head, cell in COLUMNS.items())]


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [cells[0].ljust(widths[0])]
    for head, cell, width in zip(COLUMNS, cells[1:], widths[1:], strict=True):
        padded.append(cell.ljust(width) if head in _TO_THE_LEFT else cell.rjust(width))
    return "  ".join(padded).rstrip()


def markdown(rows: list[Json]) -> list[str]:
    """Return rows as Markdown: one table a group, without columns in which nothing stands."""
    lines: list[str] = []
    for group in dict.fromkeys(row["group"] for row in rows):
        found = [row for row in rows if row["group"] == group]
        columns = {head: cell for head, cell in COLUMNS.items() if any(cell(row) for row in found)}
        heads = [group or "", *columns]
        cells = [[row["name"], *(_bold(cell(row)) for cell in columns.values())] for row in found]
        lines += ["", *markdown_table(heads, cells)]
    return lines[1:]


def markdown_table(heads: list[str], cells: Iterable[list[str]]) -> list[str]:
    """Return a Markdown table."""
    ruled = [
        "---" if head in ("", *_TO_THE_LEFT) or place == 0 else "---:" for place, head in enumerate(heads)
    ]
    return [f"| {' | '.join(row)} |" for row in (heads, ruled, *cells)]


def _bold(cell: str) -> str:
    return cell.replace("OVER", "**over**")
