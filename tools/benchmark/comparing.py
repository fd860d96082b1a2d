"""The same work done by this project's store and by what else an application might keep threads in.

Each subject is a process of its own, with the environment that it needs. All of them take part in every
round of every piece of work, in an order that changes each time, on the same disk. What is read back
is compared with what was written; a row says so where it is not the same.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.data import MIXED, Data
from benchmark.peer_environments import find_contenders
from benchmark.peers_comparison import Comparison, Plan, Say
from benchmark.peers_process import Contender
from benchmark.peers_recording import encoded_turn
from benchmark.peers_subject import write_turns
from benchmark.peers_usage import usage_rows
from benchmark.timed import TimedRow

_SPARE_TURNS = 400
QUICK = Plan((20,), 100, (60,), 1, 5.0, 2.0, is_quick=True)
NORMAL = Plan((1_000, 10_000), 1_000, (1_000, 10_000), 7, 30.0, 15.0)


def run_comparing(data: Data, *, is_quick: bool, rounds: int, say: Say) -> list[TimedRow]:
    """Measure all rows. A peer that cannot be had is a row that says why."""
    thread = data.thread(replace(MIXED, turns=400) if is_quick else MIXED)
    build = data.folder.parent
    plan = QUICK if is_quick else replace(NORMAL, rounds=rounds)
    contenders, absent = find_contenders(build / "peers", say)
    rows = compare(build / "scratch", plan, contenders, say)
    rows += usage_rows(thread, build / "peers", plan.rounds, say)
    rows += [TimedRow(title, group="absent", note=f"absent: {reason}") for title, reason in absent.items()]
    for title, reason in absent.items():
        say(f"ABSENT: {title}: {reason}")
    return rows


def compare(scratch: Path, plan: Plan, contenders: Sequence[Contender], say: Say) -> list[TimedRow]:
    """Measure the rows of all contenders."""
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="comparing-") as folder:
        turns = max(*plan.depths, *plan.threads) + _SPARE_TURNS
        say(f"{turns:,} turns to write")
        path = write_turns(scratch / f"turns-{turns}", turns, encoded_turn)
        return list(Comparison(Path(folder), path, plan, contenders, say).run())
