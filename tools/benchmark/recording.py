"""Recording a turn durably, beside one bare write of the same bytes and beside peers.

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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.peer_environments import Peer, find_peer

TOOLS = Path(__file__).resolve().parents[1]
BARE = "bare lines"
OURS = "ours turn at once"
SUBJECTS = (
    OURS,
    "ours turn item by item",
    "ours record item by item",
    "ours none at once",
    "ours turn whole",
    BARE,
    "bare items",
)
_PEERS = {"openai-agents": "openai-agents", "langgraph": "langgraph-checkpoint-sqlite"}
_TITLES = {
    BARE: "bare write of the same bytes",
    "bare items": "bare write of the items alone",
    OURS: "recorder, durability turn",
    "ours turn item by item": "the same, item by item",
    "ours record item by item": "durability record, item by item",
    "ours none at once": "durability none",
    "ours turn whole": "Store.append_turn",
    "openai-agents": "OpenAI Agents SQLiteSession",
    "langgraph": "LangGraph SqliteSaver",
}
_WARM_UP_TURNS = 3
_SLOW_MS = 100.0
_SYNC_TURNS = 40


@dataclass(frozen=True)
class Plan:
    """How much is measured: turns before those recorded, rounds, turns of each round."""

    depths: tuple[int, ...]
    rounds: int
    turns_a_round: int


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


def find_peers(folder: Path, say: Callable[[str], None]) -> list[Peer]:
    """Return the peers, those that cannot be installed too."""
    peers = []
    for name, package in _PEERS.items():
        say(f"peer: {name}")
        peers.append(find_peer(name, package, folder))
    return peers


def measure_recording(
    scratch: Path, plan: Plan, peers: list[Peer], say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return the rows: one a subject and depth."""
    pythons = dict.fromkeys(SUBJECTS, sys.executable)
    pythons |= {peer.name: str(peer.python) for peer in peers if peer.python is not None}
    turn_bytes = _turn_bytes(scratch)
    say("syncs a turn")
    syncs = {name: _syncs_a_turn(name, python, scratch, turn_bytes) for name, python in pythons.items()}
    rows = []
    for depth in plan.depths:
        say(f"recording behind {depth} turns")
        samples = _measure_depth(scratch, plan, depth, pythons, turn_bytes, say)
        rows += [_row(depth, name, found, samples[BARE], syncs[name]) for name, found in samples.items()]
        rows += [_absent(depth, peer) for peer in peers if peer.python is None]
    return rows


def _measure_depth(
    scratch: Path,
    plan: Plan,
    depth: int,
    pythons: dict[str, str],
    turn_bytes: int,
    say: Callable[[str], None],
) -> dict[str, Samples]:
    samples = {name: Samples() for name in pythons}
    with ExitStack() as running:
        filled: Path | None = None
        processes: dict[str, Process] = {}
        for name, python in pythons.items():
            say(f"  filling: {name}")
            folder = running.enter_context(scratch_folder(scratch))
            if name.startswith("ours") and filled is not None:
                shutil.copytree(filled / "home", folder / "home")
            process = Process(_command(name, python, folder, depth, turn_bytes), folder / "errors")
            running.callback(process.close)
            processes[name], samples[name].note = process, process.note
            if name.startswith("ours"):
                filled = filled or folder
        for number in range(depth, depth + _WARM_UP_TURNS):
            warm_ms = {name: process.record(number)["ms"] for name, process in processes.items()}
        slow = {name for name, took_ms in warm_ms.items() if took_ms > _SLOW_MS}
        number = depth + _WARM_UP_TURNS
        order = random.Random(0)
        for _ in range(plan.rounds):
            for turn in range(plan.turns_a_round):
                for name in order.sample(list(processes), len(processes)):
                    if turn > 0 and name in slow:
                        continue
                    found = processes[name].record(number)
                    samples[name].ms[number] = found["ms"]
                    samples[name].cpu_ms.append(found["cpu_ms"])
                    if found["bytes"] is not None:
                        samples[name].bytes_written.append(found["bytes"])
                number += 1
    return samples


def _command(name: str, python: str, folder: Path, depth: int, turn_bytes: int) -> list[str]:
    return [python, "-m", "benchmark.peers_recording", name, str(folder), str(depth), str(turn_bytes)]


@contextmanager
def scratch_folder(scratch: Path) -> Iterator[Path]:
    """Yield a folder that is gone afterwards, on the disk that is measured."""
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="recording-") as folder:
        yield Path(folder)


def _turn_bytes(scratch: Path) -> int:
    """Return how many bytes the recorder writes for a turn."""
    with scratch_folder(scratch) as folder:
        process = Process(_command("ours none at once", sys.executable, folder, 0, 0), folder / "errors")
        process.record(0)
        found = process.record(1)["bytes"]
        process.close()
    return found if found is not None else 16_000


def _syncs_a_turn(name: str, python: str, scratch: Path, turn_bytes: int) -> float | None:
    """Return the mean number of syncs of a turn: as the system sees them, else as Python counts its own."""
    strace = shutil.which("strace")
    with scratch_folder(scratch) as folder:
        command = _command(name, python, folder, 0, turn_bytes)
        trace = folder / "trace"
        if strace is not None:
            command = [strace, "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(trace), *command]
        elif name in _PEERS:
            return None
        process = Process(command, folder / "errors")
        process.record(0)

        def seen() -> int:
            return trace.read_text().count("sync(") if strace is not None else 0

        before = seen()
        counted = sum(process.record(number)["syncs"] for number in range(1, _SYNC_TURNS + 1))
        total = seen() - before if strace is not None else counted
        process.close()
    return total / _SYNC_TURNS


def _row(depth: int, name: str, found: Samples, bare: Samples, syncs: float | None) -> dict[str, Any]:
    times = sorted(found.ms.values())
    pairs = [(ms, bare.ms[number]) for number, ms in found.ms.items() if number in bare.ms]
    return {
        "group": f"behind {depth} turns",
        "name": _TITLES[name],
        "subject": name,
        "median_ms": statistics.median(times),
        "min_ms": times[0],
        "max_ms": times[-1],
        "p90_ms": times[int(0.9 * (len(times) - 1))],
        "samples": len(times),
        "cpu_ms": statistics.median(found.cpu_ms),
        "times_bare": statistics.median(times) / statistics.median(bare.ms.values()),
        "over_bare_ms": statistics.median(ms - bare_ms for ms, bare_ms in pairs),
        "syncs": syncs,
        "bytes_written": round(statistics.mean(found.bytes_written)) if found.bytes_written else None,
        "note": found.note,
    }


def _absent(depth: int, peer: Peer) -> dict[str, Any]:
    note = f"absent: {peer.absence}"
    return {"group": f"behind {depth} turns", "name": _TITLES[peer.name], "subject": peer.name, "note": note}
