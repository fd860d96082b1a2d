"""Threads by page, straight from the files: nothing on disk is left out.

Names and file times bound where a thread can stand in the order, so that a page opens
about as many files as it has rows. Format: docs/format.md, "Listing".
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from rollout.errors import InvalidCursor, RolloutError
from rollout.format.decoding import decode_json
from rollout.format.record import Mode
from rollout.fs.api import FileSystem
from rollout.ids import ThreadId, is_uuid7
from rollout.log.header import read_header
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile
from rollout.log.source import open_source
from rollout.store.summary import Problem, ThreadSummary, header_summary, parse_time, problem_of
from rollout.turns.paging import DEFAULT_LIMIT, MAX_LIMIT, SortDirection

_ID_SLACK_MS: Final = 60_000
"""How far the time in an id may be from the header's."""
_STAMP_SLACK_MS: Final = 26 * 3_600_000
"""A stamp in a file name is local time of a zone that nobody recorded."""
_WRITE_SLACK_MS: Final = 1_000
_STAMP: Final = "0000-00-00T00-00-00"


class SortKey(StrEnum):
    """What a listing is sorted by: the header's time, the file's last change, the newest turn's start."""

    CREATED = "created"
    UPDATED = "updated"
    RECENCY = "recency"


class ListRequest(Struct, frozen=True):
    """Which threads are wanted. `limit` is clamped to 1-100."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    sort: SortKey = SortKey.CREATED
    direction: SortDirection = SortDirection.DESC
    is_archived: bool = False

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


class _Cursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
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
) -> Listing:
    """Return one page of threads. `summarise` reads one thread and raises what is wrong with it.

    A thread that cannot be read is a row with a problem. Raise InvalidCursor.
    """
    is_descending = request.direction is SortDirection.DESC
    anchor = _parse_cursor(request) if request.cursor is not None else None
    candidates = [
        _candidate(fs, file, request.sort)
        for file in index.current_files()
        if file.is_archived == request.is_archived
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
        summary = _summary_of(fs, candidate.file, summarise)
        # Held within its bounds, or a header that contradicts its name could fall between two pages.
        value = _sort_value(summary, request.sort)
        place = _Place(min(max(value, candidate.lowest), candidate.highest), summary.id)
        if anchor is None or _is_beyond(place, anchor, is_descending=is_descending):
            insort(rows, _Row((place.at * sign, _ranked(place.thread_id, is_descending)), place, summary))
    shown = rows[: request.size]
    return Listing(
        [row.summary for row in shown],
        _cursor(request, shown[-1].place, includes=False) if len(rows) > request.size else None,
        _cursor(request, shown[0].place, includes=True) if shown else None,
        find_strays(fs, index),
    )


def _ranked(thread_id: str, is_descending: bool) -> str:
    if not is_descending:
        return thread_id
    return "".join(chr(0x10FFFF - ord(letter)) for letter in thread_id)


def _is_beyond(place: _Place, anchor: _Cursor, *, is_descending: bool) -> bool:
    """Tell whether a place lies on the page's side of the anchor."""
    mark = _Place(anchor.at, anchor.thread_id)
    if place == mark:
        return anchor.include_anchor
    return place < mark if is_descending else place > mark


def _cursor(request: ListRequest, place: _Place, *, includes: bool) -> str:
    return msgspec.json.encode(_Cursor(request.sort, place.at, place.thread_id, includes)).decode()


def _parse_cursor(request: ListRequest) -> _Cursor:
    text = request.cursor or ""
    found = decode_json(text.encode("utf-8", "replace"), _Cursor)
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
        changed = _changed_at(fs, file)
        return _Candidate(file, changed, changed)
    lowest, highest = named_time(file)
    if sort is SortKey.RECENCY:
        highest = max(highest, _changed_at(fs, file) + _WRITE_SLACK_MS)
    return _Candidate(file, lowest, highest)


def _changed_at(fs: FileSystem, file: RolloutFile) -> int:
    stat = fs.find_stat(file.path)
    return stat.modified_at if stat is not None else 0


def named_time(file: RolloutFile) -> tuple[int, int]:
    """Return bounds, in UTC milliseconds, of when a rollout was made, by its name."""
    rollout_id = file.name.rollout_id
    if is_uuid7(rollout_id):
        made = int(rollout_id[:8] + rollout_id[9:13], 16)
        return made - _ID_SLACK_MS, made + _ID_SLACK_MS
    stamp = file.name.stamp
    made_at = parse_time(stamp[:13] + stamp[13:].replace("-", ":")) if len(stamp) == len(_STAMP) else None
    if made_at is None:
        return 0, 1 << 62
    return made_at - _STAMP_SLACK_MS, made_at + _STAMP_SLACK_MS


def _summary_of(
    fs: FileSystem, file: RolloutFile, summarise: Callable[[ThreadId], ThreadSummary]
) -> ThreadSummary:
    try:
        return summarise(file.name.thread_id)
    except RolloutError as error:
        return unreadable_summary(fs, file, error)


def unreadable_summary(fs: FileSystem, file: RolloutFile, error: RolloutError) -> ThreadSummary:
    """Return what can be said of a thread that cannot be opened: from its header, else from its name."""
    problem = problem_of(error)
    changed = _changed_at(fs, file)
    try:
        with open_source(fs, file.path) as source:
            header = read_header(source)
    except RolloutError:
        header = None
    if header is not None and header.thread_id == file.name.thread_id:
        return header_summary(header, file, changed, problem=problem)
    lowest, highest = named_time(file)
    made = (lowest + highest) // 2 if lowest else changed
    return ThreadSummary(
        id=file.name.thread_id,
        session_id=file.name.thread_id,
        path=file.path,
        is_archived=file.is_archived,
        mode=Mode.LEGACY,
        created_at=made,
        updated_at=changed,
        recency_at=made,
        problem=problem,
    )


def find_strays(fs: FileSystem, index: RolloutIndex) -> list[Finding]:
    """Return what lies among the rollouts and is no thread, or could not be looked into."""
    found = [
        Finding(
            folder,
            Problem(
                "storage.failed",
                f"listing {folder}: the operating system refused",
                "Check that you may read it, then list again.",
            ),
        )
        for folder in index.unreadable_folders
    ]
    for path in index.strays:
        try:
            with open_source(fs, path) as source:
                header = read_header(source)
            what = f"{path} is not named like a rollout; its header belongs to thread {header.thread_id}"
            problem = Problem("request.invalid", what, "Read it by its path, or give it its name back.")
        except RolloutError as error:
            problem = problem_of(error)
        found.append(Finding(path, problem))
    return found
