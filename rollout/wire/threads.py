"""Threads as JSON, alone and by page.

Members are camelCase and only ever added to. What the protocol of agent clients does not
know stands under one key, `rollout`. Shapes: docs/json.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rollout.format.decoding import decode_json
from rollout.store.summary import Problem
from rollout.store.thread import SegmentSummary

if TYPE_CHECKING:
    from rollout.store.listing import Finding, Listing
    from rollout.store.summary import ThreadSummary
    from rollout.turns.model import Turn

_MILLIS: Final = 1000


class GitInfo(Struct, frozen=True, rename="camel"):
    """Where the working directory stood in git."""

    sha: str | None
    branch: str | None
    origin_url: str | None


class Status(Struct, frozen=True):
    """Whether a process runs the thread; a thread read from its files is not loaded."""

    type: str = "notLoaded"


class ThreadExtras(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What we say of a thread beyond the protocol; absent members say nothing."""

    is_archived: bool = False
    problem: Problem | None = None
    is_pinned: bool = False
    tags: tuple[str, ...] = ()
    memory_mode: str | None = None


_NO_EXTRAS: Final = ThreadExtras()


class Thread(Struct, frozen=True, rename="camel", kw_only=True):
    """A thread. Times in seconds since the epoch."""

    id: str
    extra: None = None
    session_id: str
    forked_from_id: str | None
    attached_to_thread_id: None = None
    parent_thread_id: str | None
    preview: str
    ephemeral: bool = False
    section: None = None
    section_entered_at: None = None
    project_id: None = None
    history_mode: str
    model_provider: str
    model: str | None
    reasoning_effort: str | None
    created_at: int
    updated_at: int
    recency_at: int
    status: Status = Status()
    path: str | None
    cwd: str
    cli_version: str
    originator: str
    source: Raw | str
    thread_source: str | None
    agent_nickname: str | None
    agent_role: str | None
    git_info: GitInfo | None
    environments: None = None
    can_accept_direct_input: None = None
    name: str | None
    daybreak_enabled: None = None
    turns: tuple[Turn, ...] = ()
    rollout: ThreadExtras | UnsetType = UNSET


_SOURCES: Final = {
    "cli": "cli",
    "vscode": "vscode",
    "exec": "exec",
    "mcp": "appServer",
    "appServer": "appServer",
}


def source(stored: Raw) -> Raw | str:
    """Return who started a thread; what an older or newer client called otherwise is unknown."""
    if not stored:
        return "vscode"
    word = decode_json(stored, str)
    if word is not None:
        return _SOURCES.get(word.lower() if word == "VSCode" else word, "unknown")
    members = decode_json(stored, dict[str, Raw])
    if members is None:
        return "unknown"
    renamed = {"subAgent" if key == "subagent" else key: value for key, value in members.items()}
    return Raw(msgspec.json.encode(renamed))


def thread(summary: ThreadSummary) -> Thread:
    """Return the public shape of a thread."""
    git = summary.git
    extras = ThreadExtras(
        summary.is_archived, summary.problem, summary.is_pinned, summary.tags, summary.memory_mode
    )
    return Thread(
        id=summary.id,
        session_id=summary.session_id,
        forked_from_id=summary.forked_from_id,
        parent_thread_id=summary.parent_thread_id,
        preview=summary.preview,
        history_mode=summary.mode.value,
        model_provider=summary.model_provider,
        model=summary.model,
        reasoning_effort=summary.reasoning_effort,
        created_at=summary.created_at // _MILLIS,
        updated_at=summary.updated_at // _MILLIS,
        recency_at=summary.recency_at // _MILLIS,
        path=summary.path,
        cwd=summary.cwd,
        cli_version=summary.cli_version,
        originator=summary.originator,
        source=source(summary.source),
        thread_source=summary.thread_source,
        agent_nickname=summary.agent_nickname,
        agent_role=summary.agent_role,
        git_info=GitInfo(git.commit_hash, git.branch, git.repository_url) if git is not None else None,
        name=summary.name,
        rollout=extras if extras != _NO_EXTRAS else UNSET,
    )


class RolloutListing(Struct, frozen=True):
    """What lies among the rollouts and is none."""

    findings: list[Finding]


class ThreadPage(Struct, frozen=True, rename="camel"):
    """One page of threads."""

    data: list[Thread]
    next_cursor: str | None
    backwards_cursor: str | None
    rollout: RolloutListing | UnsetType = UNSET


def thread_page(listing: Listing) -> ThreadPage:
    """Return the public shape of a listing."""
    return ThreadPage(
        [thread(summary) for summary in listing.data],
        listing.next_cursor,
        listing.backwards_cursor,
        RolloutListing(listing.findings) if listing.findings else UNSET,
    )


class ShownExtras(Struct, frozen=True, rename="camel"):
    """What a thread's history lies in, oldest first."""

    segments: list[SegmentSummary]


class Shown(Struct, frozen=True, rename="camel"):
    """One thread and what it stands on."""

    thread: Thread
    rollout: ShownExtras


def shown(summary: ThreadSummary, segments: list[SegmentSummary]) -> Shown:
    """Return the public shape of a thread and its segments."""
    return Shown(thread(summary), ShownExtras(segments))
