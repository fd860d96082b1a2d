"""Every short legacy log there is: where a backward read stops by proof, the proof holds.

Exhaustive in a small scope, since the rules meet in few records; `test_replay.py` looks further.
"""

from __future__ import annotations

import itertools

import pytest

from rollout.replay.context import ReadPath
from rollout.testing import alphabets, payloads
from rollout.testing.strategies import LEGACY, Line, write_log
from tests.builders import thread, uuid
from tests.property.oracle import lineage_of
from tests.property.oracle_context import resume
from tests.property.test_replay import WINDOW, answer, home_of

NEEDED = {"cwd": "/src/app", "approval_policy": "never", "sandbox_policy": {"type": "danger-full-access"}}
PARTS: dict[str, tuple[str, dict[str, object]]] = {
    "start": ("event_msg", {"type": "task_started"}),
    "end": ("event_msg", {"type": "task_complete"}),
    "context": ("turn_context", dict(NEEDED)),
    "user": ("response_item", payloads.message("user", "q")),
    "answer": ("response_item", payloads.message("assistant", "a")),
    "compacted": (
        "compacted",
        {"message": "s", "replacement_history": [payloads.message("user", "s")], "window_number": 1},
    ),
    "back": ("event_msg", {"type": "thread_rolled_back", "num_turns": 1}),
}
TURNS = {
    "user": "start context user end",
    "bare": "start user end",
    "shell": "start context answer end",
    "compaction": "start compacted end",
    "compacted": "start user compacted context end",
    "recontexted": "start compacted context end",
    "back": "back",
}
REPORTS = [Line(*report) for report in alphabets.REPORTS]


def log_of(names: tuple[str, ...]) -> list[Line]:
    """Return the lines of these turns, each with an id and a model of its own."""
    lines: list[Line] = []
    for number, name in enumerate(names):
        own = {"turn_id": f"t{number}"}
        for part in TURNS[name].split():
            type_, payload = PARTS[part]
            named = own if part in {"start", "end", "context"} else {}
            model = {"model": f"model-{number}"} if part == "context" else {}
            lines.append(Line(type_, {**payload, **named, **model}))
    return lines


def stops_early(lines: list[Line]) -> bool:
    """Tell whether the read of a log stopped early; its answer must be the full read's and the oracle's."""
    files = {uuid(1): write_log(uuid(1), LEGACY, lines, **WINDOW).content}
    wanted = resume(lineage_of(files, uuid(1)))
    made = home_of(files)
    context = made.context(thread(1))
    assert answer(context) == wanted
    assert answer(made.context(thread(1), reads_everything=True)) == wanted
    return context.read.path is ReadPath.BOUNDED


@pytest.mark.parametrize("first", list(TURNS))
def test_every_log_of_four_turns(first: str) -> None:
    """With usage reported at the end a good part of the reads stop early."""
    logs = [log_of((first, *rest)) for rest in itertools.product(TURNS, repeat=3)]
    assert sum(stops_early(log + REPORTS) for log in logs) > len(logs) // 20


def test_every_log_of_three_turns_that_reports_usage_early() -> None:
    """An older report of usage keeps every read going to the first line."""
    logs = [log_of(names) for names in itertools.product(TURNS, repeat=3)]
    assert not any(stops_early(REPORTS + log) for log in logs)
