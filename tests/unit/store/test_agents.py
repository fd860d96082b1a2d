"""Agents of a home: edges that are said, closing and resuming with all below."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rollout.errors import Conflict, InvalidRequest, StorageFailed
from rollout.ids import ThreadId
from rollout.log.spawns import SpawnEdge, SpawnStatus
from rollout.store.agents import Agent, Agents, Closed
from rollout.store.archiving import archive
from rollout.store.deleting import delete
from rollout.store.headers import AgentLabel
from rollout.store.root import open_store
from rollout.store.tombstones import DeleteMode
from tests.builders import ARCHIVE, HOME, thread, uuid
from tests.catalog_home import DiskHome
from tests.unit.store.agent_homes import addressed, agent, store_of

OPEN, CLOSED = SpawnStatus.OPEN, SpawnStatus.CLOSED
P, C, G, S = (ThreadId(uuid(number)) for number in (1, 2, 3, 4))


def line_of_three() -> Agents:
    """Return the agents of a home in which P spawned C, and C spawned G."""
    return Agents(store_of(thread(1).turn("Begin"), agent(2, 1), agent(3, 2)))


def resumed(agents: Agents, thread_id: ThreadId, *bad: ThreadId) -> tuple[list[ThreadId], list[ThreadId]]:
    """Resume a thread; return who was asked to come back, and whose return failed."""
    asked: list[ThreadId] = []

    def resume_one(one: Agent) -> None:
        asked.append(one.thread_id)
        if one.thread_id in bad:
            raise StorageFailed("resuming: no", hint="Wait.")

    found = agents.resume(thread_id, resume_one)
    assert [*found.agents, *(one.agent for one in found.failed)] != []
    return asked, [one.agent.thread_id for one in found.failed]


def test_headers_make_edges() -> None:
    """Open ones, for nobody closed them."""
    assert line_of_three().graph().descendants(P, OPEN) == [C, G]


def test_an_edge_that_is_said_stays() -> None:
    """For everybody who opens the home later."""
    store = store_of(thread(1).turn("a"), thread(2).turn("b"))
    Agents(store).add_edge(P, C)
    assert Agents(store).graph().edges == {C: SpawnEdge(P, C)}


def test_an_edge_replaces_the_parent_and_the_status() -> None:
    """A child has one parent."""
    agents = line_of_three()
    agents.add_edge(P, G, CLOSED)
    assert agents.graph().edges[G] == SpawnEdge(P, G, CLOSED)


def test_an_edge_is_said_of_threads_that_are_not_there_yet() -> None:
    """An agent has an edge before it has a rollout."""
    agents = Agents(store_of(thread(1).turn("a")))
    agents.add_edge(P, uuid(77))
    assert agents.graph().children(P) == [uuid(77)]


def test_an_edge_that_is_said_again_writes_nothing() -> None:
    """The file does not grow by what it holds."""
    store = store_of(thread(1).turn("a"))
    for _ in range(2):
        Agents(store).add_edge(P, C)
    assert store.rollouts().fs.find_stat(f"{HOME}/.rollout/spawn.jsonl").size_bytes < 200  # type: ignore[union-attr]  # it is there


def test_a_header_keeps_an_edge_from_making_a_cycle() -> None:
    """What headers say counts as what was said."""
    with pytest.raises(Conflict, match="cannot be its own ancestor"):
        line_of_three().add_edge(G, P)


def test_a_thread_does_not_spawn_itself() -> None:
    """By whatever reference it is named."""
    with pytest.raises(InvalidRequest, match="expected two threads"):
        line_of_three().add_edge(P, P[:36].upper())


def test_edges_that_are_said_at_once_are_all_there(tmp_path: Path) -> None:
    """By stores that know nothing of each other."""
    disk = DiskHome(tmp_path)
    disk.put(thread(1).turn("a"))

    def say(number: int) -> None:
        with open_store(disk.path) as store:
            for at in range(10):
                store.agents.add_edge(P, uuid(100 + number * 10 + at))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(say, range(8)))
    with open_store(disk.path) as store:
        assert len(store.agents.graph().children(P)) == 80
    disk.close()


def test_of_two_edges_that_make_a_cycle_one_is_refused(tmp_path: Path) -> None:
    """However close to each other they are said: nobody appends between the look and the line."""
    disk = DiskHome(tmp_path)
    disk.put(thread(1).turn("a"))

    def say(pair: int) -> int:
        with open_store(disk.path) as store:
            one, other = uuid(100 + pair // 2), uuid(200 + pair // 2)
            try:
                store.agents.add_edge(*((one, other) if pair % 2 else (other, one)))
            except Conflict:
                return 0
            return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(say, range(40))) == 20
    disk.close()


def test_the_status_of_nobodys_agent_is_not_set() -> None:
    """That is no error: there is no edge."""
    agents = line_of_three()
    assert (agents.set_status(P, CLOSED), agents.graph().edges.get(P)) == (False, None)


def test_a_rebuilt_catalog_reopens_nothing(tmp_path: Path) -> None:
    """A header says open for ever; what was said of it is kept elsewhere."""
    disk = DiskHome(tmp_path)
    disk.put(thread(1).turn("a"))
    disk.put(agent(2, 1))
    with open_store(disk.path) as store:
        agents = Agents(store)
        agents.set_status(C, CLOSED)
        store.catalog.rebuild()
        assert agents.graph().edges == {C: SpawnEdge(P, C, CLOSED)}
    disk.close()


def test_a_catalog_changes_no_edge(tmp_path: Path) -> None:
    """It is brought up to date, and tells what the headers tell."""
    disk = DiskHome(tmp_path)
    disk.put(thread(1).turn("a"))
    disk.put(agent(2, 1), archived=True)
    with open_store(disk.path) as store:
        without = Agents(store).graph().edges
        store.catalog.rebuild()
        disk.put(agent(3, 2), minute=1)
        assert Agents(store).graph().edges == {**without, G: SpawnEdge(C, G)}
    disk.close()


def test_a_catalog_that_is_bad_is_done_without(tmp_path: Path) -> None:
    """The headers are there."""
    disk = DiskHome(tmp_path)
    disk.put(thread(1).turn("a"))
    disk.put(agent(2, 1))
    with open_store(disk.path) as store:
        store.catalog.rebuild()
    disk.database.write_bytes(b"no database at all" * 1000)
    with open_store(disk.path) as store:
        assert Agents(store).graph().edges == {C: SpawnEdge(P, C)}
    disk.close()


def test_closing_closes_the_edge_to_a_thread() -> None:
    """And no other: its own edges stay as they were."""
    agents = line_of_three()
    agents.close(C)
    assert {one: edge.status for one, edge in agents.graph().edges.items()} == {C: CLOSED, G: OPEN}


def test_closing_tells_what_is_to_be_shut_down() -> None:
    """The thread, and all that is open below it, also when it is itself an agent."""
    agents = line_of_three()
    assert (agents.close(C), agents.close(P)) == (Closed([C, G]), Closed([P]))


def test_an_edge_that_cannot_be_closed_keeps_nobody_from_shutting_down() -> None:
    """It is told, and the edge is open still."""
    store = store_of(thread(1).turn("a"), agent(2, 1), agent(3, 2))
    agents = Agents(store)
    agents.add_edge(P, S)
    lock = store.surroundings().fs.find_lock(f"{HOME}/.rollout/spawn.jsonl.lock")
    assert lock is not None
    found = agents.close(C)
    assert (found.thread_ids, found.problem is not None and found.problem.code) == ([C, G], "conflict")
    assert agents.graph().edges[C].status is OPEN


def test_closing_the_root_changes_no_edge() -> None:
    """None leads to it."""
    agents = line_of_three()
    assert agents.close(P) == Closed([P, C, G])
    assert agents.graph().descendants(P, OPEN) == [C, G]


def test_resuming_brings_back_what_is_open_below() -> None:
    """Level by level."""
    assert resumed(line_of_three(), P) == ([P, C, G], [])


def test_resuming_leaves_closed_descendants_closed() -> None:
    """With all below them."""
    agents = line_of_three()
    agents.close(C)
    assert resumed(agents, P)[0] == [P]


def test_resuming_a_closed_thread_brings_back_what_it_had() -> None:
    """Its own edges were never touched."""
    agents = line_of_three()
    agents.close(C)
    assert resumed(agents, C)[0] == [C, G]


def test_resuming_a_closed_thread_opens_it() -> None:
    """Its parent brings it back from then on."""
    agents = line_of_three()
    agents.close(C)
    resumed(agents, C)
    assert agents.graph().edges[C].status is OPEN


def test_what_a_process_left_behind_comes_back() -> None:
    """Ending changes no edge: another store over the disk resumes everything."""
    store = store_of(thread(1).turn("a"), agent(2, 1), agent(3, 2))
    Agents(store).add_edge(P, S)
    store.close()
    assert resumed(Agents(store), P)[0] == [P, C, S, G]


def test_a_stale_header_does_not_bring_an_agent_back() -> None:
    """What was said later wins: G is P's now, and C closed."""
    agents = line_of_three()
    agents.add_edge(P, G)
    agents.close(C)
    assert resumed(agents, P)[0] == [P, G]


