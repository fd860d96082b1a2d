"""Facts on a home that a live client uses: one name for both, and nothing else that it minds."""

from __future__ import annotations

import pytest
from refclient.capture import list_threads
from refclient.driver import Driver
from refclient.replies import say

from rollout.log.facts import FactsPatch, GitPatch
from rollout.store.store import Store
from tests.interop.live import Live
from tests.interop.test_lease import load, unload

pytestmark = pytest.mark.interop


def started(live: Live, mode: str = "paginated") -> str:
    """Return a thread of one turn that the client has given up."""
    driver = Driver(live.server, live.workspace)
    thread_id = driver.start(mode)
    driver.turn(thread_id, "A question.", say("An answer."))
    unload(live.server, thread_id)
    return thread_id


def name_there(live: Live, thread_id: str) -> str | None:
    """Return the name that the client lists."""
    (found,) = [one["name"] for one in list_threads(live.server, archived=False) if one["id"] == thread_id]
    assert found is None or isinstance(found, str)
    return found


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_the_newest_name_is_that_of_both(live: Live, store: Store, mode: str) -> None:
    """Whoever gives it; and the client takes up a thread of which more was said."""
    thread_id = started(live, mode)
    patch = FactsPatch(
        name="ours", is_pinned=True, git_info=GitPatch(branch=None), tags={"t": True}, cwd="/m"
    )
    store.set_facts(thread_id, patch)
    assert store.summary(thread_id).name == "ours"
    live.server.request("thread/name/set", {"threadId": thread_id, "name": "theirs"})
    assert (store.summary(thread_id).name, name_there(live, thread_id)) == ("theirs", "theirs")
    assert store.facts(thread_id).name == "theirs"
    load(live.server, thread_id)
    Driver(live.server, live.workspace).turn(thread_id, "Another one.", say("Another answer."))
    unload(live.server, thread_id)
    found = store.summary(thread_id)
    assert (found.name, found.is_pinned, found.cwd) == ("theirs", True, "/m")


def test_a_name_that_was_taken_away_breaks_nothing(live: Live, store: Store) -> None:
    """The client lists, names and reads the thread after a line without a name."""
    thread_id = started(live)
    store.set_facts(thread_id, FactsPatch(name="ours"))
    store.set_facts(thread_id, FactsPatch(name=None))
    assert name_there(live, thread_id) is None
    assert store.summary(thread_id).name is None
    live.server.request("thread/name/set", {"threadId": thread_id, "name": "again"})
    assert (store.summary(thread_id).name, name_there(live, thread_id)) == ("again", "again")
