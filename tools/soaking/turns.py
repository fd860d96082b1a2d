"""Turns whose content follows from their number, so that whoever reads them can tell what must be there."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import rollout
from rollout.turns.model import AgentMessage, Turn, TurnStatus, UserMessage

MOST_ITEMS = 6
LONGEST_TEXT = 40_000
SUMMARY = "What was said so far."


def texts_of(number: int) -> list[str]:
    """Return the texts of turn `number`: the question, then what is said."""
    random = Random(number)
    sizes = [
        random.randrange(random.choice((20, 200, LONGEST_TEXT))) for _ in range(random.randint(1, MOST_ITEMS))
    ]
    return [f"turn {number} part {part} {'x' * size}" for part, size in enumerate(sizes)]


def said(text: str) -> dict[str, Any]:
    """Return what an agent says."""
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def asked(text: str) -> dict[str, Any]:
    """Return what a user asks."""
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def record_turn(recorder: rollout.Recorder, number: int) -> None:
    """Record turn `number`; it is acknowledged on return."""
    question, *answers = texts_of(number)
    with recorder.turn(question) as turn:
        for answer in answers:
            turn.append(said(answer))


def numbers_of(turns: list[Turn]) -> Iterator[int]:
    """Yield the numbers of the turns shown as completed. Raise AssertionError if one lacks anything."""
    for turn in turns:
        if turn.status is not TurnStatus.COMPLETED:
            continue
        texts = [_text(item) for item in turn.items]
        if texts == [""]:
            continue  # a compaction
        number = int(texts[0].split()[1])
        assert texts == texts_of(number), (
            f"turn {number}, shown as completed, has other items than it was given"
        )
        yield number


def _text(item: object) -> str:
    if isinstance(item, AgentMessage):
        return item.text
    if isinstance(item, UserMessage):
        return "".join(getattr(part, "text", "") for part in item.content)
    return ""
