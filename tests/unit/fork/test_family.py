"""Families: who was forked from whom, where, and what each member holds."""

from __future__ import annotations

import pytest

from rollout.errors import NotFound
from rollout.store.tombstones import DeleteMode, Tombstone
from tests.builders import ARCHIVE, DAY, HOME, Home, compact_json, home, thread, uuid
from tests.unit.fork.family_homes import (
    chain,
    child_of,
    copy_of,
    family,
    member,
    named,
    numbers,
    wide_family,
)


def test_parents_children_and_siblings_are_told_apart() -> None:
    """Up to the root, one step down, and beside."""
    root = thread(1).turn("one")
    child, other = child_of(root, 2).turn("two"), child_of(root, 3)
    grandchild = child_of(child, 4)
    found = family(home(root, child, other, grandchild), 2)
    assert numbers(found.ancestors(found.thread_id)) == [1]
    assert numbers(found.children[found.thread_id]) == [4]
    assert numbers(found.siblings(found.thread_id)) == [3]
    assert found.root.id == uuid(1)


def test_every_member_tells_the_same_family() -> None:
    """Whichever thread is asked for, the family is one."""
    root = thread(1).turn("one")
    child = child_of(root, 2)
    made = home(root, child, child_of(child, 3), thread(4))
    assert [numbers(family(made, one).members) for one in (1, 2, 3)] == [[1, 2, 3]] * 3
    assert numbers(family(made, 4).members) == [4]


def test_parents_come_before_their_children() -> None:
    """Children in the order of the places they left at, each with what stands below it."""
    root = thread(1).turn("one")
    early = root.position
    late = child_of(root.turn("two"), 2)
    first = root.fork(3, at=early, forked_from_id=uuid(1))
    made = home(root, late, first, child_of(first, 4))
    assert numbers(family(made).members) == [1, 3, 4, 2]


def test_the_turns_around_a_fork_are_found() -> None:
    """Behind which turn it left, and which one its parent went on with."""
    root = thread(1).turn("one", turn_id="first")
    child = child_of(root, 2)
    root.turn("two", turn_id="second")
    turns = member(home(root, child), 2).fork_turns
    assert turns is not None
    assert (turns.after_turn_id, turns.before_turn_id) == ("first", "second")


def test_a_fork_at_an_empty_head_left_behind_an_inherited_turn() -> None:
    """A fork of a fork that has asked nothing: the turn lies in the grandparent."""
    root = thread(1).turn("one", turn_id="first")
    middle = child_of(root, 2)
    turns = member(home(root, middle, child_of(middle, 3)), 3).fork_turns
    assert turns is not None
    assert turns.after_turn_id == "first"


def test_a_fork_inside_a_turn_says_so() -> None:
    """Another client may leave a turn that had not ended."""
    root = thread(1).start("open")
    turns = member(home(root, child_of(root, 2)), 2).fork_turns
    assert turns is not None
    assert (turns.inside_turn_id, turns.after_turn_id) == ("open", None)


def test_own_and_inherited_bytes_are_counted() -> None:
    """What its files take, and what its history holds in files of others: headers of those excluded."""
    root = thread(1)
    header = len(root.content)
    root.turn("one")
    child = child_of(root, 2).turn("two")
    grandchild = child_of(child, 3)
    found = member(home(root, child, grandchild), 3)
    child_header = len(child.fork(9).content)
    below = len(root.content) - header + len(child.content) - len(child_of(root, 2).content)
    assert child_header > 0
    assert found.own_bytes == len(grandchild.content)
    assert found.inherited_bytes == below


def test_what_lies_in_older_rollouts_of_a_thread_is_its_own() -> None:
    """A revert is no fork: nothing is inherited, and the thread is one member with two rollouts."""
    first = thread(1).turn("one")
    at = first.position
    second = first.turn("two").revert(9, at)
    found = member(home(first, second), 1)
    assert (found.rollout_count, found.inherited_bytes) == (2, 0)
    assert found.own_bytes == len(first.content) + len(second.content)


def test_a_fork_of_a_rollout_that_was_reverted_away_from_is_a_child() -> None:
    """Its parent is the thread of the rollout it left, whichever is current there."""
    first = thread(1).turn("one")
    at = first.position
    child = child_of(first.turn("two"), 2)
    made = home(first, first.revert(9, at), child)
    assert numbers(family(made).children[family(made).thread_id]) == [2]


