"""The file system in memory: content made up as it is read, and a note of all that was touched."""

from __future__ import annotations

import pytest

from rollout.errors import NotFound, StorageFailed
from rollout.testing.memory import MemoryFileSystem, Read, Stretched

PATH = "/home/a/file"


@pytest.mark.parametrize("offset", range(12))
@pytest.mark.parametrize("size_bytes", range(12))
def test_stretched_content_is_what_it_stands_for(offset: int, size_bytes: int) -> None:
    """Head, filler and tail, at every position."""
    content = Stretched(b"abc", b"x", 4, b"de")
    whole = b"abcxxxxde"
    assert content.size_bytes == len(whole)
    assert content.read_at(offset, size_bytes) == whole[offset : offset + size_bytes]


def test_opens_and_reads_are_noted() -> None:
    """So that a test can say what was touched."""
    fs = MemoryFileSystem({PATH: b"abcdef"})
    with fs.open_read(PATH) as file:
        file.read_at(1, 2)
        file.read_at(0, 4)
        assert fs.open_count == 1
    assert (fs.opens, fs.open_count) == ([PATH], 0)
    assert fs.reads == [Read(PATH, 1, 2), Read(PATH, 0, 4)]
    assert (fs.bytes_read, fs.largest_read_bytes) == (6, 4)


def test_listings_are_noted() -> None:
    """Each time a folder is walked."""
    fs = MemoryFileSystem({PATH: b""})
    list(fs.iter_folder("/home"))
    assert fs.listed == ["/home"]


def test_a_changed_file_shows_its_new_bytes_to_whoever_has_it_open() -> None:
    """As an append by another process does."""
    fs = MemoryFileSystem({PATH: b"abc"})
    with fs.open_read(PATH) as file:
        fs.change(PATH, b"abcdef")
        assert file.read_at(0, 10) == b"abcdef"


def test_a_published_file_leaves_the_open_one_alone() -> None:
    """As a rename onto its name does; the identity changes."""
    fs = MemoryFileSystem({PATH: b"abc"})
    with fs.open_read(PATH) as before:
        fs.put(PATH, b"other")
        with fs.open_read(PATH) as after:
            assert (before.read_at(0, 9), after.read_at(0, 9)) == (b"abc", b"other")
            assert before.identity != after.identity


def test_names_move_the_time_of_their_folders_and_appends_do_not() -> None:
    """What an index goes by."""
    fs = MemoryFileSystem({PATH: b""})
    times = [fs.changed_at("/home/a")]
    fs.change(PATH, b"more")
    times.append(fs.changed_at("/home/a"))
    fs.put("/home/a/second", b"")
    times.append(fs.changed_at("/home/a"))
    fs.remove("/home/a/second")
    times.append(fs.changed_at("/home/a"))
    assert times[0] == times[1] < times[2] < times[3]


def test_a_removed_file_is_gone() -> None:
    """By name."""
    fs = MemoryFileSystem({PATH: b""})
    fs.remove(PATH)
    with pytest.raises(NotFound):
        fs.open_read(PATH)


def test_what_is_refused_fails_every_way() -> None:
    """Opening, listing and looking."""
    fs = MemoryFileSystem({PATH: b""})
    fs.refuse(PATH)
    fs.refuse("/home/a")
    for act in (fs.open_read, fs.find_stat, lambda path: list(fs.iter_folder("/home/a"))):
        with pytest.raises(StorageFailed, match="Permission denied"):
            act(PATH)
