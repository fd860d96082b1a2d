"""Methods that change what is kept: names, what is known of a thread, the archive, and how it ends.

Each is durable before it is answered; who else is told follows the answer.
Contract: docs/protocol.md, "Methods".
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw

from rollout.appserver import params as takes
from rollout.appserver.call import EMPTY, EPHEMERAL_HINT, TURNS_HINT, Answer, Call, UnknownThread
from rollout.appserver.decoding import decode_params
from rollout.appserver.living import newest_cursors
from rollout.appserver.protocol import INVALID_REQUEST, Note
from rollout.appserver.server import status_note
from rollout.appserver.shapes import shown_thread
from rollout.errors import HasForks, InvalidRequest, NotFound
from rollout.format.encoding import Draft
from rollout.format.vocabulary import RESPONSE_ITEM
from rollout.ids import ThreadId
from rollout.log.facts import FactsPatch, GitPatch
from rollout.store.facts import set_facts
from rollout.store.given import foreign_item

_SHOWN_FORKS = 3


def set_name(call: Call, given: takes.NameSet) -> Answer:
    """Give a thread a name."""
    thread_id = call.thread_id(given.thread_id)
    if not given.name.strip():
        raise call.invalid("thread name must not be empty")
    _require_active(call, thread_id)
    name = call.server.store.set_name(thread_id, given.name)
    note = Note("thread/name/updated", {"threadId": thread_id, "threadName": name})
    return Answer(EMPTY, after=(note,))


def update_metadata(call: Call, given: takes.MetadataUpdate) -> Answer:
    """Change what is known of a thread's git state; archived threads as well."""
    thread_id = call.thread_id(given.thread_id)
    git = _given_git(call, given.git_info)
    if git is None:
        if given.project_id is None and given.daybreak_enabled is None:
            raise call.invalid("thread metadata update must include at least one field")
        raise call.invalid("projects and daybreak are not kept by this server")
    with call.lend(thread_id, f"no rollout found for thread id {thread_id}") as opened:
        set_facts(call.server.store.surroundings(), thread_id, FactsPatch(git_info=git))
        return Answer({"thread": shown_thread(call.server, opened.summary())})


def _given_git(call: Call, stored: Raw) -> GitPatch | None:
    """Return the members of a git state that are to change; None when none is given."""
    if bytes(stored) in {b"", b"null"}:
        return None
    git = decode_params(stored, GitPatch)
    members = msgspec.structs.asdict(git)
    if all(value is UNSET for value in members.values()):
        raise call.invalid("gitInfo must include at least one field")
    for name, value in members.items():
        if isinstance(value, str) and not value.strip():
            member = "originUrl" if name == "origin_url" else name
            raise call.invalid(f"gitInfo.{member} must not be empty")
    return git


def set_memory_mode(call: Call, given: takes.MemoryModeSet) -> Answer:
    """Say whether memories may be made from a thread."""
    thread_id = call.thread_id(given.thread_id)
    _require_active(call, thread_id)
    set_facts(call.server.store.surroundings(), thread_id, FactsPatch(memory_mode=given.mode.value))
    return Answer(EMPTY)


def _require_active(call: Call, thread_id: ThreadId) -> None:
    """Refuse a thread that is not there, or archived."""
    unknown = f"no rollout found for thread id {thread_id}"
    with call.lend(thread_id, unknown) as opened:
        if opened.is_archived:
            raise call.archived(unknown)


def archive(call: Call, given: takes.ThreadOnly) -> Answer:
    """Move a thread and those it spawned to the archive; whoever uses one is told first."""
    thread_id = call.thread_id(given.thread_id, what="session id")
    _require_active(call, thread_id)
    try:
        moved = call.server.store.archive_thread(thread_id)
    except NotFound as error:
        raise UnknownThread(INVALID_REQUEST, f"no rollout found for thread id {thread_id}") from error
    return Answer(
        EMPTY,
        before=_unloaded(call, moved.thread_ids),
        after=tuple(Note("thread/archived", {"threadId": one}) for one in moved.thread_ids),
    )


def unarchive(call: Call, given: takes.ThreadOnly) -> Answer:
    """Move a thread and those it spawned back."""
    thread_id = call.thread_id(given.thread_id, what="session id")
    unknown = f"no archived rollout found for thread id {thread_id}"
    with call.lend(thread_id, unknown) as opened:
        if not opened.is_archived:
            raise call.unfit(unknown, "It is not archived: there is nothing to be done.")
    moved = call.server.store.unarchive_thread(thread_id)
    with call.lend(thread_id, unknown) as opened:
        shown = shown_thread(call.server, opened.summary())
    notes = tuple(Note("thread/unarchived", {"threadId": one}) for one in moved.thread_ids)
    return Answer({"thread": shown}, after=notes)