def test_a_reverted_fork_still_has_its_parent() -> None:
    """Its newest rollout leaves an older one of its own, or its parent directly."""
    root = thread(1).turn("one")
    at = root.position
    child = child_of(root.turn("two"), 2).turn("three")
    found = member(home(root, child, child.revert(9, at)), 2)
    assert found.link is not None
    assert (found.parent_id, found.link.from_rollout_id, found.link.end_offset) == (
        uuid(1),
        uuid(9),
        at["end_byte_offset"],
    )


def test_a_legacy_fork_is_a_copy() -> None:
    """It is linked by what its header says alone, and inherits nothing by reference."""
    root = thread(1, "legacy").turn("one")
    found = member(home(root, copy_of(root, 2)), 2)
    assert found.parent_id == uuid(1)
    assert (found.is_copy, found.link, found.inherited_bytes) == (True, None, 0)


def test_a_fork_by_reference_of_a_legacy_parent_is_no_copy() -> None:
    """Its link leads into the legacy file, all of which before the cut it inherits."""
    root = thread(1, "legacy").turn("one")
    base = root.position | {"end_ordinal_exclusive": root.content.count(b"\n")}
    found = member(home(root, root.fork(2, at=base, forked_from_id=uuid(1))), 2)
    assert not found.is_copy
    assert found.inherited_bytes == len(root.content)


def test_a_paginated_fork_without_a_base_stands_alone() -> None:
    """Forked before the first turn, or flattened: no copy of a legacy thread."""
    found = member(home(thread(1), thread(2, forked_from_id=uuid(1))), 2)
    assert (found.parent_id, found.link, found.is_copy) == (uuid(1), None, False)


def test_a_missing_parent_is_a_member() -> None:
    """Only its children's headers tell of it; they cannot be read, and say which rollout they miss."""
    root = thread(1).turn("one")
    made = home(child_of(root, 2), child_of(root, 3))
    found = family(made, 2)
    assert numbers(found.members) == [1, 2, 3]
    assert found.root.is_missing
    broken = found.by_id[found.thread_id]
    assert broken.inherited_bytes is None
    assert broken.problem is not None
    assert "missing source rollout" in broken.problem.message


def test_the_family_of_a_missing_parent_can_be_asked_for() -> None:
    """Its id is known from its children."""
    made = home(child_of(thread(1).turn("one"), 2))
    assert numbers(family(made, 1).members) == [1, 2]


def test_a_missing_rollout_of_a_thread_that_is_there_breaks_the_link_only() -> None:
    """The child stays in the family of the thread that its header names."""
    first = thread(1).turn("one")
    lost = first.revert(9, first.position).turn("two")
    child = lost.fork(2, forked_from_id=uuid(1))
    found = member(home(first, child), 2)
    assert found.parent_id == uuid(1)
    assert found.problem is not None


def test_a_cut_behind_the_end_of_the_parent_is_a_problem() -> None:
    """A parent that was cut short is told of the child, with what was expected and found."""
    root = thread(1).turn("one")
    base = root.position | {"end_byte_offset": len(root.content) + 1}
    problem = member(home(root, root.fork(2, at=base)), 2).problem
    assert problem is not None
    assert f"expected at least {len(root.content) + 1} bytes, found {len(root.content)}" in problem.message


def test_a_broken_ancestor_breaks_all_below_it() -> None:
    """Whoever stands on what cannot be read cannot be read."""
    middle = child_of(thread(1).turn("one"), 2).turn("two")
    found = family(home(middle, child_of(middle, 3)), 3)
    assert [one.problem is not None for one in found.members] == [False, True, True]
    assert found.by_id[found.thread_id].inherited_bytes is None


def test_links_that_close_a_cycle_are_told() -> None:
    """No client writes them; they end the walk, and every thread of it says why it cannot be read."""
    one = thread(1, history_base={"thread_id": uuid(2), "end_ordinal_exclusive": 1, "end_byte_offset": 1})
    two = thread(2, history_base={"thread_id": uuid(1), "end_ordinal_exclusive": 1, "end_byte_offset": 1})
    found = family(home(one, two))
    assert sorted(numbers(found.members)) == [1, 2]
    assert all(one.problem is not None and "cycle" in one.problem.message for one in found.members)


