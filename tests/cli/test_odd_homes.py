"""Homes that hold what nobody expects: links in circles, pipes, names that are no text."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Runner

NUMBERED = "rollout-2026-11-21T04-00-00-01a1fc4b-0000-7000-8000-00000000000{}.jsonl"


@pytest.fixture
def odd_home(home_of: Callable[[str], Path]) -> Path:
    """A recorded home with a link to its own top, a pipe, a dangling link, and a name of bytes."""
    home = home_of("forks")
    day = home / "sessions" / "2026" / "11" / "21"
    (day / "loop").symlink_to(home / "sessions")
    os.mkfifo(day / NUMBERED.format(1))
    (day / NUMBERED.format(2)).mkdir()
    (day / NUMBERED.format(3)).symlink_to("/nowhere/at/all")
    (day / NUMBERED.format(4)).touch()
    Path(os.fsdecode(os.fsencode(day) + b"/caf\xe9.jsonl")).write_bytes(b"{}\n")
    return home


def test_all_of_it_is_listed(odd_home: Path, rollout_command: Runner) -> None:
    """Every thread once, every oddity with its reason, as JSON that any parser takes."""
    ran = rollout_command("--home", odd_home, "list", "--json", "--limit", "100")
    answer = json.loads(ran.stdout)
    rows = {row["id"]: row for row in answer["data"]}
    problems = {key[-1]: row["rollout"]["problem"]["code"] for key, row in rows.items() if "rollout" in row}
    assert ran.status == 0
    assert len(rows) == len(answer["data"]) == 14
    assert problems == {"1": "storage.failed", "3": "not_found", "4": "log.damaged"}
    assert [Path(one["path"]).name for one in answer["rollout"]["findings"]] == ["caf?.jsonl"]


def test_it_reads_well_in_a_table(
    odd_home: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row says why, not where: the path stands in --json."""
    monkeypatch.setenv("COLUMNS", "200")
    shown = rollout_command("--home", odd_home, "list").stdout
    assert "(cannot be read) expected a regular file, found something else" in shown


def test_check_counts_what_cannot_be_read(odd_home: Path, rollout_command: Runner) -> None:
    """Status 5 and a verdict that says what was found, with the sound files counted."""
    ran = rollout_command("--home", odd_home, "check")
    assert ran.status == 5
    verdict = ran.stdout.splitlines()[-1]
    assert verdict.startswith("14 files, 188 records, ")
    assert verdict.endswith(": 3 files that cannot be read as a thread, 1 finding beside the threads")
