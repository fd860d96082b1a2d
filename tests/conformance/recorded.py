"""The recorded homes: which threads they hold, and what the reference client said of each."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rollout.fs.posix import POSIX
from rollout.ids import ThreadId
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.replay.lineage import Lineage
from rollout.store.opening import Opener

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"
CASES = [
    pytest.param(path.parents[1], path.stem, id=f"{path.parents[1].name}-{path.stem[-6:]}")
    for path in sorted(RECORDED.glob("*/expected/*-*.json"))
]


@cache
def expected_of(home: Path, thread_id: str) -> Any:
    """Return what the client answered about one thread."""
    return json.loads((home / "expected" / f"{thread_id}.json").read_text())


def open_lineage(home: Path, thread_id: str) -> Lineage:
    """Open one recorded thread."""
    return Opener(POSIX, str(home), MAX_LINE_BYTES).open_thread(ThreadId(thread_id))
