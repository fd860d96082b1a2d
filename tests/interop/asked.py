"""What the live client says of every thread of a home, asked of one or two server processes.

Listings come first, for all threads, since asking for the history adds a turn to each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import TypeVar

from refclient.capture import (
    Page,
    SentInput,
    copy_home,
    list_items,
    list_turns,
    make_live,
    open_threads,
    sent_input_of_probe,
)
from refclient.driver import Driver
from refclient.endpoint import StandIn
from refclient.install import Client
from refclient.replies import say
from refclient.rpc import AppServer, RefusalError
from refclient.shapes import JsonObject

from rollout.turns.paging import ItemsView, SortDirection

T = TypeVar("T")

LIMIT = 2
LISTINGS = list(product(ItemsView, SortDirection))


@dataclass(frozen=True)
class Answers:
    """What a client said of one thread: pages of two, and the history it went on with.

    `compaction` is what it wrote when it compacted another copy right after a resume: there it
    tells what else it had rebuilt. None unless that was asked for.
    """

    turn_pages: dict[tuple[ItemsView, SortDirection], list[Page]] | RefusalError
    item_pages: dict[SortDirection, list[Page]] | RefusalError
    sent: SentInput | RefusalError
    compaction: list[JsonObject] | RefusalError | None

    @property
    def history(self) -> list[JsonObject]:
        """The history it went on with. Raise the refusal if there was one."""
        if isinstance(self.sent, RefusalError):
            raise self.sent
        return self.sent.history

    def written(self, type_: str) -> JsonObject:
        """Return the payload of the first record of a type that the compaction wrote."""
        if isinstance(self.compaction, RefusalError):
            raise self.compaction
        assert self.compaction is not None, "ask for a compaction to see what it writes"
        payload: JsonObject = next(r["payload"] for r in self.compaction if r["type"] == type_)
        return payload


def ask_home(
    client: Client, home: Path, thread_ids: list[str], scratch: Path, *, compacts: bool
) -> dict[str, Answers]:
    """Return the answers about each thread of a home, of which copies in `scratch` are changed.

    `thread_ids` names ancestors first.
    """
    with _serving(client, copy_home(home, scratch / "asked")) as server:
        for thread_id in thread_ids:
            make_live(server, thread_id)
            answer_or_refusal(partial(open_threads, server, [thread_id]))
        listings = {thread_id: _listings(server, thread_id) for thread_id in thread_ids}
        sent = {
            thread_id: answer_or_refusal(partial(sent_input_of_probe, server, thread_id))
            for thread_id in thread_ids
        }
    compactions: dict[str, list[JsonObject] | RefusalError] = {}
    if compacts:
        with _serving(client, copy_home(home, scratch / "compacted")) as server:
            for thread_id in thread_ids:
                compactions[thread_id] = answer_or_refusal(partial(_compact, server, thread_id))
    return {
        thread_id: Answers(*listings[thread_id], sent[thread_id], compactions.get(thread_id))
        for thread_id in thread_ids
    }


@contextmanager
def _serving(client: Client, home: Path) -> Iterator[AppServer]:
    with StandIn() as endpoint, AppServer(client, home, endpoint) as server:
        yield server


def _compact(server: AppServer, thread_id: str) -> list[JsonObject]:
    """Compact a thread right after resuming it; return the records appended since the resume."""
    make_live(server, thread_id)
    resumed = server.request("thread/resume", {"threadId": thread_id, "excludeTurns": True})
    rollout = Path(resumed["thread"]["path"])
    size_before = rollout.stat().st_size
    Driver(server, server.home).compact(thread_id, say("Summed up."))
    lines = rollout.read_bytes()[size_before:].splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def answer_or_refusal(call: Callable[[], T]) -> T | RefusalError:
    """Return what `call` returns, or the refusal it met: a refusal is an answer, too."""
    try:
        return call()
    except RefusalError as refusal:
        return refusal


def _listings(
    server: AppServer, thread_id: str
) -> tuple[
    dict[tuple[ItemsView, SortDirection], list[Page]] | RefusalError,
    dict[SortDirection, list[Page]] | RefusalError,
]:
    turns = answer_or_refusal(
        lambda: {
            (view, way): list_turns(server, thread_id, view=view.value, direction=way.value, limit=LIMIT)
            for view, way in LISTINGS
        }
    )
    items = answer_or_refusal(
        lambda: {
            way: list_items(server, thread_id, direction=way.value, limit=LIMIT) for way in SortDirection
        }
    )
    return turns, items
