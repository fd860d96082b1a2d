"""The real file system: what the operating system refuses is translated, and never changed."""

from __future__ import annotations

import os
import stat as modes
from pathlib import Path

import pytest

from rollout.errors import StorageFailed
from rollout.fs.posix import POSIX


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    """Opening one must not wait for a writer."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(StorageFailed, match="regular file"):
        POSIX.open_read(str(path))


@pytest.mark.parametrize("name", ["x" * 5000, "a\x00b", "\udcff" * 300])
def test_an_impossible_name_is_refused(tmp_path: Path, name: str) -> None:
    """Too long, or with a byte that no name can hold."""
    path = f"{tmp_path}/{name}"
    with pytest.raises(StorageFailed):
        POSIX.open_read(path)
    with pytest.raises(StorageFailed):
        POSIX.find_stat(path)
    with pytest.raises(StorageFailed):
        list(POSIX.iter_folder(path))
    assert not POSIX.is_folder(path)


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    """The cause is named."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(StorageFailed, match="symbolic link") as refused:
        POSIX.open_read(f"{tmp_path}/loop")
    assert refused.value.hint is not None


def test_links_are_followed(tmp_path: Path) -> None:
    """A home may be spread over disks."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("real")
    (entry,) = [entry for entry in POSIX.iter_folder(str(tmp_path)) if entry.name == "link"]
    assert entry.is_folder
    with POSIX.open_read(f"{tmp_path}/link/file") as file:
        assert file.read_at(0, 3) == b"abc"


def test_a_dangling_link_is_a_name_without_a_folder(tmp_path: Path) -> None:
    """Its target is gone; listing goes on."""
    (tmp_path / "link").symlink_to("nowhere")
    (entry,) = POSIX.iter_folder(str(tmp_path))
    assert not entry.is_folder
    assert POSIX.find_stat(f"{tmp_path}/link") is None


def test_the_time_is_in_milliseconds(tmp_path: Path) -> None:
    """Rounded down."""
    path = tmp_path / "file"
    path.touch()
    os.utime(path, ns=(0, 1_763_698_173_482_999_999))
    found = POSIX.find_stat(str(path))
    assert found is not None
    assert found.modified_at == 1_763_698_173_482


def test_growth_is_seen_by_the_open_file(tmp_path: Path) -> None:
    """A file stays open while its owner appends."""
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with POSIX.open_read(str(path)) as file:
        with path.open("ab") as out:
            out.write(b"def")
        assert (file.stat().size_bytes, file.read_at(2, 10)) == (6, b"cdef")


def test_reading_changes_nothing(tmp_path: Path) -> None:
    """Neither content nor mode nor the time of the last change."""
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    path.chmod(0o400)
    before = path.stat()
    with POSIX.open_read(str(path)) as file:
        file.read_at(0, 3)
    after = path.stat()
    assert (after.st_mtime_ns, modes.S_IMODE(after.st_mode)) == (before.st_mtime_ns, 0o400)
