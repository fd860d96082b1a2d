"""Running the command line inside the test, on copies of the recorded homes with fixed file times."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from rollout.cli.app import run

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"
CHANGED_AT = 1_795_240_000


class Ran(Struct, frozen=True):
    """What a command left behind."""

    status: int
    stdout: str
    stderr: str


Runner = Callable[..., Ran]
Feed = Callable[..., Ran]

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Why?"}]}
ANSWER = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "So."}]}


def lines(*items: object) -> bytes:
    """Return items as JSON Lines."""
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def bytes_of(home: Path) -> dict[str, bytes]:
    """Return every file of a home with its bytes."""
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def error_of(ran: Ran) -> Any:
    """Return the error that a command reported as JSON."""
    assert ran.stdout == ""
    return json.loads(ran.stderr)["error"]


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A known zone, a known width, and no home but the one a test names."""
    for name in ("ROLLOUT_HOME", "CODEX_HOME", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def home_of(tmp_path: Path) -> Callable[[str], Path]:
    """Return a copy of a recorded home, every file changed at the same known time."""

    def copy(name: str) -> Path:
        home = tmp_path / name
        if not home.exists():
            shutil.copytree(RECORDED / name, home, ignore=shutil.ignore_patterns("expected"))
            for path in home.rglob("*"):
                os.utime(path, (CHANGED_AT, CHANGED_AT))
        return home

    return copy


@pytest.fixture
def rollout_command(capfdbinary: pytest.CaptureFixture[bytes]) -> Runner:
    """Return a function that runs the command line and gives status, stdout and stderr."""

    def call(*arguments: object) -> Ran:
        capfdbinary.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = capfdbinary.readouterr()
        return Ran(status, captured.out.decode(), captured.err.decode())

    return call


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def feed(rollout_command: Runner, monkeypatch: pytest.MonkeyPatch) -> Feed:
    """Return a function that runs a command with these bytes as its stdin."""

    def call(stdin: bytes, *arguments: object) -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        return rollout_command(*arguments)

    return call


@pytest.fixture
def thread_id(home: Path, feed: Feed) -> str:
    """A thread in the home, with one turn."""
    made = feed(b"", "--home", home, "new", "--model", "m", "--cwd", "/src").stdout.strip()
    assert feed(lines(USER, ANSWER), "--home", home, "append", made).status == 0
    return made
