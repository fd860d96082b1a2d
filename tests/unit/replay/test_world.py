"""World state and window: what the surviving states and compactions add up to."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from rollout.replay.context import Context
from rollout.replay.world import merge_patch
from tests.builders import Json, Rollout, home, plain, thread, uuid

FIRST = uuid(0xA)
NOT_SEVEN = "01a1fc4b-0000-4000-8000-00000000000a"
MODES = pytest.mark.parametrize("mode", ["legacy", "paginated"])


def context_of(rollout: Rollout) -> Context:
    """Resume a rollout; the bounded and the full read must agree."""
    made = home(rollout)
    context = made.context(rollout)
    full = made.context(rollout, reads_everything=True)
    assert plain([context.world_state, context.window]) == plain([full.world_state, full.window])
    return context


def world(rollout: Rollout) -> Any:
    """Return the world state of a rollout."""
    return plain(context_of(rollout).world_state)


def window(rollout: Rollout) -> Any:
    """Return the window of a rollout: number, first id, previous id, id."""
    found = context_of(rollout).window
    return (found.number, found.first_id, found.previous_id, found.id)


@MODES
def test_a_full_state_is_the_state(mode: str) -> None:
    """Whatever was known before is replaced."""
    made = thread(mode=mode).start("t").user("hi").world({"a": 1, "b": 2}).world({"a": 3}).end("t")
    assert world(made) == {"a": 3}


@MODES
def test_a_patch_is_merged_onto_a_known_state(mode: str) -> None:
    """Members it names change, null takes one away, objects merge in depth."""
    made = thread(mode=mode).start("t").user("hi").world({"a": 1, "b": {"c": 1, "d": 2}, "e": 5})
    assert world(made.world({"b": {"c": None, "x": 9}, "e": None, "f": [1]}, full=False).end("t")) == {
        "a": 1,
        "b": {"d": 2, "x": 9},
        "f": [1],
    }


@MODES
def test_a_patch_onto_nothing_is_ignored(mode: str) -> None:
    """A change of an unknown state says nothing."""
    assert world(thread(mode=mode).start("t").user("hi").world({"a": 1}, full=False).end("t")) is None


@MODES
def test_a_compaction_makes_the_state_unknown(mode: str) -> None:
    """Later patches have nothing to change."""
    made = thread(mode=mode).start("t").user("hi").world({"a": 1}).compact(window=None)
    assert world(made.world({"b": 2}, full=False).end("t")) is None


@MODES
def test_a_full_state_behind_a_compaction_is_known_again(mode: str) -> None:
    """The client stores one right behind its compactions."""
    made = thread(mode=mode).turn("one").start("t").compact().world({"a": 1})
    assert world(made.world({"b": 2}, full=False).end("t")) == {"a": 1, "b": 2}


def test_rolled_back_states_do_not_count() -> None:
    """Nor do rolled-back compactions."""
    made = thread(mode="legacy").start("a").user("hi").world({"a": 1}).end("a")
    made.start("b").user("ho").world({"a": 2}, full=False).compact().end("b")
    assert world(made.rollback(1)) == {"a": 1}


def test_a_state_outside_a_user_turn_counts() -> None:
    """World states survive with their turn, whether or not it was the user's."""
    assert world(thread().start("t").world({"a": 1}, full=False).world({"a": 2}).end("t")) == {"a": 2}


def test_members_that_no_patch_touched_keep_their_bytes() -> None:
    """Numbers and escapes are not written anew."""
    kept = Raw(b'{"n":1.0, "s":"\\u00e9"}')
    assert merge_patch({"a": kept, "b": Raw(b"1")}, {"b": Raw(b"2")}) == {"a": kept, "b": Raw(b"2")}


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": "b"}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_merge_patch_is_that_of_the_standard(target: Json, patch: Json, expected: Json) -> None:
    """The examples of RFC 7386, section 3, that are objects."""
    assert world(thread().start("t").world(target).world(patch, full=False).end("t")) == expected


@MODES
def test_the_window_of_the_newest_surviving_compaction_counts(mode: str) -> None:
    """With all its ids."""
    ids = {"first_window_id": FIRST, "previous_window_id": uuid(0xB)}
    made = thread(mode=mode).turn("one").compact(window=1, **ids).turn("two").compact(window=2, **ids)
    assert window(made) == (2, FIRST, uuid(0xB), uuid(0xF02))


def test_a_rolled_back_compactions_window_does_not_count() -> None:
    """The window goes back with the turns."""
    made = thread(mode="legacy").turn("one").compact(window=1)
    made.turn("two").start("t").user("x").compact(window=2).end("t")
    assert window(made.rollback(1))[0] == 1


@MODES
def test_the_headers_window_counts_without_compactions(mode: str) -> None:
    """Number zero; the id is also the first."""
    made = thread(mode=mode, context_window={"window_id": FIRST}).turn("one")
    assert window(made) == (0, FIRST, None, FIRST)


def test_an_unnumbered_compaction_bars_the_headers_window() -> None:
    """Compactions are counted instead."""
    made = thread(context_window={"window_id": FIRST}).turn("one").compact(window=None).compact(window=None)
    assert window(made) == (2, None, None, None)


def test_a_rolled_back_unnumbered_compaction_bars_it_too() -> None:
    """All compactions of the history are counted, rolled back or not."""
    made = thread(mode="legacy", context_window={"window_id": FIRST}).turn("one")
    made.start("t").user("x").compact(window=None).end("t")
    assert window(made.rollback(1)) == (1, None, None, None)


def test_a_rolled_back_numbered_compaction_does_not() -> None:
    """The thread is in its first window again."""
    made = thread(mode="legacy", context_window={"window_id": FIRST}).turn("one")
    made.start("t").user("x").compact(window=1).end("t")
    assert window(made.rollback(1)) == (0, FIRST, None, FIRST)


def test_without_any_window_compactions_are_counted() -> None:
    """None of them: number zero."""
    assert window(thread().turn("one")) == (0, None, None, None)


def test_a_window_id_that_is_a_number_is_the_number() -> None:
    """The old form of the member."""
    assert window(thread().turn("one").compact(window=None, window_id=3)) == (3, None, None, None)


@pytest.mark.parametrize("odd", [NOT_SEVEN, "first", ""])
def test_ids_that_are_no_version_7_uuids_read_as_null(odd: str) -> None:
    """The window itself is known all the same."""
    made = thread(context_window={"window_id": odd}).turn("one")
    assert window(made) == (0, None, None, None)
    ids = {"window_id": odd, "first_window_id": odd, "previous_window_id": odd}
    assert window(made.compact(window=1, **ids)) == (1, None, None, None)


def test_a_childs_own_header_counts() -> None:
    """An ancestor's window is not the child's."""
    parent = thread(1, context_window={"window_id": FIRST}).turn("one")
    child = parent.fork(2, context_window={"window_id": uuid(0xC)})
    context = home(parent, child).context(child)
    assert (context.window.number, context.window.id) == (0, uuid(0xC))
