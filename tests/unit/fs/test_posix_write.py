"""The real file system, writing: modes, links, and what the system refuses."""

from __future__ import annotations

import errno
import os
import stat as modes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.errors import Conflict, StorageFailed
from rollout.fs.posix_write import POSIX_MUTABLE


def mode_of(path: Path) -> int:
    """Return the permission bits."""
    return modes.S_IMODE(path.stat().st_mode)


def failing_with(number: int) -> Callable[..., int]:
    """Return a system call that always fails with an errno."""

    def call(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return call


def test_a_new_file_is_the_owners_alone(tmp_path: Path) -> None:
    """Rollouts hold what people said."""
    POSIX_MUTABLE.create(f"{tmp_path}/file").close()
    assert mode_of(tmp_path / "file") == 0o600


def test_new_folders_are_the_owners_alone(tmp_path: Path) -> None:
    """Each of them; those that were there keep their mode."""
    tmp_path.chmod(0o755)
    POSIX_MUTABLE.make_folders(f"{tmp_path}/a/b/c")
    assert [mode_of(tmp_path / name) for name in ("a", "a/b", "a/b/c")] == [0o700] * 3
    assert mode_of(tmp_path) == 0o755


def test_a_lock_file_is_the_owners_alone(tmp_path: Path) -> None:
    """It is made when it is missing, empty."""
    lock = POSIX_MUTABLE.find_lock(f"{tmp_path}/lock")
    assert lock is not None
    lock.release()
    assert (mode_of(tmp_path / "lock"), (tmp_path / "lock").read_bytes()) == (0o600, b"")


@pytest.mark.parametrize("target", ["there", "missing"])
def test_nothing_is_created_through_a_link(tmp_path: Path, target: str) -> None:
    """A link that lies in wait under a name does not choose where our bytes go."""
    (tmp_path / "there").touch()
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(Conflict):
        POSIX_MUTABLE.create(f"{tmp_path}/link")
    with pytest.raises(StorageFailed, match="symbolic link"):
        POSIX_MUTABLE.find_lock(f"{tmp_path}/link")
    assert not (tmp_path / "missing").exists()


def test_an_existing_file_may_be_a_link(tmp_path: Path) -> None:
    """A home may be spread over disks."""
    (tmp_path / "real").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("real")
    with POSIX_MUTABLE.open_append(f"{tmp_path}/link") as file:
        file.append(b"def")
    assert (tmp_path / "real").read_bytes() == b"abcdef"


def test_what_is_appended_follows_what_others_appended(tmp_path: Path) -> None:
    """The end is the file's, not the one we remember: nothing is ever written over."""
    with POSIX_MUTABLE.create(f"{tmp_path}/file") as file:
        file.append(b"ours ")
        with (tmp_path / "file").open("ab") as other:
            other.write(b"theirs ")
        assert file.size_bytes() == 12
        file.append(b"ours")
    assert (tmp_path / "file").read_bytes() == b"ours theirs ours"


def test_a_batch_is_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers see all of it or nothing, as far as the system can help it."""
    sizes = []
    real = os.write

    def write(descriptor: int, content: bytes) -> int:
        sizes.append(len(content))
        return real(descriptor, content)

    with POSIX_MUTABLE.create(f"{tmp_path}/file") as file:
        monkeypatch.setattr(os, "write", write)
        file.append(b"x" * (3 << 20))
        monkeypatch.undo()
    assert sizes == [3 << 20]


def test_the_rest_follows_a_short_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take less than it is given."""
    real = os.write
    with POSIX_MUTABLE.create(f"{tmp_path}/file") as file:
        monkeypatch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:3]))
        file.append(b"0123456789")
        monkeypatch.undo()
    assert (tmp_path / "file").read_bytes() == b"0123456789"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG])
def test_a_refused_append_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """In the system's words, with the path and what to do."""
    with POSIX_MUTABLE.create(f"{tmp_path}/file") as file:
        monkeypatch.setattr(os, "write", failing_with(number))
        with pytest.raises(StorageFailed, match=os.strerror(number)) as refused:
            file.append(b"abc")
        monkeypatch.undo()
    assert str(tmp_path / "file") in refused.value.message
    assert refused.value.hint is not None


