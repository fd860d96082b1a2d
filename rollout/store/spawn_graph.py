"""Who spawned whom: edges from headers, and those that were said later, which win. Pure.

An agent is open or closed; a closed one hides all below it from whoever asks for open ones. Damaged homes may
hold cycles: every walk ends, and meets no thread twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from rollout.errors import Conflict, InvalidRequest
from rollout.ids import ThreadId
from rollout.log.spawns import SpawnEdge, SpawnStatus

DEEPEST_AGENT: Final = 64
"""How many parents an agent may have above it: further up nobody looks."""


class SpawnGraph:
    """The edges of a home. `spawners` gives what headers say: the parent of each, or None."""

    def __init__(self, spawners: Mapping[ThreadId, ThreadId | None], said: Iterable[SpawnEdge] = ()) -> None:
        self.edges: dict[ThreadId, SpawnEdge] = {
            child: SpawnEdge(parent, child) for child, parent in spawners.items() if parent is not None
        }
        self.edges.update((edge.child_id, edge) for edge in said)
        below: dict[ThreadId, list[SpawnEdge]] = defaultdict(list)
        for _, edge in sorted(self.edges.items()):
            below[edge.parent_id].append(edge)
        self._below = dict(below)

    def children(self, parent_id: ThreadId, status: SpawnStatus | None = None) -> list[ThreadId]:
        """Return the threads that one spawned, by their ids."""
        return [
            edge.child_id
            for edge in self._below.get(parent_id, ())
            if status is None or edge.status is status
        ]

    def descendants(self, thread_id: ThreadId, status: SpawnStatus | None = None) -> list[ThreadId]:
        """Return what is spawned below a thread: level by level, each by its ids.

        With a status, only what is reached over edges of it: a closed edge hides all below it.
        """
        found: list[ThreadId] = []
        seen = {thread_id}
        level = [thread_id]
        while level:
            level = sorted({child for one in level for child in self.children(one, status)} - seen)
            seen.update(level)
            found += level
        return found

    def ancestors(self, thread_id: ThreadId) -> list[ThreadId]:
        """Return the parent of a thread, its parent, and so on: at most `DEEPEST_AGENT`, each once."""
        return _climb(self._parent, thread_id)

    def _parent(self, thread_id: ThreadId) -> ThreadId | None:
        edge = self.edges.get(thread_id)
        return edge.parent_id if edge is not None else None

    def root(self, thread_id: ThreadId) -> ThreadId:
        """Return the top of the tree that a thread belongs to."""
        return [thread_id, *self.ancestors(thread_id)][-1]

    def depth(self, thread_id: ThreadId) -> int:
        """Return how many parents a thread has above it."""
        return len(self.ancestors(thread_id))


def _climb(parent_of: Callable[[ThreadId], ThreadId | None], thread_id: ThreadId) -> list[ThreadId]:
    found: list[ThreadId] = []
    parent = parent_of(thread_id)
    while parent is not None and parent != thread_id and parent not in found and len(found) < DEEPEST_AGENT:
        found.append(parent)
        parent = parent_of(parent)
    return found


def require_no_cycle(
    parent_id: ThreadId, child_id: ThreadId, parent_of: Callable[[ThreadId], ThreadId | None]
) -> None:
    """Refuse an edge that would make a thread its own ancestor, or its parent's line too long.

    `parent_of` is asked for the line of the parent alone. Raise InvalidRequest for the first, else Conflict.
    """
    act = f"saying that {parent_id} spawned {child_id}"
    if parent_id == child_id:
        raise InvalidRequest(f"{act}: expected two threads, found one", hint="Nothing spawns itself.")
    above = _climb(parent_of, parent_id)
    if child_id in above:
        raise Conflict(
            f"{act}: {parent_id} is itself below {child_id}: a thread cannot be its own ancestor",
            hint=f"Give {parent_id} another parent first, or leave it as it is.",
        )
    if len(above) >= DEEPEST_AGENT:
        raise Conflict(
            f"{act}: {parent_id} stands below {DEEPEST_AGENT} others already",
            hint="Spawn it from a thread further up.",
        )
