"""`thread/list`: pages of threads under a filter, and what the protocol leaves out of them.

Threads that nobody has asked anything yet are not listed. Contract: docs/protocol.md, "Methods".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from msgspec import Struct, structs

from rollout.appserver import params as takes
from rollout.appserver.call import Answer, Call, uuid_fault
from rollout.appserver.protocol import INVALID_PARAMS, Refusal
from rollout.appserver.shapes import shown_thread
from rollout.catalog.kinds import SourceKind
from rollout.catalog.query import ThreadFilter, is_dense
from rollout.errors import RolloutError
from rollout.ids import ThreadId, find_uuid
from rollout.store.filtering import matcher
from rollout.store.listing import Listing, ListRequest
from rollout.store.listing import list_threads as page_of_files
from rollout.store.places import SortKey
from rollout.store.summary import ThreadSummary
from rollout.store.tombstones import deleted_ids
from rollout.turns.paging import DEFAULT_LIMIT, SortDirection

_MOST_EXCLUDED = 100
INTERACTIVE = (SourceKind.CLI.value, SourceKind.VSCODE.value)
SORTS = {
    takes.ThreadSortKey.CREATED: SortKey.CREATED,
    takes.ThreadSortKey.UPDATED: SortKey.UPDATED,
    takes.ThreadSortKey.RECENCY: SortKey.RECENCY,
}


class ThreadsPage(Struct, frozen=True):
    """One page of threads that passed."""

    data: list[ThreadSummary]
    next_cursor: str | None
    backwards_cursor: str | None


def list_threads(call: Call, given: takes.ThreadList) -> Answer:
    """Return one page of threads, newest first unless told otherwise."""
    excluded = _excluded(given.excluded_thread_ids or [])
    if given.originators:
        message = "originator filtering is not supported by the local app-server"
        raise Refusal(INVALID_PARAMS, message)
    if given.sort_key is takes.ThreadSortKey.SECTION and not given.section_id:
        raise call.invalid("section-position sorting requires a section filter")
    where = _filter(call, given)
    is_empty = given.cwd == [] or given.project_id or given.section_id or given.attached_to_thread_id
    if is_empty:
        return Answer({"data": [], "nextCursor": None, "backwardsCursor": None, "readStates": None})
    request = ListRequest(
        given.limit if given.limit is not None else DEFAULT_LIMIT,
        given.cursor,
        SORTS.get(given.sort_key or takes.ThreadSortKey.CREATED, SortKey.CREATED),
        given.sort_direction or SortDirection.DESC,
        bool(given.archived),
        where,
    )

    def is_wanted(summary: ThreadSummary) -> bool:
        return summary.id not in excluded and (bool(summary.preview) or summary.problem is not None)

    page = page_of(lambda part: _read(call, part), request, is_wanted)
    return Answer(
        {
            "data": [shown_thread(call.server, summary) for summary in page.data],
            "nextCursor": page.next_cursor,
            "backwardsCursor": page.backwards_cursor,
            "readStates": None,
        }
    )


def page_of(
    read: Callable[[ListRequest], Listing], request: ListRequest, is_wanted: Callable[[ThreadSummary], bool]
) -> ThreadsPage:
    """Return a full page of the threads that are wanted, however many lie between them.

    Never reads beyond what it takes, so that its cursors are those of the listing.
    """
    kept: list[ThreadSummary] = []
    backwards: str | None = None
    cursor = request.cursor
    while True:
        listing = read(structs.replace(request, cursor=cursor, limit=request.size - len(kept)))
        if not kept:
            unwanted = _leading(listing.data, is_wanted)
            if 0 < unwanted < len(listing.data):
                # Its anchor would be a thread that is not shown: begin behind those.
                listing = read(structs.replace(request, cursor=cursor, limit=unwanted))
                cursor = listing.next_cursor
                continue
            backwards = listing.backwards_cursor if not unwanted else None
        kept += [summary for summary in listing.data if is_wanted(summary)]
        cursor = listing.next_cursor
        if cursor is None or len(kept) >= request.size:
            return ThreadsPage(kept, cursor, backwards if kept else None)


def _leading(data: list[ThreadSummary], is_wanted: Callable[[ThreadSummary], bool]) -> int:
    return next((at for at, summary in enumerate(data) if is_wanted(summary)), len(data))


def _read(call: Call, request: ListRequest) -> Listing:
    """Return a page of a listing: of rows where they are up to date or soon are, else of files.

    In the order of creation names bound what is read, so a filter that most threads pass needs no catalog;
    what was read of a file is kept while it stays the same.
    """
    store = call.server.store
    if not is_dense(request.where) or request.sort is not SortKey.CREATED:
        return store.catalog.list_threads(request)
    with suppress(RolloutError):
        found = store.catalog.page_of_rows(request)
        if found is not None:
            return found
    index = store.rollouts().index
    summaries = call.server.opened.summaries

    def summarise(thread_id: ThreadId) -> ThreadSummary:
        files = index.files_of(thread_id)
        return summaries.read(thread_id, files[0].path if files else store.home)

    wants = matcher(store.fs, index, request.where)
    return page_of_files(store.fs, index, request, summarise, wants, deleted_ids(store.fs, store.home))


def _filter(call: Call, given: takes.ThreadList) -> ThreadFilter:
    parent = _spawner(call, given.parent_thread_id, "parent")
    ancestor = _spawner(call, given.ancestor_thread_id, "ancestor")
    if parent is not None and ancestor is not None:
        raise call.invalid("parentThreadId and ancestorThreadId are mutually exclusive")
    kinds = tuple(kind.value for kind in given.source_kinds or ())
    is_spawned = parent is not None or ancestor is not None
    if not kinds and not is_spawned:
        kinds = INTERACTIVE
    providers = tuple(given.model_providers or ())
    configured = call.server.settings.provider
    if given.model_providers is None and configured is not None and not is_spawned:
        providers = (configured,)
    cwds = (given.cwd,) if isinstance(given.cwd, str) else tuple(given.cwd or ())
    return ThreadFilter(
        cwds=tuple(dict.fromkeys(form for cwd in cwds for form in _forms(cwd))),
        source_kinds=kinds,
        providers=providers,
        parent_id=parent,
        ancestor_id=ancestor,
        term=given.search_term or "",
    )


def _forms(cwd: str) -> tuple[str, ...]:
    """Return a folder as it may be stored: without its trailing slash as well."""
    bare = cwd.rstrip("/") or "/"
    return (cwd, bare)


def _spawner(call: Call, text: str | None, what: str) -> str | None:
    if not text:
        return None
    return call.thread_id(text, what=f"{what} thread id")


def _excluded(texts: list[str]) -> frozenset[Any]:
    if len(texts) > _MOST_EXCLUDED:
        raise Refusal(INVALID_PARAMS, f"excludedThreadIds accepts at most {_MOST_EXCLUDED} entries")
    for text in texts:
        if find_uuid(text) is None:
            raise Refusal(INVALID_PARAMS, f"invalid excluded thread id: {uuid_fault(text)}")
    return frozenset(find_uuid(text) for text in texts)
