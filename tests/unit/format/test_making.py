"""Decoders are made one at a time, by whoever needs one."""

from __future__ import annotations

import re
from pathlib import Path

import rollout

PACKAGES = [Path(rollout.__file__).parent, Path(rollout.__file__).parents[1] / "fork"]
ALONE = re.compile(
    r"msgspec\.json\.Decoder\((?!\))|json\.decode\([^)\n]*type=(?!list\[int\]|dict\[str, Raw\]|int\b)\w"
)


def test_no_module_makes_a_decoder_alone() -> None:
    """Two threads of a server made decoders of the same shapes, and it died with a segmentation fault."""
    found = {
        path.name
        for package in PACKAGES
        for path in package.rglob("*.py")
        if ALONE.search(path.read_text()) and path.name != "making.py"
    }
    assert found == set()
