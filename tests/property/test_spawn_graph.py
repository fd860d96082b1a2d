"""Who spawned whom, against plain sets: what is below a thread, and that nothing said makes a cycle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rollout.errors import Conflict, InvalidRequest
from rollout.ids import ThreadId
from rollout.log.spawns import SpawnEdge, SpawnStatus
from rollout.store.agents import Agents
from rollout.store.spawn_graph import SpawnGraph
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, thread, uuid

IDS = [ThreadId(uuid(number)) for number in range(1, 8)]
threads = st.sampled_from(IDS)
statuses = st.sampled_from(SpawnStatus)
parents = st.dictionaries(threads, st.tuples(threads, statuses))
steps = st.lists(st.tuples(st.booleans(), threads, threads, statuses), max_size=20)


def reached(
    parents: dict[ThreadId, tuple[ThreadId, SpawnStatus]], start: ThreadId, status: object
) -> set[str]:
    """Return every other thread that a way of edges of a status leads to, found by asking each thread."""
    found = set()
    for one in parents:
        at, steps_left = one, len(IDS)
        while steps_left and at in parents and status in (None, parents[at][1]):
            at = parents[at][0]
            steps_left -= 1
            if at == start and one != start:
                found.add(one)
    return found


@given(parents, threads, st.sampled_from([None, *SpawnStatus]))
def test_descendants_are_what_ways_lead_to(
    said: dict[ThreadId, tuple[ThreadId, SpawnStatus]], start: ThreadId, status: SpawnStatus | None
) -> None:
    """Over edges of a status all the way, cycles or not, each thread once."""
    graph = SpawnGraph({}, [SpawnEdge(parent, child, own) for child, (parent, own) in said.items()])
    found = graph.descendants(start, status)
    assert set(found) == reached(said, start, status)
    assert len(found) == len(set(found))


@given(parents, threads)
def test_levels_follow_each_other(
    said: dict[ThreadId, tuple[ThreadId, SpawnStatus]], start: ThreadId
) -> None:
    """Nearer threads first, and each level by its ids."""
    graph = SpawnGraph({}, [SpawnEdge(parent, child, own) for child, (parent, own) in said.items()])

    def distance(one: ThreadId) -> int:
        return 0 if one == start else 1 + distance(said[one][0])

    places = [(distance(one), one) for one in graph.descendants(start)]
    assert places == sorted(places)


@given(st.dictionaries(threads, threads), steps)
def test_what_is_said_is_what_is_there(
    headers: dict[ThreadId, ThreadId], said: list[tuple[bool, ThreadId, ThreadId, SpawnStatus]]
) -> None:
    """Edges and statuses, one after the other, over headers of which some name nobody's ancestor."""
    spawners = {child: parent for child, parent in headers.items() if child < parent}
    named = {child: {"parent_thread_id": parent} for child, parent in spawners.items()}
    rows = [thread(number, **named.get(ThreadId(uuid(number)), {})) for number in range(1, 8)]
    fs = CrashFS({f"{DAY}/{one.name()}": one.log() for one in rows}, folders=[HOME])
    agents = Agents(Store(fs, HOME, 1 << 20, lambda: 1, lambda: uuid(99)))
    model = {child: (parent, SpawnStatus.OPEN) for child, parent in spawners.items()}
    for is_edge, parent, child, status in said:
        if not is_edge:
            assert agents.set_status(child, status) == (child in model)
            if child in model:
                model[child] = (model[child][0], status)
            continue
        is_refused = parent == child or parent in reached(model, child, None)
        try:
            agents.add_edge(parent, child, status)
        except (Conflict, InvalidRequest):
            assert is_refused
        else:
            assert not is_refused
            model[child] = (parent, status)
    edges = agents.graph().edges
    assert {child: (edge.parent_id, edge.status) for child, edge in edges.items()} == model
