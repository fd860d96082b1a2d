"""Differences: where two lineages part, and what each thread has from there on."""

from __future__ import annotations

import pytest

from fork.create import fork_thread
from fork.diff import Difference, diff_threads
from rollout.errors import BrokenLineage, DamagedLog, InvalidRequest
from tests.altered import altered, record_turns
from tests.builders import Home, Rollout, home, thread, uuid
from tests.recorded_home import new_home, new_thread, rollouts_of
from tests.unit.fork.family_homes import child_of, copy_of, store_of


def difference(made: Home, one: int, other: int) -> Difference:
    """Return how two threads of a home differ."""
    with store_of(made) as store:
        return diff_threads(store, uuid(one), uuid(other))


def sides(found: Difference) -> tuple[list[str], list[str]]:
    """Return the turns of both sides by their ids."""
    return [turn.id for turn in found.a.turns], [turn.id for turn in found.b.turns]


def siblings() -> list[Rollout]:
    """Return a thread of three turns, a fork behind its first and one behind its second."""
    root = thread(1).turn("one", turn_id="r1")
    early = root.position
    late = child_of(root.turn("two", turn_id="r2"), 3).turn("late", turn_id="c3")
    root.turn("three", turn_id="r3")
    return [root, root.fork(2, at=early, forked_from_id=uuid(1)).turn("early", turn_id="c2"), late]


def test_siblings_part_where_the_earlier_one_left() -> None:
    """The other one goes on in the parent before it leaves."""
    root, early, late = siblings()
    found = difference(home(root, early, late), 2, 3)
    assert sides(found) == (["c2"], ["r2", "c3"])
    base = early.content.split(b'"end_byte_offset":')[1].split(b"}")[0]
    assert (found.ancestor.thread_id, found.ancestor.end_offset) == (uuid(1), int(base))


def test_sides_stand_as_they_were_asked_for() -> None:
    """A is the first one named."""
    made = home(*siblings())
    assert sides(difference(made, 3, 2)) == (["r2", "c3"], ["c2"])


def test_a_fork_and_its_parent_part_at_the_base() -> None:
    """What the parent recorded later is its own."""
    assert sides(difference(home(*siblings()), 1, 2)) == (["r2", "r3"], ["c2"])


def test_a_parent_that_went_no_further_has_an_empty_side() -> None:
    """It is the ancestor, whole."""
    root = thread(1).turn("one")
    assert sides(difference(home(root, child_of(root, 2).turn("two", turn_id="c")), 1, 2)) == ([], ["c"])


def test_a_fork_that_asked_nothing_has_an_empty_side() -> None:
    """Its header is no turn."""
    root = thread(1).turn("one")
    child = child_of(root, 2)
    root.turn("two", turn_id="r2")
    assert sides(difference(home(root, child), 2, 1)) == ([], ["r2"])


def test_descendants_deep_down_part_in_their_common_ancestor() -> None:
    """Chains of different length, parting in the middle of one."""
    root = thread(1).turn("one")
    middle = child_of(root, 2).turn("two", turn_id="m1")
    at = middle.position
    middle.turn("three", turn_id="m2")
    left = child_of(child_of(middle, 3).turn("four", turn_id="l1"), 4).turn("five", turn_id="l2")
    right = middle.fork(5, at=at).turn("six", turn_id="x1")
    between = child_of(middle, 3).turn("four", turn_id="l1")
    found = difference(home(root, middle, between, left, right), 4, 5)
    assert found.ancestor.thread_id == uuid(2)
    assert found.ancestor.fork_turns is not None
    assert found.ancestor.fork_turns.after_turn_id == "m1"
    assert sides(found) == (["m2", "l1", "l2"], ["x1"])


def test_a_turn_that_goes_on_behind_the_parting_is_on_that_side() -> None:
    """Another client may leave inside a turn: there it has an end that the other side lacks."""
    root = thread(1).turn("one").start("open")
    child = child_of(root, 2).abort("open")
    root.shows("open", "said", "done").end("open")
    found = difference(home(root, child), 1, 2)
    assert sides(found) == (["open"], ["open"])
    assert [turn.status.value for side in (found.a, found.b) for turn in side.turns] == [
        "completed",
        "interrupted",
    ]


def test_a_thread_does_not_differ_from_itself() -> None:
    """Nothing parts the two."""
    found = difference(home(thread(1).turn("one")), 1, 1)
    assert sides(found) == ([], [])
    assert found.ancestor.end_ordinal is None


