"""What a caller may ask for as a fork point."""

from __future__ import annotations

import pytest

from fork.point import check_point, find_point
from rollout.errors import InvalidRequest
from rollout.store.cuts import cut_at_head, cut_before_turn, cut_through_turn
from tests.builders import home, thread

MADE = thread(1).turn("one").turn("two")


def test_both_bounds_are_refused_before_anything_is_read() -> None:
    """The error names both, and the hint says what to leave out."""
    with pytest.raises(
        InvalidRequest, match="before turn t1 cannot be combined with through turn t2"
    ) as both:
        check_point("t1", "t2")
    assert "Name one of them" in (both.value.hint or "")


def test_an_empty_id_is_a_bound_too() -> None:
    """It is not taken for none."""
    with pytest.raises(InvalidRequest, match="cannot be combined"):
        check_point("", "t2")


def test_a_point_is_the_cut_of_its_kind() -> None:
    """At the head unless a turn is named."""
    with home(MADE).open(MADE) as lineage:
        assert find_point(lineage, before_turn=None, through_turn=None) == cut_at_head(lineage)
        assert find_point(lineage, before_turn="t2", through_turn=None) == cut_before_turn(lineage, "t2")
        assert find_point(lineage, before_turn=None, through_turn="t1") == cut_through_turn(lineage, "t1")
