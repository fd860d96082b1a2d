"""Search over what was said in a home: the index finds, the log shows.

The catalog knows which messages may match and in which order threads come; words, turns and items are
read from the rollouts (invariant 1), and what is not there is not shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from rollout.catalog.query import NO_FILTER, ThreadFilter
from rollout.catalog.registry import LISTED
from rollout.catalog.search import Candidate, Candidates, find_complete
from rollout.catalog.search_index import (
    SEARCH,
    MessagePlace,
    find_place,
    prepare,
)
from rollout.catalog.search_query import Node, is_exact, matches, parse_query
from rollout.catalog.search_rows import Hit, find_hits
from rollout.catalog.search_said import Role
from rollout.catalog.search_wanted import Rank, Wanted
from rollout.catalog.search_words import atoms_of
from rollout.errors import Conflict, InvalidCursor, StorageFailed
from rollout.format.decoding import decode_json
from rollout.store.described import shown_summary
from rollout.store.facts import teller
from rollout.store.search_places import HitReader
from rollout.store.snippets import Snippet, make_snippet
from rollout.store.summary import ThreadSummary
from rollout.store.tombstones import deleted_ids
from rollout.turns.paging import DEFAULT_LIMIT, PageRequest

if TYPE_CHECKING:
    from rollout.catalog.catalog import Catalog
    from rollout.catalog.refresh import Report
    from rollout.fs.api import FileSystem
    from rollout.store.opening import Opener

_CHECKED_THREADS: Final = 200
"""How many threads are read, at most, to count those that hold a phrase."""
_CANDIDATES: Final = 64
_REFRESHES: Final = 3


class SearchRequest(Struct, frozen=True):
    """One page of a search. `query` is as people write it; no role means all of them.

    `where.since_ms` and `until_ms` bound when a thread was last used.
    """

    query: str
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    roles: tuple[Role, ...] = ()
    is_archived: bool = False
    where: ThreadFilter = NO_FILTER

    @property
    def size(self) -> int:
        """How many threads the page holds at most."""
        return PageRequest(self.limit).size


class FoundThread(Struct, frozen=True):
    """A thread, and its newest message that matches; for a title there is no turn to jump to.

    `turn_id` is None, too, for a turn that was taken back. `start_offset` is the byte of its rollout.
    """

    summary: ThreadSummary
    role: Role
    turn_id: str | None
    item_id: str | None
    path: str | None
    start_offset: int | None
    snippet: Snippet
    rank: Rank


class SearchPage(Struct, frozen=True):
    """Threads, best first. `total` counts them on all pages; None where that would take reading them."""

    data: list[FoundThread]
    next_cursor: str | None
    total: int | None


class _Cursor(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where a page ended, and of which search."""

    search: str
    score: float
    recency: int
    thread_id: str
    is_common: bool


def search_threads(
    fs: FileSystem,
    home: str,
    max_line_bytes: int,
    opener: Opener,
    catalog: Catalog,
    request: SearchRequest,
    report: Report | None = None,
) -> SearchPage:
    """Return one page of the threads in which something was said, best first.

    The index is made if need be, and brought up to date. Raise InvalidRequest for a query that cannot be
    read, InvalidCursor, and what using the catalog raises: there is no searching without it.
    """
    node = parse_query(request.query)
    after = _parse_cursor(request)
    _bring_up_to_date(catalog, report)
    hidden = frozenset[str](deleted_ids(fs, home))
    wanted = Wanted(node, request.roles, request.where, request.is_archived, hidden, after)
    tell = teller(fs, home, opener)
    with HitReader(fs, opener, max_line_bytes) as reader:
        search = _Search(catalog, wanted, reader)
        found: list[FoundThread] = []
        for candidate, match in search.iter_found(request.size + 1):
            if len(found) == request.size:
                return SearchPage(found, _make_cursor(request, found[-1].rank), search.count())
            summary = tell(shown_summary(candidate.shown, candidate.name))
            found.append(_shown(node, candidate, match, summary, reader))
        return SearchPage(found, None, search.count())


class _Match(Struct, frozen=True):
    """A row that was held against the log, and what it says."""

    hit: Hit
    place: MessagePlace | None
    role: Role
    text: str


