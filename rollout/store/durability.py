"""When what is recorded becomes durable: the recorder's promise, by name."""

from __future__ import annotations

from enum import StrEnum

from rollout.errors import InvalidRequest


class Durability(StrEnum):
    """When what was recorded is made durable."""

    TURN = "turn"
    RECORD = "record"
    NONE = "none"


def parse_durability(text: str) -> Durability:
    """Return the durability of that name. Raise InvalidRequest."""
    try:
        return Durability(text)
    except ValueError as error:
        names = ", ".join(Durability)
        raise InvalidRequest(
            f"reading a durability: expected one of {names}, found {text!r:.40}", hint="Name one of them."
        ) from error
