"""Where a history may be left: the table of docs/format.md, "Fork points", row by row."""

from __future__ import annotations

import pytest

from rollout.errors import InvalidRequest, NotFound
from rollout.store.cuts import Cut, cut_at_head, cut_before_turn, cut_through_turn
from tests.builders import Home, Rollout, home, thread, uuid

V4 = "a1fc4b00-0000-4000-8000-000000000001"


def head(rollout: Rollout, *others: Rollout) -> Cut:
    """Return the cut at the head of a rollout."""
    with home(*others, rollout).open(rollout) as lineage:
        return cut_at_head(lineage)


def before(turn_id: str, rollout: Rollout, *others: Rollout) -> Cut:
    """Return the cut before a turn."""
    with home(*others, rollout).open(rollout) as lineage:
        return cut_before_turn(lineage, turn_id)


def through(turn_id: str, rollout: Rollout, *others: Rollout) -> Cut:
    """Return the cut through a turn."""
    with home(*others, rollout).open(rollout) as lineage:
        return cut_through_turn(lineage, turn_id)


def here(rollout: Rollout, place: int = 0) -> Cut:
    """Return the cut at what has been written so far."""
    ordinal = rollout.next_ordinal if rollout.mode == "paginated" else None
    return Cut(place, ordinal, len(rollout.log()))


def test_the_head_is_behind_the_last_whole_line() -> None:
    """What was recorded behind the last turn is inherited, a torn tail is not."""
    made = thread(1).turn("one").world({"a": 1})
    expected = here(made)
    assert head(made.raw(b'{"timestamp":"2026')) == expected
    assert head(thread(1, "legacy").turn("one").raw(b"{")) == here(thread(1, "legacy").turn("one"))


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_a_running_turn_is_left_out_and_named(mode: str) -> None:
    """Whoever ran it: the log does not say whether that process is alive."""
    made = thread(1, mode).turn("one")
    expected = here(made)
    made.start("open").user("two")
    cut = head(made)
    assert (cut.end_offset, cut.end_ordinal, cut.open_turn) == (
        expected.end_offset,
        expected.end_ordinal,
        "open",
    )


def test_an_end_of_another_turn_ends_nothing() -> None:
    """It says nothing of the turn that runs, which would be cut in two."""
    made = thread(1).turn("one")
    expected = here(made)
    made.start("open").user("two").end("of somebody else").abort("of somebody else")
    assert head(made).open_turn == "open"
    assert head(made).end_offset == expected.end_offset


def test_an_abort_without_a_name_ends_what_runs() -> None:
    """Files of 2025 carry none."""
    made = thread(1, "legacy").start("t").user("one").abort()
    assert head(made) == here(made)


def test_a_rollback_of_a_legacy_thread_ends_what_runs() -> None:
    """Left before the turn, the child would show what was taken back with it."""
    made = thread(1, "legacy").turn("one").start("open").user("two").rollback(2)
    assert head(made) == here(made)


def test_an_end_that_is_older_than_the_start_ends_nothing() -> None:
    """An id that was used before."""
    made = thread(1).start("t").end("t")
    expected = here(made)
    made.start("t")
    assert head(made).end_offset == expected.end_offset


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_an_empty_thread_cannot_be_left_at_its_head(mode: str) -> None:
    """There is nothing to go on from; the hint says what to do."""
    with pytest.raises(InvalidRequest, match="it is empty") as refused:
        head(thread(1, mode).context())
    assert refused.value.hint == "Make a new thread instead."


def test_a_thread_that_inherits_settings_alone_is_empty_too() -> None:
    """A thread of one turn was reverted to before it: forking it at its head once made an empty child."""
    parent = thread(1).context()
    with pytest.raises(InvalidRequest, match="it is empty"):
        head(parent.fork(2), parent)


def test_a_thread_whose_only_turn_runs_cannot_be_left_at_its_head() -> None:
    """The error names the turn."""
    with pytest.raises(InvalidRequest, match="its only turn, open, has not ended"):
        head(thread(1).start("open").user("one"))


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_an_empty_turn_that_ended_is_enough(mode: str) -> None:
    """Also when another one runs behind it."""
    made = thread(1, mode).start("t").end("t")
    expected = here(made)
    assert head(made.start("open")).end_offset == expected.end_offset


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_what_a_model_was_given_is_enough(mode: str) -> None:
    """A thread without turns may hold items that were put into it."""
    made = thread(1, mode).user("given")
    assert head(made) == here(made)


