"""What a file system promises to writers, asked of each one that ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.errors import Conflict, NotFound, StorageFailed
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.testing.crashfs import CrashFS


class World:
    """A file system, and the path of a home in it that holds `file` of three bytes."""

    def __init__(self, fs: MutableFileSystem, home: str) -> None:
        self.fs = fs
        self.home = home
        self.file = f"{home}/file"
        self.new = f"{home}/new"

    def content(self, path: str) -> bytes | None:
        """Return what a reader sees."""
        return self.fs.read_small(path)

    def names(self, path: str) -> list[str]:
        """Return the names in a folder."""
        return sorted(entry.name for entry in self.fs.iter_folder(path))


@pytest.fixture(params=["posix", "crash"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Return a home with one file."""
    if request.param == "crash":
        return World(CrashFS({"/home/file": b"abc"}), "/home")
    (tmp_path / "file").write_bytes(b"abc")
    return World(POSIX_MUTABLE, str(tmp_path))


def test_a_new_file_is_empty(world: World) -> None:
    """It is there at once, under its name."""
    with world.fs.create(world.new) as file:
        assert (file.path, file.size_bytes(), file.read_at(0, 10)) == (world.new, 0, b"")
        assert world.content(world.new) == b""


def test_a_file_can_be_given_the_time_of_another(world: World) -> None:
    """To the millisecond, as it is told; before it is closed and after."""
    with world.fs.create(world.new) as file:
        file.append(b"abc")
        file.set_modified_at(1_700_000_000_123)
        file.sync()
    stat = world.fs.find_stat(world.new)
    assert stat is not None
    assert stat.modified_at == 1_700_000_000_123


def test_a_taken_name_is_a_conflict(world: World) -> None:
    """Whatever stands there is left alone."""
    with pytest.raises(Conflict, match=world.file):
        world.fs.create(world.file)
    assert world.content(world.file) == b"abc"


def test_nothing_is_made_in_a_folder_that_is_not_there(world: World) -> None:
    """A vanished folder is the storage's failure, and the message names the path."""
    path = f"{world.home}/gone/file"
    with pytest.raises(StorageFailed, match=path):
        world.fs.create(path)
    with pytest.raises(StorageFailed, match=path):
        world.fs.find_lock(path)
    with pytest.raises(StorageFailed, match=path):
        world.fs.replace(world.file, path)
    with pytest.raises(StorageFailed, match="gone"):
        world.fs.sync_folder(f"{world.home}/gone")
    assert world.content(world.file) == b"abc"


def test_only_a_file_that_is_there_is_opened(world: World) -> None:
    """And only a file."""
    with pytest.raises(NotFound, match=world.new):
        world.fs.open_append(world.new)
    with pytest.raises(StorageFailed):
        world.fs.open_append(world.home)


def test_bytes_are_appended_at_the_end(world: World) -> None:
    """And are seen by every reader at once."""
    with world.fs.open_append(world.file) as file:
        file.append(b"def")
        file.append(b"")
        file.append(b"g")
        assert (file.size_bytes(), file.read_at(2, 3), file.read_at(6, 9)) == (7, b"cde", b"g")
        assert world.content(world.file) == b"abcdefg"


def test_two_handles_append_to_one_end(world: World) -> None:
    """Neither writes over what the other wrote."""
    with world.fs.open_append(world.file) as one, world.fs.open_append(world.file) as other:
        assert one.identity == other.identity
        for handle, content in ((one, b"1"), (other, b"2"), (one, b"3")):
            handle.append(content)
        assert one.size_bytes() == other.size_bytes() == 6
    assert world.content(world.file) == b"abc123"


def test_the_end_is_cut_off(world: World) -> None:
    """What is appended then follows the new end."""
    with world.fs.open_append(world.file) as file:
        file.truncate(1)
        file.append(b"z")
        file.sync()
    assert world.content(world.file) == b"az"


@pytest.mark.parametrize("size_bytes", [-1, 4])
def test_only_an_end_that_is_there_is_cut_off(world: World, size_bytes: int) -> None:
    """Cutting never lengthens a file."""
    with world.fs.open_append(world.file) as file, pytest.raises(AssertionError):
        file.truncate(size_bytes)
    assert world.content(world.file) == b"abc"


