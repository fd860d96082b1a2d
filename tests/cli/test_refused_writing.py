"""Writing when the system, or another writer, is in the way: what is told, and that nothing is lost."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

import rollout
from rollout.fs import posix_write
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.ids import ThreadId
from rollout.log.lease import take_lease
from tests.cli.conftest import ANSWER, USER, Feed, bytes_of, error_of, lines

WRITERS = {
    "append": ["append"],
    "compact": ["compact", "--history", "-"],
    "revert": ["revert", "--before-turn", "TURN"],
    "repair": ["repair"],
}


@pytest.mark.parametrize("command", WRITERS)
def test_a_thread_that_is_written_to_is_a_conflict(
    command: str, home: Path, thread_id: str, feed: Feed
) -> None:
    """Status 4 while another writer holds its lease; the log is as it was."""
    path = next(home.rglob(f"*{thread_id}.jsonl"))
    turns = json.loads(feed(b"", "--home", home, "turns", thread_id, "--json").stdout)["data"]
    with path.open("ab") as log:
        log.write(b'{"torn')
    name, *options = WRITERS[command]
    options = [turns[0]["id"] if option == "TURN" else option for option in options]
    before = bytes_of(home / "sessions")
    with take_lease(POSIX_MUTABLE, str(home), ThreadId(thread_id), clock=lambda: 0, pid=1):
        ran = feed(lines(USER), "--home", home, name, thread_id, *options, "--json")
    assert (ran.status, error_of(ran)["code"]) == (4, "conflict")
    assert bytes_of(home / "sessions") == before


@pytest.mark.parametrize("command", [["new", "--model", "m"], ["fork", "THREAD"], ["set", "THREAD"]])
def test_a_folder_of_a_user_who_is_not_there_is_refused(
    command: list[str], home: Path, thread_id: str, feed: Feed
) -> None:
    """Whichever command is given it; nothing is written."""
    before = bytes_of(home)
    words = [thread_id if word == "THREAD" else word for word in command]
    ran = feed(b"", "--home", home, *words, "--cwd", "~who-is-not-there/app", "--json")
    assert (ran.status, error_of(ran)["code"]) == (7, "storage.failed")
    assert bytes_of(home) == before


def test_a_home_that_cannot_be_written_to_is_a_refusal_of_the_system(
    home: Path, thread_id: str, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system mounted to be read only: status 7, and what to do."""
    opened = os.open

    def refuse(path: str, flags: int, *rest: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return opened(path, flags, *rest)

    before = bytes_of(home)
    monkeypatch.setattr(posix_write.os, "open", refuse)
    for command in (["append", thread_id], ["new", "--model", "m"], ["compact", thread_id, "--history", "-"]):
        error = error_of(ran := feed(lines(USER), "--home", home, *command, "--json"))
        assert (ran.status, error["code"]) == (7, "storage.failed")
        assert error["hint"] == "Make the file system writable, or work on a copy of the home."
    monkeypatch.undo()
    assert bytes_of(home) == before


def test_a_full_disk_loses_nothing_that_was_recorded(
    home: Path, thread_id: str, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn is cut short on the disk; the one before it is there, and the next one goes on."""
    wrote = os.write

    def fill(descriptor: int, content: bytes) -> int:
        if b"task_started" not in bytes(content[:400]):
            return wrote(descriptor, content)
        wrote(descriptor, content[:500])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = next(home.rglob(f"*{thread_id}.jsonl"))
    before = path.read_bytes()
    monkeypatch.setattr(posix_write.os, "write", fill)
    error = error_of(ran := feed(lines(USER, ANSWER), "--home", home, "append", thread_id, "--json"))
    monkeypatch.undo()
    assert (ran.status, error["hint"]) == (7, "Free some space, then open again.")
    assert path.read_bytes().startswith(before)
    assert feed(lines(USER, ANSWER), "--home", home, "append", thread_id).status == 0
    with rollout.open_store(home) as store:
        assert len(store.resume(thread_id).items) == 4


def test_a_folder_that_is_gone_is_a_refusal_of_the_system(
    home: Path, feed: Feed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever stands in a removed folder has no current one to give a thread."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    ran = feed(b"", "--home", home, "new", "--model", "m", "--json")
    assert (ran.status, error_of(ran)["hint"]) == (7, "Go to a folder that is there, or pass --cwd.")
    assert bytes_of(home) == {}


def test_a_file_in_place_of_a_folder_is_a_refusal_of_the_system(home: Path, feed: Feed) -> None:
    """`sessions` is a file: nothing is written, and it is named."""
    (home / "sessions").write_bytes(b"")
    ran = feed(b"", "--home", home, "new", "--model", "m", "--json")
    assert ran.status == 7
    assert f"{home}/sessions" in error_of(ran)["message"]


def test_a_thread_that_could_not_be_named_is_told(home: Path, feed: Feed) -> None:
    """It is there, by its id, which the message gives."""
    (home / "session_index.jsonl").mkdir()
    error = error_of(ran := feed(b"", "--home", home, "new", "--model", "m", "--name", "n", "--json"))
    made = next((home / "sessions").rglob("*.jsonl")).stem[-36:]
    assert ran.status == 7
    assert error["message"].startswith(f"thread {made} was made, but has no name: ")
