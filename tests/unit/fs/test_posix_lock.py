"""Locks of the real file system: between processes, over forks, and on a file that vanishes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rollout.fs.posix_write import POSIX_MUTABLE

HOLDER = """
import os, sys
from rollout.fs.posix_write import POSIX_MUTABLE
lock = POSIX_MUTABLE.find_lock(sys.argv[1], shared=len(sys.argv) > 2)
print("none" if lock is None else "held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run another process that has tried to take the lock at `path`, and holds on until it is ended."""
    command = [sys.executable, "-c", HOLDER, str(path), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def answer_of(process: subprocess.Popen[str]) -> str:
    """Return whether the other process got the lock, once it has tried."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_lock_excludes_another_process(tmp_path: Path) -> None:
    """Whoever came second gets none, and a third neither."""
    with holder(tmp_path / "lock") as other:
        assert answer_of(other) == "held"
        assert POSIX_MUTABLE.find_lock(f"{tmp_path}/lock") is None
        with holder(tmp_path / "lock") as third:
            assert answer_of(third) == "none"


def test_a_shared_lock_excludes_only_an_exclusive_one(tmp_path: Path) -> None:
    """Several may share."""
    with holder(tmp_path / "lock", "shared") as other:
        assert answer_of(other) == "held"
        assert POSIX_MUTABLE.find_lock(f"{tmp_path}/lock") is None
        shared = POSIX_MUTABLE.find_lock(f"{tmp_path}/lock", shared=True)
        assert shared is not None
        shared.release()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    """The system lets go of what a process held, however it ended."""
    with holder(tmp_path / "lock") as other:
        assert answer_of(other) == "held"
        other.kill()
        other.wait()
        lock = POSIX_MUTABLE.find_lock(f"{tmp_path}/lock")
    assert lock is not None
    lock.release()


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    """As long as allowed, and taken when its holder goes."""
    with holder(tmp_path / "lock") as other:
        assert answer_of(other) == "held"
        assert POSIX_MUTABLE.find_lock(f"{tmp_path}/lock", wait_millis=5) is None
        assert other.stdin is not None
        other.stdin.close()  # it ends by itself, at some moment
        lock = POSIX_MUTABLE.find_lock(f"{tmp_path}/lock", wait_millis=60_000)
    assert lock is not None
    lock.release()


def test_a_forked_child_neither_keeps_nor_frees_the_lock(tmp_path: Path) -> None:
    """It shares the open file: its parent's release counts, its own does not."""
    script = """
import os, sys
from rollout.fs.posix_write import POSIX_MUTABLE as fs
path = sys.argv[1]
lock = fs.find_lock(path)
into_child, from_parent = os.pipe()
child = os.fork()
if child == 0:
    os.close(from_parent)
    os.read(into_child, 1)  # until the parent has looked
    os._exit(0)
releasing = os.fork()
if releasing == 0:
    lock.release()
    os._exit(0)
os.waitpid(releasing, 0)
print(fs.find_lock(path) is None)
lock.release()
again = fs.find_lock(path)
print(again is not None)
os.close(from_parent)
os.waitpid(child, 0)
"""
    ran = subprocess.run(
        [sys.executable, "-c", script, f"{tmp_path}/lock"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["True", "True"]


def test_a_lock_is_on_the_file_that_has_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder that removes the file as it leaves does not leave us with a lock on nothing."""
    import fcntl

    path = tmp_path / "lock"
    real = fcntl.flock

    def flock(descriptor: int, how: int) -> None:
        monkeypatch.undo()
        path.unlink()
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    lock = POSIX_MUTABLE.find_lock(str(path))
    assert lock is not None
    assert POSIX_MUTABLE.find_lock(str(path)) is None
    lock.release()
