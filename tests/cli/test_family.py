"""`rollout tree` on a terminal: large families in few aligned rows, and threads that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import Rollout, thread, uuid
from tests.cli.conftest import Runner
from tests.unit.fork.family_homes import chain, child_of, wide_family


def put(home: Path, *rollouts: Rollout) -> Path:
    """Write rollouts into a home; return it."""
    day = home / "sessions/2026/11/21"
    day.mkdir(parents=True, exist_ok=True)
    for rollout in rollouts:
        (day / rollout.name()).write_bytes(rollout.content)
    return home


def printed(
    call: Runner, monkeypatch: pytest.MonkeyPatch, home: Path, columns: int, *arguments: str
) -> list[str]:
    """Return the lines of a tree on a terminal of that width."""
    monkeypatch.setenv("COLUMNS", str(columns))
    ran = call("--home", home, "tree", *arguments)
    assert ran.status == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("columns", [80, 120, 160])
@pytest.mark.parametrize("forks", [200, 1_000])
def test_a_large_family_fits_the_terminal(
    columns: int, forks: int, tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen or two of rows, none wider than the terminal, every thread counted in the last line."""
    home = put(tmp_path, *wide_family(forks, 40))
    lines = printed(rollout_command, monkeypatch, home, columns, uuid(1))
    assert len(lines) <= 55
    assert max(map(len, lines[:-1])) <= max(columns, 100)
    assert lines[-1].startswith(f"{forks + 1:,} threads: ")


def test_columns_are_aligned(
    tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every title begins below its head."""
    home = put(tmp_path, *wide_family(20, 3))
    head, *rows, _ = printed(rollout_command, monkeypatch, home, 140, uuid(5))
    at = head.index("TITLE")
    assert all(row[at - 1] == " " and row[at] != " " for row in rows)


def test_the_asked_thread_is_marked(
    tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a sign in the margin, not by colour alone."""
    home = put(tmp_path, *wide_family(200, 10))
    (marked,) = [
        line for line in printed(rollout_command, monkeypatch, home, 120, uuid(70)) if line[0] == ">"
    ]
    assert uuid(70)[:36] in marked


def test_everything_is_shown_when_asked_for(
    tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row a thread, also of a chain deeper than the terminal is wide."""
    home = put(tmp_path, *chain(300))
    lines = printed(rollout_command, monkeypatch, home, 120, uuid(300), "--all")
    assert len(lines) == 302
    assert max(map(len, lines)) <= 160


def test_a_missing_parent_is_shown(
    tmp_path: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child cannot be opened, and its family is told all the same."""
    home = put(tmp_path, child_of(thread(1).turn("one"), 2).turn("two"))
    _, parent, child, _ = printed(rollout_command, monkeypatch, home, 200, uuid(2))
    assert parent.endswith("[missing] (no rollout in this home is its own)")
    assert child.endswith("(cannot be read) missing source rollout: no file in this home carries that id")


def test_a_path_names_its_thread(tmp_path: Path, rollout_command: Runner) -> None:
    """Also that of a thread whose parent is missing."""
    child = child_of(thread(1).turn("one"), 2)
    home = put(tmp_path, child)
    path = home / "sessions/2026/11/21" / child.name()
    ran = rollout_command("--home", home, "tree", path, "--json")
    assert json.loads(ran.stdout)["threadId"] == uuid(2)


def test_json_has_every_thread(tmp_path: Path, rollout_command: Runner) -> None:
    """However few of them the text shows."""
    home = put(tmp_path, *wide_family(200, 30))
    found = json.loads(rollout_command("--home", home, "tree", uuid(9), "--json").stdout)
    assert len(found["data"]) == 201
    assert (len(found["siblings"]), found["parents"], found["children"]) == (199, [uuid(1)], [])
