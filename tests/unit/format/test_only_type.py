"""Reading for one record type: other lines may be passed over, its own never."""

from __future__ import annotations

import pytest

from rollout.format.codec import decode_lines
from rollout.format.record import Record
from tests.unit.made_lines import event, line, message

EVENT = b"event_msg"
WANTED = event("warning", message="low on space")


def kept(content: bytes, only_type: bytes = EVENT) -> list[int]:
    """Return where the lines that came through begin."""
    return [found.start_offset for found in decode_lines(content, 0, only_type=only_type)]


def test_lines_of_other_types_are_passed_over() -> None:
    """And the spans of those that come through are what they are."""
    other = message("user", "hi")
    assert kept(other + WANTED + other + WANTED) == [len(other), 2 * len(other) + len(WANTED)]


@pytest.mark.parametrize("spelled", [b"\\u0065vent_msg", b"event\\u005fmsg", b"event_ms\\u0067"])
def test_a_type_spelled_with_escapes_comes_through(spelled: bytes) -> None:
    """The same text in other bytes is the same type."""
    content = message("user", "hi") + WANTED.replace(EVENT, spelled)
    (found,) = decode_lines(content, 0, only_type=EVENT)
    assert isinstance(found, Record)
    assert found.type == "event_msg"


def test_a_line_that_only_mentions_the_type_is_passed_over() -> None:
    """The member counts, not the word."""
    assert kept(message("user", "event_msg")) == []


def test_damage_that_cannot_be_of_the_type_is_passed_over() -> None:
    """Whoever wants all damage reads all lines."""
    assert kept(b"junk\n" + WANTED) == [5]


def test_damage_that_may_be_of_the_type_is_reported() -> None:
    """A broken line with the word in it comes through as what it is."""
    assert kept(WANTED[:80] + b"\n" + WANTED) == [0, 81]


def test_the_unterminated_last_line_always_comes_through() -> None:
    """It is decoded whatever it holds."""
    torn = message("user", "hi")[:30]
    assert kept(WANTED + torn) == [0, len(WANTED)]


def test_a_line_of_the_type_with_a_bad_payload_is_reported() -> None:
    """It is not passed over."""
    assert kept(line("event_msg", {})) == [0]
