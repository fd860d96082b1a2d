"""Token totals: which report and which usage record a resume goes on from."""

from __future__ import annotations

import pytest

from tests.builders import Home, Rollout, home, thread, usage_record, uuid

RESUME = {"previous_turn_settings": None}
MODES = pytest.mark.parametrize("mode", ["legacy", "paginated"])


def totals(rollout: Rollout, made: Home | None = None) -> tuple[int | None, int | None]:
    """Return the reported total and the thread's; the bounded and the full read must agree."""
    made = made or home(rollout)
    found: list[tuple[int | None, int | None]] = []
    for reads_everything in (False, True):
        usage = made.context(rollout, reads_everything=reads_everything).usage
        info, total = usage.info, usage.thread
        reported = info.total_token_usage if info is not None else None
        found.append(
            (
                reported.total_tokens if reported is not None else None,
                total.total_tokens if total is not None else None,
            )
        )
    assert found[0] == found[1]
    return found[0]


@MODES
def test_the_newest_of_each_counts(mode: str) -> None:
    """The two totals are kept apart."""
    assert totals(thread(mode=mode).usage(1).tokens(10).usage(2).tokens(20).turn("one")) == (20, 2)


@MODES
def test_without_any_nothing_is_known(mode: str) -> None:
    """Files of 2025 have no usage records."""
    assert totals(thread(mode=mode).turn("one")) == (None, None)


@pytest.mark.parametrize("info", [None, ...], ids=["null", "absent"])
def test_a_report_without_info_does_not_count(info: object) -> None:
    """It carries rate limits only; the report before it goes on."""
    members = {} if info is ... else {"info": info}
    assert totals(thread().tokens(10).event("token_count", rate_limits={}, **members)) == (10, None)


def test_a_usage_record_of_another_thread_counts() -> None:
    """That is how forks go on counting."""
    made = thread().usage(1).record("token_usage_record", usage_record(7, uuid(99)))
    assert totals(made) == (None, 7)


def test_a_usage_record_without_total_does_not_count() -> None:
    """The one before it goes on."""
    made = thread().usage(5).record("token_usage_record", {"thread_id": uuid(1)})
    assert totals(made) == (None, 5)


@MODES
def test_a_compaction_carries_the_total_on(mode: str) -> None:
    """Any compaction that holds the last usage record, also a plain one."""
    for members in ({}, {"is_plain": True}, {"window": None}, {"resume_metadata": RESUME}):
        assert totals(thread(mode=mode).usage(5).turn("one").compact(tokens=7, **members)) == (None, 7)


@MODES
def test_a_compaction_without_a_record_begins_anew(mode: str) -> None:
    """Usage records before it do not count, whatever kind of compaction it is."""
    for members in ({}, {"is_plain": True}, {"window": None}, {"resume_metadata": RESUME}):
        assert totals(thread(mode=mode).usage(5).turn("one").compact(**members)) == (None, None)


@MODES
def test_an_older_compaction_never_counts(mode: str) -> None:
    """The newest one decides, also by its silence."""
    made = thread(mode=mode).turn("one").compact(tokens=7, window=None).turn("two").compact(window=None)
    assert totals(made) == (None, None)


@MODES
def test_a_usage_record_behind_the_compaction_counts(mode: str) -> None:
    """It is newer than what the compaction carries."""
    assert totals(thread(mode=mode).turn("one").compact(tokens=7).usage(9)) == (None, 9)


def test_a_rolled_back_compaction_counts() -> None:
    """Tokens that were spent stay spent."""
    made = thread(mode="legacy").turn("one").start("t").user("x").compact(tokens=7).end("t")
    assert totals(made.rollback(1)) == (None, 7)


def test_a_report_before_a_checkpoint_does_not_count_in_a_paginated_thread() -> None:
    """A bounded read does not see it, so a full one must not either."""
    assert totals(thread().tokens(10).turn("one").compact()) == (None, None)


def test_a_report_before_a_checkpoint_counts_in_a_legacy_thread() -> None:
    """All of a legacy file counts, wherever reading it could stop."""
    made = thread(mode="legacy").tokens(10).turn("one").compact(resume_metadata=RESUME, tokens=7)
    assert totals(made) == (10, 7)


def test_a_report_before_a_compaction_that_is_no_checkpoint_counts() -> None:
    """The whole history is read then."""
    assert totals(thread().tokens(10).turn("one").compact(window=None)) == (10, None)


def test_a_fork_goes_on_from_its_parent() -> None:
    """Both totals come from the ancestor."""
    parent = thread(1).usage(5).tokens(6)
    child = parent.fork(2).turn("one")
    parent.usage(50).tokens(60)
    assert totals(child, home(parent, child)) == (6, 5)
