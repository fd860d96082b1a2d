"""Search by letters: the threads in whose newest rollout a text was said, in the order of a listing.

The index, or a look at the bytes of the files where it is not up to date, says where a text may stand; the
log decides (invariant 1). Both ways give the same pages and the same cursors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from rollout.catalog.query import Anchor, Query
from rollout.catalog.registry import LISTED
from rollout.catalog.spoken import LABELS, SPOKEN, find_due, find_speakers, spoken_in
from rollout.errors import RolloutError
from rollout.format.record import Record
from rollout.fs.api import FileSystem
from rollout.ids import ThreadId
from rollout.log.lines import iter_lines
from rollout.store.described import shown_summary
from rollout.store.facts import teller
from rollout.store.filtering import matcher
from rollout.store.listing import ListRequest, list_threads, make_cursor, parse_cursor
from rollout.store.opening import Opener
from rollout.store.spoken_bytes import byte_test
from rollout.store.summary import ThreadSummary, read_summary
from rollout.store.tombstones import deleted_ids
from rollout.turns.paging import SortDirection

if TYPE_CHECKING:
    from rollout.catalog.catalog import Catalog

_BUDGET_BYTES: Final = 64 << 20
"""What a search reads to bring its index up to date; with more to read, the files are the faster way."""
_MOST_DUE: Final = 256
_WAIT_MILLIS: Final = 1_000
_ROWS_AT_ONCE: Final = 64
_FEW_THREADS: Final = 2_000
"""So many are named to the catalog; more are told apart as its rows come."""


class SpokenPlace(Struct, frozen=True):
    """A message that holds the text, and where: half-open, in characters."""

    text: str
    start: int
    end: int


class FoundSpoken(Struct, frozen=True):
    """A thread, and the first of its messages that holds the text."""

    summary: ThreadSummary
    place: SpokenPlace


class SpokenPage(Struct, frozen=True):
    """One page of what a search found."""

    data: list[FoundSpoken]
    next_cursor: str | None
    backwards_cursor: str | None


def letters_of(text: str) -> re.Pattern[str]:
    """Return what finds a text literally, whatever the case of its letters; a dotless i is another letter."""
    parts = []
    for letter in text:
        if letter in "iI":
            parts.append("(?-i:[iI])")
        else:
            parts.append(f"(?-i:{letter})" if letter in "İı" else re.escape(letter))
    return re.compile("".join(parts), re.IGNORECASE)


class SpokenSearch:
    """One search over a home; `request` says which threads, in which order."""

    def __init__(self, fs: FileSystem, home: str, opener: Opener, request: ListRequest, text: str) -> None:
        self._fs = fs
        self._home = home
        self._opener = opener
        self._request = request
        self._text = text
        self._pattern = letters_of(text)

    def page(self, catalog: Catalog | None) -> SpokenPage:
        """Return one page, by the index if it can be had. Raise InvalidCursor."""
        parse_cursor(self._request)
        if catalog is not None:
            try:
                found = self._page_of_rows(catalog)
            except RolloutError:
                found = None  # whatever it was, the files are there
            if found is not None:
                return found
        return self.page_of_files()

    def _page_of_rows(self, catalog: Catalog) -> SpokenPage | None:
        """Return the page that the index leads to; None where it is too far behind."""
        if catalog.ask("searching", lambda connection: find_due(connection, _MOST_DUE)) >= _MOST_DUE:
            return None
        wanted = LISTED | {SPOKEN.name}
        refreshed = catalog.refresh(wanted=wanted, budget_bytes=_BUDGET_BYTES, wait_millis=_WAIT_MILLIS)
        if not refreshed.is_complete:
            return None
        may_have = catalog.ask("searching", lambda connection: find_speakers(connection, self._text))
        found: list[FoundSpoken] = []
        at: list[int] = []
        for place, summary in self._iter_rows(catalog, may_have):
            said = self._find_said(summary)
            if said is None:
                continue
            if len(found) == self._request.size:
                return self._page(found, at, has_more=True)
            found.append(FoundSpoken(summary, said))
            at.append(place)
        return self._page(found, at, has_more=False)

    def _page(self, found: list[FoundSpoken], at: list[int], *, has_more: bool) -> SpokenPage:
        def cursor(number: int, *, includes: bool) -> str:
            return make_cursor(self._request, at[number], found[number].summary.id, includes=includes)

        return SpokenPage(
            found,
            cursor(-1, includes=False) if has_more else None,
            cursor(0, includes=True) if found else None,
        )

    def _iter_rows(
        self, catalog: Catalog, may_have: frozenset[str] | None
    ) -> Iterator[tuple[int, ThreadSummary]]:
        """Yield the threads that may have said it, and where each stands in the order."""
        request, where = self._request, self._request.where
        if may_have is not None and len(may_have) <= _FEW_THREADS:
            among = may_have if where.among is None else may_have.intersection(where.among)
            where = structs.replace(where, among=tuple(among))
        anchor = parse_cursor(request)
        after = Anchor(anchor.at, anchor.thread_id, anchor.include_anchor) if anchor is not None else None
        hidden = tuple(deleted_ids(self._fs, self._home))
        tell = teller(self._fs, self._home, self._opener)
        while True:
            query = Query(
                _ROWS_AT_ONCE,
                request.sort.value,
                request.direction is SortDirection.DESC,
                request.is_archived,
                after,
                where,
                hidden,
            )
            rows = catalog.find_threads(query)
            for row in rows:
                if may_have is None or row.thread_id in may_have:
                    yield row.at, tell(shown_summary(row.shown, row.name))
            if len(rows) < _ROWS_AT_ONCE:
                return
            after = Anchor(rows[-1].at, rows[-1].thread_id, includes=False)

    def page_of_files(self) -> SpokenPage:
        """Return the page as the files have it. Raise InvalidCursor."""
        index = self._opener.index
        passes = matcher(self._fs, index, self._request.where)
        places: dict[ThreadId, SpokenPlace] = {}

        def wants(summary: ThreadSummary, at: int) -> bool:
            if not passes(summary, at):
                return False
            said = self._find_said(summary)
            if said is not None:
                places[summary.id] = said
            return said is not None

        def summarise(thread_id: ThreadId) -> ThreadSummary:
            with self._opener.open_thread(thread_id) as lineage:
                return read_summary(lineage)

        listing = list_threads(
            self._fs,
            index,
            self._request,
            summarise,
            wants,
            deleted_ids(self._fs, self._home),
            teller(self._fs, self._home, self._opener),
            may_pass=byte_test(self._fs, self._text),
        )
        found = [FoundSpoken(summary, places[summary.id]) for summary in listing.data]
        return SpokenPage(found, listing.next_cursor, listing.backwards_cursor)

    def _find_said(self, summary: ThreadSummary) -> SpokenPlace | None:
        """Return the first message of a thread's newest rollout that holds the text, if it can be read."""
        if summary.problem is not None:
            return None
        try:
            with self._opener.open_thread(summary.id) as lineage:
                for batch in iter_lines(lineage.newest_source, lineage.span(lineage.newest)):
                    for line in batch:
                        if not isinstance(line, Record) or line.label not in LABELS:
                            continue
                        text = spoken_in(line)
                        match = self._pattern.search(text) if text is not None else None
                        if text is not None and match is not None:
                            return SpokenPlace(text, match.start(), match.end())
        except RolloutError:
            return None
        return None