def test_a_file_that_cannot_grow_keeps_a_prefix(tmp_path: Path) -> None:
    """What the system took of a refused append is there; nothing is undone in secret."""
    script = """
import resource, sys
from rollout.errors import StorageFailed
from rollout.fs.posix_write import POSIX_MUTABLE
resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))
with POSIX_MUTABLE.create(sys.argv[1]) as file:
    try:
        file.append(b"0123456789")
    except StorageFailed as refused:
        print(refused.message)
    print(file.read_at(0, 100))
"""
    path = tmp_path / "file"
    ran = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == [f"appending to {path}: {os.strerror(errno.EFBIG)}", "b'01234'"]


def test_a_refused_sync_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not tried again."""
    with POSIX_MUTABLE.create(f"{tmp_path}/file") as file:
        monkeypatch.setattr(os, "fdatasync", failing_with(errno.EIO))
        with pytest.raises(StorageFailed, match=f"syncing {tmp_path}/file: {os.strerror(errno.EIO)}"):
            file.sync()


def test_a_refused_sync_of_names_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not tried again either."""
    monkeypatch.setattr(os, "fsync", failing_with(errno.EIO))
    with pytest.raises(StorageFailed, match=f"syncing the folder {tmp_path}: {os.strerror(errno.EIO)}"):
        POSIX_MUTABLE.sync_folder(str(tmp_path))


def test_a_full_sync_is_asked_for_on_macos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There, the ordinary one stops at the drive's cache."""
    import fcntl

    asked: list[int] = []
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda _, what: asked.append(what))
    monkeypatch.setattr(sys, "platform", "darwin")
    with POSIX_MUTABLE.create(f"{tmp_path}/file") as file:
        file.sync()
    assert asked == [51]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")  # noqa: PTH110
def test_only_regular_files_are_appended_to() -> None:
    """A device takes bytes and keeps none."""
    with pytest.raises(StorageFailed, match="regular file"):
        POSIX_MUTABLE.open_append("/dev/full")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to the superuser")
def test_a_read_only_home_is_refused(tmp_path: Path) -> None:
    """Every way to make a name in it."""
    tmp_path.chmod(0o500)
    for act in (POSIX_MUTABLE.create, POSIX_MUTABLE.make_folders, POSIX_MUTABLE.find_lock):
        with pytest.raises(StorageFailed, match="Permission denied"):
            act(f"{tmp_path}/name")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("call", "act"),
    [
        ("open", POSIX_MUTABLE.create),
        ("open", POSIX_MUTABLE.open_append),
        ("open", POSIX_MUTABLE.find_lock),
        ("open", POSIX_MUTABLE.sync_folder),
        ("mkdir", POSIX_MUTABLE.make_folders),
        ("replace", lambda path: POSIX_MUTABLE.replace(path, f"{path}2")),
        ("unlink", POSIX_MUTABLE.remove),
    ],
)
@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_every_refusal_is_translated(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    act: Callable[[str], object],
    number: int,
) -> None:
    """Whichever verb it meets."""
    monkeypatch.setattr(os, call, failing_with(number))
    with pytest.raises(StorageFailed, match=os.strerror(number)) as refused:
        act(f"{tmp_path}/name")
    monkeypatch.undo()
    assert refused.value.hint is not None


def test_the_names_of_new_folders_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder above each, after it was made."""
    synced: list[str] = []
    monkeypatch.setattr(type(POSIX_MUTABLE), "sync_folder", lambda _, path: synced.append(path))
    POSIX_MUTABLE.make_folders(f"{tmp_path}/a/b")
    assert synced == [str(tmp_path), f"{tmp_path}/a"]


def test_writing_is_importable_without_posix_locks() -> None:
    """Where there are none, only taking one fails."""
    script = """
import sys
sys.modules["fcntl"] = None
from rollout.errors import StorageFailed
from rollout.fs.posix_write import POSIX_MUTABLE
try:
    POSIX_MUTABLE.find_lock("/nowhere/lock")
except StorageFailed as refused:
    print(refused.message)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "locking /nowhere/lock: this platform has no POSIX locks"
