"""Growth: what the same work takes as a log gets longer, and as a home gets more threads.

Logs are those of another client, compacted every 200 turns, 20 turns behind the last compaction. Beside ours
stand a naive reader, and a store made by hand over SQLite, given the same turns. What is written goes to
copies: a fork leaves its parent alone, a turn that is appended does not.
"""

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import fork
import rollout
from benchmark.data import GROWTH, Thread, copy_home
from benchmark.measure import Task
from benchmark.peers_recording import turn_items
from benchmark.peers_sqlite import HandMade
from benchmark.run import Run, run_tasks
from benchmark.timed import TimedRow
from benchmark.work import Outcome, catalog_of, far_page, naive, newest_page, opener, resume
from rollout.store.search import SearchRequest
from rollout.store.store import Store
from rollout.turns.paging import ItemsView

_MB = 1e6
_RECORDS_A_TURN = 13
_BATCH = 1000
_LONG_BYTES = 200 * _MB
_FEW = 3
"""Rounds of what takes a second and more."""
RESUME, NEWEST, MIDDLE = "resume", "newest 50 turns", "50 turns in the middle"
FORK, APPEND = "fork at the head", "append of a turn"
LIST, SEARCH, OPEN, REFRESH = "list of 50", "search", "open by id", "refresh, unchanged"
OURS, NAIVE, SQLITE = "ours", "naive full replay", "SQLite by hand"
_WORD = "timeout"
"""One that every tenth thread or so says."""


def run_growth(run: Run) -> list[TimedRow]:
    """Measure all rows."""
    rows = run_tasks(run, growth_tasks(run))
    resumes = [row for row in rows if row.group.startswith(f"{RESUME},") and row.name.startswith(OURS)]
    if resumes:
        used = [row.used_ms or 0.0 for row in resumes]
        resumes[-1].figures["resume-flat"] = max(used) / min(used)
        resumes[-1].budgets = (*resumes[-1].budgets, "resume-flat")
    return rows


def growth_tasks(run: Run) -> list[Task]:
    """Return what is measured, data generated."""
    threads = [run.data.thread(replace(GROWTH, turns=turns)) for turns in run.scale.growth_turns]
    tasks = [task for thread in threads for task in _log_tasks(run, thread)]
    tasks += [task for count in run.scale.growth_threads for task in _home_tasks(run, count)]
    return sorted(tasks, key=lambda task: task.row.group)


def _row(work: str, subject: str, size: str, at: float, budgets: tuple[str, ...] = ()) -> TimedRow:
    beside = None if subject == OURS else f"{group_of(work)}: {OURS}, {size}"
    return TimedRow(f"{subject}, {size}", budgets, group=group_of(work), peer=beside, at=at)


def group_of(work: str) -> str:
    """Return the group that draws the curve of a work."""
    by_threads = work in {LIST, SEARCH, OPEN, REFRESH}
    return f"{work}, by number of threads" if by_threads else f"{work}, by length of the log"


def _log_tasks(run: Run, thread: Thread) -> Iterator[Task]:
    size, at = f"{thread.size_bytes / _MB:.0f} MB", float(thread.size_bytes)
    row = partial(_row, size=size, at=at)
    is_long = thread.size_bytes > _LONG_BYTES
    state = catalog_of(thread.home, is_made=run.is_alone)
    middle = thread.shape.turns * _RECORDS_A_TURN // 2
    yield Task(row(RESUME, OURS), partial(resume, thread), repeats=5)
    yield Task(row(RESUME, NAIVE), partial(naive, thread), rounds=_FEW if is_long else run.rounds)
    yield Task(row(NEWEST, OURS), partial(newest_page, thread, ItemsView.SUMMARY), repeats=5)
    yield Task(row(MIDDLE, OURS), partial(far_page, thread, ordinal=middle, state=state), repeats=3)
    made = _Made(thread, run.data.folder)
    yield Task(row(FORK, OURS), made.fork, repeats=3, has_peak=False)
    yield Task(row(APPEND, OURS), made.append, repeats=3, has_peak=False)
    for work, timed, repeats in (
        (RESUME, made.sqlite_resume, 1),
        (NEWEST, made.sqlite_newest, 5),
        (MIDDLE, made.sqlite_middle, 5),
        (FORK, made.sqlite_fork, 3),
        (APPEND, made.sqlite_append, 3),
    ):
        rounds = _FEW if is_long and work == RESUME else run.rounds
        yield Task(row(work, SQLITE), timed, repeats, rounds, has_peak=False)


