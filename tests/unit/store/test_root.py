"""The store over a home: how threads are named, and what is kept between calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout import InvalidRequest, NotFound, open_store
from rollout.testing.memory import MemoryFileSystem
from tests.unit.made_lines import compact
from tests.unit.store.small_home import HOME, log_of, path_of, store_of, thread_id


def home_of(*numbers: int) -> MemoryFileSystem:
    """Return a home of these threads."""
    return MemoryFileSystem({path_of(number): log_of(number, f"Question {number}") for number in numbers})


def test_a_home_that_is_not_there_is_not_found() -> None:
    """The message names it, the hint says how to name another."""
    with pytest.raises(NotFound, match="opening the home /nowhere: there is no such folder") as caught:
        open_store("/nowhere", fs=home_of(1))
    assert "--home" in (caught.value.hint or "")


def test_a_tilde_stands_for_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".codex").mkdir()
    assert open_store("~/.codex").home == str(tmp_path / ".codex")


@pytest.mark.parametrize(
    "text", [thread_id(3), thread_id(3).upper(), thread_id(3).replace("-", ""), f"{{{thread_id(3)}}}"]
)
def test_an_id_in_any_spelling_names_its_thread(text: str) -> None:
    """UUIDs are compared, not texts."""
    with store_of(home_of(1, 2, 3)) as store:
        assert store.find_thread_id(text) == thread_id(3)


def test_a_unique_prefix_names_a_thread() -> None:
    """As much of the id as tells it apart."""
    with store_of(home_of(1, 60)) as store:
        assert store.find_thread_id(thread_id(60)[:13]) == thread_id(60)


def test_an_ambiguous_prefix_is_refused_with_the_matches() -> None:
    """The message says which threads answer to it."""
    with (
        store_of(home_of(1, 2)) as store,
        pytest.raises(InvalidRequest, match="2 threads answer to it") as caught,
    ):
        store.find_thread_id(thread_id(1)[:6])
    assert thread_id(1) in caught.value.message
    assert thread_id(2) in caught.value.message


@pytest.mark.parametrize("text", ["", "zzzz", "019", "no such name"])
def test_what_names_nothing_is_not_found(text: str) -> None:
    """Too short a prefix is no prefix."""
    with (
        store_of(home_of(1)) as store,
        pytest.raises(NotFound, match="no thread in /home has that id, prefix or name"),
    ):
        store.find_thread_id(text)


def test_a_name_wins_over_a_prefix() -> None:
    """A thread named like the beginning of an id is found by its name."""
    fs = home_of(1, 2)
    name = thread_id(1)[:12]
    fs.put(f"{HOME}/session_index.jsonl", compact({"id": thread_id(2), "thread_name": name}) + b"\n")
    with store_of(fs) as store:
        assert store.find_thread_id(name) == thread_id(2)


def test_the_newest_thread_is_the_one_that_changed_last() -> None:
    """Not the one made last."""
    fs = home_of(1, 2)
    fs.change(path_of(1), log_of(1, "Question 1", "Another"))
    with store_of(fs) as store:
        assert store.newest_thread_id() == thread_id(1)


def test_an_empty_home_has_no_newest_thread() -> None:
    """The error says where it looked."""
    with (
        store_of(MemoryFileSystem({f"{HOME}/config": b""})) as store,
        pytest.raises(NotFound, match="there is none in /home"),
    ):
        store.newest_thread_id()


def test_folders_are_walked_once_while_nothing_changes() -> None:
    """A second call looks at the folders' times and lists none of them."""
    fs = home_of(1, 2)
    with store_of(fs) as store:
        store.turns(thread_id(1))
        listed = len(fs.listed)
        store.turns(thread_id(2))
    assert len(fs.listed) == listed


def test_a_new_thread_is_seen_at_once() -> None:
    """What appears after the first call is found by the next."""
    fs = home_of(1)
    with store_of(fs) as store:
        store.turns(thread_id(1))
        fs.put(path_of(2), log_of(2, "New"))
        assert store.summary(thread_id(2)).preview == "New"


def test_a_folder_that_changed_just_now_is_not_trusted() -> None:
    """Two changes within one tick of a clock look like one; so the folder is listed again."""
    fs = home_of(1)
    with store_of(fs, clock=lambda: 1_000) as store:
        store.turns(thread_id(1))
        listed = len(fs.listed)
        store.turns(thread_id(1))
    assert len(fs.listed) > listed


def test_nothing_stays_open() -> None:
    """Every call of the store closes what it opened, errors included."""
    fs = home_of(1)
    fs.put(path_of(2), b"junk")
    with store_of(fs) as store:
        store.resume(thread_id(1))
        store.list_threads()
        with pytest.raises(NotFound):
            store.items(thread_id(1), turn_id="no such turn")
    assert fs.open_count == 0
