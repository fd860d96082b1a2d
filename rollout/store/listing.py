"""Threads by page, straight from the files: nothing on disk is left out.

Names and file times bound where a thread can stand in the order, so that a page opens
about as many files as it has rows. Format: docs/format.md, "Listing".
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Set

import msgspec
from msgspec import Struct

from rollout.catalog.query import NO_FILTER, ThreadFilter
from rollout.errors import InvalidCursor, NotFound, RolloutError
from rollout.format.decoding import decode_json
from rollout.fs.api import FileSystem
from rollout.ids import ThreadId
from rollout.log.header import read_header
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile
from rollout.log.source import open_source
from rollout.store.described import changed_at, summary_or_problem
from rollout.store.places import SortKey, held, named_time, recency_time
from rollout.store.summary import Problem, ThreadSummary, problem_of
from rollout.turns.paging import DEFAULT_LIMIT, MAX_LIMIT, SortDirection


class ListRequest(Struct, frozen=True):
    """Which threads are wanted. `limit` is clamped to 1-100."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    sort: SortKey = SortKey.CREATED
    direction: SortDirection = SortDirection.DESC
    is_archived: bool = False
    where: ThreadFilter = NO_FILTER

    @property
    def size(self) -> int:
        return max(1, min(self.limit, MAX_LIMIT))


class Finding(Struct, frozen=True):
    """Something in the home that belongs to no thread, and what is wrong with it."""

    path: str
    problem: Problem


class Listing(Struct, frozen=True):
    """One page of threads, and what lies among them that is none."""

    data: list[ThreadSummary]
    next_cursor: str | None
    backwards_cursor: str | None
    findings: list[Finding]


class Cursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The anchor of a page: where a thread stands, in which order."""

    sort_key: SortKey
    at: int
    thread_id: str
    include_anchor: bool


class _Place(Struct, frozen=True, order=True):
    """Where a thread stands: its sort value in milliseconds, then its id."""

    at: int
    thread_id: str


class _Candidate(Struct, frozen=True):
    file: RolloutFile
    lowest: int
    highest: int


class _Row(Struct, frozen=True, order=True):
    rank: tuple[int, str]
    place: _Place
    summary: ThreadSummary


def list_threads(
    fs: FileSystem,
    index: RolloutIndex,
    request: ListRequest,
    summarise: Callable[[ThreadId], ThreadSummary],
    wants: Callable[[ThreadSummary, int], bool] = lambda _, __: True,
    hidden: Set[ThreadId] = frozenset(),
    tell: Callable[[ThreadSummary], ThreadSummary] = lambda summary: summary,
    may_pass: Callable[[RolloutFile], bool] = lambda _: True,
) -> Listing:
    """Return one page of threads. `summarise` reads one thread and raises what is wrong with it.

    `may_pass` is asked of a thread's newest file before it is read, and says no where `wants` would.
    `tell` puts in what people said of a thread; `wants` is asked of each summary as it is then, and the time
    that it is sorted by. A thread that cannot be read is a row with a problem. Raise InvalidCursor.
    """
    is_descending = request.direction is SortDirection.DESC
    anchor = parse_cursor(request)
    candidates = [
        _candidate(fs, file, request.sort)
        for file in index.current_files()
        if file.is_archived == request.is_archived and file.name.thread_id not in hidden
    ]
    sign = -1 if is_descending else 1
    candidates.sort(key=lambda one: -one.highest if is_descending else one.lowest)
    rows: list[_Row] = []
    for candidate in candidates:
        near, far = (
            (candidate.highest, candidate.lowest) if is_descending else (candidate.lowest, candidate.highest)
        )
        if len(rows) > request.size and rows[request.size].place.at * sign < near * sign:
            break
        if anchor is not None and far * sign < anchor.at * sign:
            continue
        if not may_pass(candidate.file):
            continue
        summary = tell(summary_or_problem(fs, candidate.file, summarise))
        value = held(_sort_value(summary, request.sort), (candidate.lowest, candidate.highest))
        place = _Place(value, summary.id)
        if not wants(summary, place.at):
            continue
        if anchor is None or _is_beyond(place, anchor, is_descending=is_descending):
            insort(rows, _Row((place.at * sign, _ranked(place.thread_id, is_descending)), place, summary))
    shown = rows[: request.size]
    return Listing(
        [row.summary for row in shown],
        make_cursor(request, shown[-1].place.at, shown[-1].place.thread_id, includes=False)
        if len(rows) > request.size
        else None,
        make_cursor(request, shown[0].place.at, shown[0].place.thread_id, includes=True) if shown else None,
        find_strays(fs, index),
    )


def _ranked(thread_id: str, is_descending: bool) -> str:
    if not is_descending:
        return thread_id
    return "".join(chr(0x10FFFF - ord(letter)) for letter in thread_id)


def _is_beyond(place: _Place, anchor: Cursor, *, is_descending: bool) -> bool:
    """Tell whether a place lies on the page's side of the anchor."""
    mark = _Place(anchor.at, anchor.thread_id)
    if place == mark:
        return anchor.include_anchor
    return place < mark if is_descending else place > mark