def test_a_closed_file_is_not_written(world: World) -> None:
    """Closing twice is once."""
    file = world.fs.open_append(world.file)
    file.close()
    file.close()
    for act in (lambda: file.append(b"x"), file.sync, file.size_bytes, lambda: file.truncate(0)):
        with pytest.raises(StorageFailed):
            act()
    assert world.content(world.file) == b"abc"


def test_a_file_takes_the_place_of_another(world: World) -> None:
    """It keeps its identity; whoever has the other one open keeps that."""
    with world.fs.create(world.new) as new, world.fs.open_read(world.file) as old:
        new.append(b"new")
        world.fs.replace(world.new, world.file)
        assert (old.read_at(0, 10), world.content(world.file)) == (b"abc", b"new")
        with world.fs.open_read(world.file) as found:
            assert found.identity == new.identity
    assert world.names(world.home) == ["file"]


def test_what_is_not_there_takes_no_place(world: World) -> None:
    """The file under the name stays."""
    with pytest.raises(NotFound, match=world.new):
        world.fs.replace(world.new, world.file)
    assert world.content(world.file) == b"abc"


def test_a_name_is_taken_away(world: World) -> None:
    """Once; a second time there is nothing to do, nor where there is no folder."""
    world.fs.remove(world.file)
    world.fs.remove(world.file)
    world.fs.remove(f"{world.home}/gone/file")
    assert world.names(world.home) == []


def test_a_folder_is_not_taken_away(world: World) -> None:
    """Only files are."""
    world.fs.make_folders(world.new)
    with pytest.raises(StorageFailed):
        world.fs.remove(world.new)
    with pytest.raises(StorageFailed):
        world.fs.replace(world.file, world.new)


def test_folders_are_made_as_deep_as_needed(world: World) -> None:
    """And may be asked for again."""
    for _ in range(2):
        world.fs.make_folders(f"{world.home}/a/b/c")
    assert world.fs.is_folder(f"{world.home}/a/b/c")
    assert world.names(f"{world.home}/a") == ["b"]


def test_a_file_is_no_folder(world: World) -> None:
    """Neither it nor anything below it can be made one."""
    for path in (world.file, f"{world.file}/below"):
        with pytest.raises(StorageFailed, match=world.file):
            world.fs.make_folders(path)


def test_a_lock_has_one_holder(world: World) -> None:
    """Within one process, too; it is free again after its release, which may be repeated."""
    path = f"{world.home}/lock"
    lock = world.fs.find_lock(path)
    assert lock is not None
    assert lock.path == path
    assert world.fs.find_lock(path) is None
    assert world.fs.find_lock(path, shared=True) is None
    lock.release()
    lock.release()
    again = world.fs.find_lock(path)
    assert again is not None
    lock.release()
    assert world.fs.find_lock(path) is None
    again.release()


def test_a_lock_may_take_its_file_along(world: World) -> None:
    """The name goes, and the next lock is on a new file."""
    lock = world.fs.find_lock(f"{world.home}/lock")
    assert lock is not None
    assert lock.is_held
    lock.release(removes_file=True)
    lock.release(removes_file=True)
    assert not lock.is_held
    assert world.names(world.home) == ["file"]


def test_a_lock_takes_no_other_file_along(world: World) -> None:
    """Not even one that has come to its name meanwhile."""
    path = f"{world.home}/lock"
    lock = world.fs.find_lock(path)
    assert lock is not None
    world.fs.replace(world.file, path)
    lock.release(removes_file=True)
    assert world.content(path) == b"abc"


def test_a_shared_lock_has_many(world: World) -> None:
    """An exclusive one waits for the last of them."""
    path = f"{world.home}/lock"
    locks = [world.fs.find_lock(path, shared=True) for _ in range(2)]
    for lock in locks:
        assert lock is not None
        assert world.fs.find_lock(path) is None
        lock.release()
    alone = world.fs.find_lock(path)
    assert alone is not None
    alone.release()


def test_locking_leaves_the_content_alone(world: World) -> None:
    """Any file can serve."""
    lock = world.fs.find_lock(world.file)
    assert lock is not None
    assert world.content(world.file) == b"abc"
    lock.release()


def test_a_small_file_is_read_whole(world: World) -> None:
    """Up to the limit; over it, it is not what was expected; a missing one is None."""
    assert world.fs.read_small(world.file, 3) == b"abc"
    with pytest.raises(StorageFailed, match=world.file):
        world.fs.read_small(world.file, 2)
    assert world.fs.read_small(world.new) is None
