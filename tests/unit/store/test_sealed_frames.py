"""Reading a sealed thread unpacks the frames that hold what is asked for, and leaves the others alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

import fork
from rollout.log.framed import FramedSource
from rollout.store.compressing import Outcome, compress_threads
from rollout.store.root import open_store
from rollout.store.store import Store
from tests.builders import thread, uuid

TURNS = 300


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A home with a sealed thread of some ten frames."""
    noise = Random(11)
    log = thread(1)
    for number in range(TURNS):
        log.turn(f"question {number}", noise.randbytes(6000).hex())
    path = tmp_path / "sessions" / "2026" / "11" / "21" / log.name()
    path.parent.mkdir(parents=True)
    path.write_bytes(log.log())
    with open_store(tmp_path) as opened:
        assert [one.outcome for one in compress_threads(opened, older_than_ms=0)] == [Outcome.COMPRESSED]
        yield opened


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The numbers of the frames that are unpacked."""
    numbers: set[int] = set()
    plain = FramedSource._unpacked

    def noted(source: FramedSource, number: int, packed: bytes, decoded_bytes: int) -> bytes:
        numbers.add(number)
        return plain(source, number, packed, decoded_bytes)

    monkeypatch.setattr(FramedSource, "_unpacked", noted)
    return numbers


def frames_of(store: Store) -> int:
    """Return how many frames the thread has."""
    with store.open_thread(uuid(1)) as opened:
        source = opened.lineage.newest_source
        assert isinstance(source, FramedSource)
        return source._table.frame_count


def test_the_newest_page_unpacks_the_end(store: Store, unpacked: set[int]) -> None:
    """And the header."""
    last = frames_of(store) - 1
    assert last > 6
    assert len(store.turns(uuid(1), limit=5).data) == 5
    assert unpacked == {0, last}


def test_pages_unpack_one_frame_after_the_other(store: Store, unpacked: set[int]) -> None:
    """Each begins where the one before it ended."""
    with store.open_thread(uuid(1)) as opened:
        cursor = opened.turns(limit=100).next_cursor
        unpacked.clear()
        page = opened.turns(limit=5, cursor=cursor)
    assert page.data[0].id == f"t{TURNS - 100}"
    assert len(unpacked) <= 2


def test_a_fork_at_the_newest_turn_unpacks_the_end(store: Store, unpacked: set[int]) -> None:
    """It copies nothing, and reads little."""
    last = frames_of(store) - 1
    child = fork.fork_thread(store, uuid(1), before_turn=f"t{TURNS}", exclude_turns=True)
    assert child.id
    assert unpacked <= {0, last - 2, last - 1, last}
