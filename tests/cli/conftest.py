"""Running the command line inside the test, on copies of the recorded homes with fixed file times."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

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
