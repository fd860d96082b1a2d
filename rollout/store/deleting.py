"""Delete: a thread is hidden by a tombstone, unless others would lose what they stand on.

Not a byte of any log is touched: that is for pruning, which alone knows who still needs which.
What a thread spawned goes with it. Format: docs/format.md, "Tombstones".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct, structs

from rollout.errors import Conflict, HasForks, NotFound, RolloutError
from rollout.fs.publish import DurableFolders
from rollout.ids import ThreadId
from rollout.log.lease import Lease, take_lease
from rollout.store.archiving import rollouts_of, with_spawned
from rollout.store.creating import ORIGINATOR
from rollout.store.headers import RolloutHead, Rollouts, iter_heads
from rollout.store.reaching import heirs_of
from rollout.store.recording import Surroundings
from rollout.store.tombstones import (
    DeleteMode,
    Tombstone,
    deleted_ids,
    find_tombstone,
    is_deleted,
    publish_tombstone,
    read_tombstones,
    remove_tombstone,
    require_not_deleted,
)

_SHOWN: Final = 5
Flatten = Callable[[ThreadId], object]
"""Makes a thread stand alone, with all that it inherits."""


class Deleted(Struct, frozen=True):
    """What deleting hid, or bringing back showed: the thread asked for, then those that went with it.

    `resting` are the threads that go on reading through them; `flattened` those that no longer do.
    """

    thread_ids: list[ThreadId]
    mode: DeleteMode
    resting: list[ThreadId] = []
    flattened: list[ThreadId] = []


class _Home(Struct, frozen=True):
    """What is known of a home at one moment."""

    rollouts: Rollouts
    heads: list[RolloutHead]
    hidden: frozenset[ThreadId]

    def heirs(self, thread_ids: list[ThreadId]) -> list[ThreadId]:
        return heirs_of(set(thread_ids), self.rollouts.index, self.heads, self.hidden)

    def spawned(self, thread_id: ThreadId) -> list[ThreadId]:
        current = {file.name.rollout_id for file in self.rollouts.index.current_files()}
        heads = [head for head in self.heads if head.rollout_id in current]
        return [one for one in with_spawned(self.rollouts, thread_id, heads) if one not in self.hidden]

    def all_of(self, thread_id: ThreadId) -> list[ThreadId]:
        """Return a thread with all that it spawned and all that stands on any of these."""
        found = self.spawned(thread_id)
        while heirs := self.heirs(found):
            found += [one for heir in heirs for one in self.spawned(heir) if one not in found]
        return list(dict.fromkeys(found))


def delete(
    around: Surroundings,
    thread_id: ThreadId,
    mode: DeleteMode,
    flatten: Flatten | None = None,
) -> Deleted:
    """Hide a thread and those it spawned. Durable on return; its files stay as they are.

    PLAIN is refused (HasForks) while a thread stands on one of them; `flatten` makes one stand
    alone, for FLATTEN_CHILDREN. Raise NotFound, LeaseHeld.
    """
    act = f"deleting thread {thread_id}"
    with _lease(around, thread_id):
        require_not_deleted(around.fs, around.home, thread_id, act)
        known = _look(around, thread_id, act)
        thread_ids = known.spawned(thread_id)
        heirs = known.heirs(thread_ids)
        flattened: list[ThreadId] = []
        if heirs and mode is DeleteMode.PLAIN:
            raise _refusal(act, heirs)
        if heirs and mode is DeleteMode.CASCADE:
            thread_ids = known.all_of(thread_id)
        if heirs and mode is DeleteMode.FLATTEN_CHILDREN:
            assert flatten is not None, "whoever asks for flattened children says how"
            for heir in heirs:
                flatten(heir)
            flattened = heirs
            known = _look(around, thread_id, act)
            if known.heirs(thread_ids):
                raise _refusal(act, known.heirs(thread_ids))
        for one in thread_ids[1:]:
            _lease(around, one).release()  # refused before anything is hidden, if it is to be refused
        folders = DurableFolders()
        # The thread itself last: what is cut short is finished by doing it again.
        for one in reversed(thread_ids[1:]):
            with _lease(around, one):
                _publish(around, one, mode, thread_id, folders)
        _publish(around, thread_id, mode, thread_id, folders)
    resting = known.heirs(thread_ids) if mode is DeleteMode.KEEP_FOR_FORKS else []
    return Deleted(thread_ids, mode, resting, flattened)


def undelete(around: Surroundings, thread_id: ThreadId) -> Deleted:
    """Show a deleted thread again, and those that were deleted with it and are whole. Durable on return.

    Raise NotFound when it was not deleted or no file of it is left, Conflict when some of its
    bytes were reclaimed.
    """
    act = f"bringing thread {thread_id} back"
    if not is_deleted(around.fs, around.home, thread_id):
        raise NotFound(
            f"{act}: it was not deleted", hint="Run `rollout list` to see which threads are there."
        )
    around.opener.forget()
    with _lease(around, thread_id):
        tombstones = read_tombstones(around.fs, around.home)
        own = tombstones.get(thread_id)
        others = [
            one
            for one, stone in sorted(tombstones.items())
            if stone is not None and stone.deleted_with == thread_id and one != thread_id
        ]
        obstacle = _find_obstacle(around, act, thread_id)
        if obstacle is not None:
            raise obstacle
        others = [one for one in others if _find_obstacle(around, act, one) is None]
        for one in others:
            with _lease(around, one):
                remove_tombstone(around.fs, around.home, one)
        remove_tombstone(around.fs, around.home, thread_id)
    return Deleted([thread_id, *others], own.mode if own is not None else DeleteMode.PLAIN)


def note_pruning(around: Surroundings, thread_id: ThreadId) -> None:
    """Let a deleted thread be one that cannot be brought back, before its first byte is reclaimed.

    Whoever calls holds its lease. Raise Conflict when it is not deleted any more.
    """
    stone = find_tombstone(around.fs, around.home, thread_id)
    if stone is None:
        raise Conflict(f"pruning thread {thread_id}: it is not deleted any more", hint="Plan again.")
    if stone.pruned_at is None:
        publish_tombstone(around.fs, around.home, structs.replace(stone, pruned_at=around.clock()))


def _look(around: Surroundings, thread_id: ThreadId, act: str) -> _Home:
    around.opener.forget()
    rollouts = rollouts_of(around)
    if not rollouts.index.files_of(thread_id):
        raise NotFound(
            f"{act}: no file name in {around.home} carries that id",
            hint="Run `rollout list` to see which threads are there.",
        )
    return _Home(rollouts, list(iter_heads(rollouts)), deleted_ids(around.fs, around.home))


def _lease(around: Surroundings, thread_id: ThreadId) -> Lease:
    return take_lease(around.fs, around.home, thread_id, clock=around.clock, pid=around.pid)


def _publish(
    around: Surroundings, one: ThreadId, mode: DeleteMode, deleted_with: ThreadId, folders: DurableFolders
) -> None:
    stone = Tombstone(one, around.clock(), mode, deleted_with, ORIGINATOR, around.pid)
    publish_tombstone(around.fs, around.home, stone, folders)


def _find_obstacle(around: Surroundings, act: str, thread_id: ThreadId) -> RolloutError | None:
    """Return why a deleted thread cannot be shown again, or None when it can."""
    stone = find_tombstone(around.fs, around.home, thread_id)
    if stone is not None and stone.pruned_at is not None:
        return Conflict(
            f"{act}: bytes of thread {thread_id} were reclaimed, and are gone for good",
            hint="Its forks still read what they need of it.",
        )
    if not around.opener.index.files_of(thread_id):
        return NotFound(
            f"{act}: no file of thread {thread_id} is left", hint="Run `rollout prune` to be rid of the rest."
        )
    return None


def _refusal(act: str, heirs: list[ThreadId]) -> HasForks:
    shown = ", ".join(heirs[:_SHOWN]) + (" and more" if len(heirs) > _SHOWN else "")
    one = len(heirs) == 1
    return HasForks(
        f"{act}: {'1 thread stands' if one else f'{len(heirs)} threads stand'} on its history: {shown}",
        fork_ids=list(heirs),
        hint="Pass --keep-for-forks to keep the bytes they need, --flatten-children to copy those,"
        " or --cascade to delete them as well.",
    )
