"""What people said of a thread, as JSON. Shapes: docs/json.md."""

from __future__ import annotations

from msgspec import UNSET, Struct

from rollout.log.facts import Text
from rollout.store.facts import ThreadFacts


class GitFacts(Struct, frozen=True, rename="camel"):
    """Members of the git state that were set, or cleared (null); the others are absent."""

    sha: Text = UNSET
    branch: Text = UNSET
    origin_url: Text = UNSET


class Facts(Struct, frozen=True, rename="camel"):
    """All that was said of one thread; null where nothing was."""

    thread_id: str
    name: str | None
    is_archived: bool
    is_pinned: bool
    tags: tuple[str, ...]
    git_info: GitFacts | None
    memory_mode: str | None
    cwd: str | None


def facts(found: ThreadFacts) -> Facts:
    """Return the public shape of what was said of a thread."""
    git = GitFacts(found.git_info.sha, found.git_info.branch, found.git_info.origin_url)
    return Facts(
        found.thread_id,
        found.name,
        found.is_archived,
        found.is_pinned,
        found.tags,
        git if git != GitFacts() else None,
        found.memory_mode,
        found.cwd,
    )
