"""Forks of ours in the client and its forks in ours: opened, listed, continued, forked and reverted."""

from __future__ import annotations

from pathlib import Path

import pytest
from refclient.capture import copy_home, sent_input_after_resume
from refclient.driver import Driver
from refclient.replies import say
from refclient.rpc import RefusalError

import fork
import rollout
from tests.interop.live import Live
from tests.interop.ours import our_history, our_turns
from tests.interop.test_alternating import (
    ask,
    check_files,
    compaction,
    compare_turns,
    full_turn,
    load,
    made,
    plainly,
    record,
    unload,
)

pytestmark = pytest.mark.interop


def begun(live: Live, mode: str = "paginated", turns: int = 3) -> str:
    """Return a thread of a few turns that the client made and has given up."""
    driver = Driver(live.server, live.workspace)
    thread_id = driver.start(mode)
    for number in range(turns):
        driver.turn(thread_id, f"Question {number}?", say(f"Answer {number}."))
    unload(live, thread_id)
    return thread_id


def ids(live: Live, thread_id: str) -> list[str]:
    """Return the ids of a thread's turns, as we read them."""
    return [turn["id"] for turn in our_turns(live.home, thread_id)]


def our_fork(live: Live, thread_id: str, **point: str) -> str:
    """Fork a thread with this library; return the child's id."""
    with rollout.open_store(live.home) as store:
        made_one = fork.fork_thread(store, thread_id, exclude_turns=True, **point)
    assert made_one.copied_because is None
    assert made_one.bytes_written < 2_000
    return str(made_one.id)


def go_on(live: Live, thread_id: str) -> None:
    """Have the client, then us, then the client again continue a thread; all of it is shown by both."""
    known = len(ids(live, thread_id))
    load(live, thread_id)
    compare_turns(live, thread_id)
    ask(live, thread_id, "The client asks.")
    unload(live, thread_id)
    record(live, thread_id, full_turn)
    load(live, thread_id)
    ask(live, thread_id, "The client asks again.")
    unload(live, thread_id)
    assert len(ids(live, thread_id)) == known + 3
    check_files(live.home, thread_id)


@pytest.mark.parametrize("point", ["head", "before", "through"])
def test_the_client_goes_on_with_our_fork_of_its_thread(live: Live, point: str) -> None:
    """Opened, listed and continued; the parent is what it was."""
    parent = begun(live)
    turns = ids(live, parent)
    points = {"head": {}, "before": {"before_turn": turns[1]}, "through": {"through_turn": turns[1]}}
    child = our_fork(live, parent, **points[point])
    assert ids(live, child) == turns[: {"head": 3, "before": 1, "through": 2}[point]]
    go_on(live, child)
    assert ids(live, parent) == turns


def test_the_client_goes_on_with_our_fork_before_the_first_turn(live: Live) -> None:
    """It inherits nothing of the conversation."""
    parent = begun(live, turns=1)
    child = our_fork(live, parent, before_turn=ids(live, parent)[0])
    assert ids(live, child) == []
    go_on(live, child)


def test_the_client_goes_on_with_our_fork_of_our_thread(live: Live) -> None:
    """With a compaction in the part that is inherited."""
    parent = made(live, full_turn, compaction, full_turn)
    load(live, parent)  # it shows an inherited part once the thread it is of has been opened
    unload(live, parent)
    go_on(live, our_fork(live, parent))


def test_what_its_parent_does_later_is_not_in_our_fork(live: Live) -> None:
    """Whoever writes it, and whoever reads the fork."""
    parent = begun(live)
    child = our_fork(live, parent)
    turns, history = ids(live, child), our_history(live.home, child)
    load(live, parent)
    ask(live, parent, "And the parent?")
    unload(live, parent)
    record(live, parent, full_turn, compaction)
    assert (ids(live, child), our_history(live.home, child)) == (turns, history)
    go_on(live, child)


def test_forks_of_forks_both_ways(live: Live) -> None:
    """The client's fork of ours, ours of the client's, and so on, each at its head and each continued."""
    newest = begun(live)
    for _ in range(2):
        newest = our_fork(live, newest)
        go_on(live, newest)
        load(live, newest)
        forked = Driver(live.server, live.workspace).fork(newest)
        unload(live, newest)
        unload(live, forked)
        assert ids(live, forked) == ids(live, newest)
        newest = forked
        go_on(live, newest)
    child = our_fork(live, newest, through_turn=ids(live, newest)[0])
    assert len(ids(live, child)) == 1
    go_on(live, child)


@pytest.mark.parametrize("number", [1, 3], ids=["an inherited turn", "a turn of its own"])
def test_the_client_reverts_our_fork(live: Live, number: int) -> None:
    """To before an inherited turn, or one of its own; then both go on."""
    parent = begun(live)
    child = our_fork(live, parent)
    load(live, child)
    ask(live, child, "The client asks.")
    turns = ids(live, child)
    Driver(live.server, live.workspace).revert(child, turns[number])
    compare_turns(live, child)
    unload(live, child)
    assert ids(live, child) == turns[:number]
    go_on(live, child)


def test_the_client_goes_on_with_our_revert_of_its_fork(live: Live, tmp_path: Path) -> None:
    """To before an inherited turn, in a home that its database knows nothing newer of."""
    parent = begun(live)
    load(live, parent)
    child = Driver(live.server, live.workspace).fork(parent)
    unload(live, child)
    unload(live, parent)
    record(live, child, full_turn)
    turns = ids(live, child)
    with rollout.open_store(live.home) as store:
        store.revert_thread(child, before_turn=turns[1]).close()
    assert ids(live, child) == turns[:1]
    home = copy_home(live.home, tmp_path / "home")
    sent = sent_input_after_resume(live.client, home, child)
    assert plainly(sent.history) == plainly(our_history(live.home, child))


def test_a_parent_is_archived_in_between(live: Live) -> None:
    """The client's fork and ours go on, and an archived thread can be forked by us."""
    parent = begun(live)
    ours = our_fork(live, parent)
    live.server.request("thread/archive", {"threadId": parent})
    later = our_fork(live, parent)
    assert ids(live, later) == ids(live, ours)
    for child in (ours, later):
        go_on(live, child)
    live.server.request("thread/unarchive", {"threadId": parent})
    go_on(live, ours)


def test_the_client_refuses_our_fork_of_a_legacy_thread(live: Live) -> None:
    """It says that the parent would have to be paginated, and shows nothing wrong; we go on with it."""
    parent = begun(live, "legacy")
    child = our_fork(live, parent)
    assert len(ids(live, child)) == 3
    with pytest.raises(RefusalError, match="paginated"):
        load(live, child)
    record(live, child, full_turn)
    assert len(ids(live, child)) == 4


def test_the_client_names_and_lists_our_fork(live: Live) -> None:
    """Among the others, with the thread it was forked from."""
    parent = begun(live)
    with rollout.open_store(live.home) as store:
        child = fork.fork_thread(store, parent, name="Try the other fix").id
    read = live.server.request("thread/read", {"threadId": child})["thread"]
    assert (read["id"], read["forkedFromId"]) == (child, parent)
