"""The header of every rollout of a home, for whoever must know how they hang together.

Reads names and first lines, never a whole log: a rollout that cannot be read is told with what
is wrong with it, and stops nothing. Format: docs/format.md, "Header" and "Lineage".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from rollout.errors import RolloutError
from rollout.format.payloads import BaseLink
from rollout.format.record import Mode
from rollout.fs.api import FileSystem
from rollout.ids import RolloutId, ThreadId, find_uuid
from rollout.log.header import Header, read_header
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile
from rollout.log.source import open_source
from rollout.store.summary import Problem, parse_time, problem_of

HEADER_SEARCH_BYTES: Final = 8 << 20
"""How far a header is looked for. Every client writes it first; only damage puts it elsewhere."""


class Rollouts(Struct, frozen=True):
    """The rollouts of a home as their names were at one moment, and what reading them takes."""

    fs: FileSystem
    home: str
    index: RolloutIndex
    max_line_bytes: int


class RolloutHead(Struct, frozen=True):
    """What the name and the header of one rollout say. `size_bytes` as stored.

    `problem` says why the file is no readable rollout of the thread in its name; the header of
    another thread is there all the same.
    """

    file: RolloutFile
    size_bytes: int = 0
    modified_at: int = 0
    header: Header | None = None
    problem: Problem | None = None

    @property
    def rollout_id(self) -> RolloutId:
        return self.file.name.rollout_id

    @property
    def thread_id(self) -> ThreadId:
        """The thread that its name says it belongs to."""
        return self.file.name.thread_id

    @property
    def is_paginated(self) -> bool:
        return self.header is not None and self.header.mode is Mode.PAGINATED

    @property
    def base(self) -> BaseLink | None:
        """The link that its lineage follows: a legacy rollout's is ignored."""
        return self.header.meta.history_base if self.header is not None and self.is_paginated else None

    @property
    def base_rollout_id(self) -> RolloutId | None:
        """The rollout that its base names; None without a base, or when that is no id."""
        found = find_uuid(self.base.thread_id) if self.base is not None else None
        return RolloutId(found) if found is not None else None

    @property
    def forked_from_id(self) -> ThreadId | None:
        """The thread that it says it was forked from: information, which no lineage follows."""
        named = self.header.meta.forked_from_id if self.header is not None else None
        found = find_uuid(named) if named is not None else None
        return ThreadId(found) if found is not None else None

    @property
    def start_offset(self) -> int:
        """Where its own part of a history begins."""
        return self.header.end_offset if self.header is not None and self.is_paginated else 0

    @property
    def created_at(self) -> int:
        """The time in its header in UTC milliseconds, else that of the file's last change."""
        stated = parse_time(self.header.meta.timestamp) if self.header is not None else None
        return stated if stated is not None else self.modified_at


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
        return RolloutHead(file, size_bytes, modified_at, problem=problem_of(error))
    problem = None
    if header.thread_id != file.name.thread_id:
        problem = Problem(
            "log.damaged",
            f"reading {file.path}: expected thread {file.name.thread_id}, as its name says, "
            f"found a header of thread {header.thread_id}",
            "Give the file the name of its thread, or move it out of the home.",
        )
    return RolloutHead(file, size_bytes, modified_at, header, problem)
