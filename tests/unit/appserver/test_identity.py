"""Identity before paging: what happens to a thread's file between two pages never shows another thread."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import ARCHIVE, HOME, Rollout, packed, thread, uuid
from tests.served import RefusedError, Served, serve

T = uuid(1)


def turns(number: int = 1, *, words: str = "mine") -> Rollout:
    """Return a thread of four turns."""
    rollout = thread(number)
    for at in range(4):
        rollout.turn(f"{words} {at}")
    return rollout


def first_page(rollout: Rollout) -> tuple[Served, str, str]:
    """Return a server that has given out a page of two, the path of the thread, and the next cursor."""
    served = serve()
    path = served.put(rollout)
    page = served.ask("thread/turns/list", threadId=T, limit=2)
    assert texts(page) == ["mine 3", "mine 2"]
    return served, path, page["nextCursor"]


def next_page(served: Served, cursor: str) -> list[str]:
    """Return what the next page shows."""
    return texts(served.ask("thread/turns/list", threadId=T, limit=2, cursor=cursor))


def texts(page: dict[str, Any]) -> list[str]:
    """Return what was asked in the turns of a page."""
    return [turn["items"][0]["content"][0]["text"] for turn in page["data"]]


def test_a_file_that_was_moved_is_found() -> None:
    """By another program, to the folder of another day."""
    served, path, cursor = first_page(turns())
    served.fs.make_folders(f"{HOME}/sessions/2026/11/22")
    served.fs.replace(path, path.replace("/11/21/", "/11/22/"))
    assert next_page(served, cursor) == ["mine 1", "mine 0"]


def test_a_file_that_was_archived_is_found() -> None:
    """Reading goes on; the thread is archived from here on."""
    served, path, cursor = first_page(turns())
    served.fs.make_folders(ARCHIVE)
    served.fs.replace(path, f"{ARCHIVE}/{path.rpartition('/')[2]}")
    assert next_page(served, cursor) == ["mine 1", "mine 0"]


def test_a_file_that_was_compressed_is_read() -> None:
    """Offsets and ordinals are those of what it unpacks to."""
    served, path, cursor = first_page(turns())
    served.fs.remove(path)
    with served.fs.create(f"{path}.zst") as file:
        file.append(packed(turns().content))
    assert next_page(served, cursor) == ["mine 1", "mine 0"]


def test_a_file_that_grew_keeps_its_cursors() -> None:
    """Older pages are what they were."""
    rollout = turns()
    served, path, cursor = first_page(rollout)
    served.grow(rollout.turn("mine 4"), path)
    assert next_page(served, cursor) == ["mine 1", "mine 0"]
    assert texts(served.ask("thread/turns/list", threadId=T, limit=1)) == ["mine 4"]


def test_a_file_replaced_by_another_threads_is_never_shown() -> None:
    """Its name says the one, its header the other: the header counts."""
    served, path, cursor = first_page(turns())
    served.fs.remove(path)
    with served.fs.create(path) as file:
        file.append(turns(2, words="theirs").content)
    with pytest.raises(RefusedError, match=f"thread not loaded: {T}"):
        next_page(served, cursor)


def test_a_file_replaced_by_one_of_the_same_thread_is_read_anew() -> None:
    """Of the very same length, too: it is another file."""
    served, _, cursor = first_page(turns())
    served.put(turns(words="your"))
    assert next_page(served, cursor) == ["your 1", "your 0"]


def test_a_file_that_is_gone_is_an_unknown_thread() -> None:
    """There is nothing to read from."""
    served, path, cursor = first_page(turns())
    served.fs.remove(path)
    with pytest.raises(RefusedError, match=f"thread not loaded: {T}"):
        next_page(served, cursor)


def test_a_thread_that_another_process_deleted_is_unknown() -> None:
    """Its file is still there; its tombstone counts."""
    served, _, cursor = first_page(turns())
    served.store.delete_thread(T)
    with pytest.raises(RefusedError, match=f"thread not loaded: {T}"):
        next_page(served, cursor)


def test_a_thread_that_another_process_reverted_is_read_from_its_newest_rollout() -> None:
    """What was taken back is not shown."""
    served, _, _ = first_page(turns())
    served.store.revert_thread(T, before_turn="t2").close()
    assert texts(served.ask("thread/turns/list", threadId=T)) == ["mine 0"]


def test_an_ancestor_that_was_replaced_is_refused() -> None:
    """A child is read from the parent that it was forked from, or not at all."""
    served, path, _ = first_page(turns())
    child = served.ask("thread/fork", threadId=T, excludeTurns=True)["thread"]["id"]
    assert texts(served.ask("thread/turns/list", threadId=child, limit=1)) == ["mine 3"]
    served.fs.remove(path)
    with served.fs.create(path) as file:
        file.append(turns(words="your").content)
    with pytest.raises(RefusedError, match="-32603"):
        served.ask("thread/turns/list", threadId=child, limit=1)


def test_an_ancestor_that_was_archived_is_found() -> None:
    """A fork does not mind where its base lies."""
    served, _, _ = first_page(turns())
    child = served.ask("thread/fork", threadId=T, excludeTurns=True)["thread"]["id"]
    served.ask("thread/turns/list", threadId=child, limit=1)
    served.ask("thread/archive", threadId=T)
    assert texts(served.ask("thread/turns/list", threadId=child)) == [f"mine {n}" for n in (3, 2, 1, 0)]


def test_a_resume_reads_what_another_process_recorded() -> None:
    """What is kept of a thread is not kept longer than its file is the same."""
    rollout = turns()
    served, path, _ = first_page(rollout)
    served.ask("thread/resume", threadId=T, excludeTurns=True)
    served.grow(rollout.turn("mine 4", model="model-two"), path)
    assert served.ask("thread/resume", threadId=T, excludeTurns=True)["model"] == "model-two"
