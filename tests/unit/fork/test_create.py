"""Children: what they show, what their header takes over, and what making them leaves untouched."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from msgspec import UNSET

import fork
from rollout.errors import BrokenLineage, Conflict, InvalidRequest, NotFound
from rollout.store.creating import publish_rollout
from rollout.store.store import Store
from rollout.store.tombstones import DeleteMode
from rollout.testing.crashfs import CrashFS
from tests.altered import record_turns
from tests.builders import ARCHIVE, DAY, HOME, thread, uuid
from tests.recorded_home import content_of, home_of, lines_of, new_home, new_thread, rollouts_of, said
from tests.unit.fork.forked import header, history, shown, stored

PARENTS = {
    "paginated": (thread(1).turn("one").turn("two").turn("three"),),
    "legacy": (thread(1, "legacy").turn("one").turn("two").turn("three"),),
    "legacy, rolled back": (
        thread(1, "legacy").turn("one").turn("gone", turn_id="x").rollback(1).turn("two").turn("three"),
    ),
}
PARENTS["fork"] = (thread(9).turn("one"),)
PARENTS["fork"] += (PARENTS["fork"][0].fork(1).turn("two").turn("three"),)
PARENTS["fork without turns of its own"] = (thread(9).turn("one").turn("two").turn("three"),)
PARENTS["fork without turns of its own"] += (PARENTS["fork without turns of its own"][0].fork(1),)
_FIRST = thread(1).turn("one").turn("two")
_AT = _FIRST.position
PARENTS["reverted"] = (_FIRST, _FIRST.turn("gone", turn_id="x").revert(7, _AT).turn("three"))
_OLD = thread(9, "legacy").turn("one")
_BASE = {
    "thread_id": uuid(9),
    "end_ordinal_exclusive": _OLD.log().count(b"\n"),
    "end_byte_offset": len(_OLD.log()),
}
PARENTS["fork of a legacy thread"] = (
    _OLD,
    thread(1, base=_BASE).turn("two", turn_id="t2").turn("three", turn_id="t3"),
)
PLACES = {"plain": (DAY, False), "archived": (ARCHIVE, False), "compressed": (DAY, True)}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", PARENTS)
def test_a_parent_of_any_kind_can_be_left_anywhere(kind: str, place: str) -> None:
    """At its head, before and through each turn; by reference; and each child is gone on with."""
    folder, is_packed = PLACES[place]
    fs, store = stored(*PARENTS[kind], folder=folder, is_packed=is_packed)
    before = fs.files()
    points: list[tuple[dict[str, str], int]] = [({}, 3)]
    for at in range(3):
        points += [({"before_turn": f"t{at + 1}"}, at), ({"through_turn": f"t{at + 1}"}, at + 1)]
    for point, kept in points:
        child = fork.fork_thread(store, uuid(1), **point)  # type: ignore[arg-type]  # names of turns
        assert child.copied_because is None
        assert child.turns is not None
        assert [turn.id for turn in child.turns] == ["t1", "t2", "t3"][:kept]
        assert child.bytes_written == len(content_of(fs, child.id)) < 2_000
        asked = ["one", "yes", "two", "yes", "three", "yes"][: 2 * kept]
        assert history(store, child.id) == asked
        if kept:
            record_turns(store, child.id, "Of the child.")
            assert shown(store, child.id)[:-1] == ["t1", "t2", "t3"][:kept]
            assert history(store, child.id) == [*asked, "Question 0?", "Of the child."]
    assert {path: content for path, content in fs.files().items() if path in before} == before


def test_a_child_before_the_first_turn_has_no_base() -> None:
    """It begins at ordinal 0, as the client's do."""
    fs, store = stored(thread(1).turn("one"))
    child = fork.fork_thread(store, uuid(1), before_turn="t1")
    assert (child.base, child.turns, child.copied_because) == (None, [], None)
    assert lines_of(content_of(fs, child.id))[0]["ordinal"] == 0
    assert header(fs, child.id)["forked_from_id"] == uuid(1)
    assert "history_base" not in header(fs, child.id)


def test_what_stands_before_the_first_turn_is_inherited() -> None:
    """Instructions of a legacy thread come before it."""
    _, store = stored(thread(1, "legacy").user("instructions").turn("one"))
    child = fork.fork_thread(store, uuid(1), before_turn="t1")
    assert child.base is not None
    assert history(store, child.id) == ["instructions"]


def test_a_base_says_where_the_parent_is_left() -> None:
    """Rollout, ordinal and offset behind the last line that is inherited, and the anchor; as stored."""
    parent = thread(1).turn("one")
    at = parent.position
    fs, store = stored(parent.start("open"))
    child = fork.fork_thread(store, uuid(1))
    assert child.open_turn == "open"
    assert child.base is not None
    assert header(fs, child.id)["history_base"] == at
    assert header(fs, child.id)["base_anchor"] == child.base.anchor
    assert header(fs, child.id)["forked_from_ordinal_exclusive"] == at["end_ordinal_exclusive"]
    assert lines_of(content_of(fs, child.id))[0]["ordinal"] == at["end_ordinal_exclusive"]


