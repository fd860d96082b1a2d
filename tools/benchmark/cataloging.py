"""The catalog: what a refresh, a cold build and a page of a listing take over archives of many small threads.

Homes are those of earlier runs: what is appended is cut off again, and catalogs lie in a folder of their own.
A store is opened anew for every sample of a refresh, as a command does.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import rollout
from benchmark.data import LEGACY, RIGHT_AFTER, Data
from benchmark.searching import search_rows
from benchmark.timed import TimedRow
from rollout.catalog.catalog import Catalog
from rollout.catalog.domains import Domain
from rollout.catalog.query import Query, ThreadFilter, find_threads
from rollout.catalog.registry import DOMAINS
from rollout.catalog.threads import Described
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile
from rollout.store.described import describe
from rollout.store.listing import SortKey
from rollout.store.opening import Opener
from rollout.store.store import Store

FILES = 60_607
THREADS = 100_000
_QUICK = 300
_PAGE = 50
_SHAPES = (RIGHT_AFTER, LEGACY)
_MB = 1e6
_WITH, _WITHOUT = "with search", "without search"
_LINE = b'{"timestamp":"2026-11-21T04:09:33Z","ordinal":8,"type":"event_msg","payload":{"type":"warning"}}\n'


def run_catalog(data: Data, *, is_quick: bool, rounds: int, say: Callable[[str], None]) -> list[TimedRow]:
    """Measure all rows."""
    rows: list[TimedRow] = []
    files, threads = (_QUICK, 2 * _QUICK) if is_quick else (FILES, THREADS)
    with tempfile.TemporaryDirectory(prefix="rollout-bench-") as scratch:
        state = Path(scratch)
        say(f"an archive of {files:,} threads")
        rows += _refresh_rows(data.archive(files), state / "refresh", files, rounds)
        say(f"a listing of {threads:,} threads")
        rows += _listing_rows(data.archive(threads), state / "listing", threads, rounds)
        for shape in _SHAPES:
            say(f"a cold build of a long {shape.mode} thread")
            home = data.thread(shape).home
            rows += _build_rows(home, state / shape.mode, f"long {shape.mode} thread", rounds, is_long=True)
        empty = state / "empty"
        empty.mkdir()
        with _catalog(empty, state / "search", DOMAINS) as catalog:
            rows += search_rows(catalog, state, rounds, say, is_quick=is_quick)
    return rows


@contextmanager
def _opened(home: Path, state: Path) -> Iterator[Store]:
    with rollout.open_store(home, state_dir=state) as store:
        yield store


def _refresh_rows(home: Path, state: Path, files: int, rounds: int) -> Iterator[TimedRow]:
    yield from _build_rows(home, state, f"{files:,} small files", 1, is_long=False)
    state = _state_of(state, _WITH, 0)
    fresh = TimedRow("refresh, nothing changed", 1000.0)
    changed = TimedRow("refresh, one file changed", 1100.0)
    told = TimedRow("the same, told which", 20.0)
    paths = iter(sorted(home.glob("sessions/*/*/*/*.jsonl")))
    for _ in range(rounds):
        with _opened(home, state) as store:
            fresh.time(store.catalog.get().refresh)
        with _grown(next(paths)), _opened(home, state) as store:
            found = changed.time(store.catalog.get().refresh)
            assert found.absorbed == 1, found
        path = next(paths)
        with _grown(path), _opened(home, state) as store:
            catalog = store.catalog.get()
            assert told.time(lambda catalog=catalog, path=path: catalog.refresh_file(str(path)))
        with _opened(home, state) as store:
            store.catalog.get().refresh()
    yield from (fresh, changed, told)


@contextmanager
def _grown(path: Path) -> Iterator[None]:
    """Let a file be one line longer for a while."""
    before = path.read_bytes()
    with path.open("ab") as file:
        file.write(_LINE)
    try:
        yield
    finally:
        path.write_bytes(before)


def _build_rows(home: Path, state: Path, what: str, rounds: int, *, is_long: bool) -> Iterator[TimedRow]:
    """Yield cold builds of all domains, and of all but the search; budgets are for long threads."""
    paths = list(home.glob("sessions/*/*/*/*.jsonl"))
    size = sum(path.stat().st_size for path in paths) / _MB
    for words, domains, speed in (
        (_WITH, DOMAINS, 100),
        (_WITHOUT, tuple(one for one in DOMAINS if one.name != "search"), 300),
    )[: 2 if is_long else 1]:
        row = TimedRow(f"cold build, {what}, {words}", size / speed * 1e3 if is_long else None)
        for number in range(rounds):
            with _catalog(home, _state_of(state, words, number), domains) as catalog:
                row.time(partial(catalog.refresh, wanted=frozenset(one.name for one in domains)))
        fastest = min(row.processor_ms)
        speed_shown, a_file = f"{size / fastest * 1e3:.0f} MB/s", f"{fastest / len(paths):.2f} ms a file"
        row.note = f"{size:.0f} MB; by processor time {speed_shown}, {a_file}"
        yield row


def _state_of(state: Path, words: str, number: int) -> Path:
    return state.with_name(f"{state.name}-{words}-{number}")


@contextmanager
def _catalog(home: Path, state: Path, domains: Sequence[Domain]) -> Iterator[Catalog]:
    """Open a catalog of some domains alone, as a store opens one of all."""
    opener = Opener(POSIX_MUTABLE, str(home), MAX_LINE_BYTES)

    def describe_thread(index: RolloutIndex, file: RolloutFile) -> Described:
        return describe(POSIX_MUTABLE, opener, index, file)

    with Catalog(
        POSIX_MUTABLE, str(home), str(state), describe_thread, lambda: 0, MAX_LINE_BYTES, domains
    ) as catalog:
        yield catalog


def _listing_rows(home: Path, state: Path, threads: int, rounds: int) -> Iterator[TimedRow]:
    with _opened(home, state) as store:
        catalog = store.catalog.get()
        built = TimedRow(f"cold build, {threads:,} small files")
        built.time(catalog.refresh)
        yield built
        wheres = {
            "": ThreadFilter(),
            ", one folder": ThreadFilter(cwds=("/home/dev/project-3",)),
            ", one kind": ThreadFilter(source_kinds=("exec",)),
            ", a search term": ThreadFilter(term="timeout"),
            ", a term that nothing has": ThreadFilter(term="no such words"),
        }
        for sort in ("created", "updated", "recency"):
            for words, where in wheres.items():
                row = TimedRow(f"query of {_PAGE} of {threads:,} by {sort}{words}", 5.0)
                query = Query(_PAGE + 1, sort, True, False, None, where)
                for _ in range(rounds * 3):
                    row.time(lambda query=query: catalog.ask("asking", lambda c: find_threads(c, query)))
                if sort == "created" or not words:
                    yield row
        yield from _page_rows(store, threads, rounds)


def _page_rows(store: Store, threads: int, rounds: int) -> Iterator[TimedRow]:
    """Yield whole pages as an application asks for them, the look at every file included."""
    asked: dict[str, dict[str, Any]] = {
        "by created, no filter": {"sort": SortKey.CREATED},
        "by created, one kind": {"where": ThreadFilter(source_kinds=("exec",))},
        "by updated, no filter": {"sort": SortKey.UPDATED},
        "by updated, one folder": {
            "sort": SortKey.UPDATED,
            "where": ThreadFilter(cwds=("/home/dev/project-3",)),
        },
    }
    for words, options in asked.items():
        row = TimedRow(f"page of {_PAGE} of {threads:,} {words}")
        for _ in range(rounds):
            found = row.time(lambda options=options: store.list_threads(limit=_PAGE, **options))
            assert found.data, words
        yield row
