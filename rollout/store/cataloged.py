"""The catalog of a store's home, and the files where the catalog cannot be had.

A cache: no error of it reaches anybody who lists, records, resumes or forks. Invariant 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec import structs

from rollout.catalog.query import NO_FILTER, Anchor, FoundThread, Query, is_by_headers, is_dense
from rollout.errors import InvalidRequest, RolloutError
from rollout.fs.api import FileSystem
from rollout.fs.posix import POSIX
from rollout.ids import ThreadId
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile, join
from rollout.store.described import describe, shown_summary
from rollout.store.facts import teller, with_facts
from rollout.store.filtering import matcher
from rollout.store.headers import Rollouts
from rollout.store.listing import (
    Finding,
    Listing,
    ListRequest,
    find_strays,
    findings_of,
    first_thread,
    list_threads,
    make_cursor,
    parse_cursor,
)
from rollout.store.opening import Opener
from rollout.store.places import SortKey
from rollout.store.spawners import by_what_was_said
from rollout.store.summary import ThreadSummary, read_summary
from rollout.store.tombstones import deleted_ids
from rollout.turns.paging import SortDirection

if TYPE_CHECKING:
    from rollout.catalog.catalog import Catalog
    from rollout.catalog.refresh import Refreshed, Report
    from rollout.catalog.stats import CatalogStats
    from rollout.catalog.threads import Described
    from rollout.store.search import SearchPage, SearchRequest
    from rollout.store.spoken import SpokenPage

_LISTING_BUDGET_BYTES: Final = 128 << 20
"""What a listing reads to bring an existing catalog up to date; with more to read, the files are faster."""
_CATCH_UP_BYTES: Final = 8 << 20
_LISTING_WAIT_MILLIS: Final = 1_000
_FILTERED_WAIT_MILLIS: Final = 30_000
"""For another process that refreshes; after that, reading every file takes no longer."""


class Cataloged:
    """The listings of one home. `state_folder` None means that nothing derived is kept."""

    def __init__(
        self,
        fs: FileSystem,
        home: str,
        opener: Opener,
        state_folder: str | None,
        clock: Callable[[], int],
        max_line_bytes: int,
    ) -> None:
        self._fs = fs
        self._home = home
        self._opener = opener
        self._state_folder = state_folder
        self._clock = clock
        self._max_line_bytes = max_line_bytes
        self._catalog: Catalog | None = None
        self._has_listed = False

    def get(self) -> Catalog:
        """Return the catalog, which need not have been made yet.

        Raise InvalidRequest when there is no folder for derived files, or the home is on no real disk.
        """
        if self._catalog is None:
            if self._state_folder is None or self._fs is not POSIX:
                raise InvalidRequest(
                    f"using the catalog of {self._home}: there is nowhere to keep one",
                    hint="Name a folder for derived files, with --state-dir.",
                )
            from rollout.catalog.catalog import Catalog
            from rollout.fs.posix_write import POSIX_MUTABLE

            self._catalog = Catalog(
                POSIX_MUTABLE,
                self._home,
                self._state_folder,
                self._describe,
                self._clock,
                self._max_line_bytes,
            )
        return self._catalog

    def find(self) -> Catalog | None:
        """Return the catalog if one has been made, else None."""
        if self._catalog is None and (
            self._state_folder is None
            or self._fs is not POSIX
            or self._fs.find_stat(join(self._state_folder, "catalog/catalog.sqlite")) is None
        ):
            return None
        catalog = self.get()
        return catalog if catalog.is_there else None

    def _describe(self, index: RolloutIndex, file: RolloutFile) -> Described:
        return describe(self._fs, self._opener, index, file)

    def list_threads(self, request: ListRequest, report: Report | None = None) -> Listing:
        """Return one page of threads, from the catalog where that is faster, else from the files.

        With a filter that few threads pass the catalog is made if need be: otherwise every such page would
        read the whole home. With any other, or none, an existing catalog is asked if it is up to date or
        soon is; without one not for the first page in the order of creation, in which names alone bound a
        page. Raise InvalidCursor.
        """
        try:
            found = self.page_of_rows(request, report)
        except RolloutError:
            found = None  # whatever it was, the files are there
        return found if found is not None else self.page_of_files(request)

    def newest_thread_id(self) -> ThreadId:
        """Return the thread whose file changed last. Raise NotFound in an empty home."""
        return first_thread(self.list_threads(ListRequest(1, sort=SortKey.UPDATED)), self._home)

    def findings(self) -> list[Finding]:
        """Return what lies among the rollouts and is no thread, or could not be looked into."""
        return find_strays(self._fs, self._opener.index)

    def rollouts(self) -> Rollouts:
        """Return the rollouts of the home, for those who must know how they hang together."""
        return Rollouts(self._fs, self._home, self._opener.index, self._max_line_bytes)

    def page_of_rows(self, request: ListRequest, report: Report | None = None) -> Listing | None:
        """Return the page as the catalog has it; None where the files are the ones to ask."""
        request = self._by_what_was_said(request)
        anchor = parse_cursor(request)
        is_filtered = request.where != NO_FILTER
        if not is_filtered and request.sort is SortKey.CREATED and not self._has_listed:
            self._has_listed = True  # names alone bound such a page: a refresh pays for those that follow
            return None
        is_sparse = not is_dense(request.where)
        catalog = self.get() if is_sparse else self.find()
        if catalog is None:
            return None
        query = Query(
            request.size + 1,
            request.sort.value,
            request.direction is SortDirection.DESC,
            request.is_archived,
            Anchor(anchor.at, anchor.thread_id, anchor.include_anchor) if anchor is not None else None,
            request.where,
            tuple(deleted_ids(self._fs, self._home)),
        )
        if request.sort is SortKey.CREATED and is_by_headers(request.where):
            recent = catalog.find_recent(query)
            if recent is not None:
                return self._page(request, *recent)
        if is_sparse:
            refreshed = catalog.refresh(report=report, wait_millis=_FILTERED_WAIT_MILLIS)
        else:
            refreshed = catalog.refresh(
                budget_bytes=_LISTING_BUDGET_BYTES, report=report, wait_millis=_LISTING_WAIT_MILLIS
            )
        if not refreshed.is_complete:
            return None
        return self._page(request, catalog.find_threads(query), refreshed)

    def _by_what_was_said(self, request: ListRequest) -> ListRequest:
        if request.where.parent_id is None and request.where.ancestor_id is None:
            return request
        return structs.replace(request, where=by_what_was_said(request.where, self, self.rollouts()))

    def _page(self, request: ListRequest, rows: list[FoundThread], refreshed: Refreshed) -> Listing:
        shown = rows[: request.size]
        facts = self._opener.facts.get()
        return Listing(
            [
                with_facts(shown_summary(row.shown, row.name), facts.get(ThreadId(row.thread_id)))
                for row in shown
            ],
            make_cursor(request, shown[-1].at, shown[-1].thread_id, includes=False)
            if len(rows) > request.size
            else None,
            make_cursor(request, shown[0].at, shown[0].thread_id, includes=True) if shown else None,
            findings_of(self._fs, refreshed.strays, refreshed.unreadable_folders),
        )

    def page_of_files(self, request: ListRequest) -> Listing:
        """Return the page as the files have it. Raise InvalidCursor."""

        def summarise(thread_id: ThreadId) -> ThreadSummary:
            with self._opener.open_thread(thread_id) as lineage:
                return read_summary(lineage)

        request = self._by_what_was_said(request)
        index = self._opener.index
        wants = matcher(self._fs, index, request.where)
        tell = teller(self._fs, self._home, self._opener)
        return list_threads(
            self._fs, index, request, summarise, wants, deleted_ids(self._fs, self._home), tell
        )

    def search(self, request: SearchRequest, report: Report | None = None) -> SearchPage:
        """Return one page of threads in which something was said. Raise as `search.search_threads` does."""
        from rollout.store.search import search_threads

        return search_threads(
            self._fs, self._home, self._max_line_bytes, self._opener, self.get(), request, report
        )

    def search_spoken(self, request: ListRequest, text: str) -> SpokenPage:
        """Return one page of threads in which a text was said, in the order of a listing.

        Raise InvalidCursor. By the index where there is one that is up to date or soon is, else by the files.
        """
        from rollout.store.spoken import SpokenSearch

        search = SpokenSearch(self._fs, self._home, self._opener, request, text)
        try:
            catalog = self.find()
        except RolloutError:
            catalog = None
        return search.page(catalog)

    def rebuild(self, domain: str | None = None, report: Report | None = None) -> Refreshed:
        """Compute the catalog anew, or one domain of it. Raise as `Catalog.rebuild` does."""
        from rollout.catalog.search_index import SEARCH, empty
        from rollout.catalog.spoken import SPOKEN, empty_spoken

        catalog = self.get()
        if domain in {None, SEARCH.name}:  # replaced file by file, it would be half dead afterwards
            catalog.ask("emptying the index", empty)
        if domain in {None, SPOKEN.name}:
            catalog.ask("emptying the index", empty_spoken)
        return catalog.rebuild(domain, report)

    def stats(self) -> CatalogStats | None:
        """Return what the catalog holds, or None when none has been made."""
        catalog = self.find()
        return catalog.stats() if catalog is not None else None

    def note_change(self, path: str) -> None:
        """Bring an existing catalog up to date with one rollout that was written to, if that can be done."""
        try:
            catalog = self.find()
            if catalog is not None:
                catalog.refresh_file(path)
        except RolloutError:
            return  # the next refresh sees it

    def catch_up(self) -> None:
        """Bring an existing catalog up to date with what was written here, if that reads little.

        When all is done rather than turn by turn: no turn takes longer, and the next refresh sees it anyway.
        """
        written = self._opener.written
        try:
            catalog = self.find()
            while catalog is not None and written:
                catalog.keep_current(written.pop(), _CATCH_UP_BYTES)
        except RolloutError:
            return  # the next refresh sees the rest
        finally:
            written.clear()

    def close(self) -> None:
        """Let go of the catalog's file. Idempotent."""
        if self._catalog is not None:
            self._catalog.close()
