"""Threads and their settings as a server shows them: the public shapes, with what only it knows.

Contract: docs/protocol.md, "Threads" and "Settings of a thread".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from rollout.appserver.opened import Opened
from rollout.appserver.server import Server
from rollout.ids import ThreadId
from rollout.store.facts import with_facts
from rollout.store.recording import find_settings
from rollout.store.settings import ThreadSettings
from rollout.store.summary import ThreadSummary
from rollout.turns.model import Turn
from rollout.turns.paging import Page
from rollout.wire.threads import Status, Thread, thread

_IDLE: Final = Status("idle")
_NOT_LOADED: Final = Status()
_POLICIES: Final = frozenset({"untrusted", "on-request", "never"})
_REVIEWERS: Final = frozenset({"user", "auto_review", "guardian_subagent"})
_ACCESS: Final = {
    "danger-full-access": "dangerFullAccess",
    "read-only": "readOnly",
    "workspace-write": "workspaceWrite",
    "external-sandbox": "externalSandbox",
}
_FOLDERS: Final = ("exclude_slash_tmp", "exclude_tmpdir_env_var")


class Settled(Struct, frozen=True, rename="camel", kw_only=True):
    """A thread that was started, resumed or forked, and how its next turn is run."""

    thread: Thread
    model: str
    model_provider: str
    service_tier: str | None = None
    cwd: str
    runtime_workspace_roots: list[str]
    instruction_sources: list[str] = []
    approval_policy: Any
    approvals_reviewer: str = "user"
    sandbox: dict[str, Any]
    active_permission_profile: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    multi_agent_mode: str = "explicitRequestOnly"
    disabled_plugin_ids: list[str] = []


class TurnsPage(Struct, frozen=True, rename="camel"):
    """The page of turns that a resume brings along."""

    data: list[Turn]
    next_cursor: str | None
    backwards_cursor: str | None


class Resumed(Settled, frozen=True, rename="camel", kw_only=True):
    """A thread that was taken up again, and where reading its history backward begins."""

    collaboration_mode: Any = None
    initial_turns_page: TurnsPage | None = None
    turns_backwards_cursor: str | None = None
    items_backwards_cursor: str | None = None


def shown_thread(server: Server, summary: ThreadSummary, turns: tuple[Turn, ...] = ()) -> Thread:
    """Return the public shape of a thread, with its status here and what people said of it."""
    found = thread(with_facts(summary, server.opened.facts.of(summary.id)))
    status = _IDLE if summary.id in server.loaded else _NOT_LOADED
    return msgspec.structs.replace(found, status=status, turns=turns)


def page_shape(page: Page[Turn]) -> TurnsPage:
    """Return the public shape of a page inside another answer."""
    return TurnsPage(page.data, page.next_cursor, page.backwards_cursor)


def settled_members(opened: Opened, shown: Thread) -> dict[str, Any]:
    """Return the members of `Settled`: what the log says of how the thread's next turn is run."""
    settings = opened.hold("settings", lambda: find_settings(opened.thread.lineage))
    return members_of(shown, settings)


def members_of(shown: Thread, settings: ThreadSettings | None) -> dict[str, Any]:
    """Return the members of `Settled` of a thread with these settings, None when none are known."""
    cwd = settings.cwd if settings is not None else shown.cwd
    effort = settings.effort if settings is not None else None
    extra: Mapping[str, Any] = settings.extra if settings is not None else {}
    reviewer = extra.get("approvals_reviewer")
    tier = extra.get("service_tier")
    return {
        "thread": shown,
        "model": settings.model if settings is not None else shown.model or "",
        "model_provider": shown.model_provider,
        "service_tier": tier if isinstance(tier, str) else None,
        "cwd": cwd,
        "runtime_workspace_roots": _roots(extra.get("runtime_workspace_roots"), cwd),
        "active_permission_profile": _active_profile(extra.get("active_permission_profile")),
        "approval_policy": _policy(settings.approval_policy if settings is not None else None),
        "approvals_reviewer": reviewer if reviewer in _REVIEWERS else "user",
        "sandbox": _sandbox(settings.sandbox_policy if settings is not None else {}),
        "reasoning_effort": effort if isinstance(effort, str) else shown.reasoning_effort,
    }


def _roots(stored: object, cwd: str) -> list[str]:
    """Return the folders of a workspace; where nothing was said, the one that turns run in."""
    if not isinstance(stored, list):
        return [cwd]
    return [root for root in stored if isinstance(root, str)]


def _active_profile(stored: object) -> dict[str, Any] | None:
    if not isinstance(stored, Mapping) or not isinstance(stored.get("id"), str):
        return None
    below = stored.get("extends")
    return {"id": stored["id"], "extends": below if isinstance(below, str) else None}


def collaboration_mode(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return how people and agent work together, which a server that runs no turns never changes."""
    inner = {
        "model": members["model"],
        "reasoning_effort": members["reasoning_effort"],
        "developer_instructions": None,
    }
    return {"mode": "default", "settings": inner}


def _policy(stored: str | Mapping[str, Any] | None) -> Any:
    """Return an approval policy; an older word than clients know means that the user is asked."""
    if isinstance(stored, str):
        return stored if stored in _POLICIES else "on-request"
    granular = stored.get("granular") if stored is not None else None
    if not isinstance(granular, Mapping):
        return "on-request"
    wanted = {"mcp_elicitations": True, "rules": True, "sandbox_approval": True}
    optional = {"request_permissions": False, "skill_approval": False}
    return {"granular": {**optional, **wanted, **{k: v for k, v in granular.items() if isinstance(v, bool)}}}


def _sandbox(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sandbox policy; one that is not known is the narrowest."""
    kind = _ACCESS.get(str(stored.get("type")), "readOnly")
    if kind == "dangerFullAccess":
        return {"type": kind}
    access = stored.get("network_access")
    if kind == "externalSandbox":
        return {"type": kind, "networkAccess": "enabled" if access in {"enabled", True} else "restricted"}
    shown: dict[str, Any] = {"type": kind, "networkAccess": access is True}
    if kind == "workspaceWrite":
        roots = stored.get("writable_roots")
        shown["writableRoots"] = (
            [one for one in roots if isinstance(one, str)] if isinstance(roots, list) else []
        )
        shown["excludeTmpdirEnvVar"] = stored.get(_FOLDERS[1]) is True
        shown["excludeSlashTmp"] = stored.get(_FOLDERS[0]) is True
    return shown


def ephemeral_copy(shown: Thread, thread_id: ThreadId, parent_id: str, now_s: int) -> Thread:
    """Return what is said of a fork that no file has."""
    return msgspec.structs.replace(
        shown,
        id=thread_id,
        session_id=thread_id,
        forked_from_id=parent_id,
        ephemeral=True,
        path=None,
        created_at=now_s,
        updated_at=now_s,
        recency_at=now_s,
        status=_IDLE,
        turns=(),
    )
