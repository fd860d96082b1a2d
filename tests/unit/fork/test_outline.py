"""Outlines: small families whole, large ones by what stands near the asked thread, all of it counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fork.family import Family
from fork.outline import MOST_ROWS, Row, outline
from tests.builders import home, thread
from tests.unit.fork.family_homes import chain, child_of, family, numbers, wide_family


def shown(rows: list[Row]) -> list[int]:
    """Return the numbers of the threads that have a row of their own."""
    return numbers(row.member for row in rows if row.member is not None)


def counted(rows: list[Row]) -> int:
    """Return how many threads the rows tell of, one way or the other."""
    return sum((1 if row.member is not None else len(row.folded)) + row.hidden for row in rows)


def bushy() -> Family:
    """Return a family of which many members have a child, asked for one of those."""
    made = wide_family(150, 50)
    return family(home(*made, *(child_of(one, 1_000 + at) for at, one in enumerate(made[1:40]))), 1_010)


FAMILIES: dict[str, Callable[[], Family]] = {
    "wide": lambda: family(home(*wide_family(200, 30))),
    "wide, asked for a child": lambda: family(home(*wide_family(200, 30)), 77),
    "deep": lambda: family(home(*chain(60))),
    "deep, asked for its middle": lambda: family(home(*chain(60)), 30),
    "bushy": bushy,
}


def test_a_small_family_is_shown_whole() -> None:
    """Each thread below its parent, the last child of each marked as such."""
    root = thread(1).turn("one")
    child = child_of(root, 2)
    rows = outline(family(home(root, child, child_of(child, 3), child_of(root, 4))))
    assert shown(rows) == [1, 2, 3, 4]
    assert [(row.depth, row.is_last) for row in rows] == [(0, True), (1, False), (2, True), (1, True)]


@pytest.mark.parametrize("shape", FAMILIES)
def test_no_thread_is_left_uncounted(shape: str) -> None:
    """A row of its own, or part of a number."""
    found = FAMILIES[shape]()
    assert counted(outline(found)) == len(found.members)


@pytest.mark.parametrize("shape", FAMILIES)
def test_the_asked_thread_and_its_ancestors_stay(shape: str) -> None:
    """However large the family; of a long chain of them the ends."""
    found = FAMILIES[shape]()
    rows = outline(found)
    assert found.thread_id in {row.member.id for row in rows if row.member is not None}
    assert found.root.id in {row.member.id for row in rows if row.member is not None}


@pytest.mark.parametrize("shape", FAMILIES)
def test_a_large_family_takes_few_rows(shape: str) -> None:
    """A screen or two, not hundreds of lines."""
    assert len(outline(FAMILIES[shape]())) <= MOST_ROWS


def test_everything_is_shown_when_asked_for() -> None:
    """A row a thread."""
    found = FAMILIES["wide, asked for a child"]()
    rows = outline(found, shows_all=True)
    assert len(rows) == len(found.members)
    assert not any(row.folded or row.hidden for row in rows)


def test_siblings_are_counted_by_the_place_they_left_at() -> None:
    """Thirty places, thirty rows, not one number for all of them."""
    rows = outline(family(home(*wide_family(200, 30))))
    assert [len(row.folded) for row in rows if row.folded] == [7] * 20 + [6] * 10


def test_a_sibling_between_counted_ones_keeps_its_place() -> None:
    """The asked thread stands among those that left where it did."""
    rows = outline(family(home(*wide_family(200, 30)), 77))
    at = next(at for at, row in enumerate(rows) if row.member is not None and numbers([row.member]) == [77])
    assert len(rows[at - 1].folded) + len(rows[at + 1].folded) == 6


def test_a_long_chain_is_shown_by_its_ends() -> None:
    """What lies between is counted, and the asked thread in its midst is shown."""
    rows = outline(family(home(*chain(60)), 30))
    assert {1, 2, 29, 30, 31, 59, 60} <= set(shown(rows))
    assert len(rows) <= 12


def test_a_thread_that_cannot_be_read_is_not_folded() -> None:
    """What is wrong is to be seen."""
    made = wide_family(200, 2)
    broken = made[0].fork(
        900, at=made[0].position | {"end_byte_offset": 1 << 40}, forked_from_id=made[0].thread_id
    )
    assert 900 in shown(outline(family(home(*made, broken))))


def test_a_chain_of_a_thousand_is_outlined_without_recursion() -> None:
    """Also with every thread in a row of its own."""
    found = family(home(*chain(1_100)))
    assert len(outline(found)) < 10
    assert len(outline(found, shows_all=True)) == 1_100
