"""Processes of subjects: one serves commands, one does a single piece of work, one is traced."""

import json
import os
import resource
import select
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmark.work import environment

TOOLS = Path(__file__).resolve().parents[1]
_MS = 1e3
_PATIENCE_SECONDS = 300.0
_TRACED = "fsync,fdatasync,msync,sync_file_range"
Answer = dict[str, Any]


class SubjectFailed(Exception):
    """A subject ended early, or took longer than anybody waits."""


@dataclass(frozen=True)
class Contender:
    """A subject that can be started: its name, its title in the table, its interpreter."""

    name: str
    title: str
    python: str
    is_own: bool = True
    """Whether it runs with our own interpreter."""

    def command(self, folder: Path, turns: Path, *rest: str) -> list[str]:
        """Return the command of a process of it."""
        return [self.python, "-m", "benchmark.peers_worker", self.name, str(folder), str(turns), *rest]


class Process:
    """A running subject; gone when the block that it is used in ends."""

    def __init__(self, command: list[str], log: Path) -> None:
        """Start it."""
        self._log = log
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=subject_environment(),
            )

    def ask(self, do: str, **command: Any) -> Answer:
        """Let it do something; return what it says of it. Raise SubjectFailed."""
        assert self._process.stdin is not None, "it was opened with a pipe"
        assert self._process.stdout is not None, "it was opened with a pipe"
        try:
            self._process.stdin.write(json.dumps({"do": do, **command}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise SubjectFailed(self._last_words()) from error
        if not select.select([self._process.stdout], [], [], _PATIENCE_SECONDS)[0]:
            self._process.kill()
            raise SubjectFailed(f"given up: {do} took more than {_PATIENCE_SECONDS:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise SubjectFailed(self._last_words())
        found: Answer = json.loads(line)
        return found

    def _last_words(self) -> str:
        self._process.wait()
        words = self._log.read_text().strip().splitlines()
        return f"ended early: {words[-1] if words else self._process.returncode}"[:300]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def subject_environment() -> dict[str, str]:
    """Return the environment of a subject: this project's tools, bytecode as for an installed package."""
    paths = [str(TOOLS), *filter(None, [os.environ.get("PYTHONPATH")])]
    return environment() | {"PYTHONPATH": os.pathsep.join(paths)}


@dataclass(frozen=True)
class Once:
    """What a process took that did a single piece of work, from start to end."""

    ms: float
    processor_ms: float
    peak_bytes: int


def run_once(contender: Contender, folder: Path, turns: Path, work: str, *place: str) -> Once:
    """Run a process that opens the subject, does the work and ends. Raise SubjectFailed."""
    command = contender.command(folder, turns, "once", work, *place)
    before, begin = children_ms(), time.perf_counter()
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, env=subject_environment(), timeout=_PATIENCE_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise SubjectFailed(f"given up: {work} took more than {_PATIENCE_SECONDS:.0f} s") from error
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode(errors="replace").strip().splitlines()
        raise SubjectFailed(f"ended early: {words[-1] if words else error}"[:300]) from error
    took_ms = (time.perf_counter() - begin) * _MS
    return Once(took_ms, children_ms() - before, json.loads(done.stdout)["peak_bytes"])


def children_ms() -> float:
    """Return the processor time of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * _MS


def count_syncs(
    contender: Contender, folder: Path, turns: Path, works: list[tuple[str, int]]
) -> dict[str, float]:
    """Return the syncs of each work, done so many times: as the system counts them, {} if it cannot."""
    strace = shutil.which("strace")
    if strace is None or sys.platform != "linux":
        return {}
    trace = folder / "trace"
    command = [strace, "--seccomp-bpf", "-f", "-qq", "-e", f"trace={_TRACED}", "-o", str(trace)]
    counts = {}
    with Process(command + contender.command(folder, turns, "serve"), folder / "errors") as process:
        for work, times in works:
            process.ask(work)  # what is done only the first time is not counted
            before = trace.read_text().count("sync(")
            process.ask(work, times=times)
            counts[work] = (trace.read_text().count("sync(") - before) / times
    return counts


def disk_bytes(folder: Path) -> tuple[int, int]:
    """Return the bytes of all files below a folder: as they are long, and as the disk gave them room."""
    stats = [path.stat() for path in folder.rglob("*") if path.is_file() and path.name not in _OURS]
    return sum(one.st_size for one in stats), sum(one.st_blocks * 512 for one in stats)


_OURS = {"errors", "trace", "compared"}
