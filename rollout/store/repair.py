"""Repair: a plan over what a check found, and steps of which none loses a byte.

Only ends of files and drafts that nobody published are touched. Invariant 2: damage before the end
stays where it is; readers pass over it and say so, and nothing could be put in its place.
Format: docs/format.md, "Repair".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct

from rollout.errors import Conflict, NotFound, RolloutError
from rollout.format.record import Damage
from rollout.fs.api import FileSystem
from rollout.fs.mutation import AppendFile
from rollout.ids import ThreadId, find_uuid
from rollout.log.header import read_header
from rollout.log.index import RolloutIndex
from rollout.log.layout import (
    COMPRESSED_SUFFIX,
    DRAFT_SUFFIX,
    STATE_FOLDER,
    RolloutFile,
    base_name,
    find_name,
    join,
)
from rollout.log.lease import take_lease
from rollout.log.quarantine import quarantine_draft, quarantine_tail
from rollout.log.source import open_source
from rollout.log.tail import Tail, read_tail
from rollout.store.check import FileCheck, files_to_check
from rollout.store.recording import Surroundings
from rollout.store.summary import Problem

_SETTLED_MS: Final = 60_000
"""A draft that changed this short a while ago may be about to get its name."""
_UUID_LENGTH: Final = 36
_LEASES: Final = "leases"
_MAX_DEPTH: Final = 4


class StepKind(StrEnum):
    """What a step mends: a last line cut short, a last line without its newline, a draft left over."""

    TORN_TAIL = "tornTail"
    MISSING_NEWLINE = "missingNewline"
    DRAFT = "draft"


class RepairStep(Struct, frozen=True):
    """One thing to do. The span is what leaves its place; empty where a newline is added."""

    kind: StepKind
    path: str
    thread_id: ThreadId
    start_offset: int
    end_offset: int


class Unreadable(Struct, frozen=True):
    """A file that is no readable thread, and why: nothing is done to it."""

    path: str
    problem: Problem


class RepairPlan(Struct, frozen=True):
    """What would be done, what stays as it is, and what cannot be judged."""

    steps: list[RepairStep]
    damage: list[Damage]
    unreadable: list[Unreadable]

    @property
    def leaves_damage(self) -> bool:
        """Whether something stays that contradicts the format."""
        return bool(self.damage or self.unreadable)


class FileEnd(Struct, frozen=True):
    """What a check found in a file, and whether its last byte is a newline."""

    check: FileCheck
    is_terminated: bool


class Draft(Struct, frozen=True):
    """A draft that nobody published."""

    path: str
    thread_id: ThreadId
    size_bytes: int


class Repaired(Struct, frozen=True):
    """A step that was tried: where its bytes are kept, or the error that kept it from being done."""

    step: RepairStep
    quarantine: str | None = None
    error: RolloutError | None = None


def plan_repair(ends: Iterable[FileEnd], drafts: Iterable[Draft]) -> RepairPlan:
    """Return what to do about files and drafts. Pure: nothing is read or touched."""
    plan = RepairPlan([], [], [])
    for end in ends:
        check = end.check
        plan.damage.extend(check.damage)
        if check.problem is not None:
            plan.unreadable.append(Unreadable(check.path, check.problem))
        step = _plan_end(end)
        if step is not None:
            plan.steps.append(step)
    plan.steps.extend(
        RepairStep(StepKind.DRAFT, draft.path, draft.thread_id, 0, draft.size_bytes) for draft in drafts
    )
    return plan


def _plan_end(end: FileEnd) -> RepairStep | None:
    check = end.check
    name = find_name(base_name(check.path))
    if name is None or name.is_compressed or name.thread_id != check.thread_id or end.is_terminated:
        return None
    size = check.size_bytes
    if check.torn_tail is not None:
        start = check.torn_tail.start_offset
        return RepairStep(StepKind.TORN_TAIL, check.path, name.thread_id, start, size)
    if any(damage.end_offset == size for damage in check.damage):
        return None  # an unterminated line that is damage: the next writer ends it, and it stays
    return RepairStep(StepKind.MISSING_NEWLINE, check.path, name.thread_id, size, size)


def read_ends(fs: FileSystem, checks: Iterable[FileCheck]) -> Iterator[FileEnd]:
    """Yield the ends of files that were checked; a file that is gone or empty has nothing to end."""
    for check in checks:
        yield FileEnd(check, is_terminated=_is_terminated(fs, check))


def _is_terminated(fs: FileSystem, check: FileCheck) -> bool:
    if check.size_bytes == 0 or check.path.endswith(COMPRESSED_SUFFIX):
        return True
    try:
        with fs.open_read(check.path) as file:
            return file.read_at(check.size_bytes - 1, 1) in (b"\n", b"")
    except NotFound:
        return True


def plan_of_home(
    fs: FileSystem,
    home: str,
    index: RolloutIndex,
    now_ms: int,
    checks: Iterable[FileCheck],
    wanted: ThreadId | None,
) -> RepairPlan:
    """Return what to do about files that were checked and the drafts of a thread, or of the whole home."""
    drafts = find_drafts(fs, home, index.folders, now_ms, wanted)
    return plan_repair(read_ends(fs, checks), drafts)


def files_to_repair(index: RolloutIndex, home: str, thread_id: ThreadId | None) -> list[RolloutFile]:
    """Return the rollouts of a thread that need not be readable, or all, oldest first. Raise NotFound."""
    if thread_id is None:
        return files_to_check(index)
    files = index.files_of(thread_id)
    if not files:
        raise NotFound(
            f"repairing thread {thread_id}: no file name in {home} carries that id",
            hint="Run `rollout list` to see which threads are there.",
        )
    return sorted(files, key=lambda file: base_name(file.path))


def find_drafts(
    fs: FileSystem, home: str, folders: Iterable[str], now_ms: int, wanted: ThreadId | None = None
) -> list[Draft]:
    """Return the drafts of ours in the folders of rollouts and of derived files, by path.

    Those of the thread that is `wanted`, by default of every one. The draft of a lease is not
    among them: whoever takes the lease next takes it away.
    """
    state = join(home, STATE_FOLDER)
    found = []
    for folder in (*folders, *_iter_folders(fs, state, 0)):
        for entry in fs.iter_folder(folder):
            stem = entry.name.removesuffix(DRAFT_SUFFIX)
            if entry.is_folder or stem == entry.name:
                continue
            path = join(folder, entry.name)
            thread_id = _owner(stem, is_derived=folder.startswith(state))
            stat = fs.find_stat(path)
            if thread_id is None or wanted not in {None, thread_id}:
                continue
            if stat is not None and now_ms - stat.modified_at >= _SETTLED_MS:
                found.append(Draft(path, thread_id, stat.size_bytes))
    return sorted(found, key=lambda draft: draft.path)


def _iter_folders(fs: FileSystem, folder: str, depth: int) -> Iterator[str]:
    for entry in fs.iter_folder(folder):
        if entry.is_folder and entry.name != _LEASES and depth < _MAX_DEPTH:
            below = join(folder, entry.name)
            yield below
            yield from _iter_folders(fs, below, depth + 1)


def _owner(stem: str, *, is_derived: bool) -> ThreadId | None:
    """Return the thread that a draft was made for; None for what is not ours."""
    if not is_derived:
        name = find_name(stem)
        return name.thread_id if name is not None else None
    found = find_uuid(stem[:_UUID_LENGTH])
    return ThreadId(found) if found is not None else None


def apply_repair(around: Surroundings, plan: RepairPlan) -> Iterator[Repaired]:
    """Do the steps of a plan, one after the other, each under the lease of its thread.

    A step that cannot be done does not keep the others from being done: its error is yielded. Each
    looks at its file again, and does nothing when it is not what was planned for. Durable when yielded.
    """
    for step in plan.steps:
        try:
            yield Repaired(step, _apply(around, step))
        except RolloutError as error:
            yield Repaired(step, error=error)


def _apply(around: Surroundings, step: RepairStep) -> str | None:
    fs, home = around.fs, around.home
    with take_lease(fs, home, step.thread_id, clock=around.clock, pid=around.pid):
        if step.kind is StepKind.DRAFT:
            return quarantine_draft(fs, home, step.path, around.clock())
        with fs.open_append(step.path) as file:
            tail = _read_tail(around, step, file)
            name = find_name(base_name(step.path))
            kept = None
            if tail.torn is not None and name is not None:
                kept = quarantine_tail(fs, home, name.rollout_id, file, tail.torn, around.clock())
            if tail.lacks_newline:
                file.append(b"\n")
                file.sync()
            return kept


def _read_tail(around: Surroundings, step: RepairStep, file: AppendFile) -> Tail:
    """Return the end of the file as it is now that nobody else may write. Raise Conflict if it changed."""
    with open_source(around.fs, step.path) as source:
        header = read_header(source, around.max_line_bytes)
        tail = read_tail(source, header, around.max_line_bytes, is_ours=False)
        is_same = source.identity == file.identity and source.size_bytes == step.end_offset
    if step.kind is StepKind.TORN_TAIL:
        is_same = is_same and tail.torn is not None and tail.torn.start_offset == step.start_offset
    else:
        is_same = is_same and tail.torn is None and tail.lacks_newline
    if not is_same or header.thread_id != step.thread_id:
        raise Conflict(
            f"repairing {step.path}: it has changed since it was looked at",
            hint="See who else has it open, then try again.",
        )
    return tail
