"""Reading: resumes, pages, opening and whole processes, beside a naive reader and the reference client."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from benchmark.clients import measure_client
from benchmark.data import GROWTH, LEGACY, MIXED, RIGHT_AFTER, Data, Thread
from benchmark.generator import Shape
from benchmark.measure import Task
from benchmark.run import Run, Scale, run_tasks
from benchmark.timed import TimedRow
from benchmark.work import (
    Work,
    catalog_of,
    far_page,
    naive,
    newest_page,
    open_only,
    opener,
    resume,
    resume_beside,
    run,
)
from rollout.turns.paging import ItemsView

_RECORDS_A_TURN = 13
_MB = 1e6
_AFTER, _BEFORE, _LEGACY = "right after a compaction", "just before the next one", "legacy"
_CLIENT_ROUNDS = 3


def run_reading(told: Run) -> list[TimedRow]:
    """Measure all rows."""
    rows = run_tasks(told, reading_tasks(told))
    if told.client is not None:
        for name, thread in described_threads(told.data, told.scale).items():
            beside = f"{'resume' if thread.shape.is_paginated else 'full replay'}: {name}"
            if told.only in f"reference client: {name}":
                told.say(f"reference client: {name}")
                rows += measure_client(told.client, name, thread, min(_CLIENT_ROUNDS, told.rounds), beside)
    return rows


def reading_tasks(told: Run) -> list[Task]:
    """Return what is measured in this process, data generated."""
    data, scale = told.data, told.scale
    return [
        *_context_tasks(data, scale),
        *_page_tasks(told),
        *_recorded_tasks(data, scale),
        *_beside_tasks(data, scale),
        *_open_tasks(data, scale),
        *_process_tasks(data, scale),
    ]


def described_threads(data: Data, scale: Scale) -> dict[str, Thread]:
    """Return the threads of the main rows by what they are called in the table."""
    shapes = {_AFTER: RIGHT_AFTER, _BEFORE: MIXED, _LEGACY: LEGACY}
    return {name: data.thread(_sized(shape, scale)) for name, shape in shapes.items()}


def shapes_of(data: Data, scale: Scale) -> list[dict[str, Any]]:
    """Return bytes and records of the generated threads, also for one turn."""
    found = []
    for name, thread in described_threads(data, scale).items():
        lines = thread.path.read_bytes().count(b"\n")
        size, turns = thread.size_bytes, thread.shape.turns
        found.append(
            {
                "name": name,
                "bytes": size,
                "records": lines,
                "turns": turns,
                "bytes_a_turn": round(size / turns),
                "records_a_turn": round(lines / turns, 1),
            }
        )
    return found


def _sized(shape: Shape, scale: Scale) -> Shape:
    return replace(shape, turns=scale.turns)


def _task(
    group: str,
    name: str,
    work: Work,
    budgets: tuple[str, ...] = (),
    peer: str | None = None,
    repeats: int = 1,
) -> Task:
    return Task(TimedRow(name, budgets, group=group, peer=peer), work, repeats)


def _context_tasks(data: Data, scale: Scale) -> Iterator[Task]:
    budgets = {_AFTER: ("resume-after", "resume-memory"), _BEFORE: ("resume-before", "resume-memory")}
    for name, thread in described_threads(data, scale).items():
        peer = _task("naive reader", name, partial(naive, thread))
        is_bounded = thread.shape.is_paginated
        if is_bounded:
            yield _task("resume", name, partial(resume, thread), budgets[name], peer.row.key, repeats=5)
        work = partial(resume, thread, reads_everything=is_bounded)
        yield _task("full replay", name, work, () if is_bounded else ("legacy-first",), peer.row.key)
        yield peer


def _page_tasks(told: Run) -> Iterator[Task]:
    thread = told.data.thread(_sized(MIXED, told.scale))
    for view in (ItemsView.SUMMARY, ItemsView.FULL):
        work = partial(newest_page, thread, view)
        yield _task("newest 50 turns", f"{view.value} view", work, ("newest-page",), repeats=5)
    middle = thread.shape.turns * _RECORDS_A_TURN // 2
    state = catalog_of(thread.home, is_made=told.is_alone)
    for name, ordinal in (("the oldest", None), ("in the middle", middle)):
        for words, where in (("by the turn index", state), ("no catalog", None)):
            work = partial(far_page, thread, ordinal=ordinal, state=where)
            peer = f"50 turns far back: {name}, no catalog" if where else None
            yield _task("50 turns far back", f"{name}, {words}", work, peer=peer)


def _recorded_tasks(data: Data, scale: Scale) -> Iterator[Task]:
    for turns in scale.recorded_turns:
        thread = data.recorded(turns)
        row = TimedRow(
            f"{thread.size_bytes / _MB:.0f} MB", group="resume through checkpoints, never compacted"
        )
        row.at = thread.size_bytes
        yield Task(row, partial(resume, thread), repeats=3 if thread.size_bytes < 100 * _MB else 1)


def _beside_tasks(data: Data, scale: Scale) -> Iterator[Task]:
    thread = data.legacy_beside(_sized(LEGACY, scale))
    group = "legacy, with sidecars"
    first = partial(resume_beside, thread, is_first=True, has_input=True)
    yield _task(group, "first resume, which leaves one", first)
    second = partial(resume_beside, thread, is_first=False, has_input=False)
    peer = f"{group}: first resume, which leaves one"
    yield _task(group, "second resume", second, ("legacy-second",), peer, repeats=5)
    with_input = partial(resume_beside, thread, is_first=False, has_input=True)
    yield _task(group, "second resume, with the input", with_input, peer=peer)


def _open_tasks(data: Data, scale: Scale) -> Iterator[Task]:
    thread = data.crowd(replace(GROWTH, turns=scale.growth_turns[0]), scale.crowd)
    kept = opener(thread)
    among = f"among {scale.crowd} rollouts"
    yield _task("open", f"first, {among}", partial(open_only, thread))
    yield _task("open", f"again, {among}", partial(open_only, thread, kept), repeats=5)


def _process_tasks(data: Data, scale: Scale) -> Iterator[Task]:
    yield _command("python -c pass", (), "-c", "pass")
    yield _command("import rollout", ("import-time", "import-memory"), "-c", "import rollout")
    thread = data.thread(_sized(MIXED, scale))
    where = ("--home", str(thread.home))
    resumes = (*where, "resume", thread.shape.thread_id, "--json", "--output", "/dev/null")
    yield _command("rollout --help", ("help-command",), "-m", "rollout", "--help")
    command = (*resumes, "--exclude-turns")
    yield _command("rollout resume --exclude-turns", ("resume-command",), "-m", "rollout", *command)
    yield _command("rollout resume, all turns", (), "-m", "rollout", *resumes)


def _command(name: str, budgets: tuple[str, ...], *arguments: str) -> Task:
    command = (sys.executable, *arguments)
    row = TimedRow(name, budgets, group="process", peer=None if name.startswith("python") else _BARE_PROCESS)
    return Task(row, partial(run, command), repeats=2, command=command)


_BARE_PROCESS = "process: python -c pass"
