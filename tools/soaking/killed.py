"""A writer killed at a random moment, again and again on one thread: what it acknowledged must be there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from time import monotonic
from typing import NamedTuple

import rollout
from soaking.turns import numbers_of, record_turn

LONGEST_LIFE_SECONDS = 0.25
RUNS_A_THREAD = 10
"""All of a thread is read after every run."""
TOOLS = Path(__file__).parents[1]


class Outcome(NamedTuple):
    """What a soak saw."""

    runs: int
    acknowledged_turns: int
    killed_in_a_turn: int
    torn_tails: int


def new_thread(home: Path) -> str:
    """Return the id of a new thread."""
    with rollout.open_store(home) as store, store.create_thread(cwd="/soak", model="model-a") as thread:
        return str(thread.id)


def soak_killed(home: Path, runs: int, seed: int) -> Outcome:
    """Kill `runs` writers; raise AssertionError when a thread is not what was acknowledged."""
    random = Random(seed)
    kept: list[int] = []
    thread_id = ""
    number = acknowledged = in_a_turn = torn = 0
    for run in range(runs):
        if run % RUNS_A_THREAD == 0:
            thread_id, kept = new_thread(home), []
        told = _run_writer(home, thread_id, number, random.randrange(1 << 30), random)
        number = max(turn + 1 for word, turn in told if word in {"begin", "done"})
        acknowledged += sum(word == "done" for word, _ in told)
        in_a_turn += bool(told) and told[-1][0] == "begin"
        kept, was_torn = _check(home, thread_id, kept, told, f"seed {seed}, run {run}")
        torn += was_torn
        with rollout.open_store(home) as store, store.record(thread_id) as recorder:
            record_turn(recorder, number)
        kept.append(number)
        number += 1
    return Outcome(runs, acknowledged, in_a_turn, torn)


def _run_writer(home: Path, thread_id: str, number: int, seed: int, random: Random) -> list[tuple[str, int]]:
    """Let a writer run for a random while after it was ready, and kill it; return what it told."""
    command = [sys.executable, "-m", "soaking.writer", str(home), thread_id, str(number), str(seed)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TOOLS), str(TOOLS.parent)])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    with process.stdout as output:
        told = [output.readline(), output.readline()]
        assert told[1] == b"ready\n", "the writer did not start"
        ends_at = monotonic() + random.random() * LONGEST_LIFE_SECONDS
        while monotonic() < ends_at:
            pass  # waiting for the system would let it choose the moment
        process.send_signal(signal.SIGKILL)
        told[1:] = output.readlines()
    assert process.wait() == -signal.SIGKILL, "the writer ended by itself: it met an error"
    return [(word, int(turn)) for word, turn in (line.decode().split() for line in told)]


def _check(
    home: Path, thread_id: str, kept: list[int], told: list[tuple[str, int]], where: str
) -> tuple[list[int], bool]:
    """Check the thread against what was told; return the turns it has, and whether its end was torn."""
    expected = list(kept)
    for word, number in told:
        if word == "done":
            expected.append(number)
        elif word == "reverted":
            assert expected.pop() == number
    allowed = [expected]
    if told and told[-1][0] == "begin":
        allowed.append([*expected, told[-1][1]])
    if told and told[-1][0] == "revert":
        allowed.append(expected[:-1])
    with rollout.open_store(home) as store:
        with store.open_thread(thread_id) as thread:
            found = list(numbers_of(thread.all_turns()))
            thread.context()
        with store.open_thread(thread_id) as thread:
            checks = list(store.check(store.files_to_check(thread)))
    lost = set(expected) - set(found)
    assert found in allowed, f"{where}: acknowledged turns lost: {sorted(lost)}; found beyond: {found[-3:]}"
    for check in checks:
        assert check.is_sound, f"{where}: {check}"
    return found, any(check.torn_tail is not None for check in checks)