def make_cursor(request: ListRequest, at: int, thread_id: str, *, includes: bool) -> str:
    """Return the cursor of the thread that stands at `at`, in the order asked for."""
    return msgspec.json.encode(Cursor(request.sort, at, thread_id, includes)).decode()


def parse_cursor(request: ListRequest) -> Cursor | None:
    """Return the anchor of a page, or None for a first one. Raise InvalidCursor."""
    text = request.cursor
    if text is None:
        return None
    found = decode_json(text.encode("utf-8", "replace"), Cursor)
    if found is None or found.sort_key is not request.sort:
        why = "it is not a cursor of a thread listing"
        if found is not None:
            why = f"it belongs to a listing by {found.sort_key}, not by {request.sort}"
        raise InvalidCursor(
            f"invalid cursor: {text[:200]}: {why}",
            hint="Use a cursor from a page of the same listing, or start without one.",
        )
    return found


def _sort_value(summary: ThreadSummary, sort: SortKey) -> int:
    if sort is SortKey.UPDATED:
        return summary.updated_at
    return summary.created_at if sort is SortKey.CREATED else summary.recency_at


def _candidate(fs: FileSystem, file: RolloutFile, sort: SortKey) -> _Candidate:
    """Return a file with the bounds of its sort value, from its name and time alone."""
    if sort is SortKey.UPDATED:
        changed = changed_at(fs, file)
        return _Candidate(file, changed, changed)
    bounds = recency_time(file, changed_at(fs, file)) if sort is SortKey.RECENCY else named_time(file)
    return _Candidate(file, *bounds)


def first_thread(listing: Listing, home: str) -> ThreadId:
    """Return the first thread of a page that asked for the newest. Raise NotFound in an empty home."""
    if listing.data:
        return listing.data[0].id
    raise NotFound(
        f"looking for the newest thread: there is none in {home}",
        hint="Check the home that was meant, with --home or $ROLLOUT_HOME.",
    )


def find_strays(fs: FileSystem, index: RolloutIndex) -> list[Finding]:
    """Return what lies among the rollouts and is no thread, or could not be looked into."""
    return findings_of(fs, index.strays, index.unreadable_folders)


def findings_of(fs: FileSystem, strays: Iterable[str], unreadable_folders: Iterable[str]) -> list[Finding]:
    """Return what there is to say of logs under odd names, and of folders that were refused."""
    found = [
        Finding(
            folder,
            Problem(
                "storage.failed",
                f"listing {folder}: the operating system refused",
                "Check that you may read it, then list again.",
            ),
        )
        for folder in unreadable_folders
    ]
    for path in strays:
        try:
            with open_source(fs, path) as source:
                header = read_header(source)
            what = f"{path} is not named like a rollout; its header belongs to thread {header.thread_id}"
            problem = Problem("request.invalid", what, "Read it by its path, or give it its name back.")
        except RolloutError as error:
            problem = problem_of(error)
        found.append(Finding(path, problem))
    return found
