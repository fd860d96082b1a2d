"""Made-up results of runs, as JSON: what reports, tables and comparisons are tested on."""

from __future__ import annotations

from typing import Any

from benchmark.report import with_ratios
from benchmark.timed import TimedRow


def made_row(name: str, ms: float, *, suite: str = "reading", **fields: Any) -> dict[str, Any]:
    """Return a row of one sample, by the clock and the processor."""
    row = TimedRow(name, samples_ms=[ms], processor_ms=[ms], **fields)
    return {"suite": suite} | row.as_json()


def made_run(*rows: dict[str, Any], python_ms: float = 30.0, scale: str = "normal") -> dict[str, Any]:
    """Return a run of these rows, on a machine of this speed."""
    speed = {"python_ms": python_ms, "sync_ms": 0.4, "load": 0.5}
    return {
        "format": 1,
        "at": "2026-03-02T09:00:00Z",
        "suites": sorted({row["suite"] for row in rows}),
        "scale": scale,
        "rounds": 1,
        "machine": {"cpu": "a processor", "cores": 2, "commit": "abc1234"},
        "speed": {"start": speed, "end": speed},
        "threads": [
            {
                "name": "long",
                "bytes": 2_000_000,
                "records": 30,
                "turns": 10,
                "bytes_a_turn": 9,
                "records_a_turn": 3.0,
            }
        ],
        "rows": with_ratios(list(rows)),
        "failures": [],
        "took_seconds": 60.0,
    }
