"""Archive, delete and prune on a home that a live client uses, each side seeing what the other did."""

from __future__ import annotations

from pathlib import Path

import pytest
from refclient.capture import list_threads
from refclient.driver import Driver
from refclient.replies import say
from refclient.rpc import AppServer, RefusalError

from fork.prune import plan_prune
from fork.reclaim import apply_prune
from rollout.errors import LeaseHeld
from rollout.store.store import Store
from rollout.store.tombstones import DeleteMode
from tests.interop.live import Live
from tests.interop.ours import as_shown_by, our_history, our_turns
from tests.interop.test_lease import load, unload

pytestmark = pytest.mark.interop


def started(driver: Driver, *questions: str, mode: str = "paginated") -> str:
    """Return a thread of one turn a question that the client has given up."""
    thread_id = driver.start(mode)
    for question in questions:
        driver.turn(thread_id, question, say("An answer."))
    unload(driver.server, thread_id)
    return thread_id


def files_of(home: Path, thread_id: str) -> set[str]:
    """Return where the files of a thread lie, from the home on."""
    return {str(path.relative_to(home)) for path in home.rglob(f"rollout-*{thread_id}*")}


def listed(server: AppServer, *, archived: bool) -> set[str]:
    """Return the threads that the client lists."""
    return {thread["id"] for thread in list_threads(server, archived=archived)}


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_the_client_lists_what_we_archived(live: Live, store: Store, driver: Driver, mode: str) -> None:
    """Among its archived threads, and no longer among the others; brought back, it goes on with it."""
    thread_id = started(driver, "A question.", mode=mode)
    before = files_of(live.home, thread_id)
    store.archive_thread(thread_id)
    assert thread_id in listed(live.server, archived=True)
    assert thread_id not in listed(live.server, archived=False)
    store.unarchive_thread(thread_id)
    assert files_of(live.home, thread_id) == before
    load(live.server, thread_id)
    driver.turn(thread_id, "Another one.", say("Another answer."))
    unload(live.server, thread_id)


def test_the_client_brings_back_what_we_archived(live: Live, store: Store, driver: Driver) -> None:
    """To where it was, and to the same place as we: as long as it goes by the files, with legacy threads."""
    thread_id = started(driver, "A question.", mode="legacy")
    before = files_of(live.home, thread_id)
    store.archive_thread(thread_id)
    ours = files_of(live.home, thread_id)
    live.server.request("thread/unarchive", {"threadId": thread_id})
    assert files_of(live.home, thread_id) == before
    live.server.request("thread/archive", {"threadId": thread_id})
    assert files_of(live.home, thread_id) == ours


def test_the_client_remembers_where_it_left_a_paginated_thread(
    live: Live, store: Store, driver: Driver
) -> None:
    """Its database says so, whatever the files say: such a thread is brought back by who archived it."""
    thread_id = started(driver, "A question.")
    store.archive_thread(thread_id)
    with pytest.raises(RefusalError, match="no archived rollout found"):
        live.server.request("thread/unarchive", {"threadId": thread_id})
    store.unarchive_thread(thread_id)
    load(live.server, thread_id)
    unload(live.server, thread_id)


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_the_client_remembers_what_it_archived(live: Live, store: Store, driver: Driver, mode: str) -> None:
    """It lists a thread that we brought back, and does not open it until it has done that itself."""
    thread_id = started(driver, "A question.", mode=mode)
    live.server.request("thread/archive", {"threadId": thread_id})
    store.unarchive_thread(thread_id)
    assert thread_id in listed(live.server, archived=False)
    with pytest.raises(RefusalError, match="is archived"):
        load(live.server, thread_id)
    store.archive_thread(thread_id)
    live.server.request("thread/unarchive", {"threadId": thread_id})
    load(live.server, thread_id)
    unload(live.server, thread_id)


