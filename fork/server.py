"""Methods of a server that make and compare families, which it reaches by name.

Contract: docs/protocol.md, "Methods".
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType, structs

from fork.create import Fork, ForkRequest, make_fork
from fork.diff import diff_threads
from fork.family import family_of
from fork.shapes import difference_shape, family_shape
from rollout.appserver import params as takes
from rollout.appserver.call import EPHEMERAL_HINT, TURNS_HINT, Answer, Call
from rollout.appserver.living import check_active, check_path, referred_id
from rollout.appserver.opened import Opened
from rollout.appserver.options import absolute, config_of, options_of, refuse_unkept
from rollout.appserver.protocol import Note
from rollout.appserver.shapes import Settled, ephemeral_copy, members_of, settled_members, shown_thread
from rollout.errors import InvalidRequest, NotFound
from rollout.ids import ThreadId
from rollout.store.forking import Overrides
from rollout.store.options import ThreadOptions
from rollout.store.recording import find_settings
from rollout.store.settings import ThreadSettings

_MILLIS = 1000


def fork_method(call: Call, given: takes.ThreadFork) -> Answer:
    """Make a thread that goes on where another one stands, and load it.

    The child is durable, and can be asked for, before anybody is told of it.
    """
    if given.last_turn_id is not None and given.before_turn_id is not None:
        raise call.invalid("`beforeTurnId` cannot be combined with `lastTurnId`")
    refuse_unkept(call, given)
    options = options_of(call, given)
    parent_id = referred_id(call, given.thread_id, given.path)
    unknown = f"no rollout found for thread id {parent_id}"
    if call.server.loaded.ephemeral(parent_id) is not None:
        raise call.unfit(unknown, EPHEMERAL_HINT)
    with call.lend(parent_id, unknown) as parent:
        check_active(call, parent)
        check_path(call, parent, given.path)
        if given.ephemeral:
            return _fork_in_memory(call, parent, given, options)
        child = _forked(call, parent, given, options)
    with call.lend(child.id, unknown) as opened:
        call.server.loaded.add(child.id, call.client)
        bare = shown_thread(call.server, opened.summary())
        shown = structs.replace(bare, turns=tuple(child.turns or ()))
        result = Settled(**settled_members(opened, shown))
    return Answer(result, after=(Note("thread/started", {"thread": bare}),))


def _forked(call: Call, parent: Opened, given: takes.ThreadFork, options: ThreadOptions) -> Fork:
    """Return the child. Raise the refusals that clients know for a turn that cannot be left at."""
    try:
        return make_fork(
            call.server.store,
            parent.thread,
            ForkRequest(given.before_turn_id, given.last_turn_id, given.exclude_turns, parent.summary().name),
            Overrides(*_folder_and_model(call, given), options=options),
        )
    except NotFound as error:
        turn_id = given.last_turn_id if given.last_turn_id is not None else given.before_turn_id
        if turn_id is None:
            raise
        if parent.is_paginated:
            raise call.missing(f"turn not found: {turn_id}", TURNS_HINT) from error
        member = "lastTurnId" if given.last_turn_id is not None else "beforeTurnId"
        message = f"{member} '{turn_id}' was not found in the source thread"
        raise call.missing(message, TURNS_HINT) from error
    except InvalidRequest as error:
        if given.last_turn_id is not None and "in-progress turn" in error.message:
            message = f"lastTurnId '{given.last_turn_id}' identifies an in-progress turn"
            raise call.unfit(message, "Fork before it, with `beforeTurnId`, or without a cut.") from error
        raise


def _folder_and_model(call: Call, given: takes.ThreadFork) -> tuple[str | UnsetType, str | UnsetType]:
    model = given.model or config_of(call, given).model
    cwd = absolute(call.server.settings.cwd, given.cwd) if given.cwd else UNSET
    return cwd, model if model is not None else UNSET


def _fork_in_memory(call: Call, parent: Opened, given: takes.ThreadFork, options: ThreadOptions) -> Answer:
    """Load a child that no file has: it lasts until it is let go of, and its history cannot be listed."""
    if parent.is_paginated and not given.exclude_turns:
        raise call.invalid("ephemeral paginated thread/fork requires `excludeTurns: true`")
    around = call.server.store.surroundings()
    child_id = ThreadId(around.new_id())
    summary = parent.summary()
    now_s = call.server.now_ms() // _MILLIS
    shown = ephemeral_copy(shown_thread(call.server, summary), child_id, parent.id, now_s)
    known = parent.hold("settings", lambda: find_settings(parent.thread.lineage))
    cwd, model = _folder_and_model(call, given)
    settings = known or ThreadSettings(summary.cwd, summary.model or "")
    settings = options.applied_to(settings.changed(cwd=cwd, model=model))
    provider = options.header.get("model_provider", shown.model_provider)
    source = given.thread_source if given.thread_source is not None else shown.thread_source
    shown = structs.replace(
        shown, cwd=settings.cwd, model=settings.model or None, model_provider=provider, thread_source=source
    )
    call.server.loaded.add(child_id, call.client, shown)
    result = Settled(**members_of(shown, settings))
    return Answer(result, after=(Note("thread/started", {"thread": shown}),))


def family_method(call: Call, given: takes.ThreadOnly) -> Answer:
    """Return all threads that a thread is related to by forks, parents before their children."""
    thread_id = call.thread_id(given.thread_id)
    with call.lend(thread_id, f"no rollout found for thread id {thread_id}"):
        return Answer(family_shape(family_of(call.server.store, thread_id)))


def diff_method(call: Call, given: takes.ThreadDiff) -> Answer:
    """Return what parts two threads."""
    one, other = call.thread_id(given.thread_id), call.thread_id(given.other_thread_id)
    for thread_id in (one, other):
        with call.lend(thread_id, f"no rollout found for thread id {thread_id}"):
            pass
    return Answer(
        difference_shape(diff_threads(call.server.store, one, other, allow_damage=given.allow_damage))
    )
