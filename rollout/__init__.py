"""A store for the conversations of coding agents.

    import rollout

    with rollout.open_store("~/.codex") as store:
        context = store.resume(thread_id)        # .input_json(), .window, .read
        page = store.turns(thread_id, limit=50)  # .data, .next_cursor, .backwards_cursor

Everything named here is promised; the rest may be imported and may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollout.promised import find_promised, homes_of
from rollout.version import VERSION

if TYPE_CHECKING:
    from rollout.catalog.kinds import SourceKind
    from rollout.catalog.query import ThreadFilter
    from rollout.errors import (
        BrokenLineage,
        Conflict,
        DamagedLog,
        HasForks,
        InvalidCursor,
        InvalidRequest,
        LeaseHeld,
        NotFound,
        RolloutError,
        StorageFailed,
        UnsupportedFormat,
    )
    from rollout.format.record import Damage
    from rollout.ids import RolloutId, ThreadId, TurnId, parse_thread_id
    from rollout.log.facts import FactsPatch, GitPatch
    from rollout.log.spawns import SpawnEdge, SpawnStatus
    from rollout.replay.context import Context, ReadStats
    from rollout.replay.reading import ReadPath
    from rollout.store.agents import Agent, Agents, Closed, Resumed, Unresumed
    from rollout.store.archiving import Moved, Moves
    from rollout.store.check import FileCheck
    from rollout.store.checkpoints import KeptCheckpoint
    from rollout.store.compressing import Compressed, Thawed, compress_threads, decompress_thread
    from rollout.store.deleting import Deleted
    from rollout.store.durability import Durability
    from rollout.store.facts import MemoryMode, ThreadFacts
    from rollout.store.headers import AgentLabel
    from rollout.store.listing import Listing
    from rollout.store.places import SortKey
    from rollout.store.recorder import Recorder
    from rollout.store.root import open_store
    from rollout.store.spawn_graph import SpawnGraph
    from rollout.store.store import Store
    from rollout.store.summary import Problem, ThreadSummary
    from rollout.store.thread import Thread
    from rollout.store.tombstones import DeleteMode
    from rollout.store.turn_recorder import TurnRecorder
    from rollout.turns.model import Turn, TurnItem, TurnStatus
    from rollout.turns.paging import ItemsView, Page, SortDirection

__version__ = VERSION

__all__ = [
    # the store
    "Store",
    "Thread",
    "compress_threads",
    "decompress_thread",
    "open_store",
    # recording
    "Durability",
    "Recorder",
    "TurnRecorder",
    # what it answers
    "Compressed",
    "Context",
    "Damage",
    "Deleted",
    "FileCheck",
    "KeptCheckpoint",
    "Listing",
    "Moved",
    "Moves",
    "Page",
    "Problem",
    "ReadPath",
    "ReadStats",
    "ThreadFacts",
    "Thawed",
    "ThreadSummary",
    "Turn",
    "TurnItem",
    "TurnStatus",
    # agents
    "Agent",
    "AgentLabel",
    "Agents",
    "Closed",
    "Resumed",
    "SpawnEdge",
    "SpawnGraph",
    "SpawnStatus",
    "Unresumed",
    # how it is asked
    "DeleteMode",
    "FactsPatch",
    "GitPatch",
    "ItemsView",
    "MemoryMode",
    "SortDirection",
    "SortKey",
    "SourceKind",
    "ThreadFilter",
    # identities
    "RolloutId",
    "ThreadId",
    "TurnId",
    "parse_thread_id",
    # errors
    "BrokenLineage",
    "Conflict",
    "DamagedLog",
    "HasForks",
    "InvalidCursor",
    "InvalidRequest",
    "LeaseHeld",
    "NotFound",
    "RolloutError",
    "StorageFailed",
    "UnsupportedFormat",
]

_HOMES: Final = homes_of(
    {
        "rollout.catalog.kinds": ("SourceKind",),
        "rollout.catalog.query": ("ThreadFilter",),
        "rollout.errors": (
            "BrokenLineage",
            "Conflict",
            "DamagedLog",
            "HasForks",
            "InvalidCursor",
            "InvalidRequest",
            "LeaseHeld",
            "NotFound",
            "RolloutError",
            "StorageFailed",
            "UnsupportedFormat",
        ),
        "rollout.format.record": ("Damage",),
        "rollout.ids": ("RolloutId", "ThreadId", "TurnId", "parse_thread_id"),
        "rollout.log.facts": ("FactsPatch", "GitPatch"),
        "rollout.log.spawns": ("SpawnEdge", "SpawnStatus"),
        "rollout.replay.context": ("Context", "ReadStats"),
        "rollout.replay.reading": ("ReadPath",),
        "rollout.store.agents": ("Agent", "Agents", "Closed", "Resumed", "Unresumed"),
        "rollout.store.archiving": ("Moved", "Moves"),
        "rollout.store.check": ("FileCheck",),
        "rollout.store.checkpoints": ("KeptCheckpoint",),
        "rollout.store.compressing": ("Compressed", "Thawed", "compress_threads", "decompress_thread"),
        "rollout.store.deleting": ("Deleted",),
        "rollout.store.durability": ("Durability",),
        "rollout.store.facts": ("MemoryMode", "ThreadFacts"),
        "rollout.store.headers": ("AgentLabel",),
        "rollout.store.listing": ("Listing",),
        "rollout.store.places": ("SortKey",),
        "rollout.store.recorder": ("Recorder",),
        "rollout.store.root": ("open_store",),
        "rollout.store.spawn_graph": ("SpawnGraph",),
        "rollout.store.store": ("Store",),
        "rollout.store.summary": ("Problem", "ThreadSummary"),
        "rollout.store.thread": ("Thread",),
        "rollout.store.tombstones": ("DeleteMode",),
        "rollout.store.turn_recorder": ("TurnRecorder",),
        "rollout.turns.model": ("Turn", "TurnItem", "TurnStatus"),
        "rollout.turns.paging": ("ItemsView", "Page", "SortDirection"),
    }
)


def __getattr__(name: str) -> object:
    """Import a promised name when it is first asked for: the command line asks for few."""
    globals()[name] = found = find_promised(__name__, _HOMES, name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
