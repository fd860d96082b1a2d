"""The seal of a line as text: what is one, what is left of one, and what never was."""

from __future__ import annotations

import pytest

from rollout.format.codec import decode_lines
from rollout.format.record import Record
from rollout.format.seals import LONGEST_SEAL_BYTES, Seal, find_seal, find_seal_remains, seal_member
from tests.unit.made_lines import event, message

DIGEST = "abcdefghijklmnopqrstuvwxyz0123456789_-ABCDE"
PLAIN = event("task_complete", turn_id="t")
MEMBER = seal_member(7, DIGEST)
SEALED = PLAIN[:-2] + MEMBER + b"}\n"
COVERED_TO = len(PLAIN) - 2


def test_a_seal_says_what_it_covers() -> None:
    """From the offset in its text to where its own member begins."""
    assert find_seal(SEALED, 1000) == Seal(7, 1000 + COVERED_TO, DIGEST)


def test_a_line_without_seal_has_none() -> None:
    """And nothing is left of one either."""
    assert find_seal(PLAIN, 0) is None
    assert find_seal_remains(PLAIN, 0) is None


@pytest.mark.parametrize("at", range(len(MEMBER) + 1))
def test_a_seal_with_one_altered_letter_is_known_for_one(at: int) -> None:
    """Whichever letter it is: the line is no JSON any more, or the text is another."""
    place = COVERED_TO + at
    line = SEALED[:place] + b"!" + SEALED[place + 1 :]
    found = find_seal_remains(line, 0)
    assert found is not None
    assert found.digest is None


@pytest.mark.parametrize("kept", range(len(MEMBER) + 1))
def test_a_seal_cut_short_is_none(kept: int) -> None:
    """A crash cut the write, another client ended the line: nobody altered anything."""
    assert find_seal_remains(SEALED[: COVERED_TO + kept] + b"\n", 0) is None


def test_a_seal_that_covers_nothing_is_none() -> None:
    """Its own line lies before it; one that began at itself would be its own elder."""
    line = PLAIN[:-2] + seal_member(COVERED_TO, DIGEST) + b"}\n"
    found = find_seal(line, 0)
    assert found is not None
    assert found.digest is None


def test_the_last_bytes_of_a_line_are_enough() -> None:
    """No seal is longer than what is looked at."""
    member = seal_member((1 << 63) - 1, DIGEST) + b"}\n"
    assert len(member) <= LONGEST_SEAL_BYTES
    assert find_seal_remains(SEALED[-LONGEST_SEAL_BYTES:], 5) == find_seal(SEALED[-LONGEST_SEAL_BYTES:], 5)


def test_the_end_of_a_turn_comes_through_whatever_type_is_read_for() -> None:
    """It may be sealed; nothing else of its type comes with it."""
    content = message("user", "hi") + event("warning", message="low on space") + SEALED
    (found,) = decode_lines(content, 0, only_type=b"turn_context")
    assert isinstance(found, Record)
    assert found.kind == "task_complete"


@pytest.mark.parametrize("word", [b"event_msg", b"task_complete", b"payload", b"timestamp", b"turn_id"])
def test_an_altered_sealed_line_comes_through_whatever_type_is_read_for(word: bytes) -> None:
    """Though it says another type now, or none."""
    altered = SEALED.replace(word, word[:-1] + b"!", 1)
    assert [one.start_offset for one in decode_lines(altered, 0, only_type=b"event_msg")] == [0]
    assert [one.start_offset for one in decode_lines(altered, 0, only_type=b"turn_context")] == [0]
