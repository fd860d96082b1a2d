"""Time and memory of rows: rounds in which every row takes part, and one fresh process a row for its peak."""

import gc
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.timed import TimedRow
from benchmark.work import Work, environment

_MS = 1e3
_KIB = 1024


@dataclass(frozen=True)
class Task:
    """A row, and the work that is timed for it.

    `repeats`: how often a round runs the work; `rounds`: in how many rounds at most. `command`: the work is
    a process of its own. `has_peak`: its memory is asked for, too.
    """

    row: TimedRow
    work: Work
    repeats: int = 1
    rounds: int = 1_000_000
    command: tuple[str, ...] = ()
    has_peak: bool = True


def measure(
    tasks: list[Task], rounds: int, peak_of: Callable[[Task], int | None], say: Callable[[str], None]
) -> list[TimedRow]:
    """Run every task once unmeasured, then in every round, in an order that changes from round to round."""
    for task in tasks:
        say(f"warming up: {task.row.key}")
        outcome = task.work()
        task.row.bytes_read, task.row.returned = outcome.bytes_read, outcome.count
        task.row.bytes_written = outcome.bytes_written
    order = random.Random(0)
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for task in order.sample(tasks, len(tasks)):
            for _ in range(task.repeats if number < task.rounds else 0):
                gc.collect()
                used, begin = _used_seconds(), time.perf_counter()
                task.work()
                end, used_after = time.perf_counter(), _used_seconds()
                task.row.samples_ms.append((end - begin) * _MS)
                task.row.processor_ms.append((used_after - used) * _MS)
    for task in tasks:
        if task.has_peak:
            say(f"peak memory: {task.row.key}")
            task.row.peak_bytes = peak_of(task)
    return [task.row for task in tasks]


def _used_seconds() -> float:
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_in_fresh_process(task: Task, arguments: list[str]) -> int:
    """Return the peak memory of one run of a task in a process that does nothing else."""
    command = [sys.executable, "-m", "benchmark", *arguments, "--peak-of", task.row.key]
    if task.command:
        command = [sys.executable, "-I", "-S", "-c", _PRINT_PEAK_OF_CHILD, *task.command]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise RuntimeError(f"{task.row.key}: {done.stderr[-2000:]}")
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
