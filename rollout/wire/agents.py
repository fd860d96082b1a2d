"""Trees of agents as JSON. Shapes: docs/json.md."""

from __future__ import annotations

from msgspec import Struct

from rollout.store.agent_tree import AgentMember, AgentTree
from rollout.store.summary import Problem


class AgentRow(Struct, frozen=True, rename="camel", kw_only=True):
    """One thread of a tree. Times in seconds since the epoch; `status` is null at the root."""

    id: str
    parent_id: str | None
    status: str | None
    depth: int
    agent_path: str | None
    agent_nickname: str | None
    agent_role: str | None
    name: str | None
    first_words: str | None
    created_at: int | None
    updated_at: int | None
    is_archived: bool
    is_deleted: bool
    is_missing: bool
    problem: Problem | None


class AgentRows(Struct, frozen=True, rename="camel"):
    """A tree of agents, parents before their children. `parents`: the nearest first."""

    thread_id: str
    parents: list[str]
    children: list[str]
    data: list[AgentRow]


def agent_rows(tree: AgentTree) -> AgentRows:
    """Return the public shape of a tree."""
    return AgentRows(
        tree.thread_id,
        [one.id for one in tree.ancestors(tree.thread_id)],
        [one.id for one in tree.children.get(tree.thread_id, [])],
        [_row(member) for member in tree.members],
    )


def _row(member: AgentMember) -> AgentRow:
    return AgentRow(
        id=member.id,
        parent_id=member.parent_id,
        status=member.status,
        depth=member.depth,
        agent_path=member.label.path,
        agent_nickname=member.label.nickname,
        agent_role=member.label.role,
        name=member.name,
        first_words=member.first_words,
        created_at=_seconds(member.created_at),
        updated_at=_seconds(member.changed_at),
        is_archived=member.is_archived,
        is_deleted=member.is_deleted,
        is_missing=member.is_missing,
        problem=member.problem,
    )


def _seconds(millis: int | None) -> int | None:
    return millis // 1000 if millis is not None else None
