"""The bounded read: when it may stop, what it says about itself, and what is found behind it."""

from __future__ import annotations

import pytest

from rollout.replay.context import Context, read_context
from rollout.replay.reading import ReadPath
from tests.builders import Rollout, home, texts, thread

RESUME = {"previous_turn_settings": {"model": "carried"}}
SMALL = 4096
"""A line cap that keeps the blocks of a read small, so that stopping early can be seen."""


def resumed(rollout: Rollout) -> Context:
    """Resume a rollout from small blocks."""
    return home(rollout, max_line_bytes=SMALL).context(rollout)


def long_past(mode: str = "paginated", **members: object) -> Rollout:
    """Return a rollout with some hundred turns behind it."""
    made = thread(mode=mode, **members)
    for number in range(100):
        made.turn(f"q{number}")
    return made


def test_a_checkpoint_bounds_the_read() -> None:
    """The newest compaction with replacement history and window: nothing before it is read."""
    context = resumed(long_past().compact().turn("new"))
    assert texts(context) == ["summary", "new", "yes"]
    assert (context.read.path, context.read.segments) == (ReadPath.BOUNDED, 1)
    assert context.read.bytes_read < context.read.bytes_total // 2
    assert "replaces all earlier history" in context.read.reason


def test_a_legacy_checkpoint_needs_resume_metadata() -> None:
    """With it, and with usage known, the read stops."""
    made = long_past("legacy").compact(resume_metadata=RESUME).turn("new").tokens(1)
    context = resumed(made)
    assert texts(context) == ["summary", "new", "yes"]
    assert context.read.path is ReadPath.BOUNDED
    assert context.read.bytes_read < context.read.bytes_total // 2


def test_a_legacy_checkpoint_without_reported_usage_is_read_through() -> None:
    """An older report of tokens would still count."""
    context = resumed(long_past("legacy").compact(resume_metadata=RESUME).turn("new"))
    assert texts(context) == ["summary", "new", "yes"]
    assert context.read.path is ReadPath.FULL


def test_proof_bounds_the_read() -> None:
    """A surviving base, window, settings, reference and usage: older turns can change nothing."""
    made = long_past("legacy").turn("x").compact().turn("new").usage(1).tokens(1)
    context = resumed(made)
    assert texts(context) == ["summary", "new", "yes"]
    assert context.read.path is ReadPath.BOUNDED
    assert context.read.bytes_read < context.read.bytes_total // 2
    assert "every older turn is settled" in context.read.reason


@pytest.mark.parametrize(
    ("compaction", "reason"),
    [
        ({"is_plain": True}, "holds no replacement history"),
        ({"window": None}, "names no window"),
    ],
)
def test_a_compaction_that_is_no_checkpoint_bounds_nothing(
    compaction: dict[str, object], reason: str
) -> None:
    """An older checkpoint does not help, and the answer says why everything was read."""
    context = resumed(thread().turn("one").compact().turn("two").compact(**compaction))
    assert context.read.path is ReadPath.FULL
    assert reason in context.read.reason
    assert context.read.bytes_read >= context.read.bytes_total - SMALL


def test_a_legacy_compaction_without_resume_metadata_says_so() -> None:
    """It may still be the base, but it does not bound the read."""
    context = resumed(thread(mode="legacy").turn("one").compact())
    assert texts(context) == ["summary"]
    assert "holds no resume metadata" in context.read.reason


def test_a_thread_without_compaction_is_read_whole() -> None:
    """There is nothing to stop at."""
    context = resumed(thread().turn("one"))
    assert (context.read.path, context.read.reason) == (ReadPath.FULL, "the history has no compaction")


def test_a_rollback_behind_a_checkpoint_does_not_unbound_it() -> None:
    """A modern checkpoint is the base whatever follows."""
    made = thread(mode="legacy").turn("one").turn("two").compact(resume_metadata=RESUME)
    context = resumed(made.turn("three").rollback(2).tokens(1))
    assert texts(context) == []
    assert context.read.path is ReadPath.BOUNDED


