"""Families of threads equal lists that are copied, whatever is done to them, and whenever it is cut short."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.family_driver import (
    PLANS,
    Family,
    Operation,
    assert_reads_as,
    assert_reads_as_either,
)
from tests.recorded_home import home_of

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


@settings(max_examples=60, suppress_health_check=_SLOW, deadline=None)
@given(plan=PLANS)
def test_a_family_reads_as_lists_that_are_copied(plan: list[Operation]) -> None:
    """Forks, reverts, rollbacks, compactions, archiving, compressing, flattening, deleting, pruning."""
    family = Family.begun()
    for operation in plan:
        family.do(operation)
        for thread_id, member in family.members.items():
            assert_reads_as(family.store, thread_id, member)


@settings(max_examples=40, suppress_health_check=_SLOW, deadline=None)
@given(plan=PLANS, at=st.floats(0, 1, exclude_max=True), which=st.floats(0, 1, exclude_max=True))
def test_a_crash_anywhere_keeps_every_acknowledged_member(
    plan: list[Operation], at: float, which: float
) -> None:
    """What was done stays; what was being done is there or not; nobody else is touched."""
    family = Family.begun()
    states = [family.state()]
    for number, operation in enumerate(plan):
        family.fs.begin(number)
        family.do(operation)
        family.fs.acknowledge(number)
        states.append(family.state())
    cuts = list(family.fs.cuts())
    cut = cuts[int(at * len(cuts))]
    disks = list(cut.images())
    disk = disks[int(which * len(disks))]
    before, after = states[len(cut.acknowledged)], states[min(len(cut.begun), len(plan))]
    with home_of(disk) as store:
        for thread_id, member in before.items():
            assert_reads_as_either(store, thread_id, member, after[thread_id])
