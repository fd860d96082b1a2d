"""A filter of a listing, held against what the files say: for when no catalog can be asked."""

from __future__ import annotations

from collections.abc import Callable

from rollout.catalog.kinds import kind_of, matching_kinds
from rollout.catalog.query import NO_FILTER, ThreadFilter
from rollout.errors import RolloutError
from rollout.fs.api import FileSystem
from rollout.log.header import read_header
from rollout.log.index import RolloutIndex
from rollout.log.source import open_source
from rollout.store.summary import ThreadSummary, spawner_of


def matcher(fs: FileSystem, index: RolloutIndex, where: ThreadFilter) -> Callable[[ThreadSummary, int], bool]:
    """Return what tells whether a thread, sorted by a time in milliseconds, passes the filter."""
    if where == NO_FILTER:
        return lambda _, __: True
    kinds = matching_kinds(where.source_kinds)
    among = frozenset(where.among) if where.among is not None else None
    below = _descendants(fs, index, where.ancestor_id) if where.ancestor_id is not None else None

    def wants(summary: ThreadSummary, at: int) -> bool:
        return (
            (not where.cwds or summary.cwd in where.cwds)
            and (not where.providers or summary.model_provider in where.providers)
            and (not kinds or kind_of(summary.source) in kinds)
            and (where.parent_id is None or summary.parent_thread_id == where.parent_id)
            and (below is None or summary.id in below)
            and (among is None or summary.id in among)
            and (not where.term or where.term in (summary.name or "") or where.term in summary.preview)
            and (where.is_pinned is None or summary.is_pinned is where.is_pinned)
            and set(where.tags).issubset(summary.tags)
            and (where.since_ms is None or at >= where.since_ms)
            and (where.until_ms is None or at < where.until_ms)
        )

    return wants


def _descendants(fs: FileSystem, index: RolloutIndex, ancestor_id: str) -> set[str]:
    """Return the threads that were spawned below one, by the headers of all."""
    children: dict[str, list[str]] = {}
    for file in index.current_files():
        try:
            with open_source(fs, file.path) as source:
                header = read_header(source)
        except RolloutError:
            continue
        parent = spawner_of(header.meta)
        if parent is not None:
            children.setdefault(parent, []).append(file.name.thread_id)
    below: set[str] = set()
    waiting = [ancestor_id]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in below:
                below.add(child)
                waiting.append(child)
    return below - {ancestor_id}
