"""What headers say of who spawned whom, from the catalog if one can be used, and filters that ask for it.

A catalog only saves reading headers: with it and without, the answer is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from rollout.catalog.query import ThreadFilter
from rollout.catalog.spawn import find_spawners
from rollout.errors import RolloutError
from rollout.ids import ThreadId, find_uuid
from rollout.log.spawns import SpawnEdge, read_spawns
from rollout.store.headers import RolloutHead, Rollouts, iter_heads
from rollout.store.spawn_graph import SpawnGraph

if TYPE_CHECKING:
    from rollout.store.cataloged import Cataloged

_REFRESH_BYTES: Final = 64 << 20
"""A catalog that is further behind is not waited for: the headers are read sooner."""
_REFRESH_WAIT_MILLIS: Final = 2_000


def spawn_graph(cataloged: Cataloged, rollouts: Rollouts) -> SpawnGraph:
    """Return the edges of a home as they are now."""
    said = read_spawns(rollouts.fs, rollouts.home)
    return SpawnGraph(_spawners(cataloged, rollouts), said.values())


def by_what_was_said(where: ThreadFilter, cataloged: Cataloged, rollouts: Rollouts) -> ThreadFilter:
    """Return a filter for the threads below one that counts what was said later of who spawned whom.

    Where nothing was said, headers alone count: rows and files know them.
    """
    if not read_spawns(rollouts.fs, rollouts.home):
        return where
    graph = spawn_graph(cataloged, rollouts)
    among = set(graph.edges) if where.among is None else set(where.among)
    if where.parent_id is not None:
        among &= set(graph.children(ThreadId(where.parent_id)))
    if where.ancestor_id is not None:
        among &= set(graph.descendants(ThreadId(where.ancestor_id)))
    return structs.replace(where, parent_id=None, ancestor_id=None, among=tuple(sorted(among)))


def _spawners(cataloged: Cataloged, rollouts: Rollouts) -> dict[ThreadId, ThreadId | None]:
    known = _cataloged_spawners(cataloged)
    if known is not None:
        return {ThreadId(child): _find_thread(parent) for child, parent in known.items()}
    heads = iter_heads(rollouts, rollouts.index.current_files())
    return {head.thread_id: spawner_of_head(head) for head in heads}


def _cataloged_spawners(cataloged: Cataloged) -> dict[str, str] | None:
    """Return what the rows say, brought up to date; None where headers are to be read."""
    try:
        catalog = cataloged.find()
        if catalog is None:
            return None
        refreshed = catalog.refresh(budget_bytes=_REFRESH_BYTES, wait_millis=_REFRESH_WAIT_MILLIS)
        if refreshed.is_complete:
            return catalog.ask("asking who spawned whom", find_spawners)
    except RolloutError:
        return None  # whatever it was, the headers are there
    return None


def edge_of(rollouts: Rollouts, said: dict[ThreadId, SpawnEdge], thread_id: ThreadId) -> SpawnEdge | None:
    """Return the edge to a thread: as it was said, else as the header has it."""
    if thread_id in said:
        return said[thread_id]
    head = find_head(rollouts, thread_id)
    spawner = spawner_of_head(head) if head is not None else None
    return SpawnEdge(spawner, thread_id) if spawner is not None else None


def spawner_of_head(head: RolloutHead) -> ThreadId | None:
    """Return the thread that spawned another, as its header says; a bad one says nothing."""
    return head.spawned_by_id if head.problem is None else None


def find_head(rollouts: Rollouts, thread_id: ThreadId) -> RolloutHead | None:
    """Return the newest header of a thread, or None if it has no rollout."""
    return heads_of(rollouts, [thread_id]).get(thread_id)


def heads_of(rollouts: Rollouts, thread_ids: list[ThreadId]) -> dict[ThreadId, RolloutHead]:
    """Return the newest header of each thread that has a rollout."""
    files = [rollouts.index.files_of(one)[:1] for one in thread_ids]
    return {head.thread_id: head for head in iter_heads(rollouts, [file for one in files for file in one])}


def _find_thread(text: str) -> ThreadId | None:
    found = find_uuid(text)
    return ThreadId(found) if found is not None else None
