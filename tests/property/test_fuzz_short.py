"""A moment of what `tools/fuzz` does for as long as one likes: a fixed seed, a fixed number of cases."""

from __future__ import annotations

from random import Random

import pytest
from fuzzing.cases import make_case, mutated, reduce_failure, run_case
from fuzzing.homes import load_homes
from fuzzing.mutations import MUTATIONS

SEED = 20261121
CASES_A_BATCH = 8


@pytest.mark.parametrize("batch", range(10))
def test_mutated_homes_are_read_alike_every_way(batch: int) -> None:
    """Only our own errors escape; bounded and full resumes agree, and so do pages from both ends."""
    for number in range(batch * CASES_A_BATCH, (batch + 1) * CASES_A_BATCH):
        failure = run_case(make_case(SEED, number))
        if failure is not None:
            pytest.fail(f"tools/fuzz --seed {SEED} --case {number}\n{reduce_failure(failure).what}")


def test_a_case_is_the_same_every_time() -> None:
    """Its number alone decides what it does."""
    case = make_case(SEED, 3)
    assert make_case(SEED, 3) == case
    assert mutated(case) == mutated(case)


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_every_mutation_changes_some_log(name: str) -> None:
    """None is idle, and none fails on an empty log."""
    logs = [log for home in load_homes() for log in home.files.values()]
    assert any(MUTATIONS[name](log, logs[0], Random(seed)) != log for log in logs for seed in range(20))
    MUTATIONS[name](b"", b"", Random(1))
