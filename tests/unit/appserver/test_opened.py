"""What is kept of threads between requests: as many as there is room for, the ones used last."""

from __future__ import annotations

import pytest

from rollout.appserver import opened as module
from rollout.ids import ThreadId
from tests.builders import thread, uuid
from tests.served import Served, serve


def four() -> Served:
    """Return a server over four threads."""
    return serve(*(thread(number).turn("hi") for number in range(1, 5)))


def kept(served: Served) -> list[str]:
    """Return what is kept open, the oldest use first."""
    return list(served.server.opened._kept)


def test_the_threads_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread used again is as good as new."""
    monkeypatch.setattr(module, "_MOST_THREADS", 2)
    served = four()
    for number in (1, 2, 1, 3):
        served.ask("thread/turns/list", threadId=uuid(number))
    assert kept(served) == [uuid(1), uuid(3)]


def test_what_is_kept_takes_no_more_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was read of it; the last one stays, however much that was."""
    monkeypatch.setattr(module, "_MOST_READ_BYTES", 1)
    served = four()
    for number in (1, 2, 3):
        served.ask("thread/turns/list", threadId=uuid(number))
    assert kept(served) == [uuid(3)]


def test_two_borrowers_have_a_thread_each() -> None:
    """Nothing is shared that is not made for it; one of both is kept."""
    served = four()
    opened = served.server.opened
    one, other = opened.take(ThreadId(uuid(1))), opened.take(ThreadId(uuid(1)))
    assert one is not other
    opened.give_back(one)
    opened.give_back(other)
    assert one.thread.lineage.is_closed
    assert not other.thread.lineage.is_closed
    assert kept(served) == [uuid(1)]


def test_a_request_that_fails_keeps_nothing() -> None:
    """What was half read is not gone on with."""
    served = four()
    served.respond("thread/turns/list", {"threadId": uuid(1), "cursor": "junk"})
    assert kept(served) == []


def test_a_page_too_big_to_keep_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is the same."""
    monkeypatch.setattr(module, "_MOST_PAGE_BYTES", 1)
    served = four()
    first = served.ask("thread/turns/list", threadId=uuid(1))
    assert served.ask("thread/turns/list", threadId=uuid(1)) == first


def test_a_closed_server_keeps_nothing_open() -> None:
    """Closing twice is closing once."""
    served = four()
    served.ask("thread/turns/list", threadId=uuid(1))
    (held,) = served.server.opened._kept.values()
    served.server.close()
    served.server.close()
    assert held.thread.lineage.is_closed
