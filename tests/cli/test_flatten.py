"""`rollout flatten`: what it says, and that nothing but the number of files changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cli.conftest import Runner, bytes_of, error_of

FORK = "01a1fc4b-17cf-7683-9acc-31153677c970"
ROOT = "01a1fc4b-1421-7593-9968-e42ed4b5c9b4"


def answer(run: Runner, *arguments: object) -> Any:
    """Return the JSON that a command prints."""
    ran = run(*arguments, "--json")
    assert ran.status == 0, ran.stderr
    return json.loads(ran.stdout)


def test_turns_stay_and_files_become_one(home_of: Callable[[str], Path], rollout_command: Runner) -> None:
    """The older ones stay where they are."""
    home = home_of("forks")
    before = answer(rollout_command, "--home", home, "turns", FORK, "--items", "full")
    files = bytes_of(home)
    done = answer(rollout_command, "--home", home, "flatten", FORK)
    assert done["thread"]["id"] == FORK
    (segment,) = done["rollout"]["segments"]
    assert segment["path"] == done["thread"]["path"]
    assert segment["rolloutId"] == done["rollout"]["rolloutId"]
    assert Path(segment["path"]).stat().st_size == done["rollout"]["bytesWritten"] == segment["endOffset"]
    assert done["rollout"]["segmentsBefore"] > 1
    assert answer(rollout_command, "--home", home, "turns", FORK, "--items", "full") == before
    after = bytes_of(home)
    assert {name: after[name] for name in files} == files


def test_it_is_told_to_people(home_of: Callable[[str], Path], rollout_command: Runner) -> None:
    """On stdout what was done, on stderr where it is."""
    home = home_of("forks")
    ran = rollout_command("--home", home, "flatten", FORK)
    assert ran.status == 0
    assert ran.stdout.startswith(f"thread {FORK}: ")
    assert " files in one, " in ran.stdout
    assert Path(ran.stderr.strip()).is_file()


def test_a_thread_that_inherits_nothing_is_left_alone(
    home_of: Callable[[str], Path], rollout_command: Runner
) -> None:
    """It is as wanted, and no error."""
    home = home_of("forks")
    files = bytes_of(home)
    ran = rollout_command("--home", home, "flatten", ROOT)
    assert (ran.status, "left as it is" in ran.stdout) == (0, True)
    assert bytes_of(home) == files


def test_a_flat_thread_is_sound(home_of: Callable[[str], Path], rollout_command: Runner) -> None:
    """A check finds nothing, ordinals included."""
    home = home_of("forks")
    rollout_command("--home", home, "flatten", FORK)
    ran = rollout_command("--home", home, "check", FORK)
    assert (ran.status, "sound" in ran.stdout) == (0, True)


def test_an_unknown_thread_is_not_found(home_of: Callable[[str], Path], rollout_command: Runner) -> None:
    """With its own status."""
    ran = rollout_command("--home", home_of("forks"), "flatten", "ffffffff", "--json")
    assert ran.status == 3
    assert error_of(ran)["code"] == "not_found"