def test_a_compaction_is_enough() -> None:
    """It is what a model is given."""
    made = thread(1).compact("so far")
    assert head(made) == here(made)


def test_a_fork_without_records_of_its_own_is_left_behind_its_header() -> None:
    """Its own rollout is named all the same."""
    root = thread(1).turn("one")
    child = root.fork(2)
    assert head(child, root) == here(child, 1)


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_before_a_turn_is_before_the_record_that_starts_it(mode: str) -> None:
    """Whatever stands between it and the turn before goes with the older one."""
    made = thread(1, mode).turn("one").world({"a": 1})
    expected = here(made)
    assert before("t2", made.turn("two").turn("three")) == expected


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_through_a_turn_is_behind_the_record_that_ends_it(mode: str) -> None:
    """What follows is not inherited."""
    made = thread(1, mode).turn("one")
    expected = here(made)
    assert through("t1", made.world({"a": 1}).turn("two")) == expected


def test_the_first_end_counts() -> None:
    """A later one changes nothing that a reader shows."""
    made = thread(1).start("t").abort("t")
    expected = here(made)
    assert through("t", made.end("t").turn("two")) == expected


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_through_a_turn_without_an_end_is_refused(mode: str) -> None:
    """Also when another one came behind it."""
    made = thread(1, mode).start("dead").user("one").turn("two")
    with pytest.raises(InvalidRequest, match="in-progress turn"):
        through("dead", made)


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_before_a_turn_that_runs_is_fine(mode: str) -> None:
    """Nothing of it is inherited."""
    made = thread(1, mode).turn("one")
    expected = here(made)
    assert before("open", made.start("open").user("two")) == expected


@pytest.mark.parametrize("turn_id", ["", "t9", uuid(9), V4, "t1\n", "\ud800"])
@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_an_unknown_turn_is_not_found(mode: str, turn_id: str) -> None:
    """Whatever stands for it; the message of both bounds says so."""
    made = thread(1, mode).turn("t9 is not here").turn('"t9"')
    for cut in (before, through):
        with pytest.raises(NotFound, match="turn not found: ") as missing:
            cut(turn_id, made)
        assert "rollout turns" in (missing.value.hint or "")


def test_a_turn_of_another_thread_is_not_found() -> None:
    """The parent's later turns, and those of a stranger."""
    root = thread(1).turn("one")
    child = root.fork(2)
    root.turn("two", turn_id="later")
    stranger = thread(3).turn("three", turn_id="strange")
    for turn_id in ("later", "strange"):
        with pytest.raises(NotFound):
            before(turn_id, child, root, stranger)


def test_a_turn_that_was_reverted_away_is_not_found() -> None:
    """It stands in the older rollout, behind the cut."""
    first = thread(1).turn("one")
    at = first.position
    first.turn("two")
    second = first.revert(7, at).turn("three")
    for cut in (before, through):
        with pytest.raises(NotFound):
            cut("t2", second, first)
    assert before("t3", second, first).place == 1


def test_a_turn_that_was_rolled_back_is_not_found() -> None:
    """Its bytes are there, and it is not shown."""
    made = thread(1, "legacy").turn("one").turn("two").rollback(1).turn("three")
    for cut in (before, through):
        with pytest.raises(NotFound):
            cut("t2", made)
    assert before("t3", made).end_offset > before("t1", made).end_offset


def test_a_turn_before_a_rollback_of_others_is_found() -> None:
    """The rollback is not inherited, and what it took back is not, either."""
    made = thread(1, "legacy").turn("one")
    expected = here(made)
    assert through("t1", made.turn("two").rollback(1)) == expected


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_turn_is_found_in_any_ancestor(depth: int) -> None:
    """The base then names that ancestor's rollout, and chains stay short."""
    made = [thread(1).turn("one")]
    ends = [here(made[0])]
    for number in (2, 3):
        made.append(made[-1].fork(number).turn("more"))
        ends.append(here(made[-1], number - 1))
    assert through(f"t{depth + 1}", made[-1], *made[:-1]) == ends[depth]


