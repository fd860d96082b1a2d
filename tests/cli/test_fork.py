"""`rollout fork` at work: a child is recorded at once, and says how it came to be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ANSWER, USER, Feed, Runner, bytes_of, error_of, lines
from tests.cli.test_golden import FIRST_TURN, ROOT, SECOND_TURN

HomeOf = Callable[[str], Path]


def answer(run: Runner, *arguments: object) -> Any:
    """Return what a command that succeeds prints as JSON."""
    ran = run(*arguments, "--json")
    assert ran.status == 0, ran.stderr
    return json.loads(ran.stdout)


def turn_ids(run: Runner, home: Path, reference: str) -> list[str]:
    """Return the ids of a thread's turns, oldest first."""
    page = answer(run, "--home", home, "turns", reference, "--sort", "asc", "--limit", 100)
    return [turn["id"] for turn in page["data"]]


def test_a_child_is_recorded_at_once(home_of: HomeOf, rollout_command: Runner, feed: Feed) -> None:
    """stdout is its id alone, for a script to go on with; the parent stays as it was, to the byte."""
    home = home_of("forks")
    before = bytes_of(home)
    child = rollout_command("--home", home, "fork", ROOT, "--last-turn", FIRST_TURN).stdout.strip()
    assert feed(lines(USER, ANSWER), "--home", home, "append", child).status == 0
    first, _ = turn_ids(rollout_command, home, child)
    assert first == FIRST_TURN
    after = bytes_of(home)
    assert {name: after[name] for name in before} == before


def test_json_is_a_resume_of_the_child(home_of: HomeOf, rollout_command: Runner) -> None:
    """With what was written; nothing of it differs from asking afterwards."""
    home = home_of("forks")
    made = answer(rollout_command, "--home", home, "fork", ROOT, "--before-turn", SECOND_TURN)
    resumed = answer(rollout_command, "--home", home, "resume", made["thread"]["id"])
    assert made["thread"] == resumed["thread"]
    assert made["turns"] == resumed["turns"]
    assert made["rollout"]["context"] == resumed["rollout"]["context"]
    own = {"base", "bytesWritten", "copiedBecause", "openTurnId"}
    assert set(made["rollout"]) == set(resumed["rollout"]) | own
    assert made["rollout"]["bytesWritten"] == Path(made["thread"]["path"]).stat().st_size
    assert made["rollout"]["base"]["rolloutId"] == ROOT


def test_excluded_turns_are_absent(home_of: HomeOf, rollout_command: Runner) -> None:
    """The rest is the same."""
    made = answer(rollout_command, "--home", home_of("forks"), "fork", ROOT, "--exclude-turns")
    assert "turns" not in made
    assert made["rollout"]["context"]["items"]


def test_a_file_that_is_not_in_the_home_is_copied(
    home_of: HomeOf, rollout_command: Runner, tmp_path: Path
) -> None:
    """And the answer says so: by its id it could not be found again."""
    elsewhere = tmp_path / "elsewhere.jsonl"
    shutil.copy(next(home_of("paginated").rglob("rollout-*.jsonl")), elsewhere)
    home = home_of("forks")
    made = answer(rollout_command, "--home", home, "fork", elsewhere)
    assert made["rollout"]["base"] is None
    assert "no file name of this home carries the rollout id" in made["rollout"]["copiedBecause"]
    elsewhere.unlink()
    child = made["thread"]["id"]
    assert turn_ids(rollout_command, home, child) == [turn["id"] for turn in made["turns"]]


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        (["--before-turn", FIRST_TURN, "--last-turn", FIRST_TURN], 2, "request.invalid"),
        (["--last-turn", ROOT], 3, "not_found"),
        (["--before-turn", ""], 3, "not_found"),
        (["--name", " "], 2, "request.invalid"),
        (["--model", ""], 2, "request.invalid"),
    ],
)
def test_a_wrong_call_writes_nothing(
    home_of: HomeOf, rollout_command: Runner, options: list[str], status: int, code: str
) -> None:
    """The home is as it was, to the byte."""
    home = home_of("forks")
    before = bytes_of(home)
    ran = rollout_command("--home", home, "fork", ROOT, *options, "--json")
    assert (ran.status, error_of(ran)["code"]) == (status, code)
    assert bytes_of(home) == before


def test_an_empty_thread_cannot_be_forked(home: Path, rollout_command: Runner) -> None:
    """The hint says what to do instead."""
    made = rollout_command("--home", home, "new", "--model", "m", "--cwd", "/src").stdout.strip()
    ran = rollout_command("--home", home, "fork", made, "--json")
    assert ran.status == 2
    assert error_of(ran)["hint"] == "Make a new thread instead."


def test_a_relative_folder_is_of_the_caller(
    home_of: HomeOf, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The child keeps the absolute one."""
    monkeypatch.chdir(tmp_path)
    made = answer(rollout_command, "--home", home_of("forks"), "fork", ROOT, "--cwd", "src")
    assert made["thread"]["cwd"] == str(tmp_path / "src")


def test_a_broken_link_ends_a_check_of_a_lineage(home_of: HomeOf, rollout_command: Runner) -> None:
    """Status 5, and the link that broke."""
    home = home_of("forks")
    child = rollout_command("--home", home, "fork", ROOT).stdout.strip()
    path = next(home.rglob(f"*{ROOT}.jsonl"))
    path.write_bytes(path.read_bytes().replace(b"Remembered", b"Dismembered"[:10]))
    ran = rollout_command("--home", home, "check", child, "--lineage", "--json")
    assert (ran.status, error_of(ran)["code"]) == (5, "log.damaged")
    assert f"rollout {child} -> base {ROOT}" in error_of(ran)["message"]
