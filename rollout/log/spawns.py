"""What was said of spawned threads: an append-only file of edges, of which the newest of a child counts.

No log says it, so it is not derived: who takes the file away goes back to what the headers say. A line is
durable before anybody is told. Format: docs/format.md, "Spawned threads".
"""

from __future__ import annotations

from collections.abc import Callable, Set
from enum import StrEnum

import msgspec
from msgspec import Struct

from rollout.format.decoding import decode_json
from rollout.fs.api import FileSystem
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.publish import publish_file
from rollout.ids import ThreadId, find_uuid
from rollout.log.layout import spawns_path
from rollout.log.side_log import append_side_line, iter_side_lines, locked_side_log


class SpawnStatus(StrEnum):
    """Whether an agent comes back with its parent."""

    OPEN = "open"
    CLOSED = "closed"


class SpawnEdge(Struct, frozen=True):
    """That a thread spawned another one. A child has one parent at most."""

    parent_id: ThreadId
    child_id: ThreadId
    status: SpawnStatus = SpawnStatus.OPEN


class _Line(Struct, frozen=True, rename="camel"):
    at: int
    parent_thread_id: str
    child_thread_id: str
    status: SpawnStatus


def read_spawns(fs: FileSystem, home: str) -> dict[ThreadId, SpawnEdge]:
    """Return the newest edge of every child that one was said of. Lines that are no edges are passed over."""
    edges = (_parse(line) for line in iter_side_lines(fs, spawns_path(home)))
    return {edge.child_id: edge for edge in edges if edge is not None}


def _parse(line: bytes) -> SpawnEdge | None:
    found = decode_json(line, _Line)
    parent = find_uuid(found.parent_thread_id) if found is not None else None
    child = find_uuid(found.child_thread_id) if found is not None else None
    if found is None or parent is None or child is None:
        return None
    return SpawnEdge(ThreadId(parent), ThreadId(child), found.status)


def change_spawns(
    fs: MutableFileSystem,
    home: str,
    now_ms: int,
    plan: Callable[[dict[ThreadId, SpawnEdge]], SpawnEdge | None],
) -> SpawnEdge | None:
    """Append the edge that `plan` answers, told what is there; return it. Durable on return.

    Nobody appends between the two. After a crash or StorageFailed the line is there or it is not. Raise
    Conflict while somebody keeps the file locked, and whatever `plan` raises, with nothing written.
    """
    path = spawns_path(home)
    with locked_side_log(fs, f"{path}.lock", "saying who spawned whom", "edges"):
        edge = plan(read_spawns(fs, home))
        if edge is not None:
            line = _Line(now_ms, edge.parent_id, edge.child_id, edge.status)
            append_side_line(fs, home, path, msgspec.json.encode(line) + b"\n")
    return edge


def remove_spawns(fs: MutableFileSystem, home: str, thread_ids: Set[ThreadId]) -> None:
    """Take away what was said of these threads, as parents and as children; all other lines stay.

    The file is published anew, whole. Durable on return. Raise Conflict as `change_spawns` does.
    """
    path = spawns_path(home)
    if fs.find_stat(path) is None:
        return
    with locked_side_log(fs, f"{path}.lock", "forgetting who spawned whom", "edges"):
        lines = list(iter_side_lines(fs, path))
        kept = [line for line in lines if not _is_of(line, thread_ids)]
        if len(kept) < len(lines):
            publish_file(fs, path, b"".join(line + b"\n" for line in kept))


def _is_of(line: bytes, thread_ids: Set[ThreadId]) -> bool:
    edge = _parse(line)
    return edge is not None and (edge.parent_id in thread_ids or edge.child_id in thread_ids)
