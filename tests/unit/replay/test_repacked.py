"""A rollout that is compressed while somebody reads it is read on; another file under its name is not."""

from __future__ import annotations

import pytest
import zstandard

from rollout.errors import DamagedLog
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.replay.context import read_context
from rollout.replay.lineage import Lineage
from rollout.store.opening import Opener
from rollout.testing.memory import MemoryFileSystem
from tests.builders import DAY, HOME, Rollout, thread

PARENT = thread(1).turn("hello", "a long answer " * 10_000)
CHILD = PARENT.fork(3).turn("and now?")
PLAIN = f"{DAY}/{PARENT.name()}"


def opened(fs: MemoryFileSystem) -> Lineage:
    """Return the lineage of the fork; the file of its parent has been looked at, and is not open."""
    return Opener(fs, HOME, MAX_LINE_BYTES).open_thread(CHILD.thread_id)


def home(parent: Rollout = PARENT, *, is_packed: bool = False) -> MemoryFileSystem:
    """Return a home with both."""
    fs = MemoryFileSystem({f"{DAY}/{CHILD.name()}": CHILD.content})
    put(fs, parent, is_packed=is_packed)
    return fs


def put(fs: MemoryFileSystem, parent: Rollout, *, is_packed: bool) -> None:
    """Put the parent into the home, plain or compressed."""
    if is_packed:
        fs.put(f"{PLAIN}.zst", zstandard.ZstdCompressor().compress(parent.content))
    else:
        fs.put(PLAIN, parent.content)


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_parent_that_was_repacked_meanwhile_is_read(is_packed: bool) -> None:
    """Compressed, or made plain."""
    with opened(home()) as lineage:
        expected = read_context(lineage).input_json()
    fs = home(is_packed=is_packed)
    with opened(fs) as lineage:
        put(fs, PARENT, is_packed=not is_packed)
        fs.remove(f"{PLAIN}.zst" if is_packed else PLAIN)
        assert read_context(lineage).input_json() == expected


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(thread(9).turn("hello", "a long answer " * 10_000), id="another thread"),
        pytest.param(thread(1), id="too short"),
    ],
)
def test_another_file_in_its_place_is_not_read(other: Rollout) -> None:
    """The thread is to be read again."""
    fs = home()
    with opened(fs) as lineage:
        put(fs, other, is_packed=True)
        fs.remove(PLAIN)
        with pytest.raises(DamagedLog, match="taken away"):
            read_context(lineage).input_json()
