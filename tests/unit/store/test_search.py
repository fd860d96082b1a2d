"""A search shows what is in the logs of a home: no more, no less, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.catalog.query import ThreadFilter
from rollout.catalog.search_said import Role
from rollout.errors import InvalidCursor, StorageFailed
from rollout.log.layout import NAMES_FILE
from rollout.store.root import open_store
from rollout.store.search import FoundThread, SearchPage, SearchRequest
from rollout.store.tombstones import DeleteMode
from tests.builders import thread, uuid
from tests.catalog_home import DiskHome


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskHome]:
    """A home on a disk."""
    made = DiskHome(tmp_path)
    yield made
    made.close()


def search(disk: DiskHome, query: str, *roles: Role, **options: object) -> SearchPage:
    """Return a page, as another process would."""
    request = SearchRequest(query, roles=roles, **options)  # type: ignore[arg-type]  # they are its own
    return disk.listings().search(request)


def numbers_of(page: SearchPage) -> list[int]:
    """Return the numbers of the threads that were found."""
    return [int(one.summary.id[-4:], 16) for one in page.data]


def only(page: SearchPage) -> FoundThread:
    """Return the one thread of a page."""
    (found,) = page.data
    return found


def test_a_message_is_found_with_its_turn_and_item(disk: DiskHome) -> None:
    """And with its place in the log."""
    rollout = thread().turn("Why is the lease lost?").turn("And now?", "The epoch differs.")
    path = disk.put(rollout)
    found = only(search(disk, "epoch"))
    assert (found.turn_id, found.item_id, found.role) == ("t2", "t2-said", Role.ASSISTANT)
    assert found.path == str(path)
    assert found.start_offset is not None
    assert b"The epoch differs." in rollout.content[found.start_offset :].split(b"\n")[0]


def test_a_legacy_message_is_found_with_what_its_turn_is_called(disk: DiskHome) -> None:
    """Turns and items of old files are counted, not stored."""
    disk.put(thread(mode="legacy").turn("one").turn("two lease", "yes"))
    found = only(search(disk, "lease"))
    with open_store(disk.path) as store:
        (turn,) = store.turns(uuid(1), limit=1).data
    assert found.turn_id == turn.id
    assert found.item_id == turn.items[0].id


def test_a_tool_of_a_legacy_thread_is_found_when_it_is_shown(disk: DiskHome) -> None:
    """Only marked items are, and those that every reader lists."""
    item = {
        "type": "DynamicToolCall",
        "id": "c1",
        "tool": "telescope",
        "arguments": {},
        "status": "completed",
    }
    shown = {"turn_id": "t1", "item": item}
    disk.put(thread(1, mode="legacy").turn("one").event("item_completed", **shown, shown_in="legacy"))
    disk.put(thread(2, mode="legacy").turn("one").event("item_completed", **shown))
    output = {"type": "FunctionCallOutput", "id": "c2", "name": "telescope", "output": "dark"}
    disk.put(thread(3, mode="legacy").turn("one").event("item_completed", turn_id="t1", item=output))
    found = search(disk, "telescope", Role.TOOL)
    assert sorted(numbers_of(found)) == [1, 3]
    assert {(one.turn_id, one.item_id) for one in found.data} == {("t1", "c1"), ("t1", "c2")}


def test_a_message_that_was_taken_back_has_no_turn(disk: DiskHome) -> None:
    """A rollback takes turns, and leaves what was said."""
    disk.put(thread(mode="legacy").turn("one").turn("two lease").rollback(1))
    assert only(search(disk, "lease")).turn_id is None


def test_what_a_revert_cut_off_is_not_found(disk: DiskHome) -> None:
    """It is in a file of the thread, behind where its history leaves that file."""
    first = thread().turn("kept words")
    at = first.position
    first.turn("lost words")
    disk.put(first)
    disk.put(first.revert(9, at).turn("later words"), minute=1)
    assert numbers_of(search(disk, "kept")) == [1]
    assert numbers_of(search(disk, "lost")) == []
    assert numbers_of(search(disk, "later")) == [1]


def test_text_before_a_compaction_is_found(disk: DiskHome) -> None:
    """It is no longer what the model sees, and still what was said."""
    disk.put(thread().turn("about leases").compact("so far").turn("and now?"))
    assert only(search(disk, "leases")).turn_id == "t1"


def test_a_fork_does_not_repeat_its_parents_words(disk: DiskHome) -> None:
    """It holds its own records alone; the title that it shows is inherited, too."""
    parent = thread().turn("about leases")
    disk.put(parent)
    disk.put(parent.fork(2).turn("and epochs"))
    disk.put(parent.fork(3))
    assert numbers_of(search(disk, "leases")) == [1]
    assert numbers_of(search(disk, "epochs")) == [2]
    assert numbers_of(search(disk, "leases", Role.TITLE)) == [1]


@pytest.mark.parametrize("has_starts", [True, False])
def test_a_legacy_fork_does_not_repeat_what_it_copied(disk: DiskHome, *, has_starts: bool) -> None:
    """The copy ends with the first turn that is younger than the thread, or that bears a later time."""
    disk.put(thread(1, "legacy").turn("about leases"))
    copy = thread(2, "legacy", forked_from_id=uuid(1)).event("user_message", message="about leases")
    if has_starts:
        elder, younger = "01a1fc4a-0000-7000-8000-000000000001", "01a1fc4c-0000-7000-8000-000000000001"
        copy.start(elder).event("user_message", message="more leases")
        copy.start(younger).event("user_message", message="and epochs")
    else:
        later = {"timestamp": "2026-11-21T04:10:33.482Z"}
        copy.record("event_msg", {"type": "user_message", "message": "and epochs"}, **later)
    disk.put(copy)
    assert numbers_of(search(disk, "leases")) == [1]
    assert numbers_of(search(disk, "epochs")) == [2]


def test_a_catalog_that_cannot_be_used_is_told_of(disk: DiskHome) -> None:
    """There is no searching without one."""
    disk.put(thread().turn("lease"))
    (disk.path / ".rollout").write_bytes(b"in the way")
    with pytest.raises(StorageFailed, match="searching: the catalog cannot be used"):
        search(disk, "lease")


@pytest.mark.parametrize(
    ("role", "numbers"), [(Role.USER, [1]), (Role.ASSISTANT, [2]), (Role.TOOL, [3]), (Role.TITLE, [1])]
)
def test_a_role_is_searched_alone(disk: DiskHome, role: Role, numbers: list[int]) -> None:
    """Whoever else says it."""
    disk.put(thread(1).turn("lease"))
    disk.put(thread(2).turn("hm", "the lease"))
    item = {"type": "McpToolCall", "id": "c1", "server": "files", "tool": "lease", "arguments": {}}
    disk.put(thread(3).turn("hm").event("item_completed", turn_id="t1", item={**item, "status": "completed"}))
    assert numbers_of(search(disk, "lease", role)) == numbers


def test_a_name_is_found_as_it_is_now(disk: DiskHome) -> None:
    """Also when nothing but the name has changed since."""
    disk.put(thread().turn("hello"))
    with open_store(disk.path) as store:
        search(disk, "first")
        store.set_name(uuid(1), "First name")
        assert only(search(disk, "first")).role is Role.TITLE
        store.set_name(uuid(1), "Second name")
    assert numbers_of(search(disk, "first")) == []
    assert numbers_of(search(disk, "second name")) == [1]


def test_a_name_that_another_client_took_away_is_not_found(disk: DiskHome) -> None:
    """Then the first request is the title again."""
    disk.put(thread().turn("hello"))
    line = f'{{"id":"{uuid(1)}","thread_name":"Lease","updated_at":"2026-11-21T04:09:33Z"}}\n'
    names = disk.write(disk.path / NAMES_FILE, line.encode())
    assert numbers_of(search(disk, "lease", Role.TITLE)) == [1]
    names.unlink()
    assert numbers_of(search(disk, "lease", Role.TITLE)) == []
    assert numbers_of(search(disk, "hello", Role.TITLE)) == [1]


def test_archived_threads_are_searched_when_asked_for(disk: DiskHome) -> None:
    """As they are listed."""
    disk.put(thread(1).turn("lease"))
    disk.put(thread(2).turn("lease"), archived=True)
    assert numbers_of(search(disk, "lease")) == [1]
    assert numbers_of(search(disk, "lease", is_archived=True)) == [2]


def test_a_deleted_thread_is_not_found(disk: DiskHome) -> None:
    """Its bytes may be needed by forks; its words are not."""
    disk.put(thread(1).turn("lease"))
    disk.put(thread(2).turn("lease"))
    with open_store(disk.path) as store:
        store.delete_thread(uuid(1), mode=DeleteMode.KEEP_FOR_FORKS)
    page = search(disk, "lease")
    assert (numbers_of(page), page.total) == ([2], 1)


def test_a_filter_leaves_threads_out(disk: DiskHome) -> None:
    """By folder, say."""
    for number, cwd in ((1, "/src/one"), (2, "/src/two")):
        disk.put(thread(number, cwd=cwd).shows("t", "t-asked", "lease", "UserMessage"))
    page = search(disk, "lease", where=ThreadFilter(cwds=("/src/two",)))
    assert (numbers_of(page), page.total) == ([2], 1)


def test_the_more_of_a_thread_says_it_the_earlier_it_comes(disk: DiskHome) -> None:
    """Of equals the one that was used last comes first."""
    disk.put(thread(1).turn("lease").turn("a").turn("b"), minute=1)
    disk.put(thread(2).turn("lease").turn("lease").turn("lease"), minute=2)
    disk.put(thread(3).turn("lease").turn("a").turn("b"), minute=3)
    assert numbers_of(search(disk, "lease")) == [2, 3, 1]


@pytest.mark.parametrize("query", ["lease", '"the lease"', "lease OR epoch"])
def test_pages_follow_each_other(disk: DiskHome, query: str) -> None:
    """Together they hold every thread once, and each says how many there are."""
    for number in range(1, 8):
        disk.put(thread(number).turn("the lease"), minute=number)
    cursor, found = None, []
    for _ in range(4):
        page = search(disk, query, limit=2, cursor=cursor)
        assert page.total == 7
        found += numbers_of(page)
        cursor = page.next_cursor
    assert cursor is None
    assert sorted(found) == [1, 2, 3, 4, 5, 6, 7]


def test_words_that_very_many_messages_have_come_by_recency(
    disk: DiskHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They tell no thread from another, so none is counted."""
    monkeypatch.setattr("rollout.catalog.search.COMMON_ROWS", 3)
    monkeypatch.setattr("rollout.catalog.search_rows._EDGE_ROWS", 2)
    for number in range(1, 6):
        disk.put(thread(number).turn("the lease").turn("lease" if number == 1 else "no"), minute=number)
    for query in (
        "lease",
        "lea*",
        '"the lease"',
        "the lease",
        "the OR lease",
        "lease NOT epoch",
        "the OR lea*",
    ):
        page = search(disk, query, limit=3)
        assert (numbers_of(page), page.total) == ([5, 4, 3], None)
        page = search(disk, query, limit=3, cursor=page.next_cursor)
        assert (numbers_of(page), page.next_cursor) == ([2, 1], None)


