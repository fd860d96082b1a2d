"""Stored shapes of what agents ask of each other, and what became of them.

Members and words are snake case. A word outside its closed set makes the item
undecodable, and the item is skipped. Format: docs/format.md, "Items".
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from rollout.turns import items, tool_parts, words

Effort = Annotated[str, msgspec.Meta(min_length=1)]


class LastWords(Struct, frozen=True):
    """An agent's state that carries a message: exactly one member is set."""

    completed: str | UnsetType | None = UNSET
    errored: str | UnsetType = UNSET


StoredAgentState = Literal["pending_init", "running", "interrupted", "shutdown", "not_found"] | LastWords
StoredCollabTool = Literal[
    "spawn_agent",
    "send_input",
    "resume_agent",
    "wait",
    "close_agent",
    "send_message",
    "followup_task",
    "interrupt_agent",
    "list_agents",
]


class StoredCollabCall(Struct, frozen=True, tag="CollabAgentToolCall", tag_field="type"):
    """One agent's call on others."""

    id: str
    tool: StoredCollabTool
    status: Literal["in_progress", "completed", "failed", "interrupted"]
    sender_thread_id: UUID
    receiver_thread_ids: tuple[UUID, ...] = ()
    prompt: str | None = None
    model: str | None = None
    reasoning_effort: Effort | None = None
    agents_states: dict[UUID, StoredAgentState] = {}


class StoredActivity(Struct, frozen=True, tag="SubAgentActivity", tag_field="type"):
    """Something that happened to a sub-agent."""

    id: str
    kind: words.ActivityKind
    agent_thread_id: UUID
    agent_path: str
    model: str | None = None
    reasoning_effort: Effort | None = None


def public_collab_call(stored: StoredCollabCall) -> items.CollabAgentToolCall | None:
    """Return the public call, or None when an agent's state is none of the known ones."""
    states = {str(thread): find_agent_state(state) for thread, state in stored.agents_states.items()}
    known = {thread: state for thread, state in states.items() if state is not None}
    if len(known) < len(states):
        return None
    return items.CollabAgentToolCall(
        id=stored.id,
        tool=words.CollabTool(words.camel_case(stored.tool)),
        status=words.CallStatus(words.camel_case(stored.status)),
        sender_thread_id=str(stored.sender_thread_id),
        receiver_thread_ids=tuple(str(thread) for thread in stored.receiver_thread_ids),
        prompt=stored.prompt,
        model=stored.model,
        reasoning_effort=stored.reasoning_effort,
        agents_states=known,
    )


def find_agent_state(stored: StoredAgentState) -> tool_parts.AgentState | None:
    """Return the public state, or None when `stored` names none or two."""
    if isinstance(stored, str):
        return tool_parts.AgentState(status=words.AgentStatus(words.camel_case(stored)))
    match (stored.completed, stored.errored):
        case (msgspec.UNSET, str(message)):
            return tool_parts.AgentState(status=words.AgentStatus.ERRORED, message=message)
        case (str() | None as message, msgspec.UNSET):
            return tool_parts.AgentState(status=words.AgentStatus.COMPLETED, message=message)
        case _:
            return None


def public_activity(stored: StoredActivity) -> items.SubAgentActivity:
    """Return the public activity."""
    return items.SubAgentActivity(
        id=stored.id,
        model=stored.model,
        reasoning_effort=stored.reasoning_effort,
        kind=stored.kind,
        agent_thread_id=str(stored.agent_thread_id),
        agent_path=stored.agent_path,
    )
