"""What must hold of every thread of every home, however damaged.

Only errors of ours may escape; a bounded resume and a full replay give one answer; pages walked
from either end hold the same rows, each once; and every file that was opened is closed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from rollout.errors import InvalidCursor, RolloutError
from rollout.format.record import Record
from rollout.ids import ThreadId
from rollout.log.lines import iter_lines
from rollout.replay.context import Context, read_context
from rollout.replay.lineage import Lineage
from rollout.store.check import check_files
from rollout.store.listing import ListRequest, list_threads
from rollout.store.opening import Opener
from rollout.store.summary import ThreadSummary, read_summary
from rollout.store.turn_pages import read_item_page, read_turn_page, read_turns
from rollout.testing.memory import MemoryFileSystem
from rollout.turns.paging import ItemsView, Page, PageRequest, SortDirection

T = TypeVar("T")
Row = dict[str, Any]
_MAX_PAGES: Final = 5000


class Violation(Exception):
    """Something that must hold does not. The message says what, expected against found."""


def check_thread(fs: MemoryFileSystem, home: str, thread_id: str, max_line_bytes: int, limit: int) -> None:
    """Read one thread in every way. Raise Violation, or let any error that is not ours escape."""
    opener = Opener(fs, home, max_line_bytes)
    before = fs.open_count

    def ask(question: Callable[[Lineage], T]) -> T | None:
        try:
            with opener.open_thread(ThreadId(thread_id)) as lineage:
                return question(lineage)
        except InvalidCursor:
            raise  # a cursor of ours must be accepted
        except RolloutError as error:
            if not str(error):
                raise Violation(f"an error without a message: {error!r}") from error
            return None

    bounded = ask(read_context)
    full = ask(lambda lineage: read_context(lineage, reads_everything=True))
    if bounded is not None and full is not None:
        _compare_contexts(bounded, full)
    if ask(_is_in_order) is not False:
        _check_turns(ask, limit)
        _check_items(ask, limit)
    if fs.open_count != before:
        raise Violation(f"files left open by reading: {fs.open_count - before}")


def check_home(fs: MemoryFileSystem, home: str, max_line_bytes: int, limit: int) -> None:
    """List and check a home: neither fails, whatever its files hold, and nothing is left out."""
    before = fs.open_count
    opener = Opener(fs, home, max_line_bytes)
    files = opener.index.all_files()
    checked = list(check_files(fs, opener.index, files, max_line_bytes))
    if [check.path for check in checked] != [file.path for file in files]:
        raise Violation(f"files to check: {len(files)}, checked: {len(checked)}")
    listed = [
        thread_id
        for is_archived in (False, True)
        for thread_id in _walk_listing(fs, opener, limit, is_archived=is_archived)
    ]
    expected = sorted({str(file.name.thread_id) for file in files})
    if sorted(listed) != expected:
        raise Violation(f"listing: expected {expected}, found {sorted(listed)}")
    if fs.open_count != before:
        raise Violation(f"files left open by listing or checking: {fs.open_count - before}")


def _walk_listing(fs: MemoryFileSystem, opener: Opener, limit: int, *, is_archived: bool) -> list[str]:
    def summarise(thread_id: ThreadId) -> ThreadSummary:
        with opener.open_thread(thread_id) as lineage:
            return read_summary(lineage)

    walked: list[list[str]] = []
    for direction in SortDirection:
        ids: list[str] = []
        request = ListRequest(limit, direction=direction, is_archived=is_archived)
        while True:
            page = list_threads(fs, opener.index, request, summarise)
            ids += [str(summary.id) for summary in page.data]
            if page.next_cursor is None:
                break
            request = msgspec.structs.replace(request, cursor=page.next_cursor)
        walked.append(ids)
    if walked[0] != walked[1][::-1]:
        raise Violation(f"listing differs by direction: {walked[0]} against {walked[1]}")
    return walked[0]


def _is_in_order(lineage: Lineage) -> bool:
    """Tell whether no segment stores an ordinal below an earlier one.

    Where one does, only a reading of the whole log tells which records count, and a page reads
    its end alone: pages and the whole may differ then. `rollout check` reports it as damage.
    """
    for segment in lineage.segments:
        highest = -1
        if segment.is_paginated:
            for batch in iter_lines(lineage.source(segment), lineage.span(segment)):
                for line in batch:
                    ordinal = line.ordinal if isinstance(line, Record) else None
                    if ordinal is not None and ordinal < highest:
                        return False
                    highest = highest if ordinal is None else ordinal
    return True


def _plain(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _compare_contexts(bounded: Context, full: Context) -> None:
    for name in (
        "previous_turn_settings",
        "reference_context",
        "world_state",
        "window",
        "usage",
        "next_ordinal",
        "not_resumable",
        "latest_context",
    ):
        if getattr(bounded, name) != getattr(full, name):
            raise Violation(
                f"{name} differs: bounded {getattr(bounded, name)!r:.300}, full {getattr(full, name)!r:.300}"
                f"; bounded because {bounded.read.reason}"
            )
    if bounded.input_json() != full.input_json():
        counts = f"bounded has {len(bounded.items)} items, full {len(full.items)}"
        raise Violation(f"items differ: {counts}; bounded because {bounded.read.reason}")
    unknown = [damage for damage in bounded.damage if damage not in full.damage]
    if unknown:
        raise Violation(f"damage that a full replay does not see: {unknown[0]!r:.300}")
    try:
        parsed = json.loads(full.input_json())
    except RecursionError:
        return
    except ValueError as error:
        raise Violation(f"the model input is no JSON: {error}") from error
    if len(parsed) != len(full.items):
        raise Violation(f"the model input has {len(parsed)} items instead of {len(full.items)}")


def _walk(read: Callable[[PageRequest], Page[Any] | None], limit: int, direction: SortDirection) -> list[Row]:
    """Return the rows of all pages, in page order."""
    rows: list[Row] = []
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        page = read(PageRequest(limit, cursor, direction))
        if page is None:
            raise Violation("a page was refused after the page before it was not")
        if len(page.data) > limit:
            raise Violation(f"a page of {len(page.data)} rows where {limit} were asked for")
        rows.extend(_plain(page.data))
        cursor = page.next_cursor
        if cursor is None:
            return rows
        if not page.data:
            raise Violation("an empty page that is not the last one")
    raise Violation(f"more than {_MAX_PAGES} pages: the cursor goes round in a circle")


def _check_turns(ask: Callable[[Callable[[Lineage], Any]], Any], limit: int) -> None:
    turns = ask(lambda lineage: read_turns(lineage, ItemsView.FULL))
    if turns is None:
        return
    expected = _plain(turns)
    for direction in SortDirection:
        rows = _walk(
            lambda request: ask(lambda lineage: read_turn_page(lineage, request, ItemsView.FULL)),
            limit,
            direction,
        )
        if direction is SortDirection.DESC:
            rows.reverse()
        if rows != expected:
            ids = [row["id"] for row in rows]
            wanted = [row["id"] for row in expected]
            raise Violation(f"turn pages, {direction}: expected {wanted}, found {ids}, limit {limit}")


def _check_items(ask: Callable[[Callable[[Lineage], Any]], Any], limit: int) -> None:
    if ask(lambda lineage: read_item_page(lineage, PageRequest(1))) is None:
        return
    walked = [
        _walk(lambda request: ask(lambda lineage: read_item_page(lineage, request)), limit, direction)
        for direction in (SortDirection.ASC, SortDirection.DESC)
    ]
    if walked[0] != walked[1][::-1]:
        counts = " and ".join(str(len(rows)) for rows in walked)
        raise Violation(f"item pages differ by direction: {counts} items, limit {limit}")
    keys = [json.dumps([row["turnId"], row["item"]["id"]]) for row in walked[0]]
    if len(set(keys)) != len(keys):
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise Violation(f"items listed twice: {', '.join(twice)}")
