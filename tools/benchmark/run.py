"""One run of one suite: how much data, how many rounds, which rows; parts and tasks become rows here."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from refclient.install import Client

from benchmark.data import Data
from benchmark.measure import Task, measure, peak_in_fresh_process
from benchmark.timed import TimedRow

_FIRST_GROWTH_TURNS = 74


@dataclass(frozen=True)
class Scale:
    """How much data a run takes. Budgets hold only for the data they were set for.

    `growth_turns` are those of logs of about 1, 8, 54, 256 MB and 1 GB, `recorded_turns` of logs as long
    that our recorder made; `crowd` is how many other rollouts a home holds; `growth_threads`, `files`,
    `threads` and `messages` are sizes of archives, of a listing and of an index.
    """

    name: str
    turns: int
    growth_turns: tuple[int, ...]
    recorded_turns: tuple[int, ...]
    crowd: int
    growth_threads: tuple[int, ...]
    files: int
    threads: int
    messages: int
    forks: int
    rounds: int

    @property
    def has_budgets(self) -> bool:
        """Whether the data is what budgets were set for."""
        return self.name != "quick"


NORMAL = Scale(
    "normal",
    turns=4000,
    growth_turns=(_FIRST_GROWTH_TURNS, 620, 4200, 20_000),
    recorded_turns=(57, 456, 3080),
    crowd=10_000,
    growth_threads=(1, 10, 100, 1000, 10_000, 100_000),
    files=60_607,
    threads=100_000,
    messages=1_200_000,
    forks=1000,
    rounds=7,
)
QUICK = Scale(
    "quick",
    turns=400,
    growth_turns=(_FIRST_GROWTH_TURNS, 620),
    recorded_turns=(57, 456),
    crowd=1000,
    growth_threads=(1, 10, 100),
    files=300,
    threads=600,
    messages=6000,
    forks=50,
    rounds=2,
)
FULL = replace(
    NORMAL,
    name="full",
    growth_turns=(*NORMAL.growth_turns, 78_000),
    recorded_turns=(*NORMAL.recorded_turns, 57_000),
)
SCALES = {scale.name: scale for scale in (QUICK, NORMAL, FULL)}


@dataclass(frozen=True)
class Run:
    """What a suite is told. `only` keeps groups whose name contains it; no `client`: there is none here.

    `arguments` are those of the command line that say the same to another process, `is_alone` that this is
    the one in which a single task is run for its memory.
    """

    data: Data
    scale: Scale
    rounds: int
    say: Callable[[str], None]
    only: str = ""
    client: Client | None = None
    arguments: tuple[str, ...] = ()
    is_alone: bool = False

    @property
    def is_quick(self) -> bool:
        """Whether all that counts is that everything runs."""
        return not self.scale.has_budgets


Part = Callable[[Run], Iterable[TimedRow]]


def run_parts(run: Run, parts: dict[str, Part]) -> list[TimedRow]:
    """Return the rows of those parts whose name contains `only`, each under that name as its group."""
    rows = []
    for group, part in parts.items():
        if run.only in group:
            run.say(group)
            for row in part(run):
                row.group = row.group or group
                rows.append(row)
    return rows


def run_tasks(run: Run, tasks: list[Task]) -> list[TimedRow]:
    """Return the rows of tasks, measured side by side."""
    wanted = [task for task in tasks if run.only in task.row.key]
    return measure(wanted, run.rounds, lambda task: peak_in_fresh_process(task, [*run.arguments]), run.say)


def percentile(times: list[float], share: float) -> float:
    """Return the sample that `share` of all do not pass."""
    return sorted(times)[max(0, math.ceil(share * len(times)) - 1)]
