"""Archive and unarchive: the files of a thread change their folder, and nothing else about them.

Invariant 2. At every moment, crashes included, each rollout lies in one place or the other, and
whoever stands on it finds it in both. The newest rollout, which says whether a thread is archived,
goes last: what was cut short is finished by doing it again. Format: docs/format.md, "Archive".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext

from msgspec import Struct

from rollout.errors import Conflict, NotFound
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.publish import DurableFolders
from rollout.ids import ThreadId
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile, archived_path, base_name, find_active_path, folder_of
from rollout.log.lease import Lease, take_lease
from rollout.log.spawns import read_spawns
from rollout.store.copies import is_contained
from rollout.store.headers import RolloutHead, Rollouts, iter_heads
from rollout.store.recording import Surroundings
from rollout.store.spawn_graph import SpawnGraph


class Moved(Struct, frozen=True):
    """One rollout that changed its place."""

    thread_id: ThreadId
    old_path: str
    path: str


class Moves(Struct, frozen=True):
    """What archiving did: the threads that are in their new place now, the one asked for first.

    With it go those that it spawned, and those they spawned. `moved` is empty when all was done before.
    """

    thread_ids: list[ThreadId]
    moved: list[Moved]


class _Step(Struct, frozen=True):
    """One rollout on its way; copies of it that add nothing go first. Without `target` it stays."""

    file: RolloutFile
    target: str | None
    superfluous: list[RolloutFile]


def archive(around: Surroundings, thread_id: ThreadId) -> Moves:
    """Move every rollout of a thread, and of those it spawned, to the archive. Durable on return.

    Nothing is moved when one of them cannot be: raise NotFound, LeaseHeld, or Conflict. What somebody
    takes up in the very moment stays; calling it again finishes.
    """
    return _move(around, thread_id, is_archiving=True)


def unarchive(around: Surroundings, thread_id: ThreadId) -> Moves:
    """Move them back, to the folder of the date in their names. As `archive`."""
    return _move(around, thread_id, is_archiving=False)


def _move(around: Surroundings, thread_id: ThreadId, *, is_archiving: bool) -> Moves:
    act = "archiving" if is_archiving else "unarchiving"

    def plan(one: ThreadId) -> list[_Step]:
        return list(_plan(rollouts_of(around), one, f"{act} thread {one}", is_archiving=is_archiving))

    rollouts = rollouts_of(around)
    if not rollouts.index.files_of(thread_id):
        raise NotFound(
            f"{act} thread {thread_id}: no file name in {around.home} carries that id",
            hint="Run `rollout list` to see which threads are there.",
        )
    thread_ids = with_spawned(rollouts, thread_id, iter_heads(rollouts, rollouts.index.current_files()))
    moved: list[Moved] = []
    with _lease(around, thread_id):
        # Refused before anything is moved, if it is to be refused. Not all leases are held at once: there
        # may be more of them than a process may have files open.
        for one in thread_ids[1:]:
            _lease(around, one).release()
        around.opener.forget()
        for one in thread_ids:
            plan(one)
        folders = DurableFolders()
        # Those it spawned first: while the thread itself is where it was, there is something left to do.
        for one in reversed(thread_ids):
            with _lease(around, one) if one != thread_id else nullcontext():
                for step in plan(one):
                    _apply(around.fs, around.home, step, folders)
                    if step.target is not None:
                        moved.append(Moved(one, step.file.path, step.target))
    around.opener.forget()
    return Moves(thread_ids, moved)


def _lease(around: Surroundings, thread_id: ThreadId) -> Lease:
    return take_lease(around.fs, around.home, thread_id, clock=around.clock, pid=around.pid)


def rollouts_of(around: Surroundings) -> Rollouts:
    """Return the rollouts of the home as they are now."""
    return Rollouts(around.fs, around.home, around.opener.index, around.max_line_bytes)


def with_spawned(rollouts: Rollouts, thread_id: ThreadId, heads: Iterable[RolloutHead]) -> list[ThreadId]:
    """Return a thread and, behind it, those it spawned and those they spawned, open or closed.

    `heads` are those of the newest rollouts. One that cannot be read was spawned by whom it was said to be.
    A thread that has no rollout is left out, and those below it are not.
    """
    spawners = {head.thread_id: head.spawned_by_id if head.problem is None else None for head in heads}
    graph = SpawnGraph(spawners, read_spawns(rollouts.fs, rollouts.home).values())
    return [thread_id, *(one for one in graph.descendants(thread_id) if one in spawners)]


def _plan(rollouts: Rollouts, thread_id: ThreadId, act: str, *, is_archiving: bool) -> Iterator[_Step]:
    """Yield what to do about the files of a thread, its newest rollout last. Raise Conflict."""
    for file in reversed(rollouts.index.files_of(thread_id)):
        copies = copies_of(rollouts.index, file)
        is_there = file.is_archived == is_archiving
        misplaced = [copy for copy in copies if copy.is_archived != is_archiving]
        if is_there:
            yield _Step(
                file, None, [one for one in misplaced if is_contained(rollouts.fs, one.path, file.path)]
            )
            continue
        (head,) = iter_heads(rollouts, [file])
        if head.owner_id is not None and head.problem is not None:
            raise Conflict(f"{act}: {head.problem.message}", hint=head.problem.hint)
        for copy in copies:
            if not is_contained(rollouts.fs, copy.path, file.path):
                raise Conflict(
                    f"{act}: {file.path} and {copy.path} are the same rollout, and hold different bytes",
                    hint="See which of them is right, and move the other one out of the home.",
                )
        yield _Step(file, _target(rollouts.home, file, act, is_archiving=is_archiving), copies)


def copies_of(index: RolloutIndex, file: RolloutFile) -> list[RolloutFile]:
    """Return the other files of a rollout, which are not read while this one is there."""
    return [copy for copy in index.superseded if copy.name.rollout_id == file.name.rollout_id]


def _target(home: str, file: RolloutFile, act: str, *, is_archiving: bool) -> str:
    name = base_name(file.path)
    target = archived_path(home, name) if is_archiving else find_active_path(home, name)
    if target is None:
        raise Conflict(
            f"{act}: the name of {file.path} carries no date, and active rollouts lie by date",
            hint="Give the file the name of the time it was made at.",
        )
    return target


def _apply(fs: MutableFileSystem, home: str, step: _Step, folders: DurableFolders) -> None:
    for copy in step.superfluous:
        fs.remove(copy.path)
        fs.sync_folder(folder_of(copy.path))  # else a stale copy could come to be read
    if step.target is None:
        return
    folder = folder_of(step.target)
    fs.make_folders(folder)
    fs.replace(step.file.path, step.target)
    folders.sync_names(fs, home, folder)
    fs.sync_folder(folder)  # the new name first: at no moment is the rollout nowhere
    fs.sync_folder(folder_of(step.file.path))
