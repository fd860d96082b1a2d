"""Pages of rows: order, cursors and rows are those of a listing from the files, under any filter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rollout.catalog.query import NO_FILTER, Query, ThreadFilter
from rollout.store.listing import Listing, ListRequest
from rollout.store.places import SortKey
from rollout.turns.paging import SortDirection
from tests.builders import Rollout, thread, uuid
from tests.catalog_home import DiskHome

SPAWNED = {"subagent": {"thread_spawn": {"parent_thread_id": uuid(1)}}}


def crowd() -> Iterator[Rollout]:
    """Yield threads of many kinds: forks, agents, legacy ones, one that cannot be read, an empty one."""
    for number in range(1, 9):
        cwd = f"/src/app{number % 3}"
        time = f"2026-11-21T0{number}:00:00.000Z"
        made = thread(number, cwd=cwd, timestamp=time, model_provider=f"p{number % 2}", source="cli")
        yield made.context(cwd=cwd).shows("t", "t-asked", f"Question {number}", "UserMessage")
    parent = thread(20, source="exec").turn("A parent's question")
    yield parent
    yield parent.fork(21)
    yield parent.fork(22).turn("A child's question")
    yield thread(30, "legacy", source="vscode").event("user_message", message="An old question")
    yield thread(31, source=SPAWNED).turn("Spawned")
    yield thread(32, parent_thread_id=uuid(31)).turn("Spawned below")
    yield thread(33, "legacy", parent_thread_id=uuid(32)).event("user_message", message="At the bottom")
    yield thread(40).fork(41)  # whose base is nowhere
    yield thread(42)


def home_of(disk: DiskHome) -> DiskHome:
    """Fill a home with them, some archived."""
    for minute, rollout in enumerate(crowd()):
        disk.put(rollout, archived=minute % 5 == 4, minute=minute)
    lines = [
        f'{{"id":"{uuid(number)}","thread_name":"{name}","updated_at":"x"}}\n'
        for number, name in ((3, "A name"), (41, "Without a base"))
    ]
    disk.write(disk.path / "session_index.jsonl", "".join(lines).encode())
    return disk


FILTERS = {
    "none": NO_FILTER,
    "folder": ThreadFilter(cwds=("/src/app1", "/src/app2")),
    "kind": ThreadFilter(source_kinds=("cli",)),
    "sub-agents": ThreadFilter(source_kinds=("subAgent", "exec")),
    "provider": ThreadFilter(providers=("p1",)),
    "parent": ThreadFilter(parent_id=uuid(1)),
    "ancestor": ThreadFilter(ancestor_id=uuid(1)),
    "title": ThreadFilter(term="uestion"),
    "case": ThreadFilter(term="QUESTION"),
    "name": ThreadFilter(term="A name"),
    "since": ThreadFilter(since_ms=1_795_240_005_000),
    "until": ThreadFilter(until_ms=1_795_240_005_000),
    "several": ThreadFilter(cwds=("/src/app1",), term="Question", source_kinds=("cli",)),
    "nothing": ThreadFilter(cwds=("/nowhere",)),
}


def pages(disk: DiskHome, request: ListRequest, *, of_rows: bool) -> list[Listing]:
    """Return all pages, from rows or from files."""
    listings = disk.listings()
    found: list[Listing] = []
    cursor = None
    while True:
        one = ListRequest(
            3, cursor, request.sort, request.direction, is_archived=request.is_archived, where=request.where
        )
        page = listings.page_of_rows(one) if of_rows else listings.page_of_files(one)
        assert page is not None
        found.append(page)
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("where", list(FILTERS))
def test_rows_answer_as_the_files_do(disk: DiskHome, where: str) -> None:
    """Every page, its summaries, both its cursors and what lies beside it, for every order."""
    home_of(disk).catalog().refresh()
    for sort in SortKey:
        if where == "none" and sort is SortKey.CREATED:
            continue  # which the files answer
        for direction in SortDirection:
            for is_archived in (False, True):
                request = ListRequest(3, None, sort, direction, is_archived, FILTERS[where])
                assert pages(disk, request, of_rows=True) == pages(disk, request, of_rows=False)


def test_a_filter_lets_through_what_it_says(disk: DiskHome) -> None:
    """By ids, for that both ways of answering agree proves neither right."""
    home_of(disk)

    def found(where: ThreadFilter) -> set[int]:
        listings = disk.listings()
        rows = [
            row
            for is_archived in (False, True)
            for row in listings.list_threads(ListRequest(100, is_archived=is_archived, where=where)).data
        ]
        return {int(row.id[-12:], 16) for row in rows}

    assert found(FILTERS["folder"]) == {1, 2, 4, 5, 7, 8}
    assert found(FILTERS["provider"]) == {1, 3, 5, 7}
    assert found(FILTERS["kind"]) == set(range(1, 9))
    assert found(FILTERS["sub-agents"]) == {20, 31}
    assert found(FILTERS["parent"]) == {31}
    assert found(FILTERS["ancestor"]) == {31, 32, 33}
    assert found(FILTERS["name"]) == {3}
    assert found(FILTERS["case"]) == set()
    assert found(FILTERS["several"]) == {1, 4, 7}


def test_a_thread_that_spawned_itself_is_listed_once(disk: DiskHome) -> None:
    """A circle of parents ends."""
    disk.put(thread(1, parent_thread_id=uuid(2)).turn("One"))
    disk.put(thread(2, parent_thread_id=uuid(1)).turn("Two"))
    page = disk.listings().list_threads(ListRequest(where=ThreadFilter(ancestor_id=uuid(1))))
    assert [row.id for row in page.data] == [uuid(2)]


def test_an_empty_page_has_no_cursor_and_a_full_one_has(disk: DiskHome) -> None:
    """However many rows a filter passes over between two that it lets through."""
    for number in range(1, 400):
        disk.put(thread(number, cwd="/rare" if number % 190 == 1 else "/common"))
    listings = disk.listings()
    where = ThreadFilter(cwds=("/rare",))
    first = listings.list_threads(ListRequest(1, where=where))
    rest = listings.list_threads(ListRequest(5, first.next_cursor, where=where))
    assert [int(row.id[-12:], 16) for row in [*first.data, *rest.data]] == [381, 191, 1]
    assert rest.next_cursor is None


def test_a_thread_that_the_catalog_has_not_met_is_listed(disk: DiskHome) -> None:
    """Whoever made it, and whenever."""
    disk.put(thread(1).turn("Hey"))
    listings = disk.listings()
    request = ListRequest(where=ThreadFilter(term="e"))
    assert len(listings.list_threads(request).data) == 1
    disk.put(thread(2).turn("Hello"))
    assert len(listings.list_threads(request).data) == 2


def test_rows_of_one_time_are_in_the_order_of_their_ids(disk: DiskHome) -> None:
    """A cursor that tells milliseconds alone would skip the rest of that moment."""
    for number in range(1, 8):
        disk.put(thread(number, cwd="/same"), minute=1)
    request = ListRequest(3, where=ThreadFilter(cwds=("/same",)))
    found = [row.id for page in pages(disk, request, of_rows=True) for row in page.data]
    assert found == [uuid(number) for number in range(7, 0, -1)]


def test_a_part_of_a_title_is_found_by_its_letters(disk: DiskHome) -> None:
    """Whatever stands in it, in names and titles, and no more once they are others."""
    catalog = disk.catalog()
    words = ['Say "hello, world"', "Größe \U0001f600 prüfen", "ab", "a*b OR (c)", "Two\nlines"]
    for number, said in enumerate(words, 1):
        disk.put(thread(number).turn(said))
    catalog.refresh()

    def found(term: str) -> set[str]:
        where = ThreadFilter(term=term)
        return {row.thread_id for row in catalog.find_threads(Query(10, "created", True, False, None, where))}

    for number, said in enumerate(words, 1):
        for start in range(len(said)):
            assert thread(number).thread_id in found(said[start : start + 4])
    assert found("HELLO") == found("lines\nTwo") == set()
    disk.put(thread(9).turn("what\0stands behind"))
    catalog.refresh()
    assert found("stands behind") == {thread(9).thread_id}
    disk.put(thread(1).turn("Something else"))
    catalog.refresh()
    assert found("hello") == set()
    assert found("thing el") == {thread(1).thread_id}
    catalog.rebuild("threads")
    assert found("thing el") == {thread(1).thread_id}


def test_one_or_two_letters_of_a_title_are_found(disk: DiskHome) -> None:
    """Wherever they stand, in titles of one letter, too; and those that no title has are in none."""
    catalog = disk.catalog()
    words = ["qu", "z", "a zb", "é\U0010ffffé", "lazy \U0001f600", "cut\0off"]
    for number, said in enumerate(words, 1):
        disk.put(thread(number).turn(said))
    catalog.refresh()

    def found(term: str) -> set[str]:
        where = ThreadFilter(term=term)
        return {row.thread_id for row in catalog.find_threads(Query(10, "created", True, False, None, where))}

    terms = {said[start : start + size] for said in words for start in range(len(said)) for size in (1, 2)}
    for term in terms | {"Q", "zz", '"', "\n", "*"}:
        having = {thread(number).thread_id for number, said in enumerate(words, 1) if term in said}
        assert found(term) == having, term


def test_a_letter_that_is_in_many_titles_in_many_ways_is_found(disk: DiskHome) -> None:
    """Then all are looked through."""
    catalog = disk.catalog()
    for number in range(1, 21):
        disk.put(thread(number).turn(f"x{chr(96 + number)}y"))
    catalog.refresh()
    query = Query(30, "created", True, False, None, ThreadFilter(term="x"))
    assert len(catalog.find_threads(query)) == 20
