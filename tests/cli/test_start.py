"""What a command imports before it answers: its start-up time, without the noise of a clock."""

from __future__ import annotations

import subprocess
import sys

from tests.cli.conftest import RECORDED

HOME = ["--home", str(RECORDED / "paginated"), "--state-dir", ""]
SLOW = {"asyncio", "concurrent", "json", "logging", "pathlib", "rich", "sqlite3", "tempfile", "zstandard"}
"""Packages that take milliseconds each, and that neither command needs."""
OTHERS = {
    "rollout.appserver",
    "rollout.catalog",
    "rollout.cli.filters",
    "rollout.log.framed",
    "rollout.log.writer",
    "rollout.store.agents",
    "rollout.store.headers",
    "rollout.store.listing",
    "rollout.store.recorder",
}
"""What lists, agents, recorders, servers and compressed files need."""
TURNS = {
    "rollout.store.turn_pages",
    "rollout.turns.items",
    "rollout.turns.legacy",
    "rollout.turns.model",
    "rollout.turns.stored",
}
"""What turns are made with."""
THREAD = "01a1fc4a-eed9-7372-ad87-67b51b152b80"


def imported_by(arguments: list[str]) -> set[str]:
    """Return the modules that a process has imported when the command line is done, with their packages."""
    script = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from rollout.cli.app import run\n"
        f"assert run({arguments!r}) == 0\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60)
    names = done.stderr.decode().split()
    return {name[:end] for name in names for end in (*_dots(name), len(name))}


def _dots(name: str) -> list[int]:
    return [at for at, letter in enumerate(name) if letter == "."]


def test_help_imports_no_library() -> None:
    """The help is text: neither the decoder nor anything below the command line says a word in it."""
    found = imported_by(["--help"])
    assert "click" in found
    assert not found & (SLOW | {"msgspec", "rollout.format", "rollout.fs", "rollout.log", "rollout.store"})


def test_a_resume_without_turns_imports_no_shape_of_any() -> None:
    """Nor what lists, records, serves or unpacks; the title is found without all that."""
    found = imported_by([*HOME, "resume", THREAD, "--exclude-turns", "--json"])
    assert "rollout.replay.context" in found
    assert not found & (SLOW | OTHERS | TURNS)


def test_a_page_of_turns_imports_what_turns_are_made_with() -> None:
    """And no more: while there is no catalog, nothing of it."""
    found = imported_by([*HOME, "turns", THREAD, "--json"])
    assert "rollout.turns.items" in found
    assert not found & (SLOW | OTHERS)