def test_every_rollout_of_a_reverted_thread_is_archived_alike(
    live: Live, store: Store, driver: Driver
) -> None:
    """Both sides move the same files to the same places."""
    thread_id = driver.start("paginated")
    driver.turn(thread_id, "One.", say("An answer."))
    second = driver.turn(thread_id, "Two.", say("An answer."))
    driver.revert(thread_id, second)
    live.server.request("thread/archive", {"threadId": thread_id})
    theirs = files_of(live.home, thread_id)
    assert len(theirs) == 2
    live.server.request("thread/unarchive", {"threadId": thread_id})
    store.archive_thread(thread_id)
    assert files_of(live.home, thread_id) == theirs
    store.unarchive_thread(thread_id)


def test_a_thread_that_the_client_has_loaded_is_neither_archived_nor_deleted(
    live: Live, store: Store, driver: Driver
) -> None:
    """It would go on writing into a file that has moved."""
    thread_id = driver.start("paginated")
    driver.turn(thread_id, "A question.", say("An answer."))
    with pytest.raises(LeaseHeld):
        store.archive_thread(thread_id)
    with pytest.raises(LeaseHeld):
        store.delete_thread(thread_id)
    unload(live.server, thread_id)


def test_the_client_goes_on_with_a_fork_whose_parent_we_archived(
    live: Live, store: Store, driver: Driver
) -> None:
    """A base may lie in the archive, for both."""
    parent = started(driver, "A question.")
    load(live.server, parent)
    child = driver.fork(parent)
    unload(live.server, parent)
    store.archive_thread(parent)
    driver.turn(child, "And now?", say("An answer."))
    assert live.turns(child) == as_shown_by(live.client, our_turns(live.home, child))
    assert len(live.turns(child)) == 2
    unload(live.server, child)


def test_the_client_goes_on_with_a_fork_whose_parent_we_pruned(
    live: Live, store: Store, driver: Driver
) -> None:
    """What it needs of the parent is there, what it does not is not; and the model is told the same."""
    parent = driver.start("paginated")
    driver.turn(parent, "One.", say("The first."))
    second = driver.turn(parent, "Two.", say("The second."))
    child = driver.fork(parent, beforeTurnId=second)
    unload(live.server, parent)
    unload(live.server, child)
    history = our_history(live.home, child)
    store.delete_thread(parent, DeleteMode.KEEP_FOR_FORKS)
    plan = plan_prune(store)
    (tail,) = [step for step in plan.steps if step.thread_id == parent]
    assert [one.error for one in apply_prune(store, plan) if one.error is not None] == []
    assert Path(tail.path).stat().st_size == tail.start_offset
    load(live.server, child)
    driver.turn(child, "Three.", say("The third."))
    request = driver.endpoint.requests[-1]["input"]
    assert "The second." not in str(request)
    assert "The first." in str(request)
    assert our_history(live.home, child)[: len(history)] == history
    assert live.turns(child) == as_shown_by(live.client, our_turns(live.home, child))
    unload(live.server, child)


def test_the_client_finds_nothing_of_what_we_pruned(live: Live, store: Store, driver: Driver) -> None:
    """Not in lists, not by its id; a name that it had is gone from the file of names, others stay."""
    gone, other = started(driver, "A question."), started(driver, "Another one.")
    for thread_id, name in ((gone, "Gone"), (other, "Other")):
        live.server.request("thread/name/set", {"threadId": thread_id, "name": name})
    store.delete_thread(gone)
    plan = plan_prune(store)
    assert [one.error for one in apply_prune(store, plan) if one.error is not None] == []
    assert files_of(live.home, gone) == set()
    names = (live.home / "session_index.jsonl").read_text()
    assert gone not in names
    assert other in names
    assert gone not in listed(live.server, archived=False)
    with pytest.raises(RefusalError, match="no rollout found"):
        load(live.server, gone)
    live.server.request("thread/name/set", {"threadId": other, "name": "Renamed"})
    assert store.find_thread_id("Renamed") == other