def test_an_open_rollback_keeps_the_read_going() -> None:
    """A rollback not yet spent may take back the compaction's own turn."""
    made = thread(mode="legacy").turn("one").compact("first", window=1)
    made.start("t").user("q").context("t").compact("second", window=2).end("t")
    context = resumed(made.turn("three").rollback(2))
    assert texts(context) == ["first"]
    assert context.window.number == 1


def test_a_full_replay_says_so() -> None:
    """The answer is equal; the reason is that it was asked for."""
    made = long_past().compact().turn("new")
    context = home(made, max_line_bytes=SMALL).context(made, reads_everything=True)
    assert texts(context) == ["summary", "new", "yes"]
    assert (context.read.path, context.read.reason) == (ReadPath.FULL, "a full replay was asked for")
    assert context.read.bytes_read >= context.read.bytes_total - SMALL


def test_a_checkpoint_in_an_ancestor_bounds_the_read() -> None:
    """The lineage reads like one file; what lies before the checkpoint is not opened."""
    root = long_past()
    parent = root.fork(2).turn("two").compact().turn("three")
    child = parent.fork(3).turn("four")
    context = home(root, parent, child, max_line_bytes=SMALL).context(child)
    assert texts(context) == ["summary", "three", "yes", "four", "yes"]
    assert (context.read.path, context.read.segments) == (ReadPath.BOUNDED, 2)


def test_an_ancestors_legacy_checkpoint_needs_resume_metadata() -> None:
    """The mode of the file that holds the compaction decides."""
    parent = thread(1, "legacy").turn("one").compact()
    at = {"thread_id": parent.rollout_id, "end_ordinal_exclusive": 9, "end_byte_offset": len(parent.log())}
    child = parent.fork(2, at=at).turn("two")
    context = home(parent, child).context(child)
    assert texts(context) == ["summary", "two", "yes"]
    assert "holds no resume metadata" in context.read.reason


def test_a_header_copied_into_the_middle_does_not_end_the_history() -> None:
    """A deliberate deviation: records before it are kept, and the copy is reported."""
    made = thread().turn("one")
    start = len(made.log())
    made.record("session_meta", made.header())
    end = len(made.log())
    made.turn("two")
    context = resumed(made)
    assert texts(context) == ["one", "yes", "two", "yes"]
    assert [(one.start_offset, one.end_offset, one.reason) for one in context.damage] == [
        (start, end, "copiedHeader")
    ]


def test_a_header_copied_into_a_legacy_file_is_ordinary() -> None:
    """That is what a legacy fork looks like: its own header, then its source's."""
    made = thread(2, "legacy").record("session_meta", thread(1, "legacy").header()).turn("one")
    context = resumed(made)
    assert texts(context) == ["one", "yes"]
    assert context.damage == []


def test_the_newest_context_of_all_names_the_model() -> None:
    """Also one of a turn that was taken back."""
    made = thread(mode="legacy").turn("one", model="a").turn("two", model="b").rollback(1)
    context = resumed(made)
    assert context.latest_context is not None
    assert context.latest_context.model == "b"


def test_the_newest_context_is_found_behind_a_checkpoint() -> None:
    """A file that ends with a compaction still says which model it ran."""
    made = thread().turn("one", model="a").turn("two", model="b").compact()
    context = resumed(made)
    assert context.latest_context is not None
    assert (context.latest_context.model, context.previous_turn_settings) == ("b", None)
    assert context.read.path is ReadPath.BOUNDED


def test_the_newest_context_is_found_in_an_ancestor() -> None:
    """A fork that begins with a compaction goes on with its parent's model."""
    parent = thread(1).turn("one", model="a")
    middle = parent.fork(2)
    child = middle.fork(3).compact()
    context = home(parent, middle, child).context(child)
    assert context.latest_context is not None
    assert (context.latest_context.model, context.read.segments) == ("a", 3)


