"""The agents of a home: who spawned whom, closing and resuming with all below, addresses.

Edges come from headers, which nobody changes, and from what is said later (`log/spawns.py`), which wins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from rollout.errors import InvalidRequest, NotFound, RolloutError
from rollout.ids import ThreadId
from rollout.log.spawns import SpawnEdge, SpawnStatus, change_spawns
from rollout.store.agent_paths import ROOT, AgentPath, parse_agent_path, resolve_agent_path
from rollout.store.headers import AgentLabel, Rollouts
from rollout.store.spawn_graph import SpawnGraph, require_no_cycle
from rollout.store.spawners import edge_of, find_head, heads_of, spawn_graph
from rollout.store.summary import Problem, problem_of

if TYPE_CHECKING:
    from rollout.store.store import Store


class Agent(Struct, frozen=True):
    """A thread in its tree. `depth` is how many stand above it; the root has no parent and no status."""

    thread_id: ThreadId
    parent_id: ThreadId | None
    status: SpawnStatus | None
    depth: int
    label: AgentLabel = AgentLabel()


class Closed(Struct, frozen=True):
    """The threads that are to be shut down, the one asked for first; `problem` says why it is open still."""

    thread_ids: list[ThreadId]
    problem: Problem | None = None


class Unresumed(Struct, frozen=True):
    """An agent that could not be resumed, and why. Those below it were left alone."""

    agent: Agent
    problem: Problem


class Resumed(Struct, frozen=True):
    """What resuming a thread with its agents did, level by level.

    `addressed` are agents that carry an address: whoever addresses one brings it back, not its parent.
    """

    agents: list[Agent]
    failed: list[Unresumed]
    addressed: list[Agent]


class Agents:
    """The agents of the home of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def graph(self) -> SpawnGraph:
        """Return the edges of the home as they are now."""
        return spawn_graph(self._store.catalog, self._store.rollouts())

    def add_edge(self, parent: str, child: str, status: SpawnStatus = SpawnStatus.OPEN) -> SpawnEdge:
        """Say that one thread spawned another, in place of what was said of the child. Durable on return.

        Raise Conflict when the parent stands below the child, InvalidRequest when they are the same.
        """
        edge = SpawnEdge(self._store.find_thread_id(parent), self._store.find_thread_id(child), status)
        rollouts = self._store.rollouts()

        def plan(said: dict[ThreadId, SpawnEdge]) -> SpawnEdge | None:
            def parent_of(thread_id: ThreadId) -> ThreadId | None:
                found = edge_of(rollouts, said, thread_id)
                return found.parent_id if found is not None else None

            require_no_cycle(edge.parent_id, edge.child_id, parent_of)
            return edge if said.get(edge.child_id) != edge else None

        self._change(plan)
        return edge

    def set_status(self, child: str, status: SpawnStatus) -> bool:
        """Open or close the edge that leads to a thread; return whether there is one. Durable on return."""
        return self._set_status(self._store.find_thread_id(child), status)

    def _set_status(self, child_id: ThreadId, status: SpawnStatus) -> bool:
        rollouts = self._store.rollouts()
        there: list[SpawnEdge] = []

        def plan(said: dict[ThreadId, SpawnEdge]) -> SpawnEdge | None:
            edge = edge_of(rollouts, said, child_id)
            if edge is None:
                return None
            there.append(edge)
            return SpawnEdge(edge.parent_id, child_id, status) if edge.status is not status else None

        self._change(plan)
        return bool(there)

    def _change(self, plan: Callable[[dict[ThreadId, SpawnEdge]], SpawnEdge | None]) -> None:
        around = self._store.surroundings()
        change_spawns(around.fs, around.home, around.clock(), plan)

    def close(self, reference: str) -> Closed:
        """Close the edge to a thread; return what is to be shut down: it, and what is open below it.

        Edges below stay as they were, so that resuming the thread brings back what it had. An edge that
        cannot be closed keeps nobody from shutting down.
        """
        thread_id = self._store.find_thread_id(reference)
        below = self.graph().descendants(thread_id, SpawnStatus.OPEN)
        try:
            self._set_status(thread_id, SpawnStatus.CLOSED)
        except RolloutError as error:
            return Closed([thread_id, *below], problem_of(error))
        return Closed([thread_id, *below])

    def resume(
        self,
        reference: str,
        resume_one: Callable[[Agent], None],
        *,
        is_loaded: Callable[[ThreadId], bool] | None = None,
    ) -> Resumed:
        """Resume a thread, and what is open below it, level by level.

        `resume_one` brings one agent back. RolloutError out of it is raised for the thread asked for;
        for one below, those below that are left alone and all others go on. A closed thread is open again.
        """
        thread_id = self._store.find_thread_id(reference)
        graph, rollouts = self.graph(), self._store.rollouts()
        first = self._agent(rollouts, graph, thread_id, graph.depth(thread_id))
        if is_loaded is None or not is_loaded(thread_id):
            resume_one(first)
        self._set_status(thread_id, SpawnStatus.OPEN)
        done = Resumed([first], [], [])
        seen = {thread_id}
        for above in done.agents:  # grows while it is walked
            for child_id in graph.children(above.thread_id, SpawnStatus.OPEN):
                if child_id in seen:
                    continue
                seen.add(child_id)
                agent = self._agent(rollouts, graph, child_id, above.depth + 1)
                if agent.label.path is not None:
                    done.addressed.append(agent)
                    continue
                try:
                    if is_loaded is None or not is_loaded(child_id):
                        resume_one(agent)
                except RolloutError as error:
                    done.failed.append(Unresumed(agent, problem_of(error)))
                    continue
                done.agents.append(agent)
        return done

    def find(self, caller: str, address: str) -> ThreadId | None:
        """Return the agent below a caller's root that has an address; None when there is none.

        A relative address is one below the caller's own. Raise InvalidRequest when several have it.
        """
        caller_id = self._store.find_thread_id(caller)
        graph, rollouts = self.graph(), self._store.rollouts()
        root_id = graph.root(caller_id)
        own = find_head(rollouts, caller_id)
        own_path = own.agent.path if own is not None else None
        base = ROOT if caller_id == root_id and own_path is None else AgentPath(own_path or "")
        wanted = _resolved(base, address, caller_id)
        if wanted == ROOT:
            return root_id
        heads = heads_of(rollouts, graph.descendants(root_id))
        found = [one for one, head in heads.items() if head.agent.path == wanted]
        if len(found) > 1:
            raise InvalidRequest(
                f"looking for the agent {wanted}: multiple agents have that address: {', '.join(found)}",
                hint="Name the thread by its id.",
            )
        return found[0] if found else None

    def _agent(self, rollouts: Rollouts, graph: SpawnGraph, thread_id: ThreadId, depth: int) -> Agent:
        edge = graph.edges.get(thread_id)
        head = find_head(rollouts, thread_id)
        return Agent(
            thread_id,
            edge.parent_id if edge is not None else None,
            edge.status if edge is not None else None,
            depth,
            head.agent if head is not None else AgentLabel(),
        )


def _resolved(base: AgentPath, address: str, caller_id: ThreadId) -> AgentPath:
    if address.startswith("/"):
        return parse_agent_path(address)
    if not base:
        raise NotFound(
            f"looking for the agent {address!r}: {caller_id}, which asks, has no address of its own",
            hint="Give the whole address, from /root on.",
        )
    return resolve_agent_path(base, address)
