"""Methods that load threads and let them go: start, resume, unsubscribe, and what is loaded.

A resume reads both ends of a thread and nothing between them, however long it is, unless turns are asked
for. Contract: docs/protocol.md, "Methods".
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from msgspec import UNSET

from rollout.appserver import params as takes
from rollout.appserver.call import Answer, Call, refusal
from rollout.appserver.opened import Opened
from rollout.appserver.options import absolute, config_of, options_of, refuse_unkept
from rollout.appserver.protocol import INTERNAL_ERROR, Note
from rollout.appserver.server import status_note, unloaded_notes
from rollout.appserver.shapes import (
    Resumed,
    Settled,
    collaboration_mode,
    members_of,
    page_shape,
    settled_members,
    shown_thread,
)
from rollout.errors import DamagedLog, StorageFailed
from rollout.format.record import Mode
from rollout.format.vocabulary import SETTINGS_APPLIED
from rollout.ids import ThreadId, find_uuid
from rollout.log.layout import base_name, find_name
from rollout.store.creating import ORIGINATOR
from rollout.store.labels import checked_folder, checked_word
from rollout.store.recording import find_settings
from rollout.store.settings import ThreadSettings
from rollout.store.writing import ThreadRequest, make_thread
from rollout.turns.paging import DEFAULT_LIMIT, ItemsView, SortDirection
from rollout.version import VERSION
from rollout.wire.threads import Status, Thread

_MILLIS = 1000
_SHOWN = 400
_SOURCE = "vscode"
"""Who starts a thread over this protocol, in the word that clients list by default."""
PATH_HINT = "Leave `path` out and give `threadId`."


def start(call: Call, given: takes.ThreadStart) -> Answer:
    """Make a new, empty thread, and load it. Durable before it is told of, unless it is ephemeral."""
    server = call.server
    config = config_of(call, given)
    cwd = absolute(server.settings.cwd, given.cwd)
    model = given.model or config.model or server.settings.model
    if not model:
        raise call.invalid("thread/start needs a `model`: none is configured for this server")
    if given.history_mode is Mode.LEGACY:
        raise call.invalid("thread/start makes paginated threads only")
    refuse_unkept(call, given)
    options = options_of(call, given)
    provider = given.model_provider or config.model_provider or server.settings.provider or "openai"
    if given.ephemeral:
        settings = options.applied_to(ThreadSettings(cwd, model))
        shown = _ephemeral(call, settings, provider, given.thread_source)
        server.loaded.add(ThreadId(shown.id), call.client, shown)
        result = Settled(**members_of(shown, settings))
    else:
        request = ThreadRequest(cwd, model, provider, _SOURCE, given.base_instructions, None, options)
        thread_id = make_thread(server.store.surroundings(), request)
        server.loaded.add(thread_id, call.client)
        with call.lend(thread_id, f"no rollout found for thread id {thread_id}") as opened:
            shown = shown_thread(server, opened.summary())
            result = Settled(**settled_members(opened, shown))
    return Answer(result, after=(Note("thread/started", {"thread": shown}),))


def _ephemeral(call: Call, settings: ThreadSettings, provider: str, thread_source: str | None) -> Thread:
    now_s = call.server.now_ms() // _MILLIS
    thread_id = call.server.store.surroundings().new_id()
    return Thread(
        id=thread_id,
        session_id=thread_id,
        forked_from_id=None,
        parent_thread_id=None,
        preview="",
        ephemeral=True,
        history_mode=Mode.PAGINATED.value,
        model_provider=provider,
        model=settings.model,
        reasoning_effort=settings.effort if isinstance(settings.effort, str) else None,
        created_at=now_s,
        updated_at=now_s,
        recency_at=now_s,
        status=Status("idle"),
        path=None,
        cwd=settings.cwd,
        cli_version=VERSION,
        originator=ORIGINATOR,
        source=_SOURCE,
        thread_source=thread_source,
        agent_nickname=None,
        agent_role=None,
        git_info=None,
        name=None,
    )


def resume(call: Call, given: takes.ThreadResume) -> Answer:
    """Load a thread, and say how it stands: with all turns, a first page of them, or none."""
    refuse_unkept(call, given)
    loaded_id = find_uuid(given.thread_id)
    if given.path and loaded_id is not None and loaded_id in call.server.loaded:
        thread_id = ThreadId(loaded_id)  # who runs a thread knows which file is its own
    else:
        thread_id = referred_id(call, given.thread_id, given.path)
    unknown = f"no rollout found for thread id {thread_id}"
    with call.lend(thread_id, unknown) as opened:
        check_active(call, opened)
        check_path(call, opened, given.path)
        change = _changed_settings(call, opened, given)
        provider = opened.summary().model_provider
    if change is not None:
        _record_settings(call, thread_id, change, provider)
    with call.lend(thread_id, unknown) as opened:
        is_new = call.server.loaded.add(thread_id, call.client)
        try:
            result = _resumed(call, opened, given)
        except BaseException:
            if is_new:
                call.server.loaded.leave(thread_id, call.client)
            raise
    return Answer(result, before=(status_note(thread_id, "idle"),) if is_new else ())


def _resumed(call: Call, opened: Opened, given: takes.ThreadResume) -> Resumed:
    turns = () if given.exclude_turns else tuple(opened.thread.all_turns())
    shown = shown_thread(call.server, opened.summary(), turns)
    page = None
    wanted = given.initial_turns_page
    if wanted is not None:
        page = page_shape(
            opened.thread.turns(
                limit=wanted.limit if wanted.limit is not None else DEFAULT_LIMIT,
                direction=wanted.sort_direction or SortDirection.DESC,
                view=wanted.items_view or ItemsView.SUMMARY,
            )
        )
    ends = newest_cursors(opened)
    members = settled_members(opened, shown)
    return Resumed(
        **members,
        collaboration_mode=collaboration_mode(members),
        initial_turns_page=page,
        turns_backwards_cursor=ends["turnsBackwardsCursor"],
        items_backwards_cursor=ends["itemsBackwardsCursor"],
    )


def newest_cursors(opened: Opened) -> dict[str, str | None]:
    """Return where reading backward begins: the newest turn and item; null where any of it is legacy.

    What cannot be read for damage has none: the pages themselves say what is wrong.
    """
    found: dict[str, str | None] = {"turnsBackwardsCursor": None, "itemsBackwardsCursor": None}
    if not opened.thread.lineage.is_paginated:
        return found
    thread = opened.thread

    def read() -> dict[str, str | None]:
        with suppress(DamagedLog):
            turns = thread.turns(limit=1, view=ItemsView.NOT_LOADED)
            items = thread.items(limit=1, direction=SortDirection.DESC)
            found["turnsBackwardsCursor"] = turns.backwards_cursor
            found["itemsBackwardsCursor"] = items.backwards_cursor
        return found

    return opened.hold("cursors", read)


def _changed_settings(call: Call, opened: Opened, given: takes.ThreadResume) -> ThreadSettings | None:
    """Return the settings that a client gives instead of those that are recorded; None for no change."""
    config, options = config_of(call, given), options_of(call, given)
    summary = opened.summary()
    provider = given.model_provider or config.model_provider
    if provider is not None and provider != summary.model_provider:
        raise call.invalid(
            f"failed to load configuration: Cannot change this thread's model provider from"
            f" `{summary.model_provider}` to `{provider[:80]}` on resume."
        )
    model = given.model or config.model
    cwd = checked_folder(absolute(call.server.settings.cwd, given.cwd)) if given.cwd else None
    model = checked_word(model, what="a model") if model is not None else None
    if model is None and cwd is None and not options.has_settings:
        return None
    known = opened.hold("settings", lambda: find_settings(opened.thread.lineage))
    if known is not None:
        changed = known.changed(
            cwd=cwd if cwd is not None else UNSET, model=model if model is not None else UNSET
        )
        changed = options.applied_to(changed)
        return changed if changed != known else None
    model = model or summary.model or call.server.settings.model
    if not model:
        raise call.invalid(f"thread {opened.id} has no settings to change: give a `model`, too")
    return options.applied_to(ThreadSettings(cwd or summary.cwd, model))


def _record_settings(call: Call, thread_id: ThreadId, change: ThreadSettings, provider: str) -> None:
    event: dict[str, Any] = {
        "type": SETTINGS_APPLIED,
        "thread_id": thread_id,
        "thread_settings": change.applied(provider),
    }
    with call.server.store.record(thread_id) as recorder:
        recorder.write([recorder.event(event)])


def unsubscribe(call: Call, given: takes.ThreadOnly) -> Answer:
    """Let go of a thread; it is unloaded when nobody else uses it."""
    thread_id = call.thread_id(given.thread_id)
    loaded = call.server.loaded
    if thread_id not in loaded:
        return Answer({"status": "notLoaded"})
    was_used, is_unloaded = loaded.leave(thread_id, call.client)
    notes = unloaded_notes(thread_id) if is_unloaded else ()
    return Answer({"status": "unsubscribed" if was_used else "notSubscribed"}, after=notes)


def list_loaded(call: Call, given: takes.LoadedList) -> Answer:
    """Return the threads that are loaded, in the order of their ids."""
    ids = call.server.loaded.ids()
    if not ids:
        return Answer({"data": [], "nextCursor": None})
    if given.cursor is not None:
        behind = find_uuid(given.cursor)
        if behind is None:
            raise call.bad_cursor(f"invalid cursor: {given.cursor[:200]}")
        ids = [one for one in ids if one > behind]
    size = max(1, given.limit) if given.limit is not None else len(ids)
    more = len(ids) > size
    return Answer({"data": ids[:size], "nextCursor": ids[size - 1] if more else None})


def referred_id(call: Call, text: str, path: str | None) -> ThreadId:
    """Return the id that a resume or a fork means: that of a path's name, if there is one.

    No path is opened: it says which thread is meant, and `check_path` compares it.
    """
    if not path:
        return call.thread_id(text, what="session id")
    name = find_name(base_name(path))
    if not _is_there(call, path):
        message = f"failed to resolve rollout path `{path[:_SHOWN]}`: file does not exist"
        raise call.missing(message, PATH_HINT)
    if name is None:
        message = f"failed to read the rollout at `{path[:_SHOWN]}`: it is not named like one"
        raise refusal(INTERNAL_ERROR, message, "request.invalid", PATH_HINT)
    return name.thread_id


def _is_there(call: Call, path: str) -> bool:
    """Tell whether a path names a file of the home; what lies elsewhere is nobody's business here."""
    asked, home = absolute(call.server.store.home, path), call.server.store.home
    if not asked.startswith(f"{home}/") or "\0" in asked:
        return False
    try:
        return call.server.store.fs.find_stat(asked) is not None
    except StorageFailed:
        return False  # such as a name that is longer than any file's


def check_active(call: Call, opened: Opened) -> None:
    """Refuse a thread that is archived."""
    if opened.is_archived:
        raise call.archived(
            f"session {opened.id} is archived. Run `rollout unarchive {opened.id}` to unarchive it first."
        )


def check_path(call: Call, opened: Opened, path: str | None) -> None:
    """Refuse a path that is not the thread's newest rollout."""
    if not path:
        return
    asked = absolute(call.server.store.home, path)
    current = opened.thread.lineage.newest.file.path
    if asked == current:
        return
    if opened.id in call.server.loaded:
        stale = f"with stale path: requested `{asked}`, active `{current}`"
        raise call.unfit(f"cannot resume running thread {opened.id} {stale}", PATH_HINT)
    kind = "paginated " if opened.is_paginated else ""
    raise call.unfit(
        f"cannot resume {kind}thread {opened.id} with stale path: requested {asked}, current {current};"
        " omit path and resume by thread id",
        PATH_HINT,
    )
