"""The rows of the table: what is timed on which data, against which budget and which peer."""

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from benchmark.data import GROWTH, LEGACY, MIXED, RIGHT_AFTER, Data, Thread
from benchmark.generator import Shape
from benchmark.work import Work, far_page, naive, newest_page, open_only, opener, resume, resume_beside, run
from rollout.turns.model import ItemsView

_FIRST_GROWTH_TURNS = 74
_RECORDS_A_TURN = 13
_MB = 1e6
LEGACY_NAME = "legacy"


@dataclass(frozen=True)
class Scale:
    """How much data a run takes. Budgets hold only for the data they were set for."""

    turns: int
    growth_turns: tuple[int, ...]
    recorded_turns: tuple[int, ...]
    crowd: int
    has_budgets: bool


NORMAL = Scale(4000, (_FIRST_GROWTH_TURNS, 620, 4200, 20_000), (57, 456, 3080), 10_000, True)
QUICK = Scale(400, (_FIRST_GROWTH_TURNS, 620), (57, 456), 1000, False)
FULL = replace(
    NORMAL, growth_turns=(*NORMAL.growth_turns, 78_000), recorded_turns=(*NORMAL.recorded_turns, 57_000)
)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `peer` is the key of the row that the ratio is taken against, `repeats` how often a round
    runs the work. `command`: the work is a process of its own.
    """

    group: str
    name: str
    work: Work
    budget_ms: float | None = None
    peer: str | None = None
    repeats: int = 1
    command: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The row's name in JSON and on the command line."""
        return f"{self.group}: {self.name}"


def described_threads(data: Data, scale: Scale) -> dict[str, Thread]:
    """Return the threads of the main rows by what they are called in the table."""
    shapes = {
        "right after a compaction": RIGHT_AFTER,
        "just before the next one": MIXED,
        LEGACY_NAME: LEGACY,
    }
    return {name: data.thread(_sized(shape, scale)) for name, shape in shapes.items()}


def make_rows(data: Data, scale: Scale) -> list[Row]:
    """Return the rows, their data generated."""
    rows = [
        *_context_rows(data, scale),
        *_page_rows(data, scale),
        *_growth_rows(data, scale),
        *_beside_rows(data, scale),
        *_open_rows(data, scale),
        *_process_rows(data, scale),
    ]
    return rows if scale.has_budgets else [replace(row, budget_ms=None) for row in rows]


def _sized(shape: Shape, scale: Scale) -> Shape:
    return replace(shape, turns=scale.turns)


def _context_rows(data: Data, scale: Scale) -> Iterator[Row]:
    budgets_ms = {"right after a compaction": 3, "just before the next one": 8}
    for name, thread in described_threads(data, scale).items():
        peer = Row("naive reader", name, partial(naive, thread))
        if thread.shape.is_paginated:
            yield Row("resume", name, partial(resume, thread), budgets_ms[name], peer.key, repeats=5)
        budget_ms = None if thread.shape.is_paginated else 100
        work = partial(resume, thread, reads_everything=thread.shape.is_paginated)
        yield Row("full replay", name, work, budget_ms, peer.key)
        yield peer


def _page_rows(data: Data, scale: Scale) -> Iterator[Row]:
    thread = data.thread(_sized(MIXED, scale))
    for view in (ItemsView.SUMMARY, ItemsView.FULL):
        work = partial(newest_page, thread, view)
        yield Row("newest 50 turns", f"{view.value} view", work, 2, repeats=5)
    middle = thread.shape.turns * _RECORDS_A_TURN // 2
    for name, ordinal in (("the oldest", None), ("in the middle", middle)):
        for words, has_catalog in (("no catalog", False), ("by the turn index", True)):
            work = partial(far_page, thread, ordinal=ordinal, has_catalog=has_catalog)
            yield Row("50 turns far back", f"{name}, {words}", work)


def _growth_rows(data: Data, scale: Scale) -> Iterator[Row]:
    for turns in scale.growth_turns:
        thread = data.thread(replace(GROWTH, turns=turns))
        size = f"{thread.size_bytes / _MB:.0f} MB"
        yield Row("resume as the log grows", size, partial(resume, thread), repeats=5)

    for turns in scale.recorded_turns:
        thread = data.recorded(turns)
        size = f"{thread.size_bytes / _MB:.0f} MB"
        yield Row("resume through checkpoints, never compacted", size, partial(resume, thread), repeats=3)


def _beside_rows(data: Data, scale: Scale) -> Iterator[Row]:
    thread = data.legacy_beside(_sized(LEGACY, scale))
    first = partial(resume_beside, thread, is_first=True, has_input=True)
    yield Row("legacy, with sidecars", "first resume, which leaves one", first)
    second = partial(resume_beside, thread, is_first=False, has_input=False)
    yield Row("legacy, with sidecars", "second resume", second, 3, repeats=5)
    with_input = partial(resume_beside, thread, is_first=False, has_input=True)
    yield Row("legacy, with sidecars", "second resume, with the input", with_input)


def _open_rows(data: Data, scale: Scale) -> Iterator[Row]:
    thread = data.crowd(replace(GROWTH, turns=_FIRST_GROWTH_TURNS), scale.crowd)
    kept = opener(thread)
    among = f"among {scale.crowd} rollouts"
    yield Row("open", f"first, {among}", partial(open_only, thread))
    yield Row("open", f"again, {among}", partial(open_only, thread, kept), repeats=5)


def _process_rows(data: Data, scale: Scale) -> Iterator[Row]:
    yield _command("python -c pass", None, "-c", "pass")
    yield _command("import rollout", 80, "-c", "import rollout")
    if importlib.util.find_spec("rollout.__main__") is None:
        return
    thread = data.thread(_sized(MIXED, scale))
    where = ("--home", str(thread.home))
    resumes = (*where, "resume", thread.shape.thread_id, "--json", "--output", "/dev/null")
    yield _command("rollout --help", 80, "-m", "rollout", "--help")
    yield _command("rollout resume --exclude-turns", 120, "-m", "rollout", *resumes, "--exclude-turns")
    yield _command("rollout resume, all turns", None, "-m", "rollout", *resumes)


def _command(name: str, budget_ms: float | None, *arguments: str) -> Row:
    command = (sys.executable, *arguments)
    return Row("process", name, partial(run, command), budget_ms, command=command)
