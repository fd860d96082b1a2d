"""`rollout checkpoint`: where it goes, what it says, and that nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cli.conftest import Runner, bytes_of, error_of


def resumed(rollout_command: Runner, home: Path, thread_id: str) -> dict[str, Any]:
    """Return what a resume says under `rollout`."""
    ran = rollout_command("--home", home, "resume", thread_id, "--exclude-turns", "--json")
    found: dict[str, Any] = json.loads(ran.stdout)["rollout"]
    return found


def test_a_thread_of_ours_has_it_in_its_log(home: Path, thread_id: str, rollout_command: Runner) -> None:
    """The next resume starts there, and says the same."""
    before = resumed(rollout_command, home, thread_id)
    ran = rollout_command("--home", home, "checkpoint", thread_id)
    assert ran.status == 0
    assert "2 items" in ran.stdout
    assert "kept in the log" in ran.stdout
    after = resumed(rollout_command, home, thread_id)
    assert before.pop("read")["path"] == "full"
    assert "a checkpoint stands for all earlier records" in after.pop("read")["reason"]
    assert after == before


def test_another_clients_log_stays_as_it_is(home_of: Callable[[str], Path], rollout_command: Runner) -> None:
    """The checkpoint is a file of its own; the answer as JSON names it."""
    home = home_of("legacy")
    before = bytes_of(home)
    ran = rollout_command("--home", home, "checkpoint", "--last", "--json")
    kept = json.loads(ran.stdout)
    after = bytes_of(home)
    added = after.keys() - before.keys()
    assert added == {f".rollout/checkpoints/{kept['rolloutId']}.json"}
    assert {name: after[name] for name in before} == before
    assert kept["path"] == str(home / added.pop())
    assert (kept["isInLog"], kept["sizeBytes"]) == (False, len(Path(kept["path"]).read_bytes()))


def test_it_goes_where_derived_files_are_kept(
    home_of: Callable[[str], Path], rollout_command: Runner, tmp_path: Path
) -> None:
    """--state-dir names the folder; an empty one is nowhere, which is no place to keep one."""
    home = home_of("legacy")
    before = bytes_of(home)
    state = tmp_path / "state"
    ran = rollout_command("--home", home, "--state-dir", state, "checkpoint", "--last", "--json")
    assert Path(json.loads(ran.stdout)["path"]).parent == state / "checkpoints"
    refused = rollout_command("--home", home, "--state-dir", "", "checkpoint", "--last", "--json")
    assert refused.status == 2
    assert "--state-dir" in error_of(refused)["hint"]
    assert bytes_of(home) == before


def test_a_new_thread_has_one_of_nothing(home: Path, rollout_command: Runner) -> None:
    """Its settings stand behind its header, and a model is given no item."""
    made = rollout_command("--home", home, "new", "--model", "m", "--cwd", "/src").stdout.strip()
    ran = rollout_command("--home", home, "checkpoint", made)
    assert (ran.status, ran.stderr) == (0, "")
    assert "0 items" in ran.stdout
