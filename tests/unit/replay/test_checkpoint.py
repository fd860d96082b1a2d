"""Where a resume stands on a checkpoint, and where it goes on reading."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.format.encoding import Draft, line_front
from rollout.replay.checkpoint import find_checkpoint
from rollout.replay.context import Context, read_context
from rollout.replay.positions import make_checkpoint
from rollout.replay.reading import ReadPath
from tests.builders import TIME, Home, Rollout, home, plain, texts, thread, usage_record

LONG = "x" * 4000


def checkpointed(rollout: Rollout, *ancestors: Rollout) -> Rollout:
    """Add a checkpoint to a rollout, as it stands now."""
    with home(*ancestors, rollout).open(rollout) as lineage:
        made = make_checkpoint(lineage)
    assert made is not None
    return rollout.raw(line_front(TIME, None, Draft("checkpoint", made.content)) + b"}\n")


def checkpoint_of(rollout: Rollout) -> Any:
    """Return the members of a checkpoint of a rollout, as stored."""
    with home(rollout).open(rollout) as lineage:
        made = make_checkpoint(lineage)
    assert made is not None
    return plain(made.checkpoint)


def long_thread(mode: str = "paginated") -> Rollout:
    """Return a thread of turns that say much to people, and little to the model."""
    rollout = thread(1, mode)
    for number in range(20):
        rollout.turn(f"question {number}", f"answer {number}").event("warning", message=LONG)
    return rollout


def through(made: Home, rollout: Rollout) -> Context:
    """Resume a rollout, and check that reading everything says the same."""
    context, full = made.context(rollout), made.context(rollout, reads_everything=True)
    assert context.input_json() == full.input_json()
    assert plain([context.window, context.usage]) == plain([full.window, full.usage])
    assert context.previous_turn_settings == full.previous_turn_settings
    assert (context.reference_context, context.world_state) == (full.reference_context, full.world_state)
    assert (context.next_ordinal, context.latest_context) == (full.next_ordinal, full.latest_context)
    return context


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
def test_a_resume_stops_at_a_checkpoint(mode: str) -> None:
    """It reads the lines that the model is given, and none in between that are far apart."""
    rollout = checkpointed(long_thread(mode)).turn("and now?")
    context = through(home(rollout), rollout)
    assert context.read.path is ReadPath.BOUNDED
    assert "a checkpoint stands for all earlier records" in context.read.reason
    assert texts(context)[0] == "question 0"
    assert len(context.items) == 42


def test_a_checkpoint_may_be_the_last_line() -> None:
    """Then the next ordinal is that behind the last record before it."""
    rollout = checkpointed(long_thread())
    context = through(home(rollout), rollout)
    assert context.read.records == 40
    assert context.next_ordinal == rollout.next_ordinal


def test_a_checkpoint_takes_no_ordinal_and_no_turn() -> None:
    """To everything but a resume the line is not there."""
    plainly, rollout = long_thread().turn("more"), checkpointed(long_thread()).turn("more")
    assert home(rollout).turns(rollout) == home(plainly).turns(plainly)
    assert rollout.next_ordinal == plainly.next_ordinal


def test_a_checkpoint_holds_no_text() -> None:
    """Only where it stands; lines side by side are one range."""
    rollout = thread().turn("a secret", "another")
    for number in range(100):
        rollout.user(f"secret {number}" + LONG)
    found = checkpoint_of(rollout)
    assert "secret" not in str(found)
    assert found["count"] == 102
    assert len(found["items"][0]["lines"]) == 1 + 2 * 3
    assert found["turns"] == 1


def test_checkpoints_build_on_each_other() -> None:
    """The next one reads what came since; its older parts are those of the one before."""
    rollout = checkpointed(long_thread()).turn("more", turn_id="more")
    before = checkpoint_of(long_thread())
    with home(rollout).open(rollout) as lineage:
        made = make_checkpoint(lineage)
    assert made is not None
    assert plain(made.checkpoint.items)[: len(before["items"])] == before["items"]
    assert made.checkpoint.turns == 21
    assert made.since_bytes < 10_000
    checkpointed(rollout)
    assert len(through(home(rollout), rollout).items) == 42


def test_a_rollback_that_reaches_below_is_read_on() -> None:
    """Turns older than the position are taken back: what survives is not what the checkpoint says."""
    rollout = checkpointed(long_thread("legacy")).turn("gone").rollback(3)
    context = through(home(rollout), rollout)
    assert context.read.path is ReadPath.FULL
    assert texts(context)[-1] == "answer 17"


def test_a_rollback_spent_above_stops_there() -> None:
    """Only turns behind the position are taken back."""
    rollout = checkpointed(long_thread("legacy")).turn("gone").turn("gone, too").rollback(2)
    context = through(home(rollout), rollout)
    assert context.read.path is ReadPath.BOUNDED
    assert texts(context)[-1] == "answer 19"


def test_a_turn_open_across_it_is_read_on() -> None:
    """Where a turn began before the position, older records belong to what was read."""
    rollout = thread().turn("one").start("t9").context("t9").user("two")
    checkpointed(rollout).assistant("yes").end("t9")
    context = through(home(rollout), rollout)
    assert context.read.path is ReadPath.FULL


@pytest.mark.parametrize("is_plain", [True, False])
def test_a_newer_compaction_decides(is_plain: bool) -> None:
    """A full one stops the read itself; after a plain one older records decide what it keeps."""
    rollout = checkpointed(long_thread()).compact("so far", is_plain=is_plain).turn("next")
    context = through(home(rollout), rollout)
    assert context.read.path is (ReadPath.FULL if is_plain else ReadPath.BOUNDED)
    assert "a checkpoint stands" not in context.read.reason


def test_items_of_a_compaction_are_told_by_index() -> None:
    """The replacement history stays where it is stored, once."""
    rollout = long_thread().compact("the summary").turn("next")
    found = checkpoint_of(rollout)
    assert found["items"][0]["replaced"][3:] == [0, 1]
    assert found["turns"] is None
    assert texts(through(home(checkpointed(rollout)), rollout)) == ["the summary", "next", "yes"]


def test_what_no_line_holds_is_inline() -> None:
    """A plain compaction makes a summary; it has voided the reference context for good."""
    rollout = checkpointed(thread(1, "legacy").turn("one").compact("short", is_plain=True)).turn("two")
    found = checkpoint_of(thread(1, "legacy").turn("one").compact("short", is_plain=True))
    assert "short" in str(found["items"][-1]["inline"])
    assert found["is_reference_void"]
    context = through(home(rollout), rollout)
    assert context.read.path is ReadPath.BOUNDED
    assert context.reference_context is None


def test_the_world_goes_on_from_its_lines() -> None:
    """A patch behind the position is merged onto the state before it."""
    rollout = thread().start("a").user("x").world({"a": 1, "b": 1}).world({"b": 2}, full=False).end("a")
    checkpointed(rollout).start("b").user("y").world({"c": 3}, full=False).end("b")
    assert plain(through(home(rollout), rollout).world_state) == {"a": 1, "b": 2, "c": 3}


def test_many_states_are_folded_into_one() -> None:
    """A long chain of patches is stored as what it adds up to."""
    rollout = thread().start("a").user("x").world({"n": -1})
    for number in range(40):
        rollout.world({"n": number}, full=False)
    assert checkpoint_of(rollout.end("a"))["world"] == {"state": {"n": 39}}
    checkpointed(rollout).start("b").user("y").world({"m": 0}, full=False).end("b")
    assert plain(through(home(rollout), rollout).world_state) == {"n": 39, "m": 0}


def test_usage_goes_on_across_it() -> None:
    """Totals that nothing newer reports are those before the position."""
    rollout = thread().start("a").user("x").record("token_usage_record", usage_record(7, "t")).tokens(5)
    checkpointed(rollout.end("a")).turn("y")
    usage = through(home(rollout), rollout).usage
    assert usage.thread is not None
    assert usage.thread.total_tokens == 7


def test_a_fork_stands_on_its_parents_checkpoint() -> None:
    """At its head or in the middle, wherever the lineage goes through it."""
    parent = checkpointed(long_thread())
    child = parent.fork(2).turn("in the child")
    checkpointed(child, parent).turn("after the child's own")
    context = through(home(parent, child), child)
    assert context.read.path is ReadPath.BOUNDED
    assert len(context.items) == 44
    grandchild = parent.fork(3).turn("elsewhere")
    assert "a checkpoint stands" in through(home(parent, child, grandchild), grandchild).read.reason


def spoilt(rollout: Rollout, old: bytes, new: bytes) -> Rollout:
    """Replace bytes of a rollout by as many others."""
    assert rollout.content.count(old) == 1
    assert len(old) == len(new)
    rollout.content = rollout.content.replace(old, new)
    return rollout


def test_an_altered_item_is_noticed() -> None:
    """The lines are held against their digest; then everything is read as it is now."""
    rollout = checkpointed(long_thread()).turn("and now?")
    spoilt(rollout, b'"input_text","text":"question 3"', b'"input_text","text":"questiom 3"')
    context = through(home(rollout), rollout)
    assert context.read.path is ReadPath.FULL
    assert texts(context)[6] == "questiom 3"


def test_a_copied_checkpoint_counts_for_nothing() -> None:
    """A legacy fork copies lines: the position is another one there."""
    rollout = checkpointed(long_thread("legacy"))
    line = rollout.content[
        rollout.content.index(b'{"timestamp":"' + TIME.encode() + b'","type":"checkpoint"') :
    ]
    rollout.turn("more").raw(line)
    context = home(rollout).context(rollout)
    assert texts(context)[-2] == "more"


def test_another_line_limit_reads_everything() -> None:
    """What one reader passes over as too long another one may read."""
    rollout = checkpointed(long_thread()).turn("and now?")
    assert home(rollout, max_line_bytes=1 << 20).context(rollout).read.path is ReadPath.FULL


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"version":1}', b'{"version":1,"digest":"' + b"A" * 43 + b'"}']
)
def test_what_was_not_encoded_here_is_none(content: bytes) -> None:
    """The digest is over all that is before it."""
    assert find_checkpoint(content) is None


def test_an_empty_thread_has_no_checkpoint() -> None:
    """There is nothing to stand for."""
    rollout = thread()
    with home(rollout).open(rollout) as lineage:
        assert make_checkpoint(lineage) is None


def test_a_cut_short_line_is_left_out() -> None:
    """The position is the end of the last whole line."""
    rollout = long_thread()
    end = len(rollout.content)
    rollout.raw(b'{"timestamp":"t","type":"respon')
    with home(rollout).open(rollout) as lineage:
        made = make_checkpoint(lineage)
        assert made is not None
        assert made.checkpoint.offset == end
    with home(rollout).open(rollout) as lineage:
        assert len(read_context(lineage).items) == made.checkpoint.count
