"""Typed payloads: what each record type must hold, decoded only when somebody asks.

Members that no rule of ours reads are not declared; they stay in the line's bytes.
Format: docs/format.md, "Record types".
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Raw, Struct

from rollout.format.record import ABSENT, MAX_COUNT

Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]


class BaseLink(Struct, frozen=True):
    """`history_base`: where a fork or revert leaves its parent. `thread_id` is a rollout id."""

    thread_id: str
    end_ordinal_exclusive: Count
    end_byte_offset: Count


class FirstWindow(Struct, frozen=True):
    """`context_window` of a header."""

    window_id: str | None = None


class GitState(Struct, frozen=True):
    """`git` of a header."""

    commit_hash: str | None = None
    branch: str | None = None
    repository_url: str | None = None


class SessionMeta(Struct, frozen=True):
    """Payload of `session_meta`. The first five members are required since era C."""

    id: str
    timestamp: str
    cwd: str
    originator: str
    cli_version: str
    history_mode: str = "legacy"
    session_id: str | None = None
    forked_from_id: str | None = None
    parent_thread_id: str | None = None
    thread_source: str | None = None
    agent_nickname: str | None = None
    agent_role: str | None = None
    model_provider: str | None = None
    source: Raw = ABSENT
    git: GitState | None = None
    history_base: BaseLink | None = None
    base_anchor: Raw = ABSENT
    context_window: FirstWindow | None = None
    subagent_history_start_ordinal: Count | None = None


class ApprovalPolicy(StrEnum):
    """Accepted string values of `approval_policy`; an object (granular rules) is accepted too."""

    UNTRUSTED = "untrusted"
    ON_FAILURE = "on-failure"
    ON_REQUEST = "on-request"
    NEVER = "never"


class SandboxKind(StrEnum):
    """Accepted tags of `sandbox_policy`."""

    FULL_ACCESS = "danger-full-access"
    READ_ONLY = "read-only"
    EXTERNAL = "external-sandbox"
    WORKSPACE_WRITE = "workspace-write"


class SummaryKind(StrEnum):
    """Accepted values of `summary`."""

    AUTO = "auto"
    CONCISE = "concise"
    DETAILED = "detailed"
    NONE = "none"


class SandboxPolicy(Struct, frozen=True):
    """`sandbox_policy`, tagged with `type`. Files of 2025 used `mode` and no longer parse."""

    type: SandboxKind


class TurnContext(Struct, frozen=True):
    """Payload of `turn_context`. The first four members are required."""

    cwd: str
    approval_policy: ApprovalPolicy | dict[str, Raw]
    sandbox_policy: SandboxPolicy
    model: str
    turn_id: str | None = None
    summary: SummaryKind | None = None
    effort: Raw = ABSENT
    comp_hash: str | None = None
    realtime_active: bool | None = None


class TurnSettings(Struct, frozen=True):
    """What a model switch is detected against: the settings of the previous turn."""

    model: str
    comp_hash: str | None = None
    realtime_active: bool | None = None


class ResumeMetadata(Struct, frozen=True):
    """`resume_metadata` of a compaction: what a bounded reader would otherwise have to look up."""

    previous_turn_settings: TurnSettings | None = None
    last_started_turn_id: str | None = None


class Compacted(Struct, frozen=True):
    """Payload of `compacted`. `window_id` may be a number (old form of `window_number`)."""

    message: str = ""
    replacement_history: list[Raw] | None = None
    replacement_history_metadata: list[Raw] | None = None
    window_number: Count | None = None
    window_id: str | Count | None = None
    first_window_id: str | None = None
    previous_window_id: str | None = None
    resume_metadata: ResumeMetadata | None = None
    latest_token_usage_record: Raw = ABSENT

    @property
    def number(self) -> int | None:
        """The window number, from whichever member holds it."""
        if self.window_number is not None:
            return self.window_number
        return self.window_id if isinstance(self.window_id, int) else None


class WorldState(Struct, frozen=True):
    """Payload of `world_state`: a full state, or a merge patch onto the one before."""

    full: bool
    state: dict[str, Raw]


class AgentCommunication(Struct, frozen=True):
    """Payload of `inter_agent_communication`."""

    author: str
    recipient: str
    content: str
    other_recipients: list[str] = []


class TaskStarted(Struct, frozen=True):
    """Event `task_started`; times in seconds."""

    turn_id: str
    root_turn_id: str | None = None
    started_at: int | float | None = None


class TaskComplete(Struct, frozen=True):
    """Event `task_complete`; times in seconds, duration in milliseconds."""

    turn_id: str
    root_turn_id: str | None = None
    error: Raw = ABSENT
    started_at: int | float | None = None
    completed_at: int | float | None = None
    duration_ms: int | float | None = None


class TurnAborted(Struct, frozen=True):
    """Event `turn_aborted`; files of 2025 carry no id."""

    turn_id: str | None = None
    root_turn_id: str | None = None
    error: Raw = ABSENT
    started_at: int | float | None = None
    completed_at: int | float | None = None
    duration_ms: int | float | None = None


class RolledBack(Struct, frozen=True):
    """Event `thread_rolled_back`."""

    num_turns: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]


class ItemCompleted(Struct, frozen=True):
    """Event `item_completed`; times in milliseconds, 0 for unknown."""

    turn_id: str
    item: Raw
    thread_id: str | None = None
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class SaidText(Struct, frozen=True):
    """Events `user_message` and `agent_message`."""

    message: str


class ReasonedText(Struct, frozen=True):
    """Events `agent_reasoning` and `agent_reasoning_raw_content`."""

    text: str


class TokenCount(Struct, frozen=True):
    """Event `token_count`; `info` is null when only rate limits were reported."""

    info: Raw = ABSENT


class UsageRecord(Struct, frozen=True):
    """Payload of `token_usage_record`, as far as totals need it."""

    thread_token_usage: Raw = ABSENT
