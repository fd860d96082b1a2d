"""Turns along a lineage: what a fork goes on with, and which ordinals count where."""

from __future__ import annotations

from rollout.turns.paging import ItemsView, SortDirection
from tests.builders import Rollout, home, thread, uuid
from tests.unit.store.page_walk import SMALL, turn_pages, walk

ASC, DESC = SortDirection.ASC, SortDirection.DESC


def test_pages_cross_segments() -> None:
    """A lineage pages like one file."""
    root = thread(1).turn("a").turn("b")
    middle = root.fork(2).turn("c")
    root.turn("not inherited")
    newest = middle.fork(3).turn("d").turn("e")
    made = home(root, middle, newest, max_line_bytes=SMALL)
    for direction in (ASC, DESC):
        expected = ["t1", "t2", "t3", "t5", "t6"]
        found = walk(turn_pages(made, newest), direction, 2)
        assert found == (expected if direction is ASC else expected[::-1])


def test_a_forks_late_items_belong_to_its_parents_turn() -> None:
    """An item names its turn, wherever the turn began."""
    parent = thread(1).turn("a").turn("b")
    child = parent.fork(2).shows("t1", "late").turn("c")
    found = home(parent, child).turns(child)
    assert [(turn["id"], len(turn["items"])) for turn in found] == [("t1", 3), ("t2", 2), ("t3", 2)]


def test_a_forks_end_of_its_parents_turn_keeps_its_items() -> None:
    """A fork of a running thread marks the open turn as interrupted."""
    parent = thread(1).turn("a").start("open", started_at=1).shows("open", "q", "x", "UserMessage")
    child = parent.fork(2).abort("open", completed_at=9).turn("c")
    made = home(parent, child)
    turn = made.turns(child)[1]
    assert (turn["id"], turn["status"], turn["completedAt"]) == ("open", "interrupted", 9)
    assert [item["id"] for item in turn["items"]] == ["q"]
    assert [item["id"] for item in made.turns(child, ItemsView.SUMMARY)[1]["items"]] == ["q"]


def test_an_item_alone_is_no_source_of_a_summary() -> None:
    """Only a segment in which the turn starts or ends sums it up."""
    root = thread(1).turn("a").shows("open", "r", phase="final_answer")
    parent = root.fork(2).start("open").shows("open", "q", "x", "UserMessage")
    child = parent.fork(3).abort("open")
    stray = root.fork(4).abort("open")
    made = home(root, parent, child, stray)
    assert [item["id"] for item in made.turns(child, ItemsView.SUMMARY)[-1]["items"]] == ["q"]
    assert made.turns(stray, ItemsView.SUMMARY)[-1]["items"] == []


def test_a_forks_completion_sums_up_its_own_part() -> None:
    """Only an abort without a summary of its own takes over its parent's."""
    parent = thread(1).start("open").shows("open", "q", "x", "UserMessage")
    child = parent.fork(2).shows("open", "a", "y", phase="final_answer").end("open")
    made = home(parent, child)
    assert [item["id"] for item in made.turns(child)[0]["items"]] == ["q", "a"]
    assert [item["id"] for item in made.turns(child, ItemsView.SUMMARY)[0]["items"]] == ["a"]


def test_an_item_of_two_segments_is_two_items() -> None:
    """Only within a segment does a newer content replace the older."""
    parent = thread(1).start("open").shows("open", "i", "old")
    child = parent.fork(2).shows("open", "i", "new").end("open")
    (turn,) = home(parent, child).turns(child)
    assert [item["text"] for item in turn["items"]] == ["old", "new"]


def test_a_parents_records_at_the_cut_are_its_own() -> None:
    """A turn that the parent ended behind the cut is open in the child."""
    parent = thread(1).start("open", started_at=1)
    child = parent.fork(2)
    parent.end("open")
    made = home(parent, child)
    assert [turn["status"] for turn in made.turns(parent)] == ["completed"]
    assert [turn["status"] for turn in made.turns(child)] == ["interrupted"]


def test_ordinals_at_or_below_the_forks_header_are_left_out() -> None:
    """A child that begins anew hides its own first records, not its parent's."""
    parent = thread(1).turn("a")
    child = parent.fork(2)
    child.next_ordinal = 0
    for _ in range(3):
        child.turn("x")
    found = home(parent, child).turns(child)
    assert [turn["id"] for turn in found] == ["t1", "t3", "t4"]


def test_inherited_context_of_a_sub_agent_is_no_turn() -> None:
    """Records below the ordinal that its header names are history, not turns."""
    one = thread(1, subagent_history_start_ordinal=9).turn("inherited").turn("own")
    assert [turn["id"] for turn in home(one).turns(one)] == ["t2"]


def test_every_segment_has_its_own_inherited_context() -> None:
    """A fork of a sub-agent inherits what the sub-agent shows."""
    parent = thread(1, subagent_history_start_ordinal=9).turn("inherited").turn("own")
    child = parent.fork(2).turn("mine")
    plain_parent = thread(3).turn("shown")
    other = plain_parent.fork(4, subagent_history_start_ordinal=18).turn("inherited").turn("own")
    made = home(parent, child, plain_parent, other)
    assert [turn["id"] for turn in made.turns(child)] == ["t2", "t3"]
    assert [turn["id"] for turn in made.turns(other)] == ["t1", "t3"]


def test_where_ordinals_go_down_the_first_line_counts() -> None:
    """An ordinal that an earlier line had, or passed, is no place for another."""
    one = thread().turn("a").turn("b")
    one.next_ordinal = 3
    one.turn("c").turn("d").turn("e")
    made = home(one, max_line_bytes=SMALL)
    assert [turn["id"] for turn in made.turns(one)] == ["t1", "t2", "t4", "t5"]
    assert walk(turn_pages(made, one), DESC, 1) == ["t5", "t4", "t2", "t1"]


def mixed() -> tuple[Rollout, Rollout]:
    """Return a legacy parent, its last turn open, and a paginated child that goes on with it."""
    parent = thread(1, "legacy").turn("a").turn("b")
    parent.start("open").event("user_message", message="q")
    at = {"thread_id": uuid(1), "end_ordinal_exclusive": 17, "end_byte_offset": len(parent.log())}
    return parent, parent.fork(2, at=at)


def test_a_legacy_parent_comes_first() -> None:
    """Its turns are numbered from the start of its file, and a page is cut out of the whole."""
    parent, child = mixed()
    made = home(parent, child.turn("c"))
    assert walk(turn_pages(made, child), DESC, 2) == ["t3", "open", "t2", "t1"]
    assert walk(turn_pages(made, child), ASC, 2) == ["t1", "t2", "open", "t3"]


def test_a_child_goes_on_with_its_legacy_parents_turn() -> None:
    """Late items join it; an end hides the older turn and keeps what it had."""
    parent, child = mixed()
    child.shows("t1", "late").shows("open", "mine", phase="commentary").abort("open", completed_at=9)
    made = home(parent, child)
    found = made.turns(child)
    assert [(turn["id"], len(turn["items"])) for turn in found] == [("t1", 3), ("t2", 2), ("open", 2)]
    assert found[-1]["completedAt"] == 9
    (question,) = made.turns(child, ItemsView.SUMMARY)[-1]["items"]
    assert question["type"] == "userMessage"
