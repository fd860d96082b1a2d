"""Time and memory of rows: rounds in which every row takes part, and one fresh process a row for its peak."""

import gc
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.rows import Row
from benchmark.work import environment

_MS = 1e3
_KIB = 1024


@dataclass(frozen=True)
class Measured:
    """What was found about one row; times in milliseconds."""

    group: str
    name: str
    samples_ms: list[float]
    cpu_samples_ms: list[float]
    budget_ms: float | None
    peer: str | None
    bytes_read: int | None
    count: int | None
    peak_bytes: int | None
    note: str = ""

    @property
    def key(self) -> str:
        """The row's name."""
        return f"{self.group}: {self.name}"

    @property
    def median_ms(self) -> float:
        """The middle of the samples."""
        return statistics.median(self.samples_ms)

    @property
    def cpu_ms(self) -> float | None:
        """The middle of the processor time taken, by this process and by those it has waited for."""
        return statistics.median(self.cpu_samples_ms) if self.cpu_samples_ms else None

    @property
    def is_within(self) -> bool | None:
        """Whether the work keeps the budget, by processor time; None where there is none.

        The work is single-threaded and its data in memory: on an idle machine the clock says the
        same, and on a busy one it says how busy.
        """
        if self.budget_ms is None or self.cpu_ms is None:
            return None
        return self.cpu_ms <= self.budget_ms


def measure(
    rows: list[Row], rounds: int, peak_of: Callable[[Row], int | None], say: Callable[[str], None]
) -> list[Measured]:
    """Run every row once unmeasured, then in every round, in an order that changes from round to round."""
    outcomes = {}
    for row in rows:
        say(f"warming up: {row.key}")
        outcomes[row.key] = row.work()
    samples: dict[str, list[float]] = {row.key: [] for row in rows}
    cpu_samples: dict[str, list[float]] = {row.key: [] for row in rows}
    order = random.Random(0)
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for row in order.sample(rows, len(rows)):
            for _ in range(row.repeats):
                gc.collect()
                cpu_begin, begin = _cpu_seconds(), time.perf_counter()
                row.work()
                end, cpu_end = time.perf_counter(), _cpu_seconds()
                samples[row.key].append((end - begin) * _MS)
                cpu_samples[row.key].append((cpu_end - cpu_begin) * _MS)
    measured = []
    for row in rows:
        say(f"peak memory: {row.key}")
        outcome = outcomes[row.key]
        measured.append(
            Measured(
                row.group,
                row.name,
                samples[row.key],
                cpu_samples[row.key],
                row.budget_ms,
                row.peer,
                outcome.bytes_read,
                outcome.count,
                peak_of(row),
            )
        )
    return measured


def _cpu_seconds() -> float:
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_in_fresh_process(row: Row, arguments: list[str]) -> int:
    """Return the peak memory of one run of a row in a process that does nothing else."""
    command = [sys.executable, "-m", "benchmark", *arguments, "--peak-of", row.key]
    if row.command:
        command = [sys.executable, "-I", "-S", "-c", _PRINT_PEAK_OF_CHILD, *row.command]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
    peak: int = json.loads(done.stdout)
    return peak


# A process starts with the peak of the one that started it, so that one must be small.
_PRINT_PEAK_OF_CHILD = """
import os, sys, resource
with open(os.devnull, "wb") as nowhere:
    pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                         file_actions=[(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1)])
_, status, used = os.wait4(pid, 0)
print(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def own_peak_bytes() -> int:
    """Return the peak memory of this process."""
    return peak_bytes_of(os.getpid()) or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def peak_bytes_of(pid: int) -> int | None:
    """Return the peak memory of a running process, or None where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    # Not ru_maxrss: a new process begins with the peak of the one that started it.
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * _KIB
