"""The catalog from the command line: rebuilt, told of, and asked with filters."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Runner, error_of

FORKED = "01a1fc4b-17cf-7683-9acc-31153677c970"


def test_stats_tell_of_every_domain(home_of: Callable[[str], Path], rollout_command: Runner) -> None:
    """Its key, its rows, the bytes they cover, and that nothing is due."""
    home = home_of("forks")
    assert rollout_command("--home", home, "rebuild").status == 0
    found = json.loads(rollout_command("--home", home, "stats", "--json").stdout)["catalog"]
    size = sum(path.stat().st_size for path in home.rglob("rollout-*.jsonl"))
    assert (found["files"], found["threads"], found["skippedFiles"]) == (11, 11, 0)
    for domain in found["domains"][:2]:
        assert len(domain["key"]) == 16
        assert (domain["files"], domain["watermarkBytes"], domain["dueFiles"]) == (11, size, 0)
        assert domain["rows"] > 0


def test_stats_say_what_was_passed_over(home_of: Callable[[str], Path], rollout_command: Runner) -> None:
    """And why."""
    home = home_of("forks")
    broken = next(home.rglob("rollout-*.jsonl"))
    broken.write_bytes(b"nothing\n")
    rollout_command("--home", home, "rebuild")
    ran = rollout_command("--home", home, "stats")
    assert ran.status == 0
    assert f"passed over: {broken}: reading the header" in ran.stderr
    assert ran.stdout.startswith("catalog    ")


def test_a_rebuild_of_a_domain_that_there_is_none_of(
    home_of: Callable[[str], Path], rollout_command: Runner
) -> None:
    """Status 2, with the domains that there are."""
    ran = rollout_command("--home", home_of("forks"), "rebuild", "--domain", "nothing", "--json")
    assert ran.status == 2
    assert "expected one of threads, turns" in error_of(ran)["message"]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--source", "vscode"], 11),
        (["--source", "cli"], 0),
        (["--source", "cli", "--source", "vscode"], 11),
        (["--provider", "nobody"], 0),
        (["--title", "Remember red"], 1),
        (["--since", "2026-11-21T04:09:00Z", "--until", "2026-11-22"], 11),
        (["--since", "2026-11-22"], 0),
        (["--parent", FORKED], 0),
        (["--ancestor", FORKED], 0),
        (["--cwd", "/tmp/rollout-fixtures/app"], 11),
    ],
)
def test_filters_are_options(
    home_of: Callable[[str], Path], rollout_command: Runner, options: list[str], count: int
) -> None:
    """Each lets through what it says."""
    ran = rollout_command("--home", home_of("forks"), "list", "--limit", "100", "--json", *options)
    assert len(json.loads(ran.stdout)["data"]) == count


def test_parent_and_ancestor_exclude_each_other(
    home_of: Callable[[str], Path], rollout_command: Runner
) -> None:
    """One of them says it."""
    ran = rollout_command(
        "--home", home_of("forks"), "list", "--parent", FORKED, "--ancestor", FORKED, "--json"
    )
    assert ran.status == 2
    assert "at most one of --parent and --ancestor" in error_of(ran)["message"]


def test_the_next_page_is_offered_with_the_same_filter(
    home_of: Callable[[str], Path], rollout_command: Runner
) -> None:
    """As a command that can be pasted."""
    ran = rollout_command("--home", home_of("forks"), "list", "--limit", "1", "--title", "Remember r e")
    assert ran.stderr == "no threads here\n"
    ran = rollout_command(
        "--home", home_of("forks"), "list", "--limit", "1", "--cwd", "/tmp/rollout-fixtures/app"
    )
    assert " --cwd /tmp/rollout-fixtures/app --cursor " in ran.stderr
