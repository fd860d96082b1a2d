"""A plain log as a source: fixed when opened, counted, and never half read in silence."""

from __future__ import annotations

import pytest

from rollout.errors import DamagedLog, NotFound, StorageFailed
from rollout.log.source import open_source
from rollout.testing.memory import MemoryFileSystem

PATH = "/home/log.jsonl"
CONTENT = bytes(range(256)) * 1000


def test_bytes_are_read_by_position() -> None:
    """In any order, and no further than the end."""
    with open_source(MemoryFileSystem({PATH: CONTENT}), PATH) as source:
        for offset, size in ((0, 10), (100_000, 300), (255_990, 100), (5, 70_000), (0, 0), (300_000, 5)):
            assert source.read_at(offset, size) == CONTENT[offset : offset + size]


def test_a_negative_size_reads_nothing() -> None:
    """Ranges may be computed empty."""
    with open_source(MemoryFileSystem({PATH: CONTENT}), PATH) as source:
        assert source.read_at(10, -5) == b""


def test_what_is_appended_later_is_not_seen() -> None:
    """The size is fixed when the source is opened."""
    fs = MemoryFileSystem({PATH: CONTENT})
    with open_source(fs, PATH) as source:
        fs.change(PATH, CONTENT + b"more")
        assert source.size_bytes == len(CONTENT)
        assert source.read_at(len(CONTENT) - 1, 100) == CONTENT[-1:]


def test_reaching_is_by_offset() -> None:
    """The end itself is reached."""
    with open_source(MemoryFileSystem({PATH: b"abc"}), PATH) as source:
        assert [source.reaches(offset) for offset in (0, 3, 4, 1 << 70)] == [True, True, False, False]


def test_bytes_read_are_counted() -> None:
    """A caller says how much an answer cost."""
    fs = MemoryFileSystem({PATH: CONTENT})
    with open_source(fs, PATH) as source:
        source.read_at(100_000, 1000)
        source.read_at(255_990, 1000)
        assert source.bytes_read == 1010
    assert fs.bytes_read == 1010


def test_the_head_is_read_once() -> None:
    """Whoever reads the header and then the first lines pays once."""
    fs = MemoryFileSystem({PATH: CONTENT})
    with open_source(fs, PATH) as source:
        head = source.read_at(0, 1000)
        assert source.read_at(10, 500) == head[10:510]
        assert source.read_at(0, 1500) == CONTENT[:1500]
        assert source.bytes_read == 1500


@pytest.mark.parametrize("left", [0, 100])
def test_a_log_that_shrinks_is_an_error(left: int) -> None:
    """A log only grows; half a line joined to another one would be worse than an error."""
    fs = MemoryFileSystem({PATH: CONTENT})
    with open_source(fs, PATH) as source:
        fs.change(PATH, CONTENT[:left])
        with pytest.raises(DamagedLog, match="shrank"):
            source.read_at(50, 100)


def test_a_missing_file_is_not_found() -> None:
    """The path is named."""
    with pytest.raises(NotFound, match=PATH):
        open_source(MemoryFileSystem(), PATH)


def test_a_folder_is_no_log() -> None:
    """Whatever it is called."""
    with pytest.raises(StorageFailed, match="regular file"):
        open_source(MemoryFileSystem({f"{PATH}/x": b""}), PATH)


def test_closing_is_idempotent_and_gives_the_file_back() -> None:
    """Leaving the block closes as well."""
    fs = MemoryFileSystem({PATH: CONTENT})
    with open_source(fs, PATH) as source:
        source.close()
    source.close()
    assert fs.open_count == 0


def test_a_file_replaced_under_its_name_stays_itself() -> None:
    """The open source goes on with the bytes it was opened on, and its identity tells."""
    fs = MemoryFileSystem({PATH: CONTENT})
    with open_source(fs, PATH) as before:
        fs.put(PATH, b"another")
        with open_source(fs, PATH) as after:
            assert before.read_at(0, 10) == CONTENT[:10]
            assert before.identity != after.identity
