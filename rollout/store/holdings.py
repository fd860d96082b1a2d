"""All that a home holds on disk, and who says that it needs what: what pruning is planned from.

Reads names, headers and tombstones. Whatever cannot be read is told, with all that it might need:
unknown is not unneeded. Format: docs/format.md, "Pruning".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from rollout.errors import RolloutError
from rollout.format.payloads import BaseLink
from rollout.fs.api import FileSystem
from rollout.ids import RolloutId, ThreadId, find_uuid
from rollout.log.header import read_header
from rollout.log.layout import (
    CHECKPOINTS_FOLDER,
    NAMES_FILE,
    NUMBERING_FOLDER,
    RolloutFile,
    find_name,
    join,
    quarantine_folder,
    tombstone_path,
)
from rollout.log.names import name_bytes
from rollout.log.source import open_source
from rollout.store.archiving import rollouts_of
from rollout.store.headers import HEADER_SEARCH_BYTES, RolloutHead, Rollouts, iter_heads
from rollout.store.recording import Surroundings
from rollout.store.repair import Unreadable
from rollout.store.summary import Problem, problem_of
from rollout.store.tombstones import Tombstone, read_tombstones

_UUID: Final = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UUID_LENGTH: Final = 36


class StoredFile(Struct, frozen=True):
    """A file and its size as stored."""

    path: str
    size_bytes: int


class Claim(Struct, frozen=True):
    """What one file says that it stands on. Of one that has no header, every id in it counts."""

    path: str
    base: BaseLink | None = None
    named: frozenset[RolloutId] = frozenset()


class Holding(Struct, frozen=True):
    """One rollout: what its header says, the copies of it that are not read, what was derived from it."""

    head: RolloutHead
    claim: Claim
    is_newest: bool
    """Whether its thread is read from it."""
    copies: list[StoredFile] = []
    derived: list[StoredFile] = []


class Holdings(Struct, frozen=True):
    """All rollouts of a home, its tombstones (None for one that cannot be understood), and the rest.

    `strays` are logs under names that are none; `unknown` what could not be read, so that nobody
    knows what it needs. `stones` are the files of the tombstones, `belongings` other small files of
    those threads, `names` the bytes that the names of threads take, in the file at `names_path`.
    """

    rollouts: dict[RolloutId, Holding]
    tombstones: dict[ThreadId, Tombstone | None]
    strays: list[Claim]
    unknown: list[Unreadable]
    stones: dict[ThreadId, StoredFile]
    belongings: dict[ThreadId, list[StoredFile]]
    names: dict[ThreadId, int]
    names_path: str


def read_holdings(around: Surroundings, known: Holdings | None = None) -> Holdings:
    """Return what the home holds now. Raise StorageFailed where not even names can be read.

    Headers that were read for `known` are not read again, as they never change; nor are sizes looked at.
    """
    if known is None:
        around.opener.forget()
    rollouts = rollouts_of(around)
    fs, index = around.fs, rollouts.index
    unknown = [
        Unreadable(folder, Problem("storage.failed", f"listing {folder}: the operating system refused"))
        for folder in index.unreadable_folders
    ]
    derived = _derived(around)
    copies: dict[RolloutId, list[StoredFile]] = {}
    for copy in index.superseded:
        copies.setdefault(copy.name.rollout_id, []).append(_stored(fs, copy.path))
    tombstones = read_tombstones(fs, around.home)
    held: dict[RolloutId, Holding] = {}
    for head in _heads(rollouts, known):
        path = head.file.path
        claim = Claim(path, head.base) if head.owner_id is not None else _named_in(fs, path, unknown)
        own = derived.get(head.rollout_id, [])
        is_newest = _newest(index.files_of(head.thread_id)) == head.file
        held[head.rollout_id] = Holding(head, claim, is_newest, copies.get(head.rollout_id, []), own)
    strays = [_stray(fs, path, around.max_line_bytes, unknown) for path in index.strays]
    belongings = {one: derived.get(RolloutId(one), []) for one in tombstones}
    stones = {one: _stored(fs, tombstone_path(around.home, one)) for one in tombstones}
    names, names_path = name_bytes(fs, around.home), join(around.home, NAMES_FILE)
    return Holdings(held, tombstones, strays, unknown, stones, belongings, names, names_path)


def _heads(rollouts: Rollouts, known: Holdings | None) -> Iterator[RolloutHead]:
    before = {} if known is None else {one.head.file: one.head for one in known.rollouts.values()}
    for file in rollouts.index.all_files():
        head = before.get(file)
        if head is not None and head.problem is None:
            yield head
        else:
            yield from iter_heads(rollouts, [file])


def _newest(files: list[RolloutFile]) -> RolloutFile | None:
    return files[0] if files else None


def _stored(fs: FileSystem, path: str) -> StoredFile:
    stat = fs.find_stat(path)
    return StoredFile(path, stat.size_bytes if stat is not None else 0)


def _stray(fs: FileSystem, path: str, max_line_bytes: int, unknown: list[Unreadable]) -> Claim:
    try:
        with open_source(fs, path) as source:
            return Claim(path, read_header(source, max_line_bytes, HEADER_SEARCH_BYTES).meta.history_base)
    except RolloutError:
        return _named_in(fs, path, unknown)


def _named_in(fs: FileSystem, path: str, unknown: list[Unreadable]) -> Claim:
    """Return what a file without a header may stand on: every rollout that its beginning names."""
    try:
        with open_source(fs, path) as source:
            content = source.read_at(0, HEADER_SEARCH_BYTES)
            if source.reaches(HEADER_SEARCH_BYTES + 1) or source.defect is None:
                ids = {RolloutId(found.decode().lower()) for found in _UUID.findall(content)}
                return Claim(path, named=frozenset(ids))
            problem = Problem("log.damaged", f"unpacking {path}: {source.defect.detail}")
    except RolloutError as error:
        problem = problem_of(error)
    unknown.append(Unreadable(path, problem))
    return Claim(path)


def _derived(around: Surroundings) -> dict[RolloutId, list[StoredFile]]:
    """Return what was derived from rollouts or cut off them, by the id that the file's name begins with.

    A draft in quarantine stands under its thread's id, as the first rollout of a thread does.
    """
    found: dict[RolloutId, list[StoredFile]] = {}
    folders = [quarantine_folder(around.home)]
    if around.state_folder is not None:
        folders += [join(around.state_folder, name) for name in (CHECKPOINTS_FOLDER, NUMBERING_FOLDER)]
    for folder in folders:
        for entry in around.fs.iter_folder(folder):
            rollout_id = None if entry.is_folder else _owner(entry.name)
            if rollout_id is not None:
                found.setdefault(rollout_id, []).append(_stored(around.fs, join(folder, entry.name)))
    for files in found.values():
        files.sort(key=lambda file: file.path)
    return found


def _owner(file_name: str) -> RolloutId | None:
    draft, mark, _ = file_name.partition(".draft.")
    name = find_name(draft) if mark else None
    if name is not None:
        return name.rollout_id
    found = find_uuid(file_name[:_UUID_LENGTH])
    return RolloutId(found) if found is not None else None