def test_what_is_below_an_agent_that_fails_is_left_alone() -> None:
    """All others go on."""
    agents = Agents(store_of(thread(1).turn("a"), agent(2, 1), agent(3, 2), agent(4, 1)))
    assert resumed(agents, P, C) == ([P, C, S], [C])


def test_the_failure_of_the_thread_itself_is_raised() -> None:
    """Nothing below it is asked."""
    agents = line_of_three()
    with pytest.raises(StorageFailed):
        resumed(agents, P, P)


def test_a_thread_that_fails_stays_closed() -> None:
    """An edge is opened by a return that worked."""
    agents = line_of_three()
    agents.close(C)
    with pytest.raises(StorageFailed):
        resumed(agents, C, C)
    assert agents.graph().edges[C].status is CLOSED


def test_loaded_agents_are_not_resumed_again() -> None:
    """What is below them is looked at all the same."""
    asked: list[ThreadId] = []
    found = line_of_three().resume(
        P, lambda one: asked.append(one.thread_id), is_loaded=lambda one: one in {P, C}
    )
    assert (asked, [one.thread_id for one in found.agents]) == ([G], [P, C, G])


def test_an_agent_gets_its_name_and_role_back() -> None:
    """As its header has them, and its depth: one more than its parent's."""
    store = store_of(thread(1).turn("a"), agent(2, 1, agent_nickname="Ada", agent_role="reader"))
    found = Agents(store).resume(P, lambda _: None)
    assert found.agents[1] == Agent(C, P, OPEN, 1, AgentLabel("Ada", "reader"))


