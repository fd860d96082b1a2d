"""What each method takes: one struct a method, members that are not named here ignored.

Names, defaults and which members may be null are the protocol's. Contract: docs/protocol.md, "Methods".
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

from msgspec import Meta, Raw, Struct

from rollout.appserver.choices import CapabilityRoot, Personality, RunChoices
from rollout.catalog.kinds import SourceKind
from rollout.format.record import Mode
from rollout.turns.paging import ItemsView, SortDirection

ABSENT: Final = Raw(b"")
UInt32 = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]


class ThreadSortKey(StrEnum):
    """What a listing of threads is sorted by."""

    CREATED = "created_at"
    UPDATED = "updated_at"
    RECENCY = "recency_at"
    SECTION = "section_position"


class SearchSortKey(StrEnum):
    """What a search over threads is sorted by."""

    CREATED = "created_at"
    UPDATED = "updated_at"
    RECENCY = "recency_at"


class MemoryMode(StrEnum):
    """Whether memories may be made from a thread."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class ThreadOnly(Struct, frozen=True, rename="camel"):
    """A method that takes a thread, and nothing else."""

    thread_id: str


class ThreadList(Struct, frozen=True, rename="camel"):
    """Which threads are listed, in which order."""

    cursor: str | None = None
    limit: UInt32 | None = None
    sort_key: ThreadSortKey | None = None
    sort_direction: SortDirection | None = None
    archived: bool | None = None
    cwd: str | list[str] | None = None
    search_term: str | None = None
    source_kinds: list[SourceKind] | None = None
    model_providers: list[str] | None = None
    use_state_db_only: bool = False
    parent_thread_id: str | None = None
    ancestor_thread_id: str | None = None
    excluded_thread_ids: list[str] | None = None
    originators: list[str] | None = None
    project_id: str | None = None
    section_id: str | None = None
    current_account_only: bool = False
    include_attached_threads: bool = False
    attached_to_thread_id: str | None = None


class ThreadRead(Struct, frozen=True, rename="camel"):
    """One thread, with or without all of its turns."""

    thread_id: str
    include_turns: bool = False


class TurnsList(Struct, frozen=True, rename="camel"):
    """One page of turns."""

    thread_id: str
    cursor: str | None = None
    limit: UInt32 | None = None
    sort_direction: SortDirection | None = None
    items_view: ItemsView | None = None


class ItemAnchor(Struct, frozen=True, rename="camel", tag="item", tag_field="type"):
    """A place in a turn: behind, or before, one of its items."""

    item_id: str


class OutputDeferral(Struct, frozen=True, rename="camel"):
    """Which saved output is left out of a page."""

    command_execution: bool = False
    mcp_tool_call: bool = False


class ItemsList(Struct, frozen=True, rename="camel"):
    """One page of items, of a thread or of one of its turns."""

    thread_id: str
    turn_id: str | None = None
    cursor: str | ItemAnchor | None = None
    limit: UInt32 | None = None
    sort_direction: SortDirection | None = None
    defer_output: OutputDeferral | None = None


class ItemsRead(Struct, frozen=True, rename="camel"):
    """Items of one turn, by their ids."""

    thread_id: str
    turn_id: str
    item_ids: list[str]


class PageOf(Struct, frozen=True, rename="camel"):
    """One page of something of a thread that has one order."""

    thread_id: str
    cursor: str | None = None
    limit: UInt32 | None = None


class ThreadSearch(Struct, frozen=True, rename="camel"):
    """A search over what was said in any thread."""

    search_term: str
    cursor: str | None = None
    limit: UInt32 | None = None
    sort_key: SearchSortKey | None = None
    sort_direction: SortDirection | None = None
    archived: bool | None = None
    source_kinds: list[SourceKind] | None = None
    current_account_only: bool = False
    include_attached_threads: bool = False


class SearchOccurrences(Struct, frozen=True, rename="camel"):
    """A search within one thread."""

    thread_id: str
    search_term: str
    cursor: str | None = None
    limit: UInt32 | None = None


