"""What a server answers with, where `rollout.wire` has no shape that a reader could hold it to.

Answers are validated by these. Members that are not named are passed over: servers add to them, and
fill what another release leaves null. Contract: docs/protocol.md, "Methods".
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from rollout.format.record import Damage
from rollout.replay.context import ReadStats
from rollout.turns.items import ThreadItem
from rollout.turns.model import Turn
from rollout.turns.paging import Page
from rollout.wire.resume import ModelContext
from rollout.wire.threads import GitInfo, ShownExtras, Status, ThreadExtras


class Thread(Struct, frozen=True, rename="camel", kw_only=True):
    """A thread. Times in seconds since the epoch; `source` is JSON: a word, or an object of a sub-agent's.

    `rollout` is what a server of this project says beyond the protocol.
    """

    id: str
    session_id: str
    preview: str
    name: str | None = None
    created_at: int
    updated_at: int
    recency_at: int | None = None
    status: Status
    ephemeral: bool
    path: str | None = None
    cwd: str
    git_info: GitInfo | None = None
    history_mode: str | None = None
    forked_from_id: str | None = None
    parent_thread_id: str | None = None
    model_provider: str
    model: str | None = None
    reasoning_effort: str | None = None
    cli_version: str
    originator: str | None = None
    source: Raw
    thread_source: str | None = None
    agent_nickname: str | None = None
    agent_role: str | None = None
    turns: list[Turn]
    rollout: ThreadExtras | UnsetType = UNSET


class ThreadPage(Struct, frozen=True, rename="camel"):
    """One page of threads."""

    data: list[Thread]
    next_cursor: str | None
    backwards_cursor: str | None = None


class Lineage(Struct, frozen=True):
    """A thread, and the parts of rollouts that make up its history, oldest first, in `rollout.segments`."""

    thread: Thread
    rollout: ShownExtras


class Settled(Struct, frozen=True, rename="camel", kw_only=True):
    """A thread that was started, taken up or forked, and how its next turn is run.

    `approval_policy` is a word or an object, `sandbox` an object; both are the protocol's.
    """

    thread: Thread
    model: str
    model_provider: str
    service_tier: str | None = None
    cwd: str
    approval_policy: Any
    approvals_reviewer: str
    sandbox: dict[str, Any]
    reasoning_effort: str | None = None


class TakenUp(Settled, frozen=True, rename="camel", kw_only=True):
    """A thread that was taken up again, and where reading its history backward begins."""

    initial_turns_page: Page[Turn] | None = None
    turns_backwards_cursor: str | None = None
    items_backwards_cursor: str | None = None


class Reverted(Struct, frozen=True, rename="camel", kw_only=True):
    """A thread that ends before one of its turns now."""

    thread: Thread
    turns_backwards_cursor: str | None = None
    items_backwards_cursor: str | None = None


class ItemEntry(Struct, frozen=True, rename="camel"):
    """An item with its turn; `output_deferred` where its output was left out. Times in milliseconds."""

    turn_id: str
    item: ThreadItem
    started_at_ms: int | None
    completed_at_ms: int | None
    output_deferred: bool = False


class SearchMatch(Struct, frozen=True):
    """A thread in which a term was said, and where it was first."""

    thread: Thread
    snippet: str


class MatchRange(Struct, frozen=True):
    """Where a match stands in its snippet, in UTF-16 units, half-open."""

    start: int
    end: int


class Occurrence(Struct, frozen=True, rename="camel"):
    """One place of a thread in which a term was said; `turn_cursor` begins a page with its turn."""

    turn_id: str
    item_id: str
    snippet: str
    snippet_match_range: MatchRange
    turn_cursor: str


class OccurrencePage(Struct, frozen=True, rename="camel"):
    """One page of occurrences, oldest first."""

    data: list[Occurrence]
    next_cursor: str | None


class ContextRead(Struct, frozen=True, rename="camel"):
    """What a model is given to continue a thread, and how that was read."""

    context: ModelContext
    read: ReadStats
    next_ordinal: int | None
    resumable: bool
    not_resumable_because: str | None
    damage: list[Damage]

    def input_json(self) -> bytes:
        """Return the JSON array to send to a model: the stored bytes."""
        return bytes(self.context.items)


class Kept(Struct, frozen=True, rename="camel"):
    """A checkpoint that was kept, in the log or beside it at `path`, of all before `end_offset`."""

    rollout_id: str
    path: str
    is_in_log: bool
    end_offset: int
    items: int
    context_bytes: int
    size_bytes: int


class ThreadOf(Struct, frozen=True):
    """An answer whose only member that matters is a thread."""

    thread: Thread


class DataOf(Struct, frozen=True):
    """An answer that lists items of one turn."""

    data: list[ItemEntry]


class Nothing(Struct, frozen=True):
    """The answer to what is done and has nothing to tell."""


class StatusOf(Struct, frozen=True):
    """The answer that says in one word what came of it."""

    status: str


class Greeting(Struct, frozen=True, rename="camel"):
    """Who answers: the server's name and version, and the home that it serves."""

    user_agent: str
    codex_home: str


class Message(Struct, frozen=True):
    """One message of a server: a response or a notification, told apart by `method`."""

    id: int | str | None = None
    method: str | None = None
    params: Raw = Raw(b"{}")
    result: Raw = Raw(b"")
    error: Refused | None = None


class Refused(Struct, frozen=True):
    """The error of a response."""

    code: int
    message: str
    data: Raw = Raw(b"null")
