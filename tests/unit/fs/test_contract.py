"""What a file system promises to readers, asked of each one that ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rollout.errors import NotFound, StorageFailed
from rollout.fs.api import FileSystem, FolderEntry
from rollout.fs.posix import POSIX
from rollout.testing.crashfs import CrashFS
from rollout.testing.memory import MemoryFileSystem

Make = Callable[[dict[str, bytes]], FileSystem]


class World:
    """A file system with a few files, and the path of its home."""

    def __init__(self, fs: FileSystem, home: str) -> None:
        self.fs = fs
        self.home = home


@pytest.fixture(params=["posix", "memory", "crash"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Return a home with `a/one` of ten bytes, `a/b/two` and `three`, both empty."""
    files = {"a/one": b"0123456789", "a/b/two": b"", "three": b""}
    if request.param != "posix":
        make = MemoryFileSystem if request.param == "memory" else CrashFS
        return World(make({f"/home/{name}": content for name, content in files.items()}), "/home")
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return World(POSIX, str(tmp_path))


@pytest.mark.parametrize(
    ("offset", "size_bytes", "expected"),
    [
        (0, 10, b"0123456789"),
        (0, 100, b"0123456789"),
        (3, 4, b"3456"),
        (9, 5, b"9"),
        (10, 5, b""),
        (99, 5, b""),
        (0, 0, b""),
    ],
)
def test_a_file_is_read_by_position(world: World, offset: int, size_bytes: int, expected: bytes) -> None:
    """Fewer bytes come only at the end."""
    with world.fs.open_read(f"{world.home}/a/one") as file:
        assert file.read_at(offset, size_bytes) == expected


def test_a_missing_file_is_not_found(world: World) -> None:
    """The message names it."""
    for path in (f"{world.home}/nothing", f"{world.home}/no/such/folder"):
        with pytest.raises(NotFound, match=path):
            world.fs.open_read(path)


def test_a_folder_is_not_opened(world: World) -> None:
    """It is no regular file."""
    with pytest.raises(StorageFailed, match="regular file"):
        world.fs.open_read(f"{world.home}/a")


def test_a_closed_file_is_not_read(world: World) -> None:
    """Not even when its descriptor has been given to another file."""
    file = world.fs.open_read(f"{world.home}/a/one")
    file.close()
    file.close()
    with world.fs.open_read(f"{world.home}/three"), pytest.raises(StorageFailed):
        file.read_at(0, 10)


def test_a_negative_offset_is_refused(world: World) -> None:
    """There is nothing before a file."""
    with world.fs.open_read(f"{world.home}/a/one") as file, pytest.raises(StorageFailed):
        file.read_at(-1, 5)


def test_the_identity_is_the_files(world: World) -> None:
    """The same for two openings, another for another file; the path is the one it was opened by."""
    path = f"{world.home}/a/one"
    with world.fs.open_read(path) as one, world.fs.open_read(path) as again:
        assert (one.identity, one.path) == (again.identity, path)
        with world.fs.open_read(f"{world.home}/three") as other:
            assert other.identity != one.identity


def test_size_and_time_are_the_same_open_or_not(world: World) -> None:
    """The size is as stored, the time in milliseconds."""
    path = f"{world.home}/a/one"
    with world.fs.open_read(path) as file:
        assert file.stat() == world.fs.find_stat(path)
        assert file.stat().size_bytes == 10


def test_a_folder_has_a_time(world: World) -> None:
    """It moves when a name appears in it or leaves it."""
    assert world.fs.find_stat(f"{world.home}/a") is not None


@pytest.mark.parametrize("name", ["nothing", "no/such/folder", "three/below/a/file"])
def test_what_is_not_there_has_no_stat(world: World, name: str) -> None:
    """None, not an error."""
    assert world.fs.find_stat(f"{world.home}/{name}") is None


def test_a_folder_lists_its_names(world: World) -> None:
    """Its own, not those below."""
    listed = sorted(world.fs.iter_folder(f"{world.home}/a"), key=lambda entry: entry.name)
    assert listed == [FolderEntry("b", is_folder=True), FolderEntry("one", is_folder=False)]


@pytest.mark.parametrize("name", ["nothing", "no/such/folder", "three"])
def test_a_missing_folder_lists_empty(world: World, name: str) -> None:
    """A home need not have every folder."""
    assert list(world.fs.iter_folder(f"{world.home}/{name}")) == []


@pytest.mark.parametrize(("name", "expected"), [("a", True), ("a/b", True), ("three", False), ("x", False)])
def test_folders_are_told_from_files(world: World, name: str, expected: bool) -> None:
    """And from what is not there."""
    assert world.fs.is_folder(f"{world.home}/{name}") is expected


def test_scratch_space_grows_and_is_read_by_position(world: World) -> None:
    """Appending does not disturb reading, nor the reverse."""
    spool = world.fs.spool()
    spool.append(b"abc")
    assert spool.read_at(1, 1) == b"b"
    spool.append(b"def")
    assert (spool.size_bytes, spool.read_at(2, 3), spool.read_at(5, 10)) == (6, b"cde", b"f")
    spool.close()
    spool.close()


def test_scratch_space_may_outgrow_memory(world: World) -> None:
    """It reads the same wherever it lies."""
    spool = world.fs.spool()
    for number in range(20):
        spool.append(bytes([number]) * (1 << 20))
    assert spool.size_bytes == 20 << 20
    assert spool.read_at((7 << 20) - 1, 2) == b"\x06\x07"
    spool.close()
