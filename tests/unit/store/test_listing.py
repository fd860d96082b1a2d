"""Threads by page: nothing is left out, pages meet, and few files are opened."""

from __future__ import annotations

import pytest

from rollout.errors import InvalidCursor
from rollout.store.places import SortKey
from rollout.testing.memory import MemoryFileSystem
from rollout.turns.paging import SortDirection
from tests.unit.made_lines import event
from tests.unit.store.small_home import DAY, HOME, log_of, path_of, store_of, thread_id

COUNT = 23


def home_of(count: int = COUNT) -> MemoryFileSystem:
    """Return a home of `count` threads."""
    return MemoryFileSystem(
        {path_of(number): log_of(number, f"Question {number}") for number in range(count)}
    )


def walk(fs: MemoryFileSystem, sort: SortKey, direction: SortDirection, limit: int = 5) -> list[str]:
    """Return the ids of all pages."""
    found: list[str] = []
    cursor = None
    with store_of(fs) as store:
        while True:
            page = store.list_threads(limit=limit, cursor=cursor, sort=sort, direction=direction)
            assert len(page.data) <= limit
            found += [row.id for row in page.data]
            cursor = page.next_cursor
            if cursor is None:
                return found


@pytest.mark.parametrize("sort", list(SortKey))
@pytest.mark.parametrize("limit", [1, 5, COUNT, 100])
def test_pages_hold_every_thread_once(sort: SortKey, limit: int) -> None:
    """Newest first and oldest first are each other's reverse, whatever the page size."""
    fs = home_of()
    newest_first = walk(fs, sort, SortDirection.DESC, limit)
    assert newest_first == [thread_id(number) for number in reversed(range(COUNT))]
    assert walk(fs, sort, SortDirection.ASC, limit) == newest_first[::-1]


def test_backwards_cursor_gives_the_first_row_again() -> None:
    """Read in the other direction it begins with the row it names."""
    with store_of(home_of()) as store:
        page = store.list_threads(limit=5)
        page = store.list_threads(limit=5, cursor=page.next_cursor)
        back = store.list_threads(limit=3, cursor=page.backwards_cursor, direction=SortDirection.ASC)
    first = COUNT - 1 - 5
    assert [row.id for row in back.data] == [thread_id(number) for number in range(first, first + 3)]


@pytest.mark.parametrize("sort", [SortKey.CREATED, SortKey.UPDATED])
def test_a_page_opens_about_as_many_files_as_it_has_rows(sort: SortKey) -> None:
    """Names and file times prove the page; the rest of the archive is not opened."""
    fs = home_of(400)
    with store_of(fs) as store:
        store.list_threads(limit=5, sort=sort)
    rollouts = {path for path in fs.opens if path.startswith(DAY)}
    assert len(rollouts) <= 8


def test_a_file_without_a_header_is_a_row_with_a_problem() -> None:
    """What cannot be read is listed, by its name, with what is wrong."""
    fs = home_of(3)
    fs.put(path_of(7), b"no log at all\n")
    with store_of(fs) as store:
        row = store.list_threads().data[0]
    assert row.id == thread_id(7)
    assert row.problem is not None
    assert row.problem.code == "log.damaged"
    assert "expected a session_meta record" in row.problem.message


def test_a_file_of_another_thread_is_a_row_with_a_problem() -> None:
    """A name that contradicts its header is shown as such, never as the other thread."""
    fs = home_of(3)
    fs.put(path_of(7), log_of(2, "Somebody else's"))
    with store_of(fs) as store:
        row = store.list_threads().data[0]
    assert (row.id, row.preview) == (thread_id(7), "")
    assert row.problem is not None
    assert f"belongs to thread {thread_id(2)}" in row.problem.message


def test_a_broken_base_keeps_what_the_header_says() -> None:
    """A fork whose parent is gone still shows its own header."""
    base = {"thread_id": thread_id(99), "end_ordinal_exclusive": 4, "end_byte_offset": 100}
    fs = MemoryFileSystem(
        {path_of(4): log_of(4, cwd="/src/fork", history_mode="paginated", history_base=base)}
    )
    with store_of(fs) as store:
        row = store.list_threads().data[0]
    assert row.cwd == "/src/fork"
    assert row.problem is not None
    assert "missing source rollout" in row.problem.message


def test_a_header_far_from_its_name_is_in_one_page() -> None:
    """A header a year off its file name neither vanishes between two pages nor comes twice."""
    fs = home_of(9)
    fs.put(path_of(4), log_of(4, "Odd", timestamp="2031-01-01T00:00:00.000Z"))
    assert sorted(walk(fs, SortKey.CREATED, SortDirection.DESC, 2)) == [thread_id(n) for n in range(9)]