@pytest.mark.parametrize("cursor", ["junk", "{}", None])
def test_a_cursor_of_another_search_is_refused(disk: DiskHome, cursor: str | None) -> None:
    """As is one that nobody made."""
    disk.put(thread(1).turn("lease epoch"))
    disk.put(thread(2).turn("lease epoch"))
    cursor = cursor or search(disk, "lease", limit=1).next_cursor
    with pytest.raises(InvalidCursor):
        search(disk, "epoch", cursor=cursor)


def test_what_is_appended_is_found_and_nothing_is_read_twice(disk: DiskHome) -> None:
    """The next search reads from the watermark on."""
    rollout = thread().turn("lease")
    disk.put(rollout)
    search(disk, "lease")
    disk.put(rollout.turn("epoch"))
    listings = disk.listings()
    assert numbers_of(listings.search(SearchRequest("epoch"))) == [1]
    assert numbers_of(listings.search(SearchRequest("lease"))) == [1]


def test_what_a_replaced_file_said_is_gone(disk: DiskHome) -> None:
    """Its rows are dead, and no question finds them."""
    disk.put(thread().turn("lease"))
    search(disk, "lease")
    disk.put(thread().turn("epoch, and something longer"))
    page = search(disk, "lease")
    assert (page.data, page.total) == ([], 0)
    assert numbers_of(search(disk, "epoch")) == [1]