def test_the_depth_goes_on_from_where_a_thread_stands() -> None:
    """Resumed on its own, an agent is as deep as in its tree."""
    assert [one.depth for one in line_of_three().resume(C, lambda _: None).agents] == [1, 2]


def test_archived_agents_come_back() -> None:
    """Where a rollout lies is of no interest."""
    store = store_of(thread(1).turn("a"), agent(2, 1, agent_role="reader"), folder=ARCHIVE)
    found = Agents(store).resume(P, lambda _: None)
    assert [one.label.role for one in found.agents] == [None, "reader"]


def test_agents_with_an_address_are_left_to_whoever_addresses_them() -> None:
    """They are told, and nothing below them is walked."""
    agents = Agents(store_of(thread(1).turn("a"), addressed(2, 1, "/root/a"), agent(3, 2), agent(4, 1)))
    found = agents.resume(P, lambda _: None)
    assert [one.thread_id for one in found.agents] == [P, S]
    assert [(one.thread_id, one.label.path) for one in found.addressed] == [(C, "/root/a")]


def test_what_was_said_to_be_spawned_is_archived_as_well() -> None:
    """As what a header says was."""
    store = store_of(thread(1).turn("a"), thread(2).turn("b"))
    Agents(store).add_edge(P, C, CLOSED)
    assert archive(store.surroundings(), P).thread_ids == [P, C]


def test_what_was_said_to_be_spawned_is_deleted_as_well() -> None:
    """One that has no rollout is passed over, and what it spawned is not."""
    store = store_of(thread(1).turn("a"), agent(3, 2))
    Agents(store).add_edge(P, C)
    assert delete(store.surroundings(), P, DeleteMode.PLAIN).thread_ids == [P, G]
