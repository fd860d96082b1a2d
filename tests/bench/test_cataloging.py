"""The rows of the catalog: archives are the same at every call, and every row is measured."""

from __future__ import annotations

from pathlib import Path

from benchmark.archive import write_archive
from benchmark.cataloging import run_catalog
from benchmark.data import Data

import rollout
from tests.bench.small import small_run


def bytes_of(home: Path) -> dict[str, bytes]:
    """Return every file of a home."""
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*.jsonl")}


def test_equal_archives_have_equal_bytes(tmp_path: Path) -> None:
    """A file a thread, each under its own name."""
    for name in ("one", "other"):
        write_archive(tmp_path / name, 5)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "other")
    assert len(bytes_of(tmp_path / "one")) == 5


def test_every_thread_of_an_archive_is_read(tmp_path: Path) -> None:
    """With its turn, and its own last change."""
    write_archive(tmp_path, 5)
    with rollout.open_store(tmp_path, state_dir=None) as store:
        rows = store.list_threads(sort=rollout.SortKey.UPDATED).data
        assert [len(store.turns(row.id).data) for row in rows] == [1] * 5
    assert len({row.updated_at for row in rows}) == 5


def test_every_row_is_measured(tmp_path: Path) -> None:
    """And files that grew for a while are what they were."""
    data = Data(tmp_path)
    before = bytes_of(data.archive(5))
    rows = run_catalog(small_run(data))
    assert all(row.samples_ms for row in rows)
    assert {row.group for row in rows} == {"cold build", "refresh", "listing", "search"}
    assert bytes_of(data.archive(5)) == before