def test_two_rollouts_of_a_thread_can_be_compared() -> None:
    """Before and after a revert, each opened by its path."""
    first = thread(1).turn("one")
    at = first.position
    first.turn("wrong", turn_id="w")
    second = first.revert(9, at).turn("right", turn_id="r")
    made = Home()
    paths = made.put(first), made.put(second)
    with store_of(made) as store, store.open_path(paths[0]) as before, store.open_path(paths[1]) as after:
        assert sides(diff_threads(store, before, after)) == (["w"], ["r"])


def test_a_reverted_thread_parts_from_its_fork_where_it_went_back_to() -> None:
    """The fork kept what the thread took back."""
    first = thread(1).turn("one")
    at = first.position
    child = child_of(first.turn("two", turn_id="r2"), 2)
    assert sides(difference(home(first, child, first.revert(9, at)), 1, 2)) == ([], ["r2"])


def legacy_family() -> list[Rollout]:
    """Return a legacy thread, and two forks by reference: behind its first turn, and behind its second."""
    root = thread(1, "legacy").turn("one")
    made = []
    for number in (2, 3):
        base = root.position | {"end_ordinal_exclusive": root.content.count(b"\n")}
        made.append(root.fork(number, at=base, forked_from_id=uuid(1)))
        root.turn(f"more {number}")
    return [root, *made]


def test_forks_of_a_legacy_parent_part_in_its_file() -> None:
    """Its turns are numbered from its start, and compared by where they stand."""
    root, early, late = legacy_family()
    found = difference(home(root, early.turn("early", turn_id="e"), late.turn("late", turn_id="l")), 2, 3)
    assert sides(found) == (["e"], ["t2", "l"])


def test_turns_that_a_legacy_parent_took_back_are_counted() -> None:
    """A rollback behind the parting takes common turns away from one side only."""
    root, _, late = legacy_family()
    found = difference(home(root.rollback(2), late), 1, 3)
    assert sides(found) == ([], [])
    assert (found.a.taken_back, found.b.taken_back) == (1, 0)


def test_a_copy_cannot_be_compared() -> None:
    """Content is not looked at: the lineage does not say where a copy begins to differ."""
    root = thread(1, "legacy").turn("one")
    with pytest.raises(InvalidRequest, match="cannot be known from the lineage") as caught:
        difference(home(root, copy_of(root, 2)), 1, 2)
    assert caught.value.hint is not None


def test_a_thread_written_anew_is_compared_by_its_older_file() -> None:
    """A child stands on the file that its parent had before it was flattened; the hint names it."""
    root = thread(1).turn("one")
    child = child_of(root, 2).turn("two", turn_id="c")
    anew = Rollout(0, "paginated", rollout_number=9, id=root.thread_id).turn("one")
    anew.thread_id = root.thread_id
    made = home(root, child, anew)
    with pytest.raises(InvalidRequest, match="written anew") as caught:
        difference(made, 1, 2)
    path = (caught.value.hint or "").rpartition(": ")[2]
    with store_of(made) as store, store.open_path(path) as older:
        assert sides(diff_threads(store, older, uuid(2))) == ([], ["c"])


def test_unrelated_threads_cannot_be_compared() -> None:
    """Neither was forked from the other, nor both from a third."""
    with pytest.raises(InvalidRequest, match="nor both from a third"):
        difference(home(thread(1).turn("one"), thread(2).turn("one")), 1, 2)


def test_a_thread_that_cannot_be_followed_is_not_compared() -> None:
    """The error names the broken link."""
    root = thread(1).turn("one")
    with pytest.raises(BrokenLineage, match="missing source rollout"):
        difference(home(child_of(root, 2), thread(3)), 2, 3)


def test_the_common_part_is_not_read() -> None:
    """Only what parts the two is: a long history in common costs nothing."""
    root = thread(1)
    for number in range(100):
        root.turn(f"question {number}", "x" * 20_000)
    made = home(root, child_of(root, 2).turn("two", turn_id="c"))
    assert sides(difference(made, 1, 2)) == ([], ["c"])
    assert made.fs.bytes_read < len(root.content) // 8


def test_a_broken_seal_on_a_side_is_refused() -> None:
    """As everywhere, unless damage is allowed."""
    fs, store = new_home()
    parent = new_thread(store)
    record_turns(store, parent, "Apple.", "Pear.")
    first = store.turns(parent).data[-1].id
    child = fork_thread(store, parent, through_turn=first)
    (path,) = rollouts_of(fs, parent)
    broken = altered(fs.files(), path, fs.files()[path].rindex(b"Pear."))
    with pytest.raises(DamagedLog, match="does not hold"):
        diff_threads(broken, parent, child.id)
    found = diff_threads(broken, parent, child.id, allow_damage=True)
    assert [len(found.a.turns), len(found.b.turns)] == [1, 0]
    assert [len(found.a.damage), len(found.b.damage)] == [1, 0]