def tally_of(disk: DiskHome) -> tuple[int, int]:
    """Return how many blocks are dead, and how many alive."""
    return (
        disk.listings()
        .get()
        .ask(
            "counting",
            lambda connection: connection.execute(
                "SELECT (SELECT dead FROM search_tally), (SELECT count(*) FROM search_blocks)"
            ).fetchone(),
        )
    )


def test_an_index_that_is_mostly_dead_is_made_anew(disk: DiskHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dead rows cannot be deleted, so there must not be more and more of them."""
    monkeypatch.setattr("rollout.catalog.search_index._FEW_DEAD", 1)
    disk.put(thread(1).turn("lease"))
    for number in range(8):
        disk.put(thread(2).turn(f"epoch {number}"))
        assert sorted(numbers_of(search(disk, "lease OR epoch"))) == [1, 2]
        dead, alive = tally_of(disk)
        assert dead <= alive == 4
    assert numbers_of(search(disk, "epoch 7", Role.TITLE)) == [2]


@pytest.mark.parametrize("domain", [None, "search"])
def test_a_rebuild_leaves_nothing_dead(disk: DiskHome, domain: str | None) -> None:
    """And finds what was found before."""
    disk.put(thread(1).turn("lease"))
    search(disk, "lease")
    disk.put(thread(1).turn("the lease, again"))
    before = search(disk, "lease")
    disk.listings().rebuild(domain)
    assert tally_of(disk) == (0, 2)
    assert search(disk, "lease") == before
