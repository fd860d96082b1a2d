"""The one row of every suite: samples by the clock and the processor, and what else was found with them."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmark.budgets import BUDGETS, Of

_MS = 1e3
_MB, _KB = 1e6, 1e3


@dataclass
class TimedRow:
    """One line of the table. `samples_ms` by the clock, `processor_ms` what the subject used of it.

    `budgets` are keys of promises about it, `figures` what was found for those that are about neither its
    time nor its memory. `group` is the work that rows of it have in common, and may be empty; `peer` the key
    of the row that a ratio is taken against, from the same run. `bytes_read`, `bytes_written`, `returned` and
    `syncs` are those of one sample, `peak_bytes` the most memory of a process that does this work alone.
    `at` is where the row stands on the curve that its group draws: a size in bytes, or a number of threads.
    `note` says what else was found.
    """

    name: str
    budgets: tuple[str, ...] = ()
    samples_ms: list[float] = field(default_factory=list)
    processor_ms: list[float] = field(default_factory=list)
    bytes_written: int | None = None
    note: str = ""
    group: str = ""
    peer: str | None = None
    syncs: float | None = None
    peak_bytes: int | None = None
    bytes_read: int | None = None
    returned: int | None = None
    figures: dict[str, float] = field(default_factory=dict)
    at: float | None = None

    @property
    def key(self) -> str:
        """The row's name in JSON and on the command line."""
        return f"{self.group}: {self.name}" if self.group else self.name

    @property
    def median_ms(self) -> float:
        """The middle of the samples by the clock."""
        return statistics.median(self.samples_ms)

    @property
    def used_ms(self) -> float | None:
        """The middle of the processor time, where it is known."""
        return statistics.median(self.processor_ms) if self.processor_ms else None

    def time(self, work: Callable[[], Any]) -> Any:
        """Run the work and take its time."""
        begin, used = time.perf_counter(), time.process_time()
        found = work()
        self.samples_ms.append((time.perf_counter() - begin) * _MS)
        self.processor_ms.append((time.process_time() - used) * _MS)
        return found

    def found(self, budget: str) -> float | None:
        """Return what is held against a budget, in its unit; None where it was not measured."""
        if not self.samples_ms:
            return self.figures.get(budget)
        match BUDGETS[budget].of:
            case Of.PROCESSOR:
                return self.median_ms if self.used_ms is None else self.used_ms
            case Of.CLOCK:
                return self.median_ms
            case Of.PEAK:
                return None if self.peak_bytes is None else self.peak_bytes / _MB
            case Of.WRITTEN:
                return None if self.bytes_written is None else self.bytes_written / _KB
            case Of.FIGURE:
                return self.figures.get(budget)

    def as_json(self) -> dict[str, Any]:
        """Return the row as JSON."""
        times, used = sorted(self.samples_ms), sorted(self.processor_ms)
        low_ms, high_ms = middle_half(times)
        used_low_ms, used_high_ms = middle_half(used)
        return {
            "group": self.group,
            "name": self.name,
            "at": self.at,
            "peer": self.peer,
            "median_ms": self.median_ms if times else None,
            "min_ms": times[0] if times else None,
            "low_ms": low_ms,
            "high_ms": high_ms,
            "max_ms": times[-1] if times else None,
            "samples": len(times),
            "processor_ms": self.used_ms,
            "processor_min_ms": used[0] if used else None,
            "processor_low_ms": used_low_ms,
            "processor_high_ms": used_high_ms,
            "budgets": {key: found for key in self.budgets if (found := self.found(key)) is not None},
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
            "syncs": self.syncs,
            "peak_bytes": self.peak_bytes,
            "returned": self.returned,
            "note": self.note,
        }


def middle_half(times: list[float]) -> tuple[float | None, float | None]:
    """Return where the middle half of sorted samples begins and ends."""
    if not times:
        return None, None
    last = len(times) - 1
    return times[round(last * 0.25)], times[round(last * 0.75)]
