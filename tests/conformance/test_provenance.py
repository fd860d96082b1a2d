"""The fixtures are the files that were recorded and made: no byte has changed since."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from handmade.tree import find_changes
from refclient.provenance import checksums, find_differences

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.mark.parametrize("tree", ["recorded", "handmade"])
def test_every_file_has_its_recorded_checksum(tree: str) -> None:
    """None is missing, none is unknown, none has changed."""
    assert find_differences(FIXTURES / tree) == []


def test_handmade_fixtures_are_made_again_byte_for_byte() -> None:
    """The maker says in the open what every byte is for; the files say the same."""
    assert find_changes(FIXTURES / "handmade") == []


def test_changed_missing_and_unknown_files_are_found(tmp_path: Path) -> None:
    """The comparison itself sees each kind of difference."""
    for name in ("same", "changed", "gone"):
        (tmp_path / name).write_text(f"The file {name}.")
    (tmp_path / "PROVENANCE.json").write_text(json.dumps({"files": checksums(tmp_path)}))
    (tmp_path / "changed").write_text("Another text.")
    (tmp_path / "gone").unlink()
    (tmp_path / "unknown").write_text("A file more.")
    assert find_differences(tmp_path) == ["missing: gone", "not recorded: unknown", "changed: changed"]
