"""Zeros behind a whole last line: what a crash leaves of an append that began with a newline."""

from __future__ import annotations

import pytest

from rollout.format.codec import decode_lines
from rollout.format.record import Reason, Record, Rejected
from tests.unit.made_lines import event

GOOD = event("warning", message="low on space")
WHOLE = GOOD[:-1]


@pytest.mark.parametrize("before", [b"", GOOD])
@pytest.mark.parametrize("zeros", [1, 5000])
def test_only_the_zeros_are_torn(before: bytes, zeros: int) -> None:
    """The line was there before the append that failed, and is still a record."""
    *_, line, torn = decode_lines(before + WHOLE + bytes(zeros), 100)
    end = 100 + len(before) + len(WHOLE)
    assert isinstance(line, Record)
    assert (line.stored, line.end_offset) == (WHOLE, end)
    assert isinstance(torn, Rejected)
    assert (torn.reason, torn.start_offset, torn.end_offset) == (Reason.TORN_TAIL, end, end + zeros)


@pytest.mark.parametrize("line", [WHOLE[:-1] + bytes(9), bytes(9), WHOLE + b"\0 \0", b"{\0"])
def test_behind_anything_else_they_are_part_of_the_line(line: bytes) -> None:
    """One torn tail, from where the line begins."""
    (torn,) = decode_lines(line, 0)
    assert isinstance(torn, Rejected)
    assert (torn.reason, torn.start_offset, torn.end_offset) == (Reason.TORN_TAIL, 0, len(line))


def test_before_a_newline_they_are_damage() -> None:
    """A line that ends is no write cut short."""
    (damage,) = decode_lines(WHOLE + b"\0\n", 0)
    assert isinstance(damage, Rejected)
    assert damage.reason is Reason.NOT_JSON


def test_a_base_that_ends_among_zeros_is_cut() -> None:
    """The line before them is whole all the same."""
    line, cut = decode_lines(WHOLE + b"\0\0", 0, is_cut=True)
    assert isinstance(line, Record)
    assert isinstance(cut, Rejected)
    assert cut.reason is Reason.CUT_LINE


def test_a_record_of_another_type_is_passed_over() -> None:
    """The zeros are told all the same."""
    (torn,) = decode_lines(WHOLE + b"\0", 0, only_type=b"compacted")
    assert isinstance(torn, Rejected)
    assert torn.reason is Reason.TORN_TAIL