def test_a_thread_that_names_itself_has_no_parent() -> None:
    """What its header says it was forked from is information, and may be nonsense."""
    found = family(home(thread(1, forked_from_id=uuid(1))))
    assert numbers(found.members) == [1]
    assert found.root.parent_id is None


def test_archived_and_deleted_threads_are_members() -> None:
    """They are marked, and what was forked from them hangs on to them."""
    root = thread(1).turn("one")
    archived, deleted = child_of(root, 2), child_of(root, 3)
    made = Home()
    made.put(root)
    made.put(archived, folder=ARCHIVE)
    made.put(deleted)
    tombstone = Tombstone(uuid(3), 1, DeleteMode.KEEP_FOR_FORKS, uuid(3), "test", 1)
    made.fs.put(f"{HOME}/.rollout/tombstones/{uuid(3)}.json", compact_json({"threadId": tombstone.thread_id}))
    found = family(made)
    assert [(one.is_archived, one.is_deleted) for one in found.members] == [
        (False, False),
        (True, False),
        (False, True),
    ]


def test_a_compressed_parent_is_a_parent() -> None:
    """Positions count decoded bytes, and the turn at the cut is found there."""
    root = thread(1).turn("one", turn_id="first")
    made = Home()
    made.put(root, is_packed=True)
    made.put(child_of(root, 2))
    turns = member(made, 2).fork_turns
    assert turns is not None
    assert turns.after_turn_id == "first"


def test_a_member_has_its_name_and_its_own_first_words() -> None:
    """What tells it from its siblings: not the words it inherited."""
    root = thread(1).turn("Shared question")
    made = named(home(root, child_of(root, 2).turn("Own question")), _1="Root", _2="Try")
    assert (member(made, 2).name, member(made, 2).first_words) == ("Try", "Own question")


def test_a_fork_that_asked_nothing_has_no_words() -> None:
    """Inherited words are not its own."""
    root = thread(1).turn("Shared question")
    assert member(home(root, child_of(root, 2)), 2).first_words is None


def test_as_much_of_an_id_is_shown_as_tells_threads_apart() -> None:
    """Ids of one moment begin alike; of threads outside the family, too."""
    assert family(home(thread(1), thread(0x12))).id_length == 35
    assert family(home(thread(1))).id_length == 13


def test_what_could_not_be_read_is_named() -> None:
    """A rollout without a header may be anybody's child; that of a member is told with the member."""
    made = home(thread(1))
    made.fs.put(f"{DAY}/{thread(2).name()}", b"not a thread\n")
    assert family(made).unknown == [f"{DAY}/{thread(2).name()}"]
    assert family(made, 2).unknown == []
    assert member(made, 2, 2).problem is not None


def test_a_folder_that_could_not_be_listed_is_named() -> None:
    """There may be members in it."""
    made = home(thread(1))
    made.fs.put(f"{HOME}/sessions/2026/11/20/{thread(2).name()}", thread(2).content)
    made.fs.refuse(f"{HOME}/sessions/2026/11/20")
    assert family(made).unknown == [f"{HOME}/sessions/2026/11/20"]


def test_an_unknown_thread_is_not_found() -> None:
    """The error says which home was searched."""
    with pytest.raises(NotFound, match=rf"family of thread {uuid(7)}: no rollout in /home belongs to it"):
        family(home(thread(1)), 7)


def test_a_family_is_told_in_bounded_reads() -> None:
    """Headers and a few kilobytes around each fork point, however long the parent is."""
    root = thread(1).turn("long answer", "x" * 3_000_000)
    made = home(root, child_of(root, 2))
    family(made, 2)
    assert made.fs.bytes_read < 200_000


def test_a_deep_chain_is_walked_without_recursion() -> None:
    """A thousand forks of one another are one family."""
    found = family(home(*chain(1_100)), 1_100)
    assert len(found.ancestors(found.thread_id)) == 1_099
    assert found.members[-1].inherited_bytes is not None


def test_a_thousand_forks_are_read_once_each() -> None:
    """The parent is opened a few times in all, not once a child."""
    made = home(*wide_family(1_000, 10))
    opened = made.fs.open_count
    family(made)
    assert made.fs.open_count - opened <= 2 * 1_001 + 20