def test_a_base_names_the_rollout_that_holds_the_place() -> None:
    """Of a revert its own id, of an inherited turn the ancestor's, so that chains stay short."""
    _, store = stored(*PARENTS["reverted"])
    at_head, older = fork.fork_thread(store, uuid(1)), fork.fork_thread(store, uuid(1), through_turn="t1")
    assert at_head.base is not None
    assert older.base is not None
    assert (at_head.base.rollout_id, older.base.rollout_id) == (uuid(7), uuid(1))


def test_a_legacy_parent_is_counted_in_lines() -> None:
    """Blank and damaged ones, too: a line is what ends in a newline."""
    parent = thread(1, "legacy").turn("one").raw(b"\n{broken\n")
    lines = parent.log().count(b"\n")
    _, store = stored(parent.turn("two"))
    child = fork.fork_thread(store, uuid(1), before_turn="t2")
    assert child.base is not None
    assert child.base.end_ordinal == lines


@pytest.mark.parametrize(
    "given",
    [
        {"cwd": "relative"},
        {"model": " "},
        {"name": "\n"},
        {"effort": ""},
        {"source": "\ud800"},
        {"cwd": "/\0"},
    ],
)
def test_what_cannot_be_stored_is_refused_before_anything_is_written(given: dict[str, str]) -> None:
    """No child is left behind."""
    fs, store = stored(thread(1).turn("one"))
    before = fs.files()
    with pytest.raises(InvalidRequest):
        fork.fork_thread(store, uuid(1), **given)  # type: ignore[arg-type]  # that is the point
    assert fs.files() == before


@pytest.mark.parametrize(
    ("point", "error"),
    [
        ({"before_turn": "t1", "through_turn": "t1"}, InvalidRequest),
        ({"before_turn": "t9"}, NotFound),
        ({"through_turn": ""}, NotFound),
        ({"through_turn": "open"}, InvalidRequest),
    ],
)
def test_a_wrong_point_is_refused_before_anything_is_written(
    point: dict[str, str], error: type[Exception]
) -> None:
    """The home stays as it was, to the byte."""
    fs, store = stored(thread(1).turn("one").start("open"))
    before = fs.files()
    with pytest.raises(error):
        fork.fork_thread(store, uuid(1), **point)  # type: ignore[arg-type]  # that is the point
    assert fs.files() == before


def test_excluded_turns_are_not_built() -> None:
    """None of them, whatever the parent holds; the child is the same."""
    _, store = stored(thread(1).turn("one"))
    child = fork.fork_thread(store, uuid(1), exclude_turns=True)
    assert child.turns is None
    assert shown(store, child.id) == ["t1"]


def test_an_open_thread_is_forked_as_it_was_seen() -> None:
    """What was recorded since is behind the fork point."""
    _, store = new_home()
    parent = new_thread(store)
    record_turns(store, parent, "Apple.")
    with store.open_thread(parent) as opened:
        record_turns(store, parent, "Pear.")
        child = fork.fork_thread(store, opened)
    assert history(store, child.id) == ["Question 0?", "Apple."]


def test_a_parent_that_is_being_recorded_is_forked_at_its_last_complete_turn() -> None:
    """Nobody is kept out; the writer goes on, and the child shows none of it."""
    _, store = new_home()
    parent = new_thread(store)
    record_turns(store, parent, "Apple.")
    with store.record(parent) as recorder:
        turn = recorder.turn("Question 1?")
        child = fork.fork_thread(store, parent)
        assert child.open_turn == turn.id
        turn.complete()
    assert history(store, child.id) == ["Question 0?", "Apple."]
    record_turns(store, child.id, "Plum.")
    assert history(store, child.id) == ["Question 0?", "Apple.", "Question 0?", "Plum."]
    assert len(shown(store, parent)) == 2


def compact(store: Store, parent: str) -> None:
    """Put a summary in place of all that was said."""
    with store.record(parent) as recorder:
        recorder.compact([said("user", "so far")])


MODES = ("paginated", "legacy")
UNKNOWN = {("legacy", "a revert"), ("paginated", "a rollback")}
"""What one mode does in another way."""
LATER: dict[str, Callable[[Store, str], object]] = {
    "a turn": lambda store, parent: record_turns(store, parent, "Later."),
    "a compaction": compact,
    "a revert": lambda store, parent: store.revert_thread(parent, before_turn="t1").close(),
    "a rollback": lambda store, parent: store.roll_back_thread(parent, 2),
    "an archiving": lambda store, parent: store.archive_thread(parent),
    "a deletion": lambda store, parent: store.delete_thread(parent, DeleteMode.KEEP_FOR_FORKS),
}


