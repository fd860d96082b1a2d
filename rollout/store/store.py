"""The store over one home: find, list, read and check its threads.

Reading writes nothing into the home but derived files, and asks no database (invariant 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from rollout.replay.checkpoint import CHECKPOINT_EVERY_BYTES
from rollout.store.check import FileCheck, check_files, files_to_check
from rollout.store.facts import ThreadFacts, find_facts, set_facts, teller
from rollout.store.opening import Opener
from rollout.store.places import SortKey
from rollout.store.sidecars import FileSidecars
from rollout.store.thread import Thread
from rollout.store.tombstones import DeleteMode
from rollout.turns.paging import DEFAULT_LIMIT, ItemsView, Page, SortDirection

if TYPE_CHECKING:
    from pathlib import Path

    from rollout.catalog.query import ThreadFilter
    from rollout.fs.api import FileSystem
    from rollout.ids import ThreadId
    from rollout.log.facts import FactsPatch
    from rollout.log.layout import RolloutFile
    from rollout.log.writer import Written
    from rollout.replay.context import Context
    from rollout.replay.lineage import Lineage
    from rollout.store.agents import Agents
    from rollout.store.archiving import Moves
    from rollout.store.cataloged import Cataloged
    from rollout.store.checkpoints import KeptCheckpoint
    from rollout.store.deleting import Deleted, Flatten
    from rollout.store.headers import Rollouts
    from rollout.store.listing import Finding, Listing
    from rollout.store.recorder import Recorder
    from rollout.store.recording import Surroundings
    from rollout.store.repair import Repaired, RepairPlan
    from rollout.store.summary import ThreadSummary
    from rollout.store.whole_turn import WholeTurn
    from rollout.turns.model import Turn, TurnItem


class Store:
    """The threads of one home, each named by its id, four letters or more of it, or its name."""

    def __init__(
        self,
        fs: FileSystem,
        home: str,
        max_line_bytes: int,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        state_folder: str | None = None,
    ) -> None:
        self.fs = fs
        self.home = home
        self.max_line_bytes = max_line_bytes
        self._clock = clock
        self._new_id = new_id
        self._opener = Opener(fs, home, max_line_bytes, clock)
        self._state_folder = state_folder
        self._catalog: Cataloged | None = None
        self._sidecars: FileSidecars | None = None
        if state_folder:
            writable, index = lambda: self.surroundings().fs, lambda: self._opener.index
            self._sidecars = FileSidecars(fs, state_folder, writable, home, index)

    @property
    def catalog(self) -> Cataloged:
        """The catalog of the home, and its listings whether or not there is one."""
        if self._catalog is None:
            from rollout.store.cataloged import Cataloged

            opener, state = self._opener, self._state_folder
            self._catalog = Cataloged(self.fs, self.home, opener, state, self._clock, self.max_line_bytes)
        return self._catalog

    @property
    def agents(self) -> Agents:
        """The agents of the home: who spawned whom, closing and resuming with all below."""
        from rollout.store.agents import Agents

        return Agents(self)

    def find_thread_id(self, reference: str) -> ThreadId:
        """Return the id that a reference stands for. Raise NotFound, or InvalidRequest for several."""
        return self._opener.find_thread_id(reference)

    def newest_thread_id(self) -> ThreadId:
        """Return the thread whose file changed last. Raise NotFound in an empty home."""
        return self.catalog.newest_thread_id()

    def open_thread(self, reference: str, *, path_hint: str | None = None) -> Thread:
        """Open a thread by reference.

        A path is a hint: it is used only if the header there carries the id and nothing newer
        does. Raise NotFound, InvalidRequest, DamagedLog, BrokenLineage or StorageFailed.
        """
        thread_id = self.find_thread_id(reference)
        return self._thread(self._opener.open_thread(thread_id, path_hint))

    def open_path(self, path: str) -> Thread:
        """Open exactly the rollout at `path`, whichever thread it belongs to."""
        return self._thread(self._opener.open_path(path))

    def _thread(self, lineage: Lineage) -> Thread:
        return Thread(
            lineage,
            lambda summary: teller(self.fs, self.home, self._opener)(summary),  # noqa: PLW0108  # as they are then
            lambda one, when, every: self.record(one, durability=when, checkpoint_every_bytes=every),
            self._sidecars,
            lambda: self.catalog,
        )

    def resume(self, reference: str, *, full_replay: bool = False, allow_damage: bool = False) -> Context:
        """Return what continuing a thread needs. Raise DamagedLog as `Thread.context` does."""
        with self.open_thread(reference) as thread:
            return thread.context(full_replay=full_replay, allow_damage=allow_damage)

    def summary(self, reference: str) -> ThreadSummary:
        """Return what a listing says of one thread."""
        with self.open_thread(reference) as thread:
            return thread.summary()

    def turns(
        self,
        reference: str,
        *,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
        direction: SortDirection = SortDirection.DESC,
        view: ItemsView = ItemsView.SUMMARY,
        allow_damage: bool = False,
    ) -> Page[Turn]:
        """Return one page of 1-100 turns, newest first unless told otherwise, as `Thread.turns` does."""
        with self.open_thread(reference) as thread:
            return thread.turns(
                limit=limit, cursor=cursor, direction=direction, view=view, allow_damage=allow_damage
            )

    def items(
        self,
        reference: str,
        *,
        turn_id: str | None = None,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
        direction: SortDirection = SortDirection.ASC,
        allow_damage: bool = False,
    ) -> Page[TurnItem]:
        """Return one page of 1-100 items, oldest first unless told otherwise, as `Thread.items` does."""
        with self.open_thread(reference) as thread:
            return thread.items(
                turn_id=turn_id, limit=limit, cursor=cursor, direction=direction, allow_damage=allow_damage
            )

    def list_threads(
        self,
        *,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
        sort: SortKey = SortKey.CREATED,
        direction: SortDirection = SortDirection.DESC,
        is_archived: bool = False,
        where: ThreadFilter | None = None,
    ) -> Listing:
        """Return one page of 1-100 threads. A thread that cannot be read is a row with a problem."""
        from rollout.catalog.query import NO_FILTER
        from rollout.store.listing import ListRequest

        request = ListRequest(limit, cursor, sort, direction, is_archived, where or NO_FILTER)
        return self.catalog.list_threads(request)

    def files_to_check(self, thread: Thread | None = None) -> list[RolloutFile]:
        """Return the files that a check of one thread, or of the whole home, reads: oldest first."""
        return files_to_check(self._opener.index, thread)

    def rollouts(self) -> Rollouts:
        """Return the rollouts of the home, for those who must know how they hang together."""
        return self.catalog.rollouts()

    def findings(self) -> list[Finding]:
        """Return what lies among the rollouts and is no thread, or could not be looked into."""
        return self.catalog.findings()

    def check(self, files: list[RolloutFile]) -> Iterator[FileCheck]:
        """Yield what is wrong with each file, reading all of it and changing nothing."""
        return check_files(self.fs, self._opener.index, files, self.max_line_bytes)

    def files_to_repair(self, reference: str | None = None) -> list[RolloutFile]:
        """Return the files that a repair of a thread, readable or not, or of the whole home looks at."""
        from rollout.store.repair import files_to_repair

        wanted = self.find_thread_id(reference) if reference is not None else None
        return files_to_repair(self._opener.index, self.home, wanted)

    def plan_repair(self, checks: Iterable[FileCheck], reference: str | None = None) -> RepairPlan:
        """Return what a repair would do about files that were checked, and about drafts left over."""
        from rollout.store.repair import plan_of_home

        wanted = self.find_thread_id(reference) if reference is not None else None
        return plan_of_home(self.fs, self.home, self._opener.index, self._clock(), checks, wanted)

    def apply_repair(self, plan: RepairPlan) -> Iterator[Repaired]:
        """Do what a plan says, step by step: each durable when it is yielded, or with its error."""
        from rollout.store.repair import apply_repair

        return apply_repair(self.surroundings(), plan)

    def create_thread(
        self,
        *,
        cwd: str | Path,
        model: str,
        model_provider: str = "openai",
        source: str = "cli",
        base_instructions: str | None = None,
        name: str | None = None,
    ) -> Thread:
        """Make a new, empty thread. Durable, and readable by its id, on return.

        `cwd` is absolute. Raise InvalidRequest for text that cannot be stored, StorageFailed.
        """
        from rollout.store.writing import ThreadRequest, make_thread

        request = ThreadRequest(str(cwd), model, model_provider, source, base_instructions, name)
        return self.open_thread(make_thread(self.surroundings(), request))

    def set_name(self, reference: str, name: str) -> str:
        """Give a thread a name; return it as stored, without white space around it. Durable on return.

        Several threads may have the same. Raise NotFound, InvalidRequest, Conflict while names are locked.
        """
        from rollout.store.writing import name_thread

        return name_thread(self.surroundings(), self.find_thread_id(reference), name)

    def set_facts(self, reference: str, patch: FactsPatch) -> ThreadFacts:
        """Let a patch count of what people say of a thread; return all of it. Raise as `facts.set_facts`."""
        return set_facts(self.surroundings(), self.find_thread_id(reference), patch)

    def facts(self, reference: str) -> ThreadFacts:
        """Return what people said of a thread: name, pin, tags, git state, memory mode, where it moved to."""
        return find_facts(self.fs, self.home, self._opener, self.find_thread_id(reference))

    def record(
        self,
        reference: str,
        *,
        durability: str = "turn",
        checkpoint_every_bytes: int | None = CHECKPOINT_EVERY_BYTES,
    ) -> Recorder:
        """Return the recorder of a thread, as `Thread.record` does."""
        from rollout.store.recording import open_recorder

        around, thread_id = self.surroundings(), self.find_thread_id(reference)
        return open_recorder(around, thread_id, durability, checkpoint_every_bytes=checkpoint_every_bytes)

    def checkpoint(self, reference: str) -> KeptCheckpoint:
        """Keep a checkpoint of a thread as it stands, so that resuming it need not read further back.

        In its log if we made that, else in a sidecar. Raise InvalidRequest when there is nothing, or nowhere.
        """
        from rollout.store.checkpoints import keep_checkpoint

        return keep_checkpoint(self.surroundings(), self._sidecars, self.find_thread_id(reference))

    def append_turn(
        self, reference: str, items: Sequence[Mapping[str, Any] | bytes], *, durability: str = "turn"
    ) -> WholeTurn:
        """Record a completed turn of these items in one write.

        A crash leaves all of it, or nothing that reads as completed. Raise as `record` does, and
        InvalidRequest, with nothing written, when an item cannot be stored.
        """
        from rollout.store.whole_turn import record_whole_turn

        with self.record(reference, durability=durability) as recorder:
            return record_whole_turn(recorder, items, lambda: self.open_thread(recorder.thread_id))

    def roll_back_thread(self, reference: str, num_turns: int) -> Written:
        """Take the last turns of a legacy thread out of replay; a paginated one has `revert_thread`."""
        from rollout.store.writing import roll_back

        return roll_back(self.surroundings(), self.find_thread_id(reference), num_turns)

    def revert_thread(self, reference: str, *, before_turn: str) -> Thread:
        """Let a paginated thread end before one of its turns; return it as it is then.

        Nothing is rewritten: a new rollout names where the older one is left. Durable on return.
        Raise NotFound for an unknown turn, InvalidRequest for a legacy thread, LeaseHeld.
        """
        from rollout.store.writing import revert

        thread_id = self.find_thread_id(reference)
        revert(self.surroundings(), thread_id, before_turn)
        return self.open_thread(thread_id)

    def archive_thread(self, reference: str) -> Moves:
        """Move a thread and those it spawned to the archive: all of them or none. Durable on return."""
        from rollout.store.archiving import archive

        return archive(self.surroundings(), self.find_thread_id(reference))

    def unarchive_thread(self, reference: str) -> Moves:
        """Move them back, as `archive_thread`. Raise NotFound, Conflict, LeaseHeld."""
        from rollout.store.archiving import unarchive

        return unarchive(self.surroundings(), self.find_thread_id(reference))

    def delete_thread(
        self, reference: str, mode: DeleteMode = DeleteMode.PLAIN, flatten: Flatten | None = None
    ) -> Deleted:
        """Hide a thread and those it spawned; their bytes stay. Raise HasForks, as `deleting.delete` does."""
        from rollout.store.deleting import delete

        return delete(self.surroundings(), self.find_thread_id(reference), mode, flatten)

    def undelete_thread(self, reference: str) -> Deleted:
        """Show a deleted thread again. Raise NotFound, or Conflict once bytes of it are gone."""
        from rollout.store.deleting import undelete

        return undelete(self.surroundings(), self._opener.find_deleted_id(reference))

    def surroundings(self) -> Surroundings:
        """Return what writing to this home takes. Raise InvalidRequest over a file system that only reads."""
        from rollout.fs.posix_write import current_pid, writable
        from rollout.store.recording import Surroundings

        fs, side, state = writable(self.fs, self.home), self._sidecars, self._state_folder
        pid, cap = current_pid(), self.max_line_bytes
        return Surroundings(fs, self.home, self._opener, self._clock, self._new_id, pid, cap, side, state)

    def close(self) -> None:
        """Let go of what was learnt of the home. Idempotent; a closed store may be used again."""
        if self._opener.written:
            self.catalog.catch_up()
        self._opener.forget()
        if self._catalog is not None:
            self._catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
