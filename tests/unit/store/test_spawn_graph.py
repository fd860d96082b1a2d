"""Who spawned whom: children, descendants, what a status hides, and that every walk ends."""

from __future__ import annotations

import pytest

from rollout.errors import Conflict, InvalidRequest
from rollout.ids import ThreadId
from rollout.log.spawns import SpawnEdge, SpawnStatus
from rollout.store.spawn_graph import DEEPEST_AGENT, SpawnGraph, require_no_cycle
from tests.builders import uuid

OPEN, CLOSED = SpawnStatus.OPEN, SpawnStatus.CLOSED
P, C, G = (ThreadId(uuid(number)) for number in (1, 2, 3))


def graph(*edges: tuple[ThreadId, ThreadId, SpawnStatus]) -> SpawnGraph:
    """Return a graph of edges that were said."""
    return SpawnGraph({}, [SpawnEdge(*edge) for edge in edges])


def line(length: int) -> dict[ThreadId, ThreadId | None]:
    """Return threads of which each was spawned by the one before."""
    return {ThreadId(uuid(number + 1)): ThreadId(uuid(number)) for number in range(1, length)}


def test_open_children_are_those_of_open_edges() -> None:
    """With both edges open."""
    assert graph((P, C, OPEN), (C, G, OPEN)).children(P, OPEN) == [C]


def test_open_descendants_are_reached_over_open_edges() -> None:
    """With both edges open."""
    assert graph((P, C, OPEN), (C, G, OPEN)).descendants(P, OPEN) == [C, G]


def test_a_closed_child_is_no_open_child() -> None:
    """And there is no other."""
    assert graph((P, C, CLOSED), (C, G, OPEN)).children(P, OPEN) == []


def test_a_closed_child_is_a_closed_child() -> None:
    """Whatever is below it."""
    assert graph((P, C, CLOSED), (C, G, OPEN)).children(P, CLOSED) == [C]


def test_a_closed_edge_hides_what_is_open_below() -> None:
    """The status counts on every edge of the way."""
    assert graph((P, C, CLOSED), (C, G, OPEN)).descendants(P, OPEN) == []


def test_closed_descendants_are_reached_over_closed_edges() -> None:
    """An open edge below a closed one is not on such a way."""
    assert graph((P, C, CLOSED), (C, G, OPEN)).descendants(P, CLOSED) == [C]


def test_below_a_closed_thread_its_own_edges_count() -> None:
    """The edge that leads to it does not."""
    assert graph((P, C, CLOSED), (C, G, OPEN)).descendants(C, OPEN) == [G]


def test_without_a_status_all_are_descendants() -> None:
    """Open or closed."""
    assert graph((P, C, CLOSED), (C, G, OPEN)).descendants(P) == [C, G]


def test_descendants_stand_level_by_level() -> None:
    """Each level by its ids, whoever is the parent."""
    one, two, three, four = (ThreadId(uuid(number)) for number in (9, 8, 7, 6))
    found = graph((P, one, OPEN), (P, two, OPEN), (one, four, OPEN), (two, three, OPEN)).descendants(P)
    assert found == [two, one, four, three]


def test_what_was_said_later_wins_over_a_header() -> None:
    """A header that is stale names another parent."""
    found = SpawnGraph({C: P}, [SpawnEdge(G, C, CLOSED)])
    assert (found.children(P), found.children(G)) == ([], [C])


def test_a_header_alone_is_an_open_edge() -> None:
    """Nobody closed it."""
    assert SpawnGraph({C: P, P: None}).children(P, OPEN) == [C]


def test_a_cycle_ends_a_walk_down() -> None:
    """Two headers that name each other: damage, which is walked through once."""
    assert SpawnGraph({C: P, P: C}).descendants(P) == [C]


def test_a_cycle_ends_a_walk_up() -> None:
    """As on the way down."""
    assert SpawnGraph({C: P, P: C}).ancestors(P) == [C]


def test_ancestors_are_looked_for_so_far_up_and_no_further() -> None:
    """The nearest ones are told."""
    found = SpawnGraph(line(DEEPEST_AGENT + 10)).ancestors(ThreadId(uuid(DEEPEST_AGENT + 10)))
    assert found == [ThreadId(uuid(DEEPEST_AGENT + 9 - number)) for number in range(DEEPEST_AGENT)]


def test_the_root_is_the_thread_that_nobody_spawned() -> None:
    """From any depth."""
    assert graph((P, C, OPEN), (C, G, CLOSED)).root(G) == P


def test_nothing_spawns_itself() -> None:
    """Refused before anything is looked up."""
    with pytest.raises(InvalidRequest, match="expected two threads, found one"):
        require_no_cycle(P, P, lambda _: None)


def test_an_ancestor_cannot_become_a_child() -> None:
    """However far up it stands."""
    with pytest.raises(Conflict, match="cannot be its own ancestor"):
        require_no_cycle(G, P, {C: P, G: C}.get)


def test_a_line_that_is_too_long_is_refused() -> None:
    """Behind it a cycle could not be seen."""
    parent_of = line(DEEPEST_AGENT + 1).get
    with pytest.raises(Conflict, match="stands below 64 others already"):
        require_no_cycle(ThreadId(uuid(DEEPEST_AGENT + 1)), ThreadId(uuid(999)), parent_of)


def test_a_line_of_the_greatest_length_is_allowed() -> None:
    """One less above the parent."""
    parent_of = line(DEEPEST_AGENT).get
    require_no_cycle(ThreadId(uuid(DEEPEST_AGENT)), ThreadId(uuid(999)), parent_of)
