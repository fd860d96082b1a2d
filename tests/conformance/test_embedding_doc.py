"""The programs of the document about embedding, run as they stand, while another process records."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rollout
from rollout.client import Client
from tests.recorded_home import said

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "embedding.md").read_text()
PROGRAMS = dict(
    re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?```python\n(.+?)```", DOCUMENT, re.DOTALL | re.MULTILINE)
)
WAYS = ["The library", "The client", "JSON-RPC, from any language"]
TURNS = 5
WAIT_SECONDS = 60


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """The folder of a user whose home of threads holds two, and whose PATH has the command."""
    home = tmp_path / ".codex"
    home.mkdir()
    with rollout.open_store(home) as store:
        for words in ("Where is the bug?", "Something else"):
            with store.create_thread(cwd="/src/app", model="model-a") as thread:
                thread_id = thread.id
            for _ in range(TURNS):
                store.append_turn(thread_id, [said("user", words), said("assistant", "There.")])
    command = tmp_path / "rollout"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rollout "$@"\n')
    command.chmod(0o755)
    return tmp_path


def environment(user: Path) -> dict[str, str]:
    """Return what the programs of a user find around them."""
    kept = {name: value for name, value in os.environ.items() if name not in {"ROLLOUT_HOME", "CODEX_HOME"}}
    path = f"{user}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, "HOME": str(user), "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def test_every_way_has_one_program() -> None:
    """And the document no other code."""
    assert list(PROGRAMS) == WAYS
    assert DOCUMENT.count("```") == 2 * len(WAYS)


def test_every_function_of_the_client_is_listed() -> None:
    """But for those that connecting calls."""
    listed = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| [^|`]+ \| `.+$", DOCUMENT, re.MULTILINE))))
    functions = {name for name, found in vars(Client).items() if inspect.isfunction(found) and name[0] != "_"}
    assert listed == functions - {"shake_hands", "close"}


@pytest.mark.parametrize("way", WAYS)
def test_a_program_does_what_it_says(way: str, user: Path) -> None:
    """Lists, resumes, pages to the beginning, forks and sees what is recorded then."""
    script = user / "program.py"
    script.write_text(PROGRAMS[way])
    with rollout.open_store(user / ".codex") as store:
        older = store.list_threads(limit=2).data[-1]
        ids = [turn.id for turn in store.turns(older.id).data]
        items = store.resume(older.id).item_count
        command = [sys.executable, "-W", "error", str(script)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(user)
        ) as program:
            assert program.stdout is not None
            shown: list[str] = []
            for line in program.stdout:
                shown.append(line.rstrip())
                if line.startswith("following "):
                    child_id = shown[-1].removeprefix("following ")
                    store.append_turn(child_id, [said("user", "Then?"), said("assistant", "So.")])
            _, errors = program.communicate(timeout=WAIT_SECONDS)
        assert (program.returncode, errors) == (0, "")
        assert shown[1] == f"thread {older.id} Where is the bug?"
        assert shown[2:] == [
            f"context {items} items",
            f"turns {' '.join(ids)}",
            f"following {child_id}",
            "new completed",
        ]
        assert [turn.id for turn in store.turns(child_id).data][1:] == ids[1:]
