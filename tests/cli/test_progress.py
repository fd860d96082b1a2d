"""Progress of a refresh: for people who wait, and for nobody else."""

from __future__ import annotations

import io
import sys

import pytest

from rollout.catalog.refresh import Progress
from rollout.cli import progress
from rollout.cli.progress import refresh_progress


class Terminal(io.StringIO):
    """A stream that people look at."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def drawn(monkeypatch: pytest.MonkeyPatch, after_seconds: float) -> str:
    """Return what is drawn on a terminal by two reports that come at once."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_AFTER_SECONDS", after_seconds)
    monkeypatch.setenv("TERM", "xterm")
    with refresh_progress("reading") as report:
        assert report is not None
        report(Progress(10, 1234, 1_000_000, 5_000_000))
        report(Progress(20, 1234, 2_000_000, 5_000_000))
    return terminal.getvalue()


def test_nothing_is_drawn_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that reads stderr wants errors."""
    with refresh_progress("reading") as report:
        assert report is None
    assert capsys.readouterr().err == ""


def test_nothing_is_drawn_in_the_first_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is over at once needs no bar."""
    assert drawn(monkeypatch, 3600) == ""


def test_files_and_bytes_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """How far it is of how much."""
    text = drawn(monkeypatch, -1)
    assert "reading" in text
    assert "20 of 1,234 files" in text
    assert "2.0/5.0 MB" in text
