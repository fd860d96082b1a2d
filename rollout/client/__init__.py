"""A typed client for apps that keep threads in another process, over the protocol of agent clients.

    from rollout.client import connect_stdio

    async with connect_stdio(["rollout", "app-server"], home="~/.codex") as client:
        page = await client.list_threads(limit=10)
        resumed = await client.resume_thread(page.data[0].id, exclude_turns=True, turns_limit=20)

Everything named here is promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollout.promised import find_promised, homes_of

if TYPE_CHECKING:
    from rollout.client.answers import (
        ContextRead,
        ItemEntry,
        Kept,
        Lineage,
        Occurrence,
        OccurrencePage,
        Reverted,
        SearchMatch,
        Settled,
        TakenUp,
        Thread,
        ThreadPage,
    )
    from rollout.client.client import Client
    from rollout.client.connecting import connect_stdio, connect_unix, connect_websocket
    from rollout.client.following import Followed, Notice, Notices, Position, StoredRecord, Watch
    from rollout.client.refusals import NoAnswer, ServerGone
    from rollout.turns.unknown import UnknownItem, UnknownPart

__all__ = [
    # the client
    "Client",
    "connect_stdio",
    "connect_unix",
    "connect_websocket",
    # what it answers
    "ContextRead",
    "ItemEntry",
    "Kept",
    "Lineage",
    "Occurrence",
    "OccurrencePage",
    "Reverted",
    "SearchMatch",
    "Settled",
    "TakenUp",
    "Thread",
    "ThreadPage",
    "UnknownItem",
    "UnknownPart",
    # following
    "Followed",
    "Notice",
    "Notices",
    "Position",
    "StoredRecord",
    "Watch",
    # errors, beside those of `rollout`
    "NoAnswer",
    "ServerGone",
]

_HOMES: Final = homes_of(
    {
        "rollout.client.answers": (
            "ContextRead",
            "ItemEntry",
            "Kept",
            "Lineage",
            "Occurrence",
            "OccurrencePage",
            "Reverted",
            "SearchMatch",
            "Settled",
            "TakenUp",
            "Thread",
            "ThreadPage",
        ),
        "rollout.client.client": ("Client",),
        "rollout.client.connecting": ("connect_stdio", "connect_unix", "connect_websocket"),
        "rollout.client.following": ("Followed", "Notice", "Notices", "Position", "StoredRecord", "Watch"),
        "rollout.client.refusals": ("NoAnswer", "ServerGone"),
        "rollout.turns.unknown": ("UnknownItem", "UnknownPart"),
    }
)


def __getattr__(name: str) -> object:
    """Import a promised name when it is first asked for."""
    globals()[name] = found = find_promised(__name__, _HOMES, name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
