"""Lineage: bases followed through active, archived and compressed files, cut where they say."""

from __future__ import annotations

import pytest

from rollout.replay.context import read_context
from rollout.replay.lineage import Lineage
from tests.builders import ARCHIVE, Json, Rollout, home, texts, thread, uuid


def segments_of(lineage: Lineage) -> list[tuple[str, int, int]]:
    """Return rollout id and range of every segment, oldest first."""
    return [(one.rollout_id, one.start_offset, one.end_offset) for one in lineage.segments]


def base(parent: Rollout, **members: object) -> Json:
    """Return a base at the end of `parent`, altered."""
    return parent.position | members


def test_a_thread_without_base_is_one_segment() -> None:
    """The segment of a paginated file begins behind its header and ends with the file."""
    only = thread()
    start = len(only.log())
    only.turn("hello")
    with home(only).open(only) as lineage:
        assert segments_of(lineage) == [(only.rollout_id, start, len(only.log()))]


def test_a_legacy_segment_begins_with_its_file() -> None:
    """A legacy file's records are numbered from its header on, so the header is part of it."""
    only = thread(mode="legacy").turn("hello")
    with home(only).open(only) as lineage:
        assert segments_of(lineage) == [(only.rollout_id, 0, len(only.log()))]


def test_an_ancestor_ends_at_the_cut() -> None:
    """What the parent wrote after the fork is not the child's."""
    parent = thread().turn("one")
    child = parent.fork(2).turn("mine")
    parent.turn("later")
    assert texts(home(parent, child).context(child)) == ["one", "yes", "mine", "yes"]


def test_a_fork_of_a_fork_names_its_immediate_parent_only() -> None:
    """The chain is found by following one base after the other."""
    root = thread(1).turn("one")
    middle = root.fork(2).turn("two")
    newest = middle.fork(3).turn("three")
    with home(root, middle, newest).open(newest) as lineage:
        assert [one.rollout_id for one in lineage.segments] == [uuid(1), uuid(2), uuid(3)]
        assert texts(read_context(lineage)) == ["one", "yes", "two", "yes", "three", "yes"]


def test_a_fork_at_the_head_of_a_fork_keeps_the_empty_segment() -> None:
    """A parent without a record of its own is in the chain all the same."""
    root = thread(1).turn("one")
    empty = root.fork(2)
    newest = empty.fork(3)
    with home(root, empty, newest).open(newest) as lineage:
        assert [one.end_offset - one.start_offset for one in lineage.segments[1:]] == [0, 0]
        assert texts(read_context(lineage)) == ["one", "yes"]


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("folder", ["/home/sessions/2026/11/21", "/home/sessions/lost", ARCHIVE])
def test_an_ancestor_is_found_wherever_it_lies(folder: str, is_packed: bool) -> None:
    """Active, archived, compressed: offsets count decoded bytes, so the base fits all of them."""
    parent = thread(1).turn("one")
    child = parent.fork(2).turn("two")
    parent.turn("not the child's")
    made = home(child)
    made.put(parent, folder=folder, is_packed=is_packed)
    assert texts(made.context(child)) == ["one", "yes", "two", "yes"]


def test_the_newest_file_may_be_compressed() -> None:
    """A compressed child reads like a plain one."""
    parent = thread(1).turn("one")
    child = parent.fork(2).turn("two")
    made = home(parent)
    made.put(child, is_packed=True)
    assert texts(made.context(child)) == ["one", "yes", "two", "yes"]


def test_a_revert_is_a_rollout_of_the_same_thread() -> None:
    """The newest name is the thread; the older file serves it as ancestor."""
    first = thread(1).turn("keep")
    kept = first.position
    first.turn("drop")
    reverted = first.revert(9, kept).turn("instead")
    assert texts(home(first, reverted).context(first)) == ["keep", "yes", "instead", "yes"]


def test_a_base_names_a_rollout_and_not_a_thread() -> None:
    """A fork of a reverted thread names the revert, or the older file, as the case may be."""
    first = thread(1).turn("one")
    before = first.position
    first.turn("two")
    reverted = first.revert(9, before).turn("three")
    of_old = first.fork(2)
    of_new = reverted.fork(3)
    made = home(first, reverted, of_old, of_new)
    assert texts(made.context(of_old)) == ["one", "yes", "two", "yes"]
    assert texts(made.context(of_new)) == ["one", "yes", "three", "yes"]


def test_a_base_may_spell_its_id_in_upper_case() -> None:
    """Ids are compared as UUIDs, not as text."""
    parent = thread(1).turn("one")
    child = parent.fork(2, at=base(parent, thread_id=uuid(1).upper()))
    assert texts(home(parent, child).context(child)) == ["one", "yes"]


def test_a_paginated_child_of_a_legacy_parent_is_read() -> None:
    """A deliberate deviation: the reference client refuses it, but a legacy thread can be forked in place."""
    parent = thread(1, "legacy").turn("one")
    at = {"thread_id": parent.rollout_id, "end_ordinal_exclusive": 7, "end_byte_offset": len(parent.log())}
    child = parent.fork(2, at=at).turn("two")
    parent.turn("later")
    made = home(parent, child)
    assert texts(made.context(child)) == ["one", "yes", "two", "yes"]
    assert [turn["id"] for turn in made.turns(child)] == ["t1", "t2"]


def test_a_legacy_files_base_is_ignored() -> None:
    """A legacy fork is a copy, whatever its header says."""
    copy = thread(2, "legacy", history_base={**thread(1).position}).turn("one")
    assert texts(home(copy).context(copy)) == ["one", "yes"]


