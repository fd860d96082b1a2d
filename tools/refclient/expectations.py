"""Record what the live client answers about every thread of a scrubbed home.

Turns and items are asked of the home they were recorded in, databases included: without them the
client shows only what it happened to open again, and hides the superseded part of reverted
threads. Model input is asked of copies without databases. What depends on the clock or the file
system of the machine is left out, and a home's path becomes `$HOME_DIR`. `fixtures/README.md`
describes the result; its keys are made here and nowhere else.
"""

from pathlib import Path
from typing import Any

from refclient.capture import (
    Page,
    copy_home,
    list_items,
    list_threads,
    list_turns,
    make_live,
    sent_input_after_resume,
)
from refclient.endpoint import StandIn
from refclient.install import Client
from refclient.rpc import AppServer, RefusalError
from refclient.shapes import JsonObject

PAGE_LIMIT = 2
HOME_TOKEN = "$HOME_DIR"
VIEWS = ("notLoaded", "summary", "full")
DIRECTIONS = ("asc", "desc")
USAGE_SECONDS = 1.0

# Members of a thread taken from file times or the running process, not from the rollouts.
_UNSTABLE = frozenset({"updatedAt", "recencyAt", "status", "environments", "canAcceptDirectInput"})
_RESUME_KEYS = (
    "model",
    "modelProvider",
    "cwd",
    "approvalPolicy",
    "sandbox",
    "reasoningEffort",
    "initialTurnsPage",
    "turnsBackwardsCursor",
    "itemsBackwardsCursor",
)


def record_home(
    client: Client, live: Path, rollouts: Path, thread_ids: list[str], scratch: Path
) -> JsonObject:
    """Return `{thread id: expectations}` plus the key `listing` for one home.

    `live` is the home as the client left it, `rollouts` the same files without databases; only
    `live` is changed. `thread_ids` must name ancestors before their descendants.
    """
    answers = _answers(client, live, thread_ids)
    answers["listing"] = {
        "from_index": answers["listing"],
        "from_files": _listed_from_files(client, copy_home(rollouts, scratch / "listed")),
    }
    for thread_id in thread_ids:
        copy = copy_home(rollouts, scratch / thread_id)
        sent = sent_input_after_resume(client, copy, thread_id)
        answers[thread_id]["sent_input"] = {
            "items": stable(sent.items, copy),
            "leading": sent.leading,
            "trailing": sent.trailing,
        }
    return answers


def stable(value: Any, home: Path) -> Any:
    """Return a copy without the unstable members of threads, with the home's path as a token."""
    if isinstance(value, dict):
        left_out = _UNSTABLE if "historyMode" in value else frozenset[str]()
        return {k: stable(v, home) for k, v in value.items() if k not in left_out}
    if isinstance(value, list):
        return [stable(entry, home) for entry in value]
    if isinstance(value, str):
        return value.replace(str(home), HOME_TOKEN)
    return value


def _listed_from_files(client: Client, home: Path) -> JsonObject:
    with StandIn() as endpoint, AppServer(client, home, endpoint) as server:
        return _listing(server, home, index_only=False)


def _listing(server: AppServer, home: Path, *, index_only: bool) -> JsonObject:
    return {
        name: stable(list_threads(server, archived=archived, index_only=index_only), home)
        for name, archived in (("live", False), ("archived", True))
    }


def _answers(client: Client, home: Path, thread_ids: list[str]) -> JsonObject:
    """Return all but the sent input, from one server on `home`."""
    with StandIn() as endpoint, AppServer(client, home, endpoint) as server:
        answers: JsonObject = {"listing": _listing(server, home, index_only=True)}
        for thread_id in thread_ids:
            unopened = server.request("thread/read", {"threadId": thread_id})
            answers[thread_id] = {"read": stable(unopened["thread"], home)}
        for thread_id in thread_ids:
            answers[thread_id]["was_archived"] = make_live(server, thread_id)
            answers[thread_id]["resume"] = stable(_resume(server, thread_id), home)
            answers[thread_id].update(stable(_histories(server, thread_id), home))
    return answers


def _resume(server: AppServer, thread_id: str) -> JsonObject:
    """Return the stable part of a resume's answer, and the usage it announces, or null."""
    mark = server.mark()
    answer = server.request(
        "thread/resume",
        {"threadId": thread_id, "initialTurnsPage": {"limit": PAGE_LIMIT}},
    )
    thread = dict(answer["thread"])
    turns = thread.pop("turns")
    try:
        usage = server.wait_for(
            "thread/tokenUsage/updated",
            mark,
            lambda params: params["threadId"] == thread_id,
            USAGE_SECONDS,
        )
    except TimeoutError:
        usage = None
    return {
        "thread": thread,
        "turn_ids": [turn["id"] for turn in turns],
        "token_usage": usage,
        **{key: answer.get(key) for key in _RESUME_KEYS},
    }


def _histories(server: AppServer, thread_id: str) -> JsonObject:
    """Return turns and items: complete once, and how they fall into pages."""
    turns: JsonObject = {}
    turn_pages: JsonObject = {}
    for view in VIEWS:
        by_direction = {
            way: list_turns(server, thread_id, view=view, direction=way, limit=PAGE_LIMIT)
            for way in DIRECTIONS
        }
        turns[view] = _complete(by_direction)
        turn_pages[view] = {way: _outline(pages) for way, pages in by_direction.items()}
    read = server.request("thread/read", {"threadId": thread_id, "includeTurns": True})
    full: JsonObject = {
        "turns": turns,
        "turn_pages": turn_pages,
        "read_turns_equal_full": read["thread"]["turns"] == turns["full"],
        "items": None,
        "item_pages": None,
    }
    try:
        item_pages = {
            way: list_items(server, thread_id, direction=way, limit=PAGE_LIMIT) for way in DIRECTIONS
        }
    except RefusalError as refusal:
        return {**full, "items_refused": refusal.message}
    full["items"] = _complete(item_pages)
    full["item_pages"] = {way: _outline(pages) for way, pages in item_pages.items()}
    return full


def _complete(by_direction: dict[str, list[Page]]) -> list[JsonObject]:
    """Return all entries, oldest first; both directions must agree."""
    ascending = [entry for page in by_direction["asc"] for entry in page.entries]
    descending = [entry for page in by_direction["desc"] for entry in page.entries]
    assert ascending == descending[::-1], "the two directions disagree"
    return ascending


def _outline(pages: list[Page]) -> list[JsonObject]:
    """Return the pages with entries reduced to their ids."""
    return [
        {
            "ids": [entry.get("item", entry)["id"] for entry in page.entries],
            "nextCursor": page.next_cursor,
            "backwardsCursor": page.backwards_cursor,
        }
        for page in pages
    ]