def delete(call: Call, given: takes.ThreadOnly) -> Answer:
    """Delete a thread and those it spawned, unless a fork's history rests on one of them."""
    thread_id = call.thread_id(given.thread_id)
    if call.server.loaded.ephemeral(thread_id) is not None:
        message = f"thread is not persisted and cannot be deleted: {thread_id}"
        raise call.unfit(message, "Let go of it, with thread/unsubscribe: nothing of it is stored.")
    try:
        gone = call.server.store.delete_thread(thread_id)
    except NotFound as error:
        raise UnknownThread(INVALID_REQUEST, f"no rollout found for thread id {thread_id}") from error
    except HasForks as error:
        message = f"cannot delete thread {thread_id}: forked history still references it"
        forks = ", ".join(error.fork_ids[:_SHOWN_FORKS])
        raise call.unfit(message, f"Archive it, or delete its forks first: {forks}.") from error
    return Answer(
        EMPTY,
        before=_unloaded(call, gone.thread_ids),
        after=tuple(
            Note("thread/deleted", {"threadId": one}) for one in (*gone.thread_ids[1:], gone.thread_ids[0])
        ),
    )


def _unloaded(call: Call, thread_ids: list[ThreadId]) -> tuple[Note, ...]:
    """Unload threads; return what is told of those that were loaded."""
    return tuple(status_note(one, "notLoaded") for one in thread_ids if call.server.loaded.unload(one))


def revert(call: Call, given: takes.Revert) -> Answer:
    """Let a loaded thread end before one of its turns."""
    thread_id = call.thread_id(given.thread_id)
    unknown = _require_loaded(call, thread_id)
    if call.server.loaded.ephemeral(thread_id) is not None:
        raise call.unfit("ephemeral threads do not support thread/revert", EPHEMERAL_HINT)
    with call.lend(thread_id, unknown) as opened:
        if opened.is_archived:
            raise call.archived(unknown)
        if not opened.is_paginated:
            hint = "Fork it before that turn, with thread/fork and `beforeTurnId`."
            raise call.unfit("thread/revert only supports paginated threads", hint)
    try:
        call.server.store.revert_thread(thread_id, before_turn=given.before_turn_id).close()
    except NotFound as error:
        raise call.missing(f"turn not found: {given.before_turn_id}", TURNS_HINT) from error
    with call.lend(thread_id, unknown) as opened:
        result = {"thread": shown_thread(call.server, opened.summary()), **newest_cursors(opened)}
    return Answer(
        result,
        before=(status_note(thread_id, "notLoaded"), status_note(thread_id, "idle")),
        after=(Note("thread/reverted", {"threadId": thread_id}),),
    )


def _require_loaded(call: Call, thread_id: ThreadId) -> str:
    """Refuse a thread that is not loaded; return the words for it."""
    unknown = f"thread not found: {thread_id}"
    if thread_id not in call.server.loaded:
        raise call.unfit(unknown, "Load it first, with thread/resume.")
    return unknown


def inject_items(call: Call, given: takes.InjectItems) -> Answer:
    """Record items that the model is given, and nobody is shown."""
    thread_id = call.thread_id(given.thread_id)
    unknown = _require_loaded(call, thread_id)
    if not given.items:
        raise call.invalid("items must not be empty")
    if call.server.loaded.ephemeral(thread_id) is not None:
        raise call.unfit("ephemeral threads do not support thread/inject_items", EPHEMERAL_HINT)
    drafts: list[Draft] = []
    for number, item in enumerate(given.items):
        try:
            drafts.append(Draft(RESPONSE_ITEM, foreign_item(bytes(item)).payload))
        except (InvalidRequest, msgspec.MsgspecError) as error:
            why = str(error).removeprefix("recording an item: ")
            raise call.invalid(f"items[{number}] is not a valid response item: {why}") from error
    try:
        recorder = call.server.store.record(thread_id)
    except NotFound as error:
        raise UnknownThread(INVALID_REQUEST, unknown) from error
    with recorder:
        recorder.write(drafts)
    return Answer(EMPTY)
