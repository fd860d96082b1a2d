"""What a run found, as a table to read and as JSON to keep."""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from benchmark.data import Thread
from benchmark.measure import Measured
from benchmark.rows import LEGACY_NAME

_MB = 1e6
_HEAD = (
    "",
    "median ms",
    "min-max",
    "cpu ms",
    "budget",
    "x naive",
    "x client",
    "peak MB",
    "read MB",
    "returned",
)


def machine() -> dict[str, Any]:
    """Return what the numbers were taken on."""
    cpu = "unknown"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        cpu = names[0] if names else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "msgspec": msgspec.__version__,
        "commit": _commit(),
    }


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def describe(threads: dict[str, Thread]) -> list[dict[str, Any]]:
    """Return the shape of the generated threads: bytes and records, also for one turn."""
    found = []
    for name, thread in threads.items():
        lines = thread.path.read_bytes().count(b"\n")
        size, turns = thread.size_bytes, thread.shape.turns
        found.append(
            {
                "name": name,
                "bytes": size,
                "records": lines,
                "turns": turns,
                "bytes_a_turn": round(size / turns),
                "records_a_turn": round(lines / turns, 1),
            }
        )
    return found


def as_json(measured: list[Measured], threads: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the whole result as one JSON object."""
    by_key = {row.key: row for row in measured}
    rows = [
        {
            "group": row.group,
            "name": row.name,
            "median_ms": row.median_ms,
            "min_ms": min(row.samples_ms),
            "max_ms": max(row.samples_ms),
            "cpu_ms": row.cpu_ms,
            "samples": len(row.samples_ms),
            "budget_ms": row.budget_ms,
            "is_within": row.is_within,
            "peer": row.peer,
            "times_faster_than_peer": _cpu_ratio(row, by_key.get(row.peer or "")),
            "times_faster_than_client": _ratio(row, _client_row(row, measured)),
            "peak_bytes": row.peak_bytes,
            "bytes_read": row.bytes_read,
            "returned": row.count,
            "note": row.note,
        }
        for row in measured
    ]
    return {"machine": machine(), "threads": threads, "rows": rows}


def _client_row(row: Measured, measured: list[Measured]) -> Measured | None:
    """Return the reference client's later resume of a thread, for the row that reads as much of it."""
    if row.peer is None or (row.group == "full replay" and row.name != LEGACY_NAME):
        return None
    same = [other for other in measured if other.name == f"{row.name}, again"]
    return same[0] if same else None


def _cpu_ratio(row: Measured, peer: Measured | None) -> float | None:
    if peer is None or peer.cpu_ms is None or row.cpu_ms is None:
        return None
    return peer.cpu_ms / row.cpu_ms


def _ratio(row: Measured, peer: Measured | None) -> float | None:
    return None if peer is None else peer.median_ms / row.median_ms


def table(result: dict[str, Any]) -> str:
    """Return the result as text: one line a row, one paragraph a group."""
    lines = [", ".join(f"{key} {value}" for key, value in result["machine"].items()), ""]
    for thread in result["threads"]:
        a_turn = f"{thread['bytes_a_turn']} bytes and {thread['records_a_turn']} records a turn"
        lines.append(f"{thread['name']}: {thread['bytes'] / _MB:.1f} MB, {thread['turns']} turns, {a_turn}")
    head = (
        "",
        "median ms",
        "min-max",
        "cpu ms",
        "budget",
        "x naive",
        "x client",
        "peak MB",
        "read MB",
        "returned",
    )
    lines += ["", _line(head)]
    group = ""
    for row in result["rows"]:
        if row["group"] != group:
            group = row["group"]
            lines.append(group)
        cells = _line(_cells(row))
        lines.append(f"{cells}  {row['note']}" if row["note"] else cells)
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    verdict = "" if row["is_within"] is None else ("  ok" if row["is_within"] else "  OVER")
    ratios = (row["times_faster_than_peer"], row["times_faster_than_client"])
    return (
        f"  {row['name']}",
        f"{row['median_ms']:.2f}",
        f"{row['min_ms']:.2f}-{row['max_ms']:.2f}",
        "" if row["cpu_ms"] is None else f"{row['cpu_ms']:.2f}",
        "" if row["budget_ms"] is None else f"{row['budget_ms']:g}{verdict}",
        *("" if ratio is None else f"{ratio:.1f}" for ratio in ratios),
        "" if row["peak_bytes"] is None else f"{row['peak_bytes'] / _MB:.0f}",
        "" if row["bytes_read"] is None else f"{row['bytes_read'] / _MB:.2f}",
        "" if row["returned"] is None else str(row["returned"]),
    )


def _line(cells: tuple[str, ...]) -> str:
    widths = (32, 10, 17, 8, 11, 8, 9, 8, 8, 9)
    padded = [cells[0].ljust(widths[0])]
    padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return " ".join(padded).rstrip()
