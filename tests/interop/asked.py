"""What the live client says of every thread of a home, asked of one server process.

Listings come first, for all threads, since asking for the history adds a turn to each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TypeVar

from refclient.capture import (
    Page,
    SentInput,
    list_items,
    list_turns,
    make_live,
    open_threads,
    sent_input_of_probe,
)
from refclient.endpoint import StandIn
from refclient.install import Client
from refclient.rpc import AppServer, RefusalError

from rollout.turns.model import ItemsView
from rollout.turns.paging import SortDirection

T = TypeVar("T")

LIMIT = 2
LISTINGS = list(product(ItemsView, SortDirection))


@dataclass(frozen=True)
class Answers:
    """What a client said of one thread: pages of two, and the history it went on with."""

    turn_pages: dict[tuple[ItemsView, SortDirection], list[Page]] | RefusalError
    item_pages: dict[SortDirection, list[Page]] | RefusalError
    sent: SentInput | RefusalError


def ask_home(client: Client, home_copy: Path, thread_ids: list[str]) -> dict[str, Answers]:
    """Return the answers about each thread. `thread_ids` names ancestors first; the copy is changed."""
    with StandIn() as endpoint, AppServer(client, home_copy, endpoint) as server:
        for thread_id in thread_ids:
            make_live(server, thread_id)
            answer_or_refusal(lambda thread_id=thread_id: open_threads(server, [thread_id]))
        listed = {thread_id: _listings(server, thread_id) for thread_id in thread_ids}
        return {
            thread_id: Answers(
                *listed[thread_id],
                answer_or_refusal(lambda thread_id=thread_id: sent_input_of_probe(server, thread_id)),
            )
            for thread_id in thread_ids
        }


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
