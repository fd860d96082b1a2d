"""Archive, delete and prune from the command line, one after the other on one home."""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Runner, error_of

ROOT = "01a1fc4b-1421-7593-9968-e42ed4b5c9b4"
LEAF = "01a1fc4b-17cf-7683-9acc-31153677c970"
"""A fork of forks of the root; nothing stands on it."""
CHILD = "01a1fc4b-1645-7db2-8175-dd5fd9a8d531"
"""It stands on the root."""

HomeOf = Callable[[str], Path]


def logs_in(home: Path) -> set[str]:
    """Return where rollouts lie, from the home on."""
    return {str(path.relative_to(home)) for path in home.rglob("rollout-*")}


def answer(run: Runner, *arguments: object) -> Any:
    """Return the JSON that a command prints."""
    ran = run(*arguments, "--json")
    assert ran.status == 0, ran.stderr
    return json.loads(ran.stdout)


def test_an_archived_thread_moves_between_lists(home_of: HomeOf, rollout_command: Runner) -> None:
    """And comes back by its id."""
    home = home_of("forks")
    found = answer(rollout_command, "--home", home, "archive", LEAF)
    assert found["threadIds"] == [LEAF]
    (moved,) = found["moved"]
    assert Path(moved["path"]).parent == home / "archived_sessions"
    listed = answer(rollout_command, "--home", home, "list", "--archived")
    assert [row["id"] for row in listed["data"]] == [LEAF]
    back = answer(rollout_command, "--home", home, "unarchive", LEAF)
    assert back["moved"][0]["path"] == moved["oldPath"]


def test_a_thread_is_archived_by_its_path(home_of: HomeOf, rollout_command: Runner) -> None:
    """A path of another home is refused."""
    home = home_of("forks")
    path = next(home.rglob(f"*{LEAF}.jsonl"))
    assert rollout_command("--home", home_of("reverts"), "archive", path, "--json").status == 2
    assert answer(rollout_command, "--home", home, "archive", path)["threadIds"] == [LEAF]


def test_archiving_twice_says_so(home_of: HomeOf, rollout_command: Runner) -> None:
    """Without an error: it is as wanted."""
    home = home_of("forks")
    rollout_command("--home", home, "archive", LEAF)
    ran = rollout_command("--home", home, "archive", LEAF)
    assert (ran.status, ran.stdout) == (0, f"thread {LEAF} is archived already\n")


def test_a_deleted_thread_is_not_found_until_it_is_brought_back(
    home_of: HomeOf, rollout_command: Runner
) -> None:
    """Status 3, and the way back in the hint."""
    home = home_of("forks")
    assert answer(rollout_command, "--home", home, "delete", LEAF) == {
        "threadIds": [LEAF],
        "mode": "plain",
        "resting": [],
        "flattened": [],
    }
    ran = rollout_command("--home", home, "show", LEAF, "--json")
    assert (ran.status, error_of(ran)["hint"]) == (
        3,
        f"Run `rollout delete --undo {LEAF}` to bring it back.",
    )
    assert answer(rollout_command, "--home", home, "delete", "--undo", LEAF)["threadIds"] == [LEAF]
    assert rollout_command("--home", home, "show", LEAF).status == 0


def test_a_thread_with_forks_is_deleted_only_as_told(home_of: HomeOf, rollout_command: Runner) -> None:
    """Status 4 without an option; kept for them, they read as before, also after pruning."""
    home = home_of("forks")
    ran = rollout_command("--home", home, "delete", ROOT, "--json")
    assert (ran.status, error_of(ran)["code"]) == (4, "conflict")
    before = answer(rollout_command, "--home", home, "turns", CHILD)["data"]
    found = answer(rollout_command, "--home", home, "delete", ROOT, "--keep-for-forks")
    assert CHILD in found["resting"]
    answer(rollout_command, "--home", home, "prune", "--yes")
    assert answer(rollout_command, "--home", home, "turns", CHILD)["data"] == before


