"""A home on disk for each test, closed behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalog_home import DiskHome


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskHome]:
    """An empty home on a real disk."""
    home = DiskHome(tmp_path)
    yield home
    home.close()
