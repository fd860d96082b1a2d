"""Of every home that a real client left, and of every damaged one, rows say what the files say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rollout.catalog.query import ThreadFilter
from rollout.store.listing import ListRequest
from rollout.store.places import SortKey
from rollout.store.root import open_store
from rollout.turns.paging import SortDirection

FIXTURES = Path(__file__).parents[2] / "fixtures"
FOLDERS = ("sessions", "archived_sessions")
EVERYTHING = ThreadFilter(until_ms=1 << 61)


def homes() -> list[Path]:
    """Return every home among the fixtures."""
    return sorted({path.parent for folder in FOLDERS for path in FIXTURES.rglob(folder) if path.is_dir()})


@pytest.mark.parametrize("home", homes(), ids=lambda home: str(home.relative_to(FIXTURES)))
def test_rows_say_what_the_files_say(home: Path, tmp_path: Path) -> None:
    """Every summary, every problem, and what lies beside the threads, in every order."""
    copy = tmp_path / "home"
    shutil.copytree(home, copy, symlinks=True)
    with open_store(copy) as store:
        for sort in SortKey:
            for direction in SortDirection:
                for is_archived in (False, True):
                    request = ListRequest(100, None, sort, direction, is_archived, EVERYTHING)
                    assert store.catalog.page_of_rows(request) == store.catalog.page_of_files(request)
