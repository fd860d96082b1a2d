"""Rollouts written by hand, one question each, put to a live client together in one home."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handmade.draft import Draft, uuid

from tests.interop.asked import Answers
from tests.interop.conftest import Ask

Lines = Callable[[Draft], object]
"""Writes what follows the header."""


@dataclass(frozen=True)
class Case:
    """One rollout: where it lies, untouched, and what the client said of a copy."""

    home: Path
    thread_id: str
    answers: Answers


def put_to_client(
    ask: Ask, home: Path, cases: dict[str, Lines], mode: str = "legacy", *, compacts: bool = False
) -> dict[str, Case]:
    """Write every case as a thread of its own into `home`, and have the client read them all."""
    thread_ids = {name: uuid(number) for number, name in enumerate(cases, start=1)}
    for name, lines in cases.items():
        draft = Draft(thread_ids[name], mode)
        draft.header()
        lines(draft)
        draft.write_to(home)
    answers = ask(home, list(thread_ids.values()), compacts=compacts)
    return {name: Case(home, thread_id, answers[thread_id]) for name, thread_id in thread_ids.items()}