@pytest.mark.parametrize("first", ["--keep-for-forks", "--cascade", "--undo"])
def test_only_one_way_can_be_chosen(first: str, home_of: HomeOf, rollout_command: Runner) -> None:
    """Two say nothing."""
    ran = rollout_command("--home", home_of("forks"), "delete", ROOT, first, "--flatten-children", "--json")
    assert (ran.status, error_of(ran)["code"]) == (2, "request.invalid")


def test_what_was_deleted_is_pruned_after_asking(home_of: HomeOf, rollout_command: Runner) -> None:
    """With nobody to ask, --yes is needed; --dry-run prints the very plan."""
    home = home_of("forks")
    rollout_command("--home", home, "delete", ROOT, "--cascade")
    planned = answer(rollout_command, "--home", home, "prune", "--dry-run")
    before = logs_in(home)
    ran = rollout_command("--home", home, "prune")
    assert (ran.status, logs_in(home)) == (2, before)
    done = answer(rollout_command, "--home", home, "prune", "--yes")
    assert [step | {"applied": False} for step in done["steps"]] == planned["steps"]
    assert all(step["applied"] for step in done["steps"])
    assert done["bytesReclaimed"] == done["bytesPlanned"] == planned["bytesPlanned"] > 0
    assert planned["bytesReclaimed"] == 0
    left = {row["path"] for row in answer(rollout_command, "--home", home, "list")["data"]}
    assert {str(home / path) for path in logs_in(home)} == left


@pytest.mark.parametrize(("said", "is_left"), [("n\n", True), ("y\n", False)])
def test_on_a_terminal_pruning_asks(
    said: str, is_left: bool, home_of: HomeOf, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the plan; no is no."""
    home = home_of("forks")
    rollout_command("--home", home, "delete", LEAF)
    terminal = io.StringIO(said)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    ran = rollout_command("--home", home, "prune")
    assert ran.status == 0
    assert "reclaim this?" in ran.stderr
    assert bool(list(home.rglob(f"rollout-*{LEAF}*"))) is is_left


def test_bringing_back_what_was_pruned_fails(home_of: HomeOf, rollout_command: Runner) -> None:
    """Status 3 once nothing is left, 4 while a part is."""
    home = home_of("forks")
    rollout_command("--home", home, "delete", LEAF)
    rollout_command("--home", home, "delete", ROOT, "--keep-for-forks")
    rollout_command("--home", home, "prune", "--yes")
    assert rollout_command("--home", home, "delete", "--undo", LEAF).status == 3
    assert not list(home.rglob(f"*{LEAF}*"))


def test_what_cannot_be_read_ends_with_status_5(
    home_of: HomeOf, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is reclaimed then, and the file is named."""
    home = home_of("forks")
    rollout_command("--home", home, "delete", LEAF)
    path = next(home.rglob(f"*{ROOT}.jsonl"))
    path.rename(path.with_suffix(".jsonl.zst"))  # which it is not
    ran = rollout_command("--home", home, "prune", "--yes")
    assert ran.status == 5
    assert str(path) in ran.stdout
    assert list(home.rglob(f"*{LEAF}.jsonl"))


def test_flattening_needs_its_package(
    home_of: HomeOf, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else about deleting works without."""
    load = importlib.import_module

    def without_fork(name: str, package: str | None = None) -> Any:
        if name.startswith("fork"):
            raise ModuleNotFoundError(name)
        return load(name, package)

    monkeypatch.setattr("rollout.cli.delete.importlib.import_module", without_fork)
    ran = rollout_command("--home", home_of("forks"), "delete", ROOT, "--flatten-children", "--json")
    assert (ran.status, error_of(ran)["code"]) == (2, "request.invalid")


def test_flattened_children_stand_alone(home_of: HomeOf, rollout_command: Runner) -> None:
    """They read as before once their parent is pruned whole."""
    home = home_of("forks")
    before = answer(rollout_command, "--home", home, "items", CHILD)["data"]
    found = answer(rollout_command, "--home", home, "delete", ROOT, "--flatten-children")
    assert CHILD in found["flattened"]
    answer(rollout_command, "--home", home, "prune", "--yes", "--superseded")
    assert not list(home.rglob(f"rollout-*{ROOT}*"))
    assert answer(rollout_command, "--home", home, "items", CHILD)["data"] == before
