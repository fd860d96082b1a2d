"""What is seen around a fork point, and of a fork's first words, without reading a whole log."""

from __future__ import annotations

import pytest

from rollout.store.headers import RolloutHead, Rollouts, iter_heads
from rollout.store.kin import ForkTurns, find_first_words, find_fork_turns
from tests.builders import HOME, Home, Rollout, home, thread, uuid

FAR = "x" * (3 << 20)


def rollouts_of(made: Home) -> Rollouts:
    """Return the rollouts of a home in memory."""
    return Rollouts(made.fs, HOME, made.opener.index, 64 << 20)


def head_of(made: Home, rollout: Rollout) -> RolloutHead:
    """Return the head of a rollout of a home."""
    return next(head for head in iter_heads(rollouts_of(made)) if head.rollout_id == rollout.rollout_id)


def turns_at(rollout: Rollout, offset: int) -> ForkTurns:
    """Return the turns around a position of a rollout."""
    made = home(rollout)
    return find_fork_turns(rollouts_of(made), head_of(made, rollout), [offset])[offset]


def words_of(rollout: Rollout) -> str | None:
    """Return the first words of a rollout's own part."""
    made = home(rollout)
    return find_first_words(rollouts_of(made), head_of(made, rollout))


def test_a_position_between_two_turns_has_both() -> None:
    """Also with lines between them that belong to neither."""
    made = thread(1).turn("one", turn_id="a").tokens(5)
    at = len(made.content)
    found = turns_at(made.tokens(6).turn("two", turn_id="b"), at)
    assert (found.after_turn_id, found.before_turn_id, found.inside_turn_id) == ("a", "b", None)


def test_an_abort_ends_a_turn() -> None:
    """As a completion does."""
    made = thread(1).start("a").abort("a")
    assert turns_at(made, len(made.content)).after_turn_id == "a"


def test_words_that_name_an_event_are_no_event() -> None:
    """What a user says about the format is text."""
    made = thread(1).turn("one", turn_id="a").user('why "type":"task_started" and task_complete?')
    assert turns_at(made, len(made.content)).after_turn_id == "a"


def test_the_turn_that_a_position_cuts_is_named() -> None:
    """It had started and not ended."""
    made = thread(1).turn("one").start("b").user("two")
    at = len(made.content)
    found = turns_at(made.end("b"), at)
    assert (found.inside_turn_id, found.before_turn_id) == ("b", None)


def test_a_beginning_without_turns_is_inherited() -> None:
    """Whatever stands before it stands in the base."""
    made = thread(1).tokens(1)
    assert turns_at(made, len(made.content)).is_inherited


def test_what_is_too_far_away_is_unknown_and_not_inherited() -> None:
    """The search is bounded, and does not guess."""
    made = thread(1).turn("one").user(FAR)
    found = turns_at(made, len(made.content))
    assert not found.is_inherited
    assert found.after_turn_id is None


@pytest.mark.parametrize("size", [10_000, 200_000])
def test_a_turn_some_way_back_is_found(size: int) -> None:
    """Large lines between it and the position are read over."""
    made = thread(1).turn("one", turn_id="a").user("x" * size)
    assert turns_at(made, len(made.content)).after_turn_id == "a"


def test_a_position_behind_the_end_has_no_turns() -> None:
    """A broken link leads nowhere."""
    made = home(thread(1).turn("one"))
    assert find_fork_turns(rollouts_of(made), head_of(made, thread(1)), [1 << 30]) == {}


def test_a_rollout_that_is_gone_has_no_turns_and_no_words() -> None:
    """It may go between two looks."""
    rollout = thread(1).turn("one")
    made = home(rollout)
    head = head_of(made, rollout)
    made.fs.remove(head.file.path)
    assert find_fork_turns(rollouts_of(made), head, [100]) == {}
    assert find_first_words(rollouts_of(made), head) is None


def test_the_first_words_are_those_behind_the_header() -> None:
    """A fork's own, in whichever way its mode stores them."""
    assert words_of(thread(1).fork(2).turn("mine").turn("more")) == "mine"
    assert words_of(thread(2, "legacy").turn("mine")) == "mine"


def test_words_are_looked_for_near_the_beginning_only() -> None:
    """Past long lines, but not through a whole log."""
    assert words_of(thread(1).user("x" * 30_000).turn("mine")) == "mine"
    assert words_of(thread(1).user(FAR).turn("mine")) is None


def test_a_packed_rollout_is_unpacked_no_further_than_its_words() -> None:
    """As a plain one is read."""
    rollout = thread(1, base_instructions={"text": uuid(1)}).turn("mine")
    made = Home()
    made.put(rollout, is_packed=True)
    assert find_first_words(rollouts_of(made), head_of(made, rollout)) == "mine"