@pytest.mark.parametrize(("mode", "later"), [pair for pair in product(MODES, LATER) if pair not in UNKNOWN])
def test_a_child_shows_nothing_of_what_its_parent_does_later(mode: str, later: str) -> None:
    """A real bug in the field: whatever it is, turns and history of the child are what they were."""
    _, store = stored(thread(1, mode).turn("one").turn("two"))
    child = fork.fork_thread(store, uuid(1)).id
    LATER[later](store, uuid(1))
    assert shown(store, child) == ["t1", "t2"]
    assert history(store, child) == ["one", "yes", "two", "yes"]
    record_turns(store, child, "Of the child.")
    assert history(store, child) == ["one", "yes", "two", "yes", "Question 0?", "Of the child."]


def test_a_torn_tail_of_the_parent_is_not_inherited() -> None:
    """The next writer moves it away; the child's base lies before it."""
    parent = thread(1).turn("one")
    end = len(parent.log())
    _, store = stored(parent.raw(b'{"timestamp":"torn'))
    child = fork.fork_thread(store, uuid(1))
    assert child.base is not None
    assert child.base.end_offset == end
    record_turns(store, uuid(1), "Apple.")
    assert shown(store, child.id) == ["t1"]


@pytest.mark.parametrize("kind", PARENTS)
def test_a_child_is_reverted_to_an_inherited_turn(kind: str) -> None:
    """Also to one of a legacy parent; then it goes on from there."""
    _, store = stored(*PARENTS[kind])
    child = fork.fork_thread(store, uuid(1)).id
    record_turns(store, child, "Apple.")
    store.revert_thread(child, before_turn="t2").close()
    assert history(store, child) == ["one", "yes"]
    record_turns(store, child, "Pear.")
    assert history(store, child) == ["one", "yes", "Question 0?", "Pear."]
    assert history(store, uuid(1)) == ["one", "yes", "two", "yes", "three", "yes"]


def test_a_name_stands_for_the_child() -> None:
    """Trimmed, as every name is."""
    _, store = stored(thread(1).turn("one"))
    child = fork.fork_thread(store, uuid(1), name=" Try again ")
    assert store.find_thread_id("Try again") == child.id
    assert fork.fork_thread(store, "Try again", name="Once more").id != child.id


@pytest.mark.parametrize(
    "alter",
    [
        lambda content: content[:-1],
        lambda content: content.replace(b'"one"', b'"two"'),
        lambda content: thread(1).turn("another").turn("log").log() + b" " * len(content) + b"\n",
    ],
    ids=["truncated", "rewritten", "replaced"],
)
def test_a_parent_that_is_no_longer_what_was_forked_is_damage(alter: Any) -> None:
    """Opening and forking the child name the link; nothing of the other history is shown."""
    parent = thread(1).turn("one")
    fs, store = stored(parent)
    child = fork.fork_thread(store, uuid(1)).id
    path = rollouts_of(fs, uuid(1))[0]
    changed = home_of(CrashFS({**fs.files(), path: alter(parent.log())}, folders=[HOME]))
    for act in (lambda: changed.open_thread(child), lambda: fork.fork_thread(changed, child)):
        with pytest.raises(BrokenLineage, match=f"rollout {child} -> base {uuid(1)}") as broken:
            act()
        assert broken.value.code == "log.damaged"


def test_a_parent_that_another_file_was_put_for_is_damage() -> None:
    """Its header says whose it is, whatever its name says."""
    fs, store = stored(thread(1).turn("one"))
    child = fork.fork_thread(store, uuid(1)).id
    path = rollouts_of(fs, uuid(1))[0]
    changed = home_of(CrashFS({**fs.files(), path: thread(3).turn("one").log()}, folders=[HOME]))
    with pytest.raises(BrokenLineage, match=f"belongs to thread {uuid(3)}"):
        changed.open_thread(child)


def test_a_file_in_the_child_s_place_is_a_conflict() -> None:
    """Nothing is overwritten."""
    fs, store = stored(thread(1).turn("one"))
    child = fork.fork_thread(store, uuid(1))
    taken = store.surroundings()
    path = rollouts_of(fs, child.id)[0]

    with pytest.raises(Conflict, match="there is a file of that name"):
        publish_rollout(taken.fs, taken.home, path, [], 0, 0)


def test_a_child_says_itself_what_it_inherits() -> None:
    """A reader of its rollout alone runs it in its parent's sandbox, with its model and in its folder."""
    held_in = {"approval_policy": "on-request", "sandbox_policy": {"type": "read-only"}, "cwd": "/held"}
    fs, store = stored(thread(1).turn("one").start("t").context("t", **held_in).end("t"))
    child = fork.fork_thread(store, uuid(1), cwd=UNSET, model=UNSET, effort=UNSET, source=UNSET)
    _, applied = lines_of(content_of(fs, child.id))
    said = applied["payload"]["thread_settings"]
    assert {member: said[member] for member in held_in} == held_in
