"""Running the command line inside the test, on copies of the recorded homes with fixed file times."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from msgspec import Struct

from rollout.cli.app import run
from rollout.ids import mint_uuid7
from rollout.log.spawns import SpawnStatus
from rollout.store.root import open_store
from tests.builders import Rollout, thread, uuid
from tests.recorded_home import said

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"
CHANGED_AT = 1_795_240_000
ALTERED = "altered"
AGENTS = "agents"
ALTERED_THREAD = "01a1fb67-1801-7000-8000-000000000001"


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
            if name == ALTERED:
                make_altered(home)
            elif name == AGENTS:
                make_agents(home)
            else:
                shutil.copytree(RECORDED / name, home, ignore=shutil.ignore_patterns("expected"))
            for path in home.rglob("*"):
                os.utime(path, (CHANGED_AT, CHANGED_AT))
        return home

    return copy


def make_altered(home: Path) -> None:
    """Record two turns into a new home, the same at every call, and alter a letter of the second answer."""
    home.mkdir()
    ticks, numbers = count(1), count(1)

    def new_id() -> str:
        number = next(numbers)
        return mint_uuid7(1_795_219_200_000 + number, number.to_bytes(10, "big"))

    with (
        patch("rollout.store.creating.VERSION", "0.1.0"),  # it stands in the header, which is sealed
        open_store(home, clock=lambda: 1_795_219_200_000 + next(ticks), new_id=new_id) as store,
        store.create_thread(cwd="/src/app", model="model-a") as thread,
        thread.record() as recorder,
    ):
        for answer in ("An apple.", "A pear."):
            with recorder.turn("What is it?") as turn:
                turn.append(said("assistant", answer))
    (path,) = home.rglob("rollout-*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"pear", b"bear"))


def make_agents(home: Path) -> None:
    """Make a home in which a thread spawned agents of every kind, some of them closed."""
    rows = [
        thread(1).turn("Find out why the tests are slow"),
        _agent(2, 1, "Ada", "explorer").turn("Profile the tests"),
        _agent(3, 2, "Bob", "worker").turn("Measure the fixtures alone"),
        _agent(4, 1, None, "reviewer", agent_path="/root/reviewer_1").turn("Read what was changed"),
        _agent(5, 9, "Cy", None).turn("An agent of nobody that is there"),
    ]
    day, archive = home / "sessions/2026/11/21", home / "archived_sessions"
    for number, rollout in enumerate(rows):
        folder = archive if number == 3 else day  # the reviewer has been archived
        folder.mkdir(parents=True, exist_ok=True)
        (folder / rollout.name()).write_bytes(rollout.content)
    with open_store(home) as store:
        store.agents.set_status(uuid(2), SpawnStatus.CLOSED)


def _agent(number: int, parent: int, nickname: str | None, role: str | None, **members: object) -> Rollout:
    named = {"agent_nickname": nickname, "agent_role": role, **members}
    return thread(number, parent_thread_id=uuid(parent), **named)


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
