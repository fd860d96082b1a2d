"""The header of every rollout of a home, for whoever must know how they hang together.

Reads names and first lines, never a whole log: a rollout that cannot be read is told with what
is wrong with it, and stops nothing. Format: docs/format.md, "Header" and "Lineage".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Raw, Struct

from rollout.errors import RolloutError
from rollout.format.decoding import decode_json
from rollout.format.payloads import BaseLink
from rollout.format.record import ABSENT, Era, Mode
from rollout.format.times import parse_time
from rollout.fs.api import FileSystem
from rollout.ids import RolloutId, ThreadId, find_uuid
from rollout.log.header import Header, read_header
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile
from rollout.log.source import open_source
from rollout.store.summary import Problem, problem_of, spawner_of

HEADER_SEARCH_BYTES: Final = 8 << 20
"""How far a header is looked for. Every client writes it first; only damage puts it elsewhere."""


class Rollouts(Struct, frozen=True):
    """The rollouts of a home as their names were at one moment, and what reading them takes."""

    fs: FileSystem
    home: str
    index: RolloutIndex
    max_line_bytes: int


class AgentLabel(Struct, frozen=True):
    """What a header calls the agent whose thread it is; `path` is its address, as stored."""

    nickname: str | None = None
    role: str | None = None
    path: str | None = None


class RolloutHead(Struct, frozen=True, gc=False, kw_only=True):
    """What the name and the header of one rollout say, and no more: tens of thousands are held at once.

    `size_bytes` as stored, times in UTC milliseconds. `owner_id` is the thread that the header names;
    without a header it is None, and the members from there on say nothing. `problem` says why the file
    is no readable rollout of the thread in its name.
    """

    file: RolloutFile
    size_bytes: int = 0
    modified_at: int = 0
    problem: Problem | None = None
    owner_id: ThreadId | None = None
    mode: Mode = Mode.LEGACY
    era: Era = Era.ENVELOPE
    header_end: int = 0
    stated_at: int | None = None
    base: BaseLink | None = None
    """The link that its lineage follows: that of a legacy rollout is ignored."""
    base_rollout_id: RolloutId | None = None
    """The rollout that its base names; None without a base, or when that is no id."""
    forked_from_id: ThreadId | None = None
    """The thread that it says it was forked from: information, which no lineage follows."""
    spawned_by_id: ThreadId | None = None
    """The thread whose agent it is."""
    agent: AgentLabel = AgentLabel()

    @property
    def rollout_id(self) -> RolloutId:
        return self.file.name.rollout_id

    @property
    def thread_id(self) -> ThreadId:
        """The thread that its name says it belongs to."""
        return self.file.name.thread_id

    @property
    def is_paginated(self) -> bool:
        return self.mode is Mode.PAGINATED

    @property
    def start_offset(self) -> int:
        """Where its own part of a history begins."""
        return self.header_end if self.is_paginated else 0

    @property
    def created_at(self) -> int:
        """The time in its header, else that of the file's last change."""
        return self.stated_at if self.stated_at is not None else self.modified_at


def iter_heads(rollouts: Rollouts, files: Iterable[RolloutFile] | None = None) -> Iterator[RolloutHead]:
    """Yield the heads of these files, by default of every rollout of the home, in no order.

    Opens each file once and reads its first kilobytes.
    """
    for file in rollouts.index.all_files() if files is None else files:
        yield _read_head(rollouts, file)


def _read_head(rollouts: Rollouts, file: RolloutFile) -> RolloutHead:
    size_bytes = modified_at = 0
    try:
        with open_source(rollouts.fs, file.path) as source:
            size_bytes, modified_at = source.stat.size_bytes, source.stat.modified_at
            header = read_header(source, rollouts.max_line_bytes, HEADER_SEARCH_BYTES)
    except RolloutError as error:
        problem = problem_of(error)
        return RolloutHead(file=file, size_bytes=size_bytes, modified_at=modified_at, problem=problem)
    meta = header.meta
    base = meta.history_base if header.mode is Mode.PAGINATED else None
    base_id = find_uuid(base.thread_id) if base is not None else None
    return RolloutHead(
        file=file,
        size_bytes=size_bytes,
        modified_at=modified_at,
        problem=_whose(file, header.thread_id) if header.thread_id != file.name.thread_id else None,
        owner_id=header.thread_id,
        mode=header.mode,
        era=header.era,
        header_end=header.end_offset,
        stated_at=parse_time(meta.timestamp),
        base=base,
        base_rollout_id=RolloutId(base_id) if base_id is not None else None,
        forked_from_id=_find_thread(meta.forked_from_id),
        spawned_by_id=_find_thread(spawner_of(meta)),
        agent=_agent_of(header),
    )


class _Spawn(Struct, frozen=True):
    agent_nickname: str | None = None
    agent_role: str | None = None
    agent_path: str | None = None


class _Spawned(Struct, frozen=True):
    thread_spawn: _Spawn | None = None


class _AgentSource(Struct, frozen=True):
    subagent: _Spawned | None = None


class _AgentMeta(Struct, frozen=True):
    agent_nickname: str | None = None
    agent_role: str | None = None
    agent_path: str | None = None
    source: Raw = ABSENT


_NOBODY: Final = AgentLabel()
_BARE: Final = _Spawn()


def _agent_of(header: Header) -> AgentLabel:
    """Return what a header calls its agent, in its own members or in those of its source."""
    if spawner_of(header.meta) is None and header.meta.agent_nickname is None:
        return _NOBODY
    meta = decode_json(header.payload, _AgentMeta)
    if meta is None:
        return _NOBODY
    source = decode_json(meta.source, _AgentSource) if meta.source else None
    spawned = source.subagent if source is not None else None
    inner = (spawned.thread_spawn if spawned is not None else None) or _BARE
    return AgentLabel(
        meta.agent_nickname or inner.agent_nickname,
        meta.agent_role or inner.agent_role,
        meta.agent_path or inner.agent_path,
    )


def _find_thread(text: str | None) -> ThreadId | None:
    found = find_uuid(text) if text is not None else None
    return ThreadId(found) if found is not None else None


def _whose(file: RolloutFile, owner_id: ThreadId) -> Problem:
    return Problem(
        "log.damaged",
        f"reading {file.path}: expected thread {file.name.thread_id}, as its name says, "
        f"found a header of thread {owner_id}",
        "Give the file the name of its thread, or move it out of the home.",
    )