class LoadedList(Struct, frozen=True, rename="camel"):
    """One page of the threads that are loaded."""

    cursor: str | None = None
    limit: UInt32 | None = None


class ThreadStart(RunChoices, frozen=True, rename="camel", kw_only=True):
    """What a new thread is to be."""

    ephemeral: bool | None = None
    history_mode: Mode | None = None
    thread_source: str | None = None
    dynamic_tools: list[Raw] | None = None
    selected_capability_roots: list[CapabilityRoot] | None = None
    personality: Personality | None = None
    project_id: str | None = None
    daybreak_enabled: bool | None = None
    environments: list[Raw] | None = None
    multi_agent_mode: Any = None
    allow_provider_model_fallback: bool = False
    experimental_raw_events: bool = False
    mock_experimental_field: str | None = None


class InitialTurnsPage(Struct, frozen=True, rename="camel"):
    """The page of turns that a resume brings along."""

    limit: UInt32 | None = None
    sort_direction: SortDirection | None = None
    items_view: ItemsView | None = None


class ThreadResume(RunChoices, frozen=True, rename="camel", kw_only=True):
    """Which thread is taken up again, and what is shown of it at once."""

    thread_id: str
    exclude_turns: bool = False
    initial_turns_page: InitialTurnsPage | None = None
    path: str | None = None
    personality: Personality | None = None
    history: list[Raw] | None = None


class ThreadFork(RunChoices, frozen=True, rename="camel", kw_only=True):
    """Which thread is forked, and where."""

    thread_id: str
    exclude_turns: bool = False
    last_turn_id: str | None = None
    before_turn_id: str | None = None
    ephemeral: bool = False
    path: str | None = None
    thread_source: str | None = None
    attach_to_source: bool = False
    defer_goal_continuation: bool = False
    experimental_prediction_mode: bool = False
    experimental_disable_prediction_mcp: bool = False


class NameSet(Struct, frozen=True, rename="camel"):
    """A thread's new name."""

    thread_id: str
    name: str


class MetadataUpdate(Struct, frozen=True, rename="camel"):
    """What is changed of what is known of a thread; of git absent means kept, null cleared."""

    thread_id: str
    git_info: Raw = ABSENT
    project_id: str | None = None
    daybreak_enabled: bool | None = None


class MemoryModeSet(Struct, frozen=True, rename="camel"):
    """A thread's new memory mode."""

    thread_id: str
    mode: MemoryMode


class Revert(Struct, frozen=True, rename="camel"):
    """The turn that a thread is to end before."""

    thread_id: str
    before_turn_id: str


class InjectItems(Struct, frozen=True, rename="camel"):
    """Items for the model alone."""

    thread_id: str
    items: list[Raw]


class ContextRead(Struct, frozen=True, rename="camel"):
    """How a model's context is read."""

    thread_id: str
    full_replay: bool = False
    allow_damage: bool = False


class ThreadDiff(Struct, frozen=True, rename="camel"):
    """Two threads to compare."""

    thread_id: str
    other_thread_id: str
    allow_damage: bool = False


class WatchPosition(Struct, frozen=True, rename="camel"):
    """Up to where a client knows a thread's newest rollout, in decoded bytes."""

    rollout_id: str
    end_offset: Annotated[int, Meta(ge=0)]


class Watch(Struct, frozen=True, rename="camel"):
    """A thread to follow, from its end or from a position."""

    thread_id: str
    position: WatchPosition | None = None


class Unwatch(Struct, frozen=True, rename="camel"):
    """What is followed no more."""

    watch_id: str


class ClientInfo(Struct, frozen=True, rename="camel"):
    """Who connects."""

    name: str
    version: str
    title: str | None = None


class Capabilities(Struct, frozen=True, rename="camel"):
    """What a client takes."""

    experimental_api: bool = False
    opt_out_notification_methods: list[str] | None = None


class Initialize(Struct, frozen=True, rename="camel"):
    """The handshake."""

    client_info: ClientInfo
    capabilities: Capabilities | None = None