def test_before_the_first_turn_of_a_fork_is_in_the_fork() -> None:
    """Right behind its header, with an ordinal of its own."""
    root = thread(1).turn("one")
    child = root.fork(2)
    expected = here(child, 1)
    assert before("t2", child.turn("two"), root) == expected


def test_a_turn_that_a_fork_ended_is_left_in_the_fork() -> None:
    """Started by the parent, marked as aborted by the child of a client that cuts turns in two."""
    root = thread(1).start("t").user("one")
    child = root.fork(2).abort("t")
    assert through("t", child, root) == here(child, 1)
    assert before("t", child, root).place == 0


def test_records_behind_the_ordinal_of_a_base_are_no_turns() -> None:
    """Another client's base may end at one place by its offset and at another by its ordinal."""
    root = thread(1).turn("one")
    at = {**root.position}
    child = root.turn("two").fork(
        2, at={**root.position, "end_ordinal_exclusive": at["end_ordinal_exclusive"]}
    )
    with pytest.raises(NotFound):
        before("t2", child, root)


def test_turns_below_a_spawned_agents_own_history_are_not_found() -> None:
    """They are its parent's, copied; nobody shows them."""
    made = thread(1, subagent_history_start_ordinal=8).turn("copied").turn("own")
    with pytest.raises(NotFound):
        before("t1", made)
    assert before("t2", made).end_ordinal == 8


def test_a_gap_of_ordinals_gives_the_next_record_s() -> None:
    """Before a turn stands the ordinal of the record that starts it."""
    made = thread(1).turn("one")
    made.next_ordinal = 100
    offset = len(made.log())
    made.start("t2")
    assert before("t2", made) == Cut(0, 100, offset)
    assert head(made) == Cut(0, 100, offset, "t2")


def test_implicit_turns_begin_with_the_words_a_model_was_given() -> None:
    """Files of 2025 open a turn with the event that shows the question, behind the item itself."""
    made = thread(1, "legacy")
    ends = []
    for text in ("one", "two"):
        ends.append(len(made.log()))
        made.user(text).event("user_message", message=text)
        made.event("agent_message", message="yes").assistant("yes")
    ends.append(len(made.log()))
    with home(made).open(made) as lineage:
        assert cut_before_turn(lineage, "rollout-2") == Cut(0, None, ends[0])
        assert cut_through_turn(lineage, "rollout-2") == Cut(0, None, ends[1])
        assert cut_before_turn(lineage, "rollout-6") == Cut(0, None, ends[1])
        assert cut_through_turn(lineage, "rollout-6") == Cut(0, None, ends[2])


def test_an_end_without_a_name_ends_a_legacy_turn() -> None:
    """A bounded search cannot tell which turn it ends, so all of the file is asked."""
    made = thread(1, "legacy").start("t").user("one").event("user_message", message="one").abort()
    expected = here(made)
    assert through("t", made.turn("two")) == expected
    assert through("t", made.end("t")) == expected


def test_a_turn_of_the_bare_era_can_be_left() -> None:
    """Items alone, without envelopes, stand for turns."""
    bare = Home()
    path = f"/home/sessions/2025/06/01/rollout-2025-06-01-{V4}.jsonl"
    first = b'{"id":"%s","timestamp":"2025-06-01T10:00:00.000Z"}\n' % V4.encode()
    items = [
        b'{"type":"message","role":"%s","content":[{"type":"%s","text":"%s"}]}\n' % parts
        for parts in (
            (b"user", b"input_text", b"one"),
            (b"assistant", b"output_text", b"yes"),
            (b"user", b"input_text", b"two"),
        )
    ]
    bare.fs.put(path, first + b"".join(items))
    with bare.opener.open_path(path) as lineage:
        assert cut_at_head(lineage) == Cut(0, None, len(first + b"".join(items)))
        assert cut_through_turn(lineage, "rollout-1") == Cut(0, None, len(first + b"".join(items[:2])))


def test_a_damaged_line_hides_no_turn() -> None:
    """Neither before nor behind it, nor within."""
    made = thread(1).turn("one").raw(b"\xff\n\n").start("t2").raw(b"{broken\n").end("t2")
    expected = here(made)
    assert through("t2", made.raw(b"\x00\n")) == expected
