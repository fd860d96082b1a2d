"""The rows of the search are measured, on small data."""

from __future__ import annotations

from pathlib import Path

from benchmark.data import Data
from benchmark.searching import search_rows

from tests.bench.small import small_run
from tests.catalog_home import DiskHome


def test_every_row_is_measured(tmp_path: Path) -> None:
    """And every query finds threads in which a message matches."""
    disk = DiskHome(tmp_path)
    try:
        rows = list(search_rows(disk.catalog(), tmp_path, small_run(Data(tmp_path))))
    finally:
        disk.close()
    assert len(rows) == 8
    assert all(row.samples_ms for row in rows)
