"""The catalog: what a refresh, a cold build and a page of a listing take over archives of many small threads.

Homes are those of earlier runs: what is appended is cut off again, and catalogs lie in a folder of their own.
A store is opened anew for every sample of a refresh, as a command does.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import rollout
from benchmark.data import LEGACY, RIGHT_AFTER
from benchmark.run import Part, Run, run_parts
from benchmark.searching import search_rows
from benchmark.timed import TimedRow
from rollout.catalog.catalog import Catalog
from rollout.catalog.domains import Domain
from rollout.catalog.query import Query, ThreadFilter, find_threads
from rollout.catalog.registry import DOMAINS, EVERY, LISTED
from rollout.catalog.threads import Described
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile
from rollout.store.described import describe
from rollout.store.opening import Opener
from rollout.store.places import SortKey
from rollout.store.store import Store

_PAGE = 50
_MB = 1e6
_WITH, _WITHOUT, _WITH_LETTERS = "with search", "without search", "with search and the index of letters"
_LINE = b'{"timestamp":"2026-11-21T04:09:33Z","ordinal":8,"type":"event_msg","payload":{"type":"warning"}}\n'


def run_catalog(run: Run) -> list[TimedRow]:
    """Measure all rows."""
    with tempfile.TemporaryDirectory(prefix="rollout-bench-") as scratch:
        state = Path(scratch)
        parts: dict[str, Part] = {
            "cold build": partial(_long_build_rows, state),
            "refresh": partial(_refresh_rows, state / "refresh"),
            "listing": partial(_listing_rows, state / "listing"),
            "search": partial(_search_rows, state),
        }
        return run_parts(run, parts)


def _search_rows(state: Path, run: Run) -> Iterator[TimedRow]:
    empty = state / "empty"
    empty.mkdir()
    with _catalog(empty, state / "search", DOMAINS) as catalog:
        yield from search_rows(catalog, state, run)


def _long_build_rows(state: Path, run: Run) -> Iterator[TimedRow]:
    for shape in (RIGHT_AFTER, LEGACY):
        home = run.data.thread(replace(shape, turns=run.scale.turns)).home
        yield from _build_rows(home, state / shape.mode, f"a long {shape.mode} thread", run.rounds)


@contextmanager
def _opened(home: Path, state: Path) -> Iterator[Store]:
    with rollout.open_store(home, state_dir=state) as store:
        yield store


def _refresh_rows(state: Path, run: Run) -> Iterator[TimedRow]:
    files = run.scale.files
    home = run.data.archive(files)
    (built,) = _build_rows(home, state, f"{files:,} small files", 1, is_long=False)
    built.group = "cold build"
    yield built
    state = _state_of(state, _WITH, 0)
    fresh = TimedRow(f"of {files:,} files, nothing changed", ("refresh",))
    changed = TimedRow("one file changed", ("refresh-one",))
    told = TimedRow("the same, told which", ("refresh-told",))
    paths = iter(sorted(home.glob("sessions/*/*/*/*.jsonl")))
    for _ in range(run.rounds):
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


def _build_rows(
    home: Path, state: Path, what: str, rounds: int, *, is_long: bool = True
) -> Iterator[TimedRow]:
    """Yield cold builds of what lists need, of search besides, and of all; budgets are for long threads."""
    paths = list(home.glob("sessions/*/*/*/*.jsonl"))
    size = sum(path.stat().st_size for path in paths) / _MB
    for words, names, budget in (
        (_WITH, LISTED | {"search"}, "build-search"),
        (_WITHOUT, LISTED, "build"),
        (_WITH_LETTERS, EVERY, None),
    )[: 3 if is_long else 1]:
        domains = [one for one in DOMAINS if one.name in names]
        row = TimedRow(f"{what}, {words}", (budget,) if is_long and budget else ())
        for number in range(rounds):
            with _catalog(home, _state_of(state, words, number), domains) as catalog:
                row.time(partial(catalog.refresh, wanted=names))
        used_ms = row.used_ms or 0.0
        if budget is not None:
            row.figures[budget] = size / used_ms * 1e3
        row.note = f"{size:.0f} MB, {used_ms / len(paths):.2f} ms of processor time a file"
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


def _listing_rows(state: Path, run: Run) -> Iterator[TimedRow]:
    threads = run.scale.threads
    home = run.data.archive(threads)
    with _opened(home, state) as store:
        catalog = store.catalog.get()
        built = TimedRow(f"{threads:,} small files, of what listings need", group="cold build")
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
                if sort != "created" and words:
                    continue
                row = TimedRow(f"query of {_PAGE} of {threads:,} by {sort}{words}", ("list-page",))
                query = Query(_PAGE + 1, sort, True, False, None, where)
                for _ in range(run.rounds * 3):
                    row.time(lambda query=query: catalog.ask("asking", lambda c: find_threads(c, query)))
                yield row
        yield from _page_rows(store, threads, run.rounds)


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
        row = TimedRow(f"whole page of {_PAGE} of {threads:,} {words}")
        for _ in range(rounds):
            found = row.time(lambda options=options: store.list_threads(limit=_PAGE, **options))
            assert found.data, words
        yield row
