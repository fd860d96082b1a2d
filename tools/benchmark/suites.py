"""The suites by name, what a worker does for one of them, and a run of several, each in its own process."""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmark.machine import machine, speed
from benchmark.measure import own_peak_bytes
from benchmark.report import with_ratios
from benchmark.run import Run
from benchmark.work import environment

SUITES = {
    "reading": "benchmark.reading:run_reading",
    "recording": "benchmark.recording:run_recording",
    "forks": "benchmark.forking:run_forks",
    "server": "benchmark.serving:run_serving",
    "catalog": "benchmark.cataloging:run_catalog",
    "compressing": "benchmark.compressing:run_compressing",
    "growth": "benchmark.growth:run_growth",
    "comparing": "benchmark.comparing:run_comparing",
}
"""In the order in which they run; imported late, so that one suite's modules are not another one's memory."""
_TASKS = {"reading": "benchmark.reading:reading_tasks", "growth": "benchmark.growth:growth_tasks"}
_FORMAT = 1
_ERROR_LINES = 3
_LIMIT_SECONDS = {"quick": 300.0, "normal": 3600.0, "full": 7200.0}
"""How long one suite may take; by then something hangs."""

Json = dict[str, Any]


def run_worker(suite: str, run: Run) -> Json:
    """Measure a suite in this process; return its rows, and the shapes of threads that it describes."""
    if suite == "comparing":
        measured = _load(SUITES[suite])(run.data, is_quick=run.is_quick, rounds=run.rounds, say=run.say)
        rows = [row for row in measured if run.only in row.key]
    else:
        rows = _load(SUITES[suite])(replace(run, arguments=(f"--{suite}", *run.arguments)))
    for row in rows:
        row.budgets = row.budgets if run.scale.has_budgets else ()
    shapes = _load("benchmark.reading:shapes_of")(run.data, run.scale) if suite == "reading" else []
    return {"rows": [{"suite": suite} | row.as_json() for row in rows], "threads": shapes}


def peak_of(suite: str, run: Run, key: str) -> int:
    """Run one task of a suite; return the most memory that this process has taken."""
    next(task for task in _load(_TASKS[suite])(run) if task.row.key == key).work()
    return own_peak_bytes()


def _load(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def run_suites(suites: list[str], run: Run, keep: Callable[[Json], object] = lambda _: None) -> Json:
    """Measure suites one after the other; one that fails is named, and the others go on.

    `keep` is given the result so far after each of them, so that a run that is stopped leaves what it found.
    """
    begin = time.monotonic()
    run.data.clear_leftovers()
    result: Json = {
        "format": _FORMAT,
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "suites": suites,
        "scale": run.scale.name,
        "rounds": run.rounds,
        "machine": machine(run.data.folder),
        "speed": {"start": speed(run.data.folder)},
        "threads": [],
        "rows": [],
        "failures": [],
        "took_seconds": 0.0,
    }
    for suite in suites:
        run.say(f"== {suite}, after {(time.monotonic() - begin) / 60:.1f} minutes")
        try:
            found = _in_own_process(suite, run)
        except (OSError, subprocess.SubprocessError) as error:
            said = [
                line for line in (getattr(error, "stderr", "") or str(error)).splitlines() if line.strip()
            ]
            result["failures"].append({"suite": suite, "error": " / ".join(said[-_ERROR_LINES:])})
        else:
            result["rows"] += with_ratios(found["rows"])
            result["threads"] += found["threads"]
        result["speed"]["end"] = speed(run.data.folder)
        result["took_seconds"] = round(time.monotonic() - begin, 1)
        keep(result)
    return result


def _end(process: subprocess.Popen[str]) -> None:
    """End a worker that still runs, and whatever it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _in_own_process(suite: str, run: Run) -> Json:
    with tempfile.TemporaryDirectory(prefix="rollout-bench-") as scratch:
        path = Path(scratch) / "result.json"
        command = [sys.executable, "-m", "benchmark", f"--{suite}", *run.arguments, "--worker", str(path)]
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment(), start_new_session=True
        )
        said, limit_seconds, is_over = [], _LIMIT_SECONDS[run.scale.name], threading.Event()
        timer = threading.Timer(limit_seconds, lambda: (is_over.set(), _end(process)))
        timer.start()
        assert process.stderr is not None, "it was opened with a pipe"
        with process:
            try:
                for line in process.stderr:
                    said.append(line)
                    run.say(f"   {line.rstrip()}")
                process.wait()
            finally:
                timer.cancel()
                _end(process)
        if is_over.is_set():
            said.append(f"it took longer than {limit_seconds / 60:.0f} minutes")
        if process.returncode or is_over.is_set():
            raise subprocess.CalledProcessError(process.returncode, command, stderr="".join(said))
        found: Json = json.loads(path.read_text())
        return found
