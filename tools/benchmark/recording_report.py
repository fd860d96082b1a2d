"""The recording rows as a command: everything measured, then a table and JSON."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.checkpoints import measure_checkpoints
from benchmark.data import Data
from benchmark.recorders import measure_crowds, measure_openings
from benchmark.recording import Plan, find_peers, measure_recording
from benchmark.report import machine

NORMAL = Plan((100, 1000, 10_000), 7, 10)
QUICK = Plan((20,), 2, 3)
_CROWDS = (1, 8, 32)
_KB = 1e3
_WIDTHS = (34, 10, 17, 8, 8, 8, 9, 9, 9)
_HEAD = ("", "median ms", "min-max", "p90", "cpu ms", "x bare", "+ms", "syncs", "kB")


def run_recording(
    folder: Path, *, is_quick: bool, is_full: bool, rounds: int, only: str, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure on the disk of `folder`; `only` keeps the parts whose name contains it."""
    scratch, data = folder / "scratch", Data(folder / "data")
    plan = QUICK if is_quick else replace(NORMAL, rounds=rounds)
    rows: list[dict[str, Any]] = []
    if only in "opening":
        if is_quick:
            say("opening for writing: left out of a quick run")
        else:
            rows += measure_openings(data, scratch, rounds, say, is_full=is_full)
    if only in "many at once":
        rows += measure_crowds(scratch, _CROWDS, plan.rounds, 16 if is_quick else 256, say)
    if only in "checkpoints":
        rows += measure_checkpoints(scratch, 400 if is_quick else 4000, say)
    if only in "recording":
        rows += measure_recording(scratch, plan, find_peers(folder / "peers", say), say)
    return {"machine": machine(), "threads": [], "rows": rows}


def recording_table(result: dict[str, Any]) -> str:
    """Return the result as text: one line a row, one paragraph a group."""
    lines = [", ".join(f"{key} {value}" for key, value in result["machine"].items()), "", _line(_HEAD)]
    group = ""
    for row in result["rows"]:
        if row["group"] != group:
            group = row["group"]
            lines.append(group)
        lines.append(f"{_line(_cells(row))}  {row['note']}".rstrip())
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    name = f"  {row['name']}"
    if "turns_a_second" in row:
        spread = f"{row['min_turns_a_second']:.0f}-{row['max_turns_a_second']:.0f}"
        rate = f"{row['turns_a_second']:.0f}/s"
        return (name, rate, spread, "", "", "", "", "", f"x{row['times_one']:.1f}")
    if "median_ms" not in row:
        return (name, *[""] * (len(_WIDTHS) - 1))
    verdict = {None: "", True: " ok", False: " OVER"}[row.get("is_within")]
    return (
        name,
        f"{row['median_ms']:.2f}{verdict}",
        f"{row['min_ms']:.2f}-{row['max_ms']:.2f}",
        _number(row.get("p90_ms"), 2),
        _number(row["cpu_ms"], 2),
        _number(row.get("times_bare"), 2),
        _number(row.get("over_bare_ms"), 2),
        _number(row.get("syncs"), 2),
        _number(row["bytes_written"] / _KB if row.get("bytes_written") else None, 1),
    )


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _line(cells: tuple[str, ...]) -> str:
    padded = [cells[0].ljust(_WIDTHS[0])]
    padded += [cell.rjust(width) for cell, width in zip(cells[1:], _WIDTHS[1:], strict=True)]
    return " ".join(padded).rstrip()
