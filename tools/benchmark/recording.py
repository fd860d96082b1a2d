"""Recording a turn durably, beside one bare write of the same bytes; many recorders, opening, checkpoints.

Every subject is a process of its own. In each round every one of them records some turns, one at
a time and in an order that changes with every turn, so that all of them meet the same disk; what
is compared are turns that were recorded right after one another.
"""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmark.data import copy_home
from benchmark.run import Part, Run, percentile, run_parts
from benchmark.timed import TimedRow

TOOLS = Path(__file__).resolve().parents[1]
BARE = "bare lines"
OURS = "ours turn in one write"
SUBJECTS = (
    OURS,
    "ours turn at once",
    "ours turn item by item",
    "ours record item by item",
    "ours none at once",
    "ours turn whole",
    BARE,
    "bare items",
)
_TITLES = {
    BARE: "bare write of the same bytes",
    "bare items": "bare write of the items alone",
    OURS: "recorder, durability turn, one write",
    "ours turn at once": "the same, opened and ended",
    "ours turn item by item": "the same, item by item",
    "ours record item by item": "durability record, item by item",
    "ours none at once": "durability none",
    "ours turn whole": "Store.append_turn",
}
_WARM_UP_TURNS = 3
_SYNC_TURNS = 40


@dataclass(frozen=True)
class Plan:
    """How much is measured: turns before those recorded, rounds, turns of each round."""

    depths: tuple[int, ...]
    rounds: int
    turns_a_round: int


NORMAL = Plan((100, 1000, 10_000), 7, 10)
QUICK = Plan((20,), 2, 3)


@dataclass
class Samples:
    """What one subject's turns took; milliseconds, and the turn's place in the run."""

    note: str = ""
    ms: dict[int, float] = field(default_factory=dict)
    cpu_ms: list[float] = field(default_factory=list)
    bytes_written: list[int] = field(default_factory=list)


class Process:
    """A running subject."""

    def __init__(self, command: list[str], log: Path) -> None:
        """Start it; `ready` waits for it."""
        environment = {**os.environ, "PYTHONPATH": str(TOOLS), "PYTHONDONTWRITEBYTECODE": "1"}
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
            )
        self._log = log
        self.note: str = self._answer()["note"]

    def record(self, number: int) -> dict[str, Any]:
        """Let it record a turn; return what it says of it."""
        assert self._process.stdin is not None, "it was opened with a pipe"
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None, "it was opened with a pipe"
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a subject ended early: {self._log.read_text()[-2000:]}")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


def run_recording(run: Run) -> list[TimedRow]:
    """Measure all rows: turns behind some others, many recorders at once, opening, checkpoints."""
    # Late: they use the processes and folders of this module.
    from benchmark.checkpoints import checkpoint_rows
    from benchmark.recorders import crowd_rows, opening_rows

    plan = QUICK if run.is_quick else replace(NORMAL, rounds=run.rounds)
    with scratch_folder(run.data.folder) as scratch:
        turn_bytes = _turn_bytes(scratch)
        parts: dict[str, Part] = {
            _behind(depth): partial(_turn_rows, scratch, plan, depth, turn_bytes) for depth in plan.depths
        }
        parts["opening for writing"] = opening_rows
        parts["many at once"] = partial(crowd_rows, scratch, plan.rounds)
        parts["checkpoints while recording"] = partial(checkpoint_rows, scratch)
        return run_parts(run, parts)


def _behind(depth: int) -> str:
    return f"a turn behind {depth:,} others"


def _turn_rows(scratch: Path, plan: Plan, depth: int, turn_bytes: int, run: Run) -> Iterator[TimedRow]:
    samples = _measure_depth(scratch, plan, depth, turn_bytes, run.say)
    for name, found in samples.items():
        syncs = _syncs_a_turn(name, scratch, turn_bytes)
        yield _row(depth, name, found, samples[BARE], syncs)


def _measure_depth(
    scratch: Path,
    plan: Plan,
    depth: int,
    turn_bytes: int,
    say: Callable[[str], None],
) -> dict[str, Samples]:
    samples = {name: Samples() for name in SUBJECTS}
    with ExitStack() as running:
        filled: Path | None = None
        processes: dict[str, Process] = {}
        for name in SUBJECTS:
            say(f"  filling: {name}")
            folder = running.enter_context(scratch_folder(scratch))
            if name.startswith("ours") and filled is not None:
                copy_home(filled / "home", folder / "home")
            process = Process(_command(name, folder, depth, turn_bytes), folder / "errors")
            running.callback(process.close)
            processes[name], samples[name].note = process, process.note
            if name.startswith("ours"):
                filled = filled or folder
        for number in range(depth, depth + _WARM_UP_TURNS):
            for process in processes.values():
                process.record(number)
        number = depth + _WARM_UP_TURNS
        order = random.Random(0)
        for _ in range(plan.rounds):
            for _ in range(plan.turns_a_round):
                for name in order.sample(list(processes), len(processes)):
                    found = processes[name].record(number)
                    samples[name].ms[number] = found["ms"]
                    samples[name].cpu_ms.append(found["cpu_ms"])
                    if found["bytes"] is not None:
                        samples[name].bytes_written.append(found["bytes"])
                number += 1
    return samples


def _command(name: str, folder: Path, depth: int, turn_bytes: int) -> list[str]:
    return [sys.executable, "-m", "benchmark.peers_recording", name, str(folder), str(depth), str(turn_bytes)]


@contextmanager
def scratch_folder(scratch: Path) -> Iterator[Path]:
    """Yield a folder that is gone afterwards, on the disk that is measured."""
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="recording-") as folder:
        yield Path(folder)


def _turn_bytes(scratch: Path) -> int:
    """Return how many bytes the recorder writes for a turn."""
    with scratch_folder(scratch) as folder:
        process = Process(_command("ours none at once", folder, 0, 0), folder / "errors")
        process.record(0)
        found = process.record(1)["bytes"]
        process.close()
    return found if found is not None else 16_000


@cache
def _syncs_a_turn(name: str, scratch: Path, turn_bytes: int) -> float:
    """Return the mean number of syncs of a turn: as the system sees them, else as Python counts its own."""
    strace = shutil.which("strace")
    with scratch_folder(scratch) as folder:
        command = _command(name, folder, 0, turn_bytes)
        trace = folder / "trace"
        if strace is not None:
            command = [strace, "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(trace), *command]
        process = Process(command, folder / "errors")
        process.record(0)

        def seen() -> int:
            return trace.read_text().count("sync(") if strace is not None else 0

        before = seen()
        counted = sum(process.record(number)["syncs"] for number in range(1, _SYNC_TURNS + 1))
        total = seen() - before if strace is not None else counted
        process.close()
    return total / _SYNC_TURNS


def _row(depth: int, name: str, found: Samples, bare: Samples, syncs: float) -> TimedRow:
    times, beside = list(found.ms.values()), list(bare.ms.values())
    over_ms = statistics.median(ms - bare.ms[number] for number, ms in found.ms.items() if number in bare.ms)
    row = TimedRow(
        _TITLES[name],
        ("record-bare",) if name == OURS else (),
        samples_ms=times,
        processor_ms=found.cpu_ms,
        peer=None if name == BARE else f"{_behind(depth)}: {_TITLES[BARE]}",
        syncs=syncs,
        bytes_written=round(statistics.mean(found.bytes_written)) if found.bytes_written else None,
        note=f"90 % within {percentile(times, 0.9):.2f}"
        + (f", {over_ms:.2f} ms over the bare write" if name != BARE else ""),
    )
    row.figures["record-bare"] = row.median_ms / statistics.median(beside)
    return row
