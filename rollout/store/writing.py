"""What a store writes beside turns: new threads, their names, and threads that go back.

Whatever is wrong with a call is found before anything in the home is touched.
"""

from __future__ import annotations

from msgspec import Struct

from rollout.errors import Conflict, InvalidRequest, StorageFailed
from rollout.format.record import Mode
from rollout.ids import RolloutId, ThreadId
from rollout.log.facts import FactsPatch
from rollout.log.facts_writing import append_patch
from rollout.log.lease import take_lease
from rollout.log.names import append_name
from rollout.log.writer import Written
from rollout.replay.lineage import Lineage
from rollout.store.creating import NewThread, create_revert, create_rollout
from rollout.store.cuts import Cut, cut_before_turn
from rollout.store.durability import Durability
from rollout.store.forking import base_at
from rollout.store.labels import checked_folder, checked_name, checked_word
from rollout.store.options import NO_OPTIONS, ThreadOptions
from rollout.store.recording import Surroundings, open_recorder
from rollout.store.settings import ThreadSettings
from rollout.store.tombstones import require_not_deleted


class ThreadRequest(Struct, frozen=True):
    """What a new thread is to be."""

    cwd: str
    model: str
    model_provider: str
    source: str
    base_instructions: str | None
    name: str | None
    options: ThreadOptions = NO_OPTIONS


def make_thread(around: Surroundings, request: ThreadRequest) -> ThreadId:
    """Make a new, empty thread; return its id. Durable, name included, on return."""
    settings = ThreadSettings(checked_folder(request.cwd), checked_word(request.model, what="a model"))
    settings = request.options.applied_to(settings)
    provider = checked_word(request.model_provider, what="a model provider")
    name = checked_name(request.name) if request.name is not None else None
    thread_id = ThreadId(around.new_id())
    new = NewThread(thread_id, settings, provider, request.source, request.base_instructions, request.options)
    folders = around.opener.durable_folders
    path = create_rollout(around.fs, around.home, new, around.clock(), around.new_id, folders)
    around.opener.note_written(path)
    if name is not None:
        try:
            append_name(around.fs, around.home, thread_id, name, around.clock())
        except (StorageFailed, Conflict) as error:
            message = f"thread {thread_id} was made, but has no name: {error.message}"
            raise type(error)(message, hint=error.hint) from error
    return thread_id


def name_thread(around: Surroundings, thread_id: ThreadId, name: str) -> str:
    """Give a thread that is there a name; return it as stored."""
    name = checked_name(name)
    around.opener.open_thread(thread_id).close()
    append_patch(around.fs, around.home, thread_id, FactsPatch(name=name), around.clock())
    return name


def revert(around: Surroundings, thread_id: ThreadId, before_turn: str) -> None:
    """Let a paginated thread end before one of its turns, by a new rollout."""
    with around.opener.open_thread(thread_id) as lineage:
        _find_cut(lineage, before_turn)  # a wrong id is refused before anything is touched
    with (
        take_lease(around.fs, around.home, thread_id, clock=around.clock, pid=around.pid),
        around.opener.open_thread(thread_id) as lineage,
    ):
        require_not_deleted(around.fs, around.home, thread_id, f"reverting thread {thread_id}")
        base = base_at(around, lineage, _find_cut(lineage, before_turn))
        new_id = RolloutId(around.new_id())
        path = create_revert(around.fs, around.home, lineage, base, around.clock(), new_id)
        around.opener.note_written(path)


def _find_cut(lineage: Lineage, before_turn: str) -> Cut:
    if lineage.newest.header.mode is not Mode.PAGINATED:
        raise InvalidRequest(
            f"reverting thread {lineage.thread_id}: it is legacy, and cannot be reverted",
            hint="Roll its last turns back instead.",
        )
    return cut_before_turn(lineage, before_turn)


def roll_back(around: Surroundings, thread_id: ThreadId, num_turns: int) -> Written:
    """Take the last turns of a legacy thread out of replay."""
    with around.opener.open_thread(thread_id) as lineage:
        is_paginated = lineage.newest.header.mode is Mode.PAGINATED
    if is_paginated:
        raise InvalidRequest(
            f"rolling back thread {thread_id}: it is paginated, and has no rollback",
            hint=f"Run `rollout revert {thread_id} --before-turn ID` instead.",
        )
    with open_recorder(around, thread_id, Durability.TURN) as recorder:
        return recorder.roll_back(num_turns)
