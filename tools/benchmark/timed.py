"""Rows that are timed by the clock, and their table."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_MS = 1e3


@dataclass
class TimedRow:
    """One line of the table. `samples_ms` by the clock, `processor_ms` what the subject used of it.

    `group` is the work that rows of it have in common, and may be empty; `peer` the key of the row that
    a ratio is taken against, from the same run. `bytes_written` and `syncs` are those of one
    sample, `peak_bytes` the most memory of a process that does this work alone. `note` says what
    else was found.
    """

    name: str
    budget_ms: float | None = None
    samples_ms: list[float] = field(default_factory=list)
    processor_ms: list[float] = field(default_factory=list)
    bytes_written: int | None = None
    note: str = ""
    group: str = ""
    peer: str | None = None
    syncs: float | None = None
    peak_bytes: int | None = None

    @property
    def key(self) -> str:
        """The row's name in JSON and on the command line."""
        return f"{self.group}: {self.name}" if self.group else self.name

    def time(self, work: Callable[[], Any]) -> Any:
        """Run the work and take its time."""
        begin, used = time.perf_counter(), time.process_time()
        found = work()
        self.samples_ms.append((time.perf_counter() - begin) * _MS)
        self.processor_ms.append((time.process_time() - used) * _MS)
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the row as JSON."""
        median = statistics.median(self.samples_ms) if self.samples_ms else None
        return {
            "group": self.group,
            "name": self.name,
            "peer": self.peer,
            "median_ms": median,
            "min_ms": min(self.samples_ms, default=None),
            "max_ms": max(self.samples_ms, default=None),
            "samples": len(self.samples_ms),
            "processor_ms": statistics.median(self.processor_ms) if self.processor_ms else None,
            "budget_ms": self.budget_ms,
            "bytes_written": self.bytes_written,
            "syncs": self.syncs,
            "peak_bytes": self.peak_bytes,
            "note": self.note,
        }


def timed_table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as text."""
    lines = [f"{'':52} {'median ms':>10} {'min-max':>21} {'processor':>10} {'budget':>11} {'bytes':>12}"]
    for row in rows:
        span = f"{row['min_ms']:.2f}-{row['max_ms']:.2f}"
        budget = ""
        if row["budget_ms"] is not None:
            budget = f"{row['budget_ms']:g}  {'ok' if row['median_ms'] <= row['budget_ms'] else 'OVER'}"
        size = "" if row["bytes_written"] is None else f"{row['bytes_written']:,}"
        used = "" if row["processor_ms"] is None else f"{row['processor_ms']:.2f}"
        times = f"{row['median_ms']:10.2f} {span:>21} {used:>10}"
        lines.append(f"{row['name']:52} {times} {budget:>11} {size:>12}  {row['note']}".rstrip())
    return "\n".join(lines)
