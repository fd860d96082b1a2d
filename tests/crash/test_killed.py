"""Real processes on a real disk: killed while they write, and many at once.

`tools/crash_soak` does the same for long.
"""

from __future__ import annotations

from pathlib import Path

from soaking.crowd import soak_crowd
from soaking.killed import soak_killed


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    """Nor is anything shown as complete that was not recorded to its end."""
    outcome = soak_killed(tmp_path, runs=10, seed=1)
    assert outcome.acknowledged_turns > 0


def test_writers_and_readers_do_not_disturb_each_other(tmp_path: Path) -> None:
    """No reading is torn, no turn is missed, nobody waits for anybody."""
    outcome = soak_crowd(tmp_path, seconds=1.5, writers=3, readers=3)
    assert outcome.acknowledged_turns > 0
    assert outcome.readings > 0
