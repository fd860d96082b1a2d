"""`rollout` alone: everything but making and tending families works without the package `fork`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rollout.cli.app import COMMANDS
from tests.cli.conftest import RECORDED

TENDING = sorted(name for name, entry in COMMANDS.items() if entry.target.startswith("fork."))
THREAD = "01a1fc4b-17cf-7683-9acc-31153677c970"


ALONE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == "fork":
            raise ModuleNotFoundError("No module named 'fork'", name=name)

sys.meta_path.insert(0, Absent())
from rollout.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line where no package `fork` is installed."""
    command = [sys.executable, "-c", ALONE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_fork_is_read_without_the_package() -> None:
    """Reading through a base is part of reading a log."""
    ran = alone("--home", str(RECORDED / "forks"), "turns", THREAD, "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert '"itemsView":"summary"' in ran.stdout


def test_help_lists_what_is_not_there() -> None:
    """The table of commands loads none of them."""
    assert alone("--help").returncode == 0


@pytest.mark.parametrize("name", TENDING)
def test_a_command_of_the_package_says_what_is_missing(name: str) -> None:
    """A wrong call, not a fault of ours."""
    ran = alone(name, "x")
    assert ran.returncode == 2
    assert f"{name} comes with the package `fork`, which is not installed" in ran.stderr
