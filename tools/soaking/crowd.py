"""Many writers, each on a thread of its own, and many readers of all of them, at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import rollout
from soaking.killed import TOOLS, new_thread
from soaking.turns import numbers_of


class CrowdOutcome(NamedTuple):
    """What a crowd did."""

    acknowledged_turns: int
    readings: int


def soak_crowd(home: Path, seconds: float, writers: int, readers: int) -> CrowdOutcome:
    """Let them all run; raise AssertionError when one met an error, or a turn is not there."""
    thread_ids = [new_thread(home) for _ in range(writers)]
    writing = [
        _start("writer", str(home), thread_id, "0", str(seed), str(seconds))
        for seed, thread_id in enumerate(thread_ids)
    ]
    reading = [_start("reader", str(home), str(seconds), *thread_ids) for _ in range(readers)]
    told = [process.communicate() for process in (*writing, *reading)]
    for process, (_, errors) in zip((*writing, *reading), told, strict=True):
        assert process.returncode == 0, errors.decode()
    acknowledged = 0
    with rollout.open_store(home) as store:
        for thread_id, (output, _) in zip(thread_ids, told, strict=False):
            done = [int(line.split()[1]) for line in output.decode().splitlines() if line.startswith("done")]
            with store.open_thread(thread_id) as thread:
                found = list(numbers_of(thread.all_turns()))
            assert found == done, f"thread {thread_id}: acknowledged {len(done)} turns, found {len(found)}"
            acknowledged += len(done)
        for check in store.check(store.files_to_check()):
            assert check.is_sound, check
    readings = sum(int(output.split()[1]) for output, _ in told[writers:])
    return CrowdOutcome(acknowledged, readings)


def _start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"soaking.{module}", *arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TOOLS), str(TOOLS.parent)])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