def test_a_thread_without_any_context_has_none() -> None:
    """Nothing is made up."""
    context = resumed(thread().user("one").compact())
    assert (context.latest_context, context.previous_turn_settings) == (None, None)


def test_damage_is_reported_oldest_first() -> None:
    """With the rollout it lies in; what is merely newer or cut short is told apart."""
    parent = thread(1).turn("one").raw(b"{broken\n")
    child = parent.fork(2).record("nonsense", {}).raw(b"\xff\n").turn("two").raw(b'{"torn')
    context = home(parent, child).context(child)
    assert [(one.rollout_id, one.reason, one.is_damage) for one in context.damage] == [
        (parent.rollout_id, "notJson", True),
        (child.rollout_id, "badUtf8", True),
        (child.rollout_id, "tornTail", False),
    ]


def test_damage_has_its_span() -> None:
    """In decoded bytes, newline included."""
    made = thread().turn("one")
    start = len(made.log())
    made.raw(b"{broken\n").turn("two")
    damage = resumed(made).damage[0]
    assert (damage.start_offset, damage.end_offset) == (start, start + 8)
    assert made.name() in damage.path or made.rollout_id in damage.path


@pytest.mark.parametrize("has_turns", [False, True], ids=["header-only", "turns"])
def test_ordinals_go_on_behind_the_last_record(has_turns: bool) -> None:
    """Or behind the header, if that is all there is."""
    made = thread()
    made = made.turn("one") if has_turns else made
    context = resumed(made)
    assert (context.next_ordinal, context.not_resumable) == (made.next_ordinal, None)


def test_ordinals_of_a_fork_go_on_behind_its_base() -> None:
    """A fork without a record of its own has its header's ordinal, which is the base's."""
    parent = thread(1).turn("one")
    child = parent.fork(2)
    assert home(parent, child).context(child).next_ordinal == parent.next_ordinal + 1


def test_lines_that_are_no_records_use_no_ordinal() -> None:
    """The ordinal of a line of unknown type is used again; that of an unknown item is not."""
    made = thread().turn("one").item({"type": "from_next_year"})
    expected = made.next_ordinal
    made.record("from_next_year", {}).raw(b"{broken\n").raw(b'{"torn')
    assert resumed(made).next_ordinal == expected


def test_an_unterminated_record_counts() -> None:
    """It is complete; the next writer adds the newline."""
    made = thread().turn("one")
    made.content = made.content.removesuffix(b"\n")
    assert resumed(made).next_ordinal == made.next_ordinal


def test_a_legacy_thread_has_no_next_ordinal() -> None:
    """And none is missing."""
    context = resumed(thread(mode="legacy").turn("one"))
    assert (context.next_ordinal, context.not_resumable) == (None, None)


def test_a_paginated_thread_whose_last_record_has_no_ordinal_cannot_go_on() -> None:
    """Its history is readable all the same."""
    context = resumed(thread().turn("one").record("event_msg", {"type": "warning"}, ordinal=...))
    assert (context.next_ordinal, context.not_resumable) == (None, "the last record is missing an ordinal")
    assert texts(context) == ["one", "yes"]


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
def test_a_thread_whose_header_is_not_first_cannot_go_on(mode: str) -> None:
    """Reading works wherever the header stands; writing requires it on the first line."""
    made = thread(mode=mode)
    made.content = b'{"timestamp":"t","type":"event_msg","payload":{"type":"warning"}}\n' + made.content
    context = resumed(made.turn("one"))
    assert context.not_resumable == "the file does not start with its session metadata"
    assert texts(context) == ["one", "yes"]


def test_records_and_segments_are_counted() -> None:
    """Of what was read, headers left out."""
    parent = thread(1).user("a").raw(b"{broken\n")
    child = parent.fork(2).user("b").user("c")
    with home(parent, child).open(child) as lineage:
        stats = read_context(lineage).read
    assert (stats.records, stats.segments) == (3, 2)