class _Search:
    """One search at work: candidates, each held against the log."""

    def __init__(self, catalog: Catalog, wanted: Wanted, reader: HitReader) -> None:
        self._catalog = catalog
        self._wanted = wanted
        self._reader = reader
        self._is_exact = is_exact(wanted.node)
        self._total: int | None = None
        self._lost = 0

    def iter_found(self, size: int) -> Iterator[tuple[Candidate, _Match]]:
        """Yield threads with the newest of their messages that match, asking for `size` at a time."""
        wanted = self._wanted
        while True:
            page = self._page(wanted, size)
            if wanted is self._wanted:
                self._total = page.total
            hits = self._hits(page.data)
            for candidate in page.data:
                match = self._find_match(hits[candidate.rank.thread_id], candidate.rank.thread_id)
                if match is None:
                    self._lost += 1
                else:
                    yield candidate, match
            if len(page.data) < size:
                return
            wanted = msgspec.structs.replace(wanted, after=page.data[-1].rank)
            size = max(size, _CANDIDATES)

    def count(self) -> int | None:
        """Return how many threads match, or None where too much would have to be read to tell."""
        if self._total is None or self._is_exact:
            return None if self._total is None else self._total - self._lost
        if self._total > _CHECKED_THREADS:
            return None
        every = self._page(msgspec.structs.replace(self._wanted, after=None), self._total).data
        return sum(
            1
            for thread_id, hits in self._hits(every).items()
            if self._find_match(hits, thread_id) is not None
        )

    def _page(self, wanted: Wanted, size: int) -> Candidates:
        for _ in range(_REFRESHES):
            page = self._catalog.ask("searching", partial(find_complete, wanted=wanted, limit=size))
            if page is not None:
                return page
            _bring_up_to_date(self._catalog, None)
        raise _always_anew()

    def _hits(self, candidates: list[Candidate]) -> dict[str, list[Hit]]:
        thread_ids = [candidate.rank.thread_id for candidate in candidates]
        return self._catalog.ask(
            "searching", lambda connection: find_hits(connection, self._wanted, thread_ids)
        )

    def _place_of(self, hit: Hit) -> MessagePlace | None:
        if hit.title is not None:
            return None
        return self._catalog.ask("searching", lambda connection: find_place(connection, hit.row))

    def _find_match(self, hits: list[Hit], thread_id: str) -> _Match | None:
        for hit in hits:
            place = self._place_of(hit)
            said = self._reader.find_said(hit, place, thread_id)
            if said is not None and (self._is_exact or matches(self._wanted.node, atoms_of(said.text))):
                return _Match(hit, place, said.role, said.text)
        return None


def _shown(
    node: Node, candidate: Candidate, match: _Match, summary: ThreadSummary, reader: HitReader
) -> FoundThread:
    address = reader.address_of(match.hit, match.place)
    place = match.place
    return FoundThread(
        summary,
        match.role,
        address.turn_id,
        address.item_id,
        match.hit.path,
        place.start_offset if place is not None else None,
        make_snippet(node, match.text),
        candidate.rank,
    )


def _bring_up_to_date(catalog: Catalog, report: Report | None) -> None:
    """Refresh the catalog with its index. Raise Conflict when others keep that from ending."""
    try:
        for _ in range(_REFRESHES):
            catalog.refresh(wanted=LISTED | {SEARCH.name}, report=report)
            if catalog.ask("preparing a search", prepare):
                return
    except StorageFailed as error:
        raise StorageFailed(
            f"searching: the catalog cannot be used: {error.message}",
            hint="Name a folder that can be written to, with --state-dir.",
        ) from error
    raise _always_anew()


def _always_anew() -> Conflict:
    return Conflict(
        "searching: the index is made anew by others again and again", hint="Search again in a while."
    )


def _mark(request: SearchRequest) -> str:
    """Return what tells this search from any other: what it asks for, and no option that was left out."""
    where = {
        name: getattr(request.where, name)
        for name in ThreadFilter.__struct_fields__
        if getattr(request.where, name) != getattr(NO_FILTER, name)
    }
    asked = [request.query, request.roles, request.is_archived, where]
    return sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()[:16]


def _make_cursor(request: SearchRequest, rank: Rank) -> str:
    cursor = _Cursor(_mark(request), rank.score, rank.recency, rank.thread_id, rank.is_common)
    return msgspec.json.encode(cursor).decode()


def _parse_cursor(request: SearchRequest) -> Rank | None:
    if request.cursor is None:
        return None
    found = decode_json(request.cursor.encode("utf-8", "replace"), _Cursor)
    if found is None or found.search != _mark(request):
        why = "it is not a cursor of a search" if found is None else "it belongs to another search"
        raise InvalidCursor(
            f"invalid cursor: {request.cursor[:200]}: {why}",
            hint="Use a cursor from a page of the same search, or start without one.",
        )
    return Rank(found.score, found.recency, found.thread_id, found.is_common)