class _Made:
    """What a thread's writes go to: a copy of its home, and the store by hand; made when first needed."""

    def __init__(self, thread: Thread, folder: Path) -> None:
        """Make copies in `folder`, gone when the process ends."""
        self._thread, self._folder, self._number = thread, folder, 0

    @cache  # noqa: B019  # as many as there are lengths, for as long as the process lives
    def _store(self) -> Store:
        home = _scratch(self._folder) / "home"
        copy_home(self._thread.home, home)
        store = rollout.open_store(home)
        atexit.register(store.close)
        return store

    @cache  # noqa: B019  # the same
    def _sqlite(self) -> HandMade:
        made = HandMade(_scratch(self._folder))
        made.open()
        turns: list[list[Any]] = []
        with self._thread.path.open("rb") as lines:
            for line in lines:
                record = json.loads(line)
                if record["type"] == "event_msg" and record["payload"]["type"] == "task_started":
                    if len(turns) == _BATCH:
                        made.fill(turns)
                        turns = []
                    turns.append([])
                elif record["type"] == "response_item" and turns:
                    turns[-1].append(record["payload"])
        made.fill(turns)
        atexit.register(made.close)
        return made

    def fork(self) -> Outcome:
        """Fork the copy at its head."""
        made = fork.fork_thread(self._store(), self._thread.thread_id, exclude_turns=True)
        return Outcome(bytes_written=made.bytes_written)

    def append(self) -> Outcome:
        """Append a turn to the copy: opened, recorded durably, read back, closed."""
        self._number += 1
        written = self._store().append_turn(self._thread.thread_id, turn_items(self._number))
        return Outcome(bytes_written=written.written.end_offset - written.written.start_offset)

    def sqlite_resume(self) -> Outcome:
        """Return the whole history as JSON: this store has no checkpoints."""
        self._sqlite().resume_json()
        return Outcome()

    def sqlite_newest(self) -> Outcome:
        """Read the newest page."""
        return Outcome(count=len(self._sqlite().newest()))

    def sqlite_middle(self) -> Outcome:
        """Read a page from the middle."""
        return Outcome(count=len(self._sqlite().middle(str(self._thread.shape.turns // 2))))

    def sqlite_fork(self) -> Outcome:
        """Fork at the head."""
        self._sqlite().fork(None)
        return Outcome()

    def sqlite_append(self) -> Outcome:
        """Append a turn durably."""
        self._number += 1
        self._sqlite().append(turn_items(self._number))
        return Outcome()


def _scratch(folder: Path) -> Path:
    scratch = Path(tempfile.mkdtemp(prefix="growth-", dir=folder))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    return scratch


def _home_tasks(run: Run, count: int) -> Iterator[Task]:
    run.say(f"a home of {count:,} threads and its catalog")
    home = run.data.archive(count)
    state = catalog_of(home, is_made=run.is_alone)
    # Some thread from the middle: where a listing does not begin.
    paths = [] if run.is_alone else sorted(home.glob("sessions/*/*/*/*.jsonl"))
    thread = Thread(home, GROWTH, str(paths[count // 2].relative_to(home)) if paths else "")
    row = partial(_row, subject=OURS, size=f"{count:,} threads", at=float(count))
    opened = _opened(home, state)
    yield Task(row(LIST), partial(_list, opened), repeats=3, has_peak=False)
    yield Task(row(SEARCH), partial(_search, opened), repeats=3, has_peak=False)
    yield Task(row(OPEN), partial(_open, thread), repeats=3, has_peak=False)
    yield Task(row(REFRESH), partial(_refresh, home, state), has_peak=count >= _BATCH)


def _opened(home: Path, state: Path) -> Store:
    store = rollout.open_store(home, state_dir=state)
    atexit.register(store.close)
    return store


def _list(store: Store) -> Outcome:
    return Outcome(count=len(store.list_threads(limit=50).data))


def _search(store: Store) -> Outcome:
    return Outcome(count=len(store.catalog.search(SearchRequest(_WORD, limit=50)).data))


def _open(thread: Thread) -> Outcome:
    """Open by id alone, in a home that was not looked at before."""
    with opener(thread).open_thread(rollout.ThreadId(thread.thread_id)) as lineage:
        return Outcome(lineage.bytes_read, len(lineage.segments))


def _refresh(home: Path, state: Path) -> Outcome:
    """Open a store and bring its catalog up to date, which it is."""
    with rollout.open_store(home, state_dir=state) as store:
        store.catalog.get().refresh()
    return Outcome()
