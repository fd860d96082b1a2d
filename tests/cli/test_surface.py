"""What holds for every command: help, JSON, homes, statuses, streams."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from rollout import errors
from rollout.cli.app import COMMANDS, EXIT_STATUS, rollout
from tests.cli.conftest import RECORDED, Runner

THREAD = "01a1fc4a-eed9-7372-ad87-67b51b152b80"
DOCS = Path(__file__).parents[2] / "docs"


def command_of(name: str) -> click.Command:
    """Return a command by its entry in the table."""
    module, _, attribute = COMMANDS[name].target.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    assert isinstance(found, click.Command)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says(name: str) -> None:
    """The help of the group is written once more in the table, so the two are held together."""
    command = command_of(name)
    assert command.name == name
    assert COMMANDS[name].help == (command.help or "").split("\n")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_an_example_and_documentation(name: str) -> None:
    """A command that cannot be used by a program, or looked up, is not finished."""
    command = command_of(name)
    assert any("--json" in option.opts for option in command.params)
    assert "Example" in (command.help or "")
    assert f"| `{name} " in (DOCS / "cli.md").read_text()
    assert f"## `rollout {name}`" in (DOCS / "json.md").read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    """No option without a sentence."""
    for option in command_of(name).params:
        if isinstance(option, click.Option):
            assert option.help, option.name


def test_every_code_has_an_exit_status() -> None:
    """Each family of errors has its own status, and docs/json.md lists both."""
    families = [
        one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.RolloutError)
    ]
    codes = {one.code for one in families} - {errors.RolloutError.code}
    assert set(EXIT_STATUS) == codes
    documented = (DOCS / "json.md").read_text()
    for code, status in EXIT_STATUS.items():
        assert f"| `{code}` | {status} |" in documented


def test_the_home_is_chosen_by_option_then_environment(
    home_of: Callable[[str], Path], rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--home, $ROLLOUT_HOME, $CODEX_HOME, ~/.codex: the first that is set."""
    counts = {"forks": 11, "reverts": 7, "legacy": 7, "paginated": 7}

    def listed(*arguments: object) -> str:
        ran = rollout_command(*arguments, "list", "--json", "--limit", "1")
        path = json.loads(ran.stdout)["data"][0]["path"]
        return next(name for name in counts if f"/{name}/" in path)

    (home_of("paginated").rename(home_of("paginated").parent / "user"))
    user = home_of("forks").parent / "paginated"
    user.mkdir()
    (user.parent / "user").rename(user / ".codex")
    monkeypatch.setenv("HOME", str(user))
    assert listed() == "paginated"
    monkeypatch.setenv("CODEX_HOME", str(home_of("legacy")))
    assert listed() == "legacy"
    monkeypatch.setenv("ROLLOUT_HOME", str(home_of("reverts")))
    assert listed() == "reverts"
    assert listed("--home", home_of("forks")) == "forks"


def test_a_path_opens_exactly_that_file(home_of: Callable[[str], Path], rollout_command: Runner) -> None:
    """Of a reverted thread, an older file by its path, the newest by its id."""
    home = home_of("reverts")
    reverted = "01a1fc4b-65ee-71d2-aa9d-2310d926cec8"
    old = next(path for path in home.rglob(f"*{reverted}.jsonl"))
    by_path = json.loads(rollout_command("--home", home, "show", old, "--json").stdout)
    by_id = json.loads(rollout_command("--home", home, "show", reverted, "--json").stdout)
    assert by_path["thread"]["path"] == str(old)
    assert by_id["thread"]["path"].endswith("01a1fc4b-66b8-71e0-9a7f-a193f1b5039b.jsonl")
    assert by_path["thread"]["id"] == by_id["thread"]["id"] == reverted


def test_resume_writes_its_json_to_a_file(
    home_of: Callable[[str], Path], rollout_command: Runner, tmp_path: Path
) -> None:
    """The file holds what --json prints, and the summary is still printed."""
    out = tmp_path / "context.json"
    printed = rollout_command("--home", home_of("paginated"), "resume", THREAD, "--json").stdout
    ran = rollout_command("--home", home_of("paginated"), "resume", THREAD, "--output", out)
    assert json.loads(out.read_text())["rollout"]["context"] == json.loads(printed)["rollout"]["context"]
    assert ran.stdout.startswith("Remember the word apple.\n")


def test_a_failed_write_leaves_the_old_file(
    home_of: Callable[[str], Path], rollout_command: Runner, tmp_path: Path
) -> None:
    """Nothing is written by halves, and the error says which file."""
    target = tmp_path / "no such folder" / "context.json"
    ran = rollout_command("--home", home_of("paginated"), "resume", THREAD, "--output", target, "--json")
    assert ran.status == 7
    assert json.loads(ran.stderr)["error"]["message"].startswith(f"writing {target}: ")


def test_check_finds_damage_with_its_span(home_of: Callable[[str], Path], rollout_command: Runner) -> None:
    """Status 5, the span, and the bytes of the file as they were."""
    home = home_of("paginated")
    path = next(home.rglob(f"*{THREAD}.jsonl"))
    lines = path.read_bytes().split(b"\n")
    lines[5] = b"\xff" + lines[5][1:]
    path.write_bytes(b"\n".join(lines))
    start = len(b"\n".join(lines[:5])) + 1
    ran = rollout_command("--home", home, "check", "--json")
    assert ran.status == 5
    (found,) = json.loads(ran.stdout)["data"]
    (damage,) = found["damage"]
    assert (damage["startOffset"], damage["endOffset"]) == (start, start + len(lines[5]) + 1)
    assert damage["reason"] == "badUtf8"
    assert path.read_bytes() == b"\n".join(lines)


def test_a_closed_pipe_ends_quietly() -> None:
    """`rollout … | head` prints no traceback."""
    command = [sys.executable, "-m", "rollout", "--home", str(RECORDED / "forks"), "list", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(timeout=60)
    assert err == b""
    assert process.returncode == 0


def test_help_loads_neither_store_nor_decoder() -> None:
    """Start-up time is what a command needs and no more."""
    script = (
        "import sys, rollout.cli.app\n"
        "assert rollout.cli.app.run(['--help']) == 0\n"
        "assert not {'msgspec', 'zstandard', 'rollout.store.root'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60)


def test_the_group_has_exactly_the_tables_commands() -> None:
    """What --help lists is what can be called."""
    context = click.Context(rollout)
    assert rollout.list_commands(context) == sorted(COMMANDS)
    assert rollout.get_command(context, "no such command") is None


def test_the_command_runs_without_the_package_fork() -> None:
    """What reads and records needs nothing of it; its own commands say that it is missing."""
    script = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'fork' or name.startswith('fork.'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from rollout.cli.app import COMMANDS, run\n"
        f"home = ['--home', {str(RECORDED / 'forks')!r}, '--state-dir', '']\n"
        "assert run(['--help']) == 0\n"
        "for arguments in (['list'], ['resume', '--last'], ['turns', '--last'], ['check']):\n"
        "    assert run([*home, *arguments]) == 0, arguments\n"
        "for name, entry in COMMANDS.items():\n"
        "    wanted = 2 if entry.target.startswith('fork.') else 0\n"
        "    assert run([*home, name, '--help']) == wanted, name\n"
        "assert not [name for name in sys.modules if name == 'fork' or name.startswith('fork.')]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=120, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "package `fork`" in done.stderr