def test_a_legacy_parents_base_ends_the_chain() -> None:
    """The chain ends at the first legacy file, also if that names a base."""
    parent = thread(2, "legacy", history_base={**thread(1).position}).turn("one")
    at = {"thread_id": parent.rollout_id, "end_ordinal_exclusive": 7, "end_byte_offset": len(parent.log())}
    child = parent.fork(3, at=at)
    with home(parent, child).open(child) as lineage:
        assert [one.rollout_id for one in lineage.segments] == [uuid(2), uuid(3)]


def test_a_chain_of_a_thousand_files_is_read() -> None:
    """There is no limit to the depth, and files are not all held open."""
    rollouts = [thread(1).turn("t")]
    for number in range(2, 1001):
        rollouts.append(rollouts[-1].fork(number).user(str(number)))
    made = home(*rollouts)
    with made.open(rollouts[-1]) as lineage:
        assert texts(read_context(lineage)) == ["t", "yes", *map(str, range(2, 1001))]
        assert made.fs.open_count < 40
    assert made.fs.open_count == 0


def test_an_offset_inside_a_line_cuts_it() -> None:
    """The rest of the line is damage with its span, and the whole lines before it are history."""
    parent = thread(1).turn("one").user("cut short")
    at = base(parent, end_byte_offset=len(parent.log()) - 10)
    child = parent.fork(2, at=at)
    context = home(parent, child).context(child)
    assert texts(context) == ["one", "yes"]
    assert [(one.rollout_id, one.end_offset, one.reason) for one in context.damage] == [
        (parent.rollout_id, at["end_byte_offset"], "cutLine")
    ]


def test_an_offset_before_the_newline_keeps_the_record() -> None:
    """What is left of the line is complete, so it is history; turns leave unterminated lines out."""
    parent = thread(1).turn("one").user("whole")
    child = parent.fork(2, at=base(parent, end_byte_offset=len(parent.log()) - 1))
    context = home(parent, child).context(child)
    assert texts(context) == ["one", "yes", "whole"]
    assert context.damage == []


@pytest.mark.parametrize("end_byte_offset", [0, 10])
def test_an_offset_inside_the_parents_header_gives_no_history(end_byte_offset: int) -> None:
    """A base before the parent's first record inherits nothing, and reads nothing of the header."""
    parent = thread(1).turn("one")
    child = parent.fork(2, at=base(parent, end_byte_offset=end_byte_offset)).turn("mine")
    made = home(parent, child)
    assert texts(made.context(child)) == ["mine", "yes"]
    assert [turn["id"] for turn in made.turns(child)] == ["t2"]


def test_history_is_cut_by_the_offset_alone() -> None:
    """A base whose ordinal says less than its offset still inherits history up to the offset."""
    parent = thread(1).turn("one")
    early = parent.next_ordinal
    parent.turn("two")
    child = parent.fork(2, at=base(parent, end_ordinal_exclusive=early))
    assert texts(home(parent, child).context(child)) == ["one", "yes", "two", "yes"]


def test_turns_are_cut_by_the_ordinal_too() -> None:
    """A base whose ordinal says less than its offset inherits turns up to the ordinal."""
    parent = thread(1).turn("one")
    early = parent.next_ordinal
    parent.turn("two")
    child = parent.fork(2, at=base(parent, end_ordinal_exclusive=early))
    assert [turn["id"] for turn in home(parent, child).turns(child)] == ["t1"]


def test_turns_never_show_what_the_history_lacks() -> None:
    """A base whose ordinal says more than its offset inherits turns up to the offset."""
    parent = thread(1).turn("one")
    early = len(parent.log())
    parent.turn("two")
    child = parent.fork(2, at=base(parent, end_byte_offset=early))
    assert [turn["id"] for turn in home(parent, child).turns(child)] == ["t1"]


def test_a_cutoff_exactly_at_the_end_is_whole() -> None:
    """The last byte may be the last inherited one."""
    parent = thread(1).turn("one")
    child = parent.fork(2)
    with home(parent, child).open(child) as lineage:
        assert lineage.segments[0].end_offset == len(parent.log())


def test_a_parent_that_grows_while_it_is_read_is_fine() -> None:
    """The cut was fixed when the child was made."""
    parent = thread(1).turn("one")
    child = parent.fork(2).turn("two")
    made = home(child)
    path = made.put(parent)
    with made.open(child) as lineage:
        made.fs.change(path, parent.turn("more").log())
        assert texts(read_context(lineage)) == ["one", "yes", "two", "yes"]


def test_closing_twice_is_closing_once() -> None:
    """`close` may be called again."""
    parent = thread(1).turn("one")
    child = parent.fork(2).turn("two")
    made = home(parent, child)
    lineage = made.open(child)
    read_context(lineage)
    lineage.close()
    lineage.close()
    assert made.fs.open_count == 0


def test_bytes_are_counted_over_all_files() -> None:
    """What was read counts ancestors that have been closed again; the total counts headers."""
    rollouts = [thread(1).turn("one")]
    for number in range(2, 40):
        rollouts.append(rollouts[-1].fork(number).user(str(number)))
    with home(*rollouts).open(rollouts[-1]) as lineage:
        read_context(lineage)
        own = sum(one.end_offset - one.start_offset for one in lineage.segments[:-1])
        assert lineage.bytes_read >= own
        assert lineage.bytes_total == sum(len(one.log()) for one in rollouts)
