"""Ask the live client what it makes of a home: the oracle of the interop tests.

    turns = list_turns(server, thread_id, view="full", direction="asc", limit=2)
    sent = sent_input_after_resume(client, copy_home(home, scratch), thread_id)
    assert sent.history == what_the_library_rebuilt

The client writes into the home it is given: always hand it a copy.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from refclient.driver import Driver
from refclient.endpoint import StandIn
from refclient.install import Client
from refclient.replies import say
from refclient.rpc import AppServer, RefusalError
from refclient.shapes import JsonObject

PROBE_TEXT = "Probe after resume."
_KEPT_TREES = ("sessions", "archived_sessions")
_KEPT_FILES = ("session_index.jsonl",)


@dataclass(frozen=True)
class Page:
    """One page of a listing."""

    entries: list[JsonObject]
    next_cursor: str | None
    backwards_cursor: str | None


@dataclass(frozen=True)
class SentInput:
    """The `input` of the first request after a resume, in three parts.

    `items` is all of it. The first `leading` items are the instructions, which the client puts in
    front and never stores as an item; the last `trailing` ones belong to the new turn.
    """

    items: list[JsonObject]
    leading: int
    trailing: int

    @property
    def history(self) -> list[JsonObject]:
        """What the client rebuilt from the rollouts: the part in the middle."""
        return self.items[self.leading : len(self.items) - self.trailing]


def copy_home(source: Path, target: Path) -> Path:
    """Copy the rollouts of a home, and nothing derived, to `target`; return `target`."""
    target.mkdir(parents=True)
    for name in _KEPT_TREES:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
    for name in _KEPT_FILES:
        if (source / name).is_file():
            shutil.copy2(source / name, target / name)
    return target


def list_turns(server: AppServer, thread_id: str, *, view: str, direction: str, limit: int) -> list[Page]:
    """Return every page of `thread/turns/list`, following cursors to the end.

    `view` is `notLoaded`, `summary` or `full`; `direction` is `asc` or `desc`. Paginated threads
    must have been resumed on this server, ancestors first: see `open_threads`.
    """
    params: JsonObject = {"threadId": thread_id, "itemsView": view}
    return _pages(server, "thread/turns/list", params, direction, limit)


def list_items(server: AppServer, thread_id: str, *, direction: str, limit: int) -> list[Page]:
    """Return every page of `thread/items/list`; legacy threads are RefusalError."""
    return _pages(server, "thread/items/list", {"threadId": thread_id}, direction, limit)


def list_threads(server: AppServer, *, archived: bool, index_only: bool = False) -> list[JsonObject]:
    """Return the threads of the home, newest first, of every provider.

    With `index_only` the client asks its database alone; otherwise it also scans the files.
    """
    params: JsonObject = {
        "archived": archived,
        "modelProviders": [],
        "useStateDbOnly": index_only,
    }
    pages = _pages(server, "thread/list", params, "desc", limit=100)
    return [thread for page in pages for thread in page.entries]


def open_threads(server: AppServer, thread_ids: list[str]) -> None:
    """Resume threads, in the given order, so that the client projects their turns."""
    for thread_id in thread_ids:
        server.request("thread/resume", {"threadId": thread_id, "excludeTurns": True})


def make_live(server: AppServer, thread_id: str) -> bool:
    """Unarchive a thread if it is archived, since the client resumes only live ones."""
    try:
        server.request("thread/unarchive", {"threadId": thread_id})
    except RefusalError:
        return False
    return True


def sent_input_after_resume(client: Client, home_copy: Path, thread_id: str) -> SentInput:
    """Resume a thread, ask one thing, and return the `input` array the client sent.

    `home_copy` is changed. Raise AssertionError if the new turn's items cannot be told apart.
    """
    with StandIn() as endpoint, AppServer(client, home_copy, endpoint) as server:
        return sent_input_of_probe(server, thread_id)


def sent_input_of_probe(server: AppServer, thread_id: str) -> SentInput:
    """Do the same on a running server, which may have the thread loaded already."""
    make_live(server, thread_id)
    resumed = server.request("thread/resume", {"threadId": thread_id, "excludeTurns": True})
    rollout = Path(resumed["thread"]["path"])
    size_before = rollout.stat().st_size
    asked = len(server.endpoint.requests)
    Driver(server, server.home).turn(thread_id, PROBE_TEXT, say("Probed."))
    items: list[JsonObject] = server.endpoint.wait_for_request(asked)["input"]
    new = _sent_by_turn(rollout.read_bytes()[size_before:])
    assert [item["id"] for item in items[len(items) - len(new) :]] == [item["id"] for item in new]
    return SentInput(items, leading=_instructions(items), trailing=len(new))


def _instructions(items: list[JsonObject]) -> int:
    """Return how many items the client made of the base instructions: they have a UUIDv5 id."""
    first = items[0]
    is_made_up = first.get("role") == "developer" and first["id"].split("-")[2].startswith("5")
    return 1 if is_made_up else 0


def _sent_by_turn(appended: bytes) -> list[JsonObject]:
    """Return the items a turn wrote before the model's first answer."""
    new: list[JsonObject] = []
    for line in appended.splitlines():
        record: JsonObject = json.loads(line) if line.strip() else {"type": ""}
        if record["type"] != "response_item":
            continue
        if record["payload"].get("role") == "assistant":
            break
        new.append(record["payload"])
    return new


def _pages(server: AppServer, method: str, params: JsonObject, direction: str, limit: int) -> list[Page]:
    pages: list[Page] = []
    cursor = None
    while True:
        answer = server.request(
            method, {**params, "sortDirection": direction, "limit": limit, "cursor": cursor}
        )
        pages.append(Page(answer["data"], answer["nextCursor"], answer["backwardsCursor"]))
        cursor = answer["nextCursor"]
        if cursor is None:
            return pages