def test_a_reverted_thread_is_one_row() -> None:
    """Two rollouts of one thread give the newer one's row."""
    fs = home_of(2)
    reverted = path_of(1).removesuffix(".jsonl").replace("T00-01", "T09-00") + f"_{thread_id(540)}.jsonl"
    fs.put(reverted, log_of(1, "Asked anew"))
    with store_of(fs) as store:
        rows = store.list_threads().data
    assert [(row.id, row.preview) for row in rows] == [
        (thread_id(1), "Asked anew"),
        (thread_id(0), "Question 0"),
    ]


def test_archived_threads_are_listed_apart() -> None:
    """Archived ones come when asked for, and only then."""
    fs = home_of(2)
    fs.put(path_of(5, folder=f"{HOME}/archived_sessions"), log_of(5, "Put away"))
    with store_of(fs) as store:
        live = [row.id for row in store.list_threads().data]
        archived = [(row.id, row.is_archived) for row in store.list_threads(is_archived=True).data]
    assert live == [thread_id(1), thread_id(0)]
    assert archived == [(thread_id(5), True)]


def test_strays_are_told_beside_the_rows() -> None:
    """A log under a name of its own is no row, and is not passed over in silence."""
    fs = home_of(1)
    fs.put(f"{DAY}/copy of a log.jsonl", log_of(0))
    fs.put(f"{DAY}/notes.jsonl", b"{}\n")
    fs.put(f"{DAY}/readme.txt", b"not a log")
    with store_of(fs) as store:
        listing = store.list_threads()
    found = {finding.path: finding.problem.message for finding in listing.findings}
    assert len(listing.data) == 1
    assert sorted(found) == [f"{DAY}/copy of a log.jsonl", f"{DAY}/notes.jsonl"]
    assert f"its header belongs to thread {thread_id(0)}" in found[f"{DAY}/copy of a log.jsonl"]


def test_a_folder_that_cannot_be_listed_is_told() -> None:
    """The rest of the home is listed all the same."""
    fs = home_of(2)
    locked = f"{HOME}/sessions/2025"
    fs.put(f"{locked}/x", b"")
    fs.refuse(locked)
    with store_of(fs) as store:
        listing = store.list_threads()
    assert len(listing.data) == 2
    assert [finding.path for finding in listing.findings] == [locked]


def test_a_cursor_of_another_sorting_is_refused() -> None:
    """A cursor carries what its listing was sorted by."""
    with store_of(home_of()) as store:
        cursor = store.list_threads(limit=2).next_cursor
        with pytest.raises(InvalidCursor, match="belongs to a listing by created, not by updated"):
            store.list_threads(cursor=cursor, sort=SortKey.UPDATED)


@pytest.mark.parametrize("cursor", ["", "junk", "{}", "[1]", '{"sortKey":"created"}', "\udcff"])
def test_a_junk_cursor_is_refused(cursor: str) -> None:
    """Whatever it is, the answer is a clear error."""
    with store_of(home_of(1)) as store, pytest.raises(InvalidCursor, match="invalid cursor"):
        store.list_threads(cursor=cursor)


def test_new_threads_do_not_disturb_older_pages() -> None:
    """A thread made between two pages shifts nothing."""
    fs = home_of(6)
    with store_of(fs) as store:
        first = store.list_threads(limit=3)
        fs.put(path_of(30), log_of(30, "New"))
        second = store.list_threads(limit=3, cursor=first.next_cursor)
    ids = [row.id for row in (*first.data, *second.data)]
    assert ids == [thread_id(number) for number in reversed(range(6))]


def test_recency_is_the_start_of_the_newest_turn() -> None:
    """A turn that began later comes first, whenever the thread was made."""
    fs = home_of(2)
    started = event("task_started", turn_id="t").replace(
        b"2026-11-21T04:09:33.482Z", b"2026-11-21T08:00:00.000Z"
    )
    fs.put(path_of(0), log_of(0, "Question 0") + started)
    fs.change(path_of(0), log_of(0, "Question 0") + started)
    stats = 1_795_250_000_000
    for path in (path_of(0), path_of(1)):
        fs._changed_at[path] = stats
    with store_of(fs) as store:
        rows = store.list_threads(sort=SortKey.RECENCY).data
    assert [row.id for row in rows] == [thread_id(0), thread_id(1)]
    assert rows[0].recency_at == 1_795_248_000_000
