"""The tree of agents that a thread belongs to, told from headers, names and each rollout's first words."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct, structs

from rollout.errors import NotFound
from rollout.ids import ThreadId
from rollout.log.spawns import SpawnStatus
from rollout.store.headers import AgentLabel, RolloutHead, Rollouts, iter_heads
from rollout.store.kin import find_first_words, telling_length, thread_names
from rollout.store.spawn_graph import SpawnGraph
from rollout.store.store import Store
from rollout.store.summary import Problem
from rollout.store.tombstones import deleted_ids


class AgentMember(Struct, frozen=True, kw_only=True):
    """One thread of a tree. The root has no parent and no status. Times in UTC milliseconds.

    `is_missing`: only edges tell of it.
    """

    id: ThreadId
    parent_id: ThreadId | None = None
    status: SpawnStatus | None = None
    depth: int = 0
    label: AgentLabel = AgentLabel()
    name: str | None = None
    first_words: str | None = None
    created_at: int | None = None
    changed_at: int | None = None
    is_archived: bool = False
    is_deleted: bool = False
    is_missing: bool = False
    problem: Problem | None = None


class AgentTree(Struct, frozen=True, dict=True):
    """All threads that were spawned below one root, parents before their children, siblings by their ids.

    `id_length` letters of an id tell each of them from every other thread of the home.
    """

    thread_id: ThreadId
    members: list[AgentMember]
    id_length: int = 36

    @cached_property
    def by_id(self) -> dict[ThreadId, AgentMember]:
        """The members by their ids."""
        return {member.id: member for member in self.members}

    @cached_property
    def children(self) -> dict[ThreadId, list[AgentMember]]:
        """The members that each spawned, in order."""
        found: dict[ThreadId, list[AgentMember]] = {}
        for member in self.members:
            if member.parent_id is not None:
                found.setdefault(member.parent_id, []).append(member)
        return found

    def ancestors(self, thread_id: ThreadId) -> list[AgentMember]:
        """Return the parent of a member, its parent, and so on to the root."""
        found: list[AgentMember] = []
        parent_id = self.by_id[thread_id].parent_id
        while parent_id is not None:
            found.append(self.by_id[parent_id])
            parent_id = found[-1].parent_id
        return found


def agent_tree_of(store: Store, reference: str) -> AgentTree:
    """Return the tree that a thread, readable or not, belongs to. Raise NotFound, InvalidRequest."""
    thread_id = store.find_thread_id(reference)
    graph = store.agents.graph()
    rollouts = store.rollouts()
    if not rollouts.index.files_of(thread_id) and thread_id not in graph.edges:
        raise NotFound(
            f"looking for the agents of thread {thread_id}: no rollout in {store.home} belongs to it",
            hint="Run `rollout list` to see which threads are there.",
        )
    return _told(rollouts, graph, thread_id)


def _told(rollouts: Rollouts, graph: SpawnGraph, thread_id: ThreadId) -> AgentTree:
    order = _parents_first(graph, graph.root(thread_id))
    files = [file for one in order for file in rollouts.index.files_of(one)[:1]]
    heads = {head.thread_id: head for head in iter_heads(rollouts, files)}
    names, deleted = thread_names(rollouts), deleted_ids(rollouts.fs, rollouts.home)
    members: list[AgentMember] = []
    for one, depth in order.items():
        edge = graph.edges[one] if depth else None
        members.append(
            _member(
                rollouts,
                heads.get(one),
                AgentMember(
                    id=one,
                    parent_id=edge.parent_id if edge is not None else None,
                    status=edge.status if edge is not None else None,
                    depth=depth,
                    name=names.get(one),
                    is_deleted=one in deleted,
                ),
            )
        )
    among = (file.name.thread_id for file in rollouts.index.all_files())
    return AgentTree(thread_id, members, telling_length(order, among))


def _parents_first(graph: SpawnGraph, root_id: ThreadId) -> dict[ThreadId, int]:
    """Return the depth of every thread below a root, each right behind its parent or its siblings' agents."""
    found: dict[ThreadId, int] = {}
    waiting = [(root_id, 0)]
    while waiting:
        one, depth = waiting.pop()
        if one in found:
            continue  # a cycle, in a damaged home
        found[one] = depth
        waiting += [(child, depth + 1) for child in reversed(graph.children(one))]
    return found


def _member(rollouts: Rollouts, head: RolloutHead | None, bare: AgentMember) -> AgentMember:
    """Return a member with what its rollout says."""
    if head is None:
        return structs.replace(bare, is_missing=True)
    return structs.replace(
        bare,
        label=head.agent,
        first_words=find_first_words(rollouts, head),
        created_at=head.created_at,
        changed_at=head.modified_at,
        is_archived=head.file.is_archived,
        problem=head.problem,
    )
