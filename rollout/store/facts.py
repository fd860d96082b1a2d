"""What people said of threads: checked and set, and shown in place of what the log says.

A fact changes what listings show and filter by, never a thread's history (invariant 5). Where a thread's
files lie is no fact of this kind: whether it is archived is asked of them alone.
Format: docs/format.md, "Facts".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from rollout.errors import DamagedLog, InvalidRequest, UnsupportedFormat
from rollout.format.payloads import GitState
from rollout.fs.api import FileSystem
from rollout.ids import ThreadId
from rollout.log.facts import NO_FACTS, Facts, FactsPatch, GitPatch, Text
from rollout.log.names import read_names
from rollout.store.labels import checked_folder, checked_name, checked_word
from rollout.store.opening import Opener
from rollout.store.summary import ThreadSummary
from rollout.store.tombstones import require_not_deleted

if TYPE_CHECKING:
    from rollout.store.recording import Surroundings

_MOST_TAGS: Final = 100


class MemoryMode(StrEnum):
    """Whether memories may be made from a thread."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class ThreadFacts(Struct, frozen=True, rename="camel", kw_only=True):
    """What people said of a thread. `git_info` has the members that were set or cleared."""

    thread_id: ThreadId
    name: str | None
    is_archived: bool
    is_pinned: bool
    tags: tuple[str, ...]
    git_info: GitPatch
    memory_mode: str | None
    cwd: str | None


def find_facts(fs: FileSystem, home: str, opener: Opener, thread_id: ThreadId) -> ThreadFacts:
    """Return the facts of a thread that is there, readable or not. Raise NotFound, StorageFailed."""
    is_archived = _is_archived(opener, thread_id)
    said = opener.facts.get()
    facts = said.get(thread_id, NO_FACTS)
    return ThreadFacts(
        thread_id=thread_id,
        name=read_names(fs, home, said.folded).get(thread_id),
        is_archived=is_archived,
        is_pinned=facts.is_pinned,
        tags=facts.tags,
        git_info=facts.git,
        memory_mode=facts.memory_mode,
        cwd=facts.cwd,
    )


def _is_archived(opener: Opener, thread_id: ThreadId) -> bool:
    """Tell where a thread's files are, after a look at whose they are."""
    try:
        with opener.open_thread(thread_id) as lineage:
            return lineage.newest.file.is_archived
    except (DamagedLog, UnsupportedFormat):
        files = opener.index.files_of(thread_id)
        if not files:
            raise
        return files[0].is_archived


def set_facts(around: Surroundings, thread_id: ThreadId, patch: FactsPatch) -> ThreadFacts:
    """Let a patch count; return all facts of the thread. Durable on return.

    What it does not name stays, whoever sets that at the same time. The thread's lease is needed to archive
    it, and for nothing else. Raise InvalidRequest for a patch that says nothing or cannot be stored,
    NotFound, Conflict while facts or names are locked, and as archiving does, once everything else counts.
    """
    said = checked_patch(patch, around.opener.facts.of(thread_id))
    _is_archived(around.opener, thread_id)  # it is there
    if said != FactsPatch():
        from rollout.log.facts_writing import append_patch

        require = partial(
            require_not_deleted, around.fs, around.home, thread_id, f"setting facts of thread {thread_id}"
        )
        append_patch(around.fs, around.home, thread_id, said, around.clock(), require)
    if patch.is_archived is not UNSET:
        from rollout.store.archiving import archive, unarchive

        (archive if patch.is_archived else unarchive)(around, thread_id)
    return find_facts(around.fs, around.home, around.opener, thread_id)


def checked_patch(patch: FactsPatch, known: Facts = NO_FACTS) -> FactsPatch:
    """Return what of a patch is stored, as it is stored. Raise InvalidRequest."""
    git = patch.git_info
    said = FactsPatch(
        name=checked_name(patch.name) if isinstance(patch.name, str) else patch.name,
        is_pinned=patch.is_pinned,
        git_info=_checked_git(git) if isinstance(git, GitPatch) else git,
        memory_mode=_checked_mode(patch.memory_mode),
        tags=_checked_tags(patch.tags, known.tags) if isinstance(patch.tags, Mapping) else patch.tags,
        cwd=checked_folder(patch.cwd) if isinstance(patch.cwd, str) else patch.cwd,
    )
    if said == FactsPatch() and patch.is_archived is UNSET:
        raise InvalidRequest(
            "setting facts: expected at least one, found none", hint="Say what is to change, and to what."
        )
    return said


def _checked_git(git: GitPatch) -> GitPatch | UnsetType:
    members = {
        name: checked_word(value, what=f"a git {name.replace('_', ' ')}") if isinstance(value, str) else value
        for name, value in msgspec.structs.asdict(git).items()
    }
    return GitPatch(**members) if git != GitPatch() else UNSET


def _checked_mode(mode: Text) -> Text:
    modes = [one.value for one in MemoryMode]
    if isinstance(mode, str) and mode not in modes:
        raise InvalidRequest(
            f"setting a memory mode: expected {' or '.join(modes)}, found {mode[:40]!r}",
            hint="Choose one of them, or None for what the log says.",
        )
    return mode


def _checked_tags(
    tags: Mapping[str, bool | None], known: tuple[str, ...]
) -> dict[str, bool | None] | UnsetType:
    checked = {checked_word(tag, what="a tag"): True if is_set else None for tag, is_set in tags.items()}
    left = set(known) | {tag for tag, is_set in checked.items() if is_set}
    if len(left) > _MOST_TAGS:
        raise InvalidRequest(
            f"setting tags: expected at most {_MOST_TAGS} of a thread, found {len(left)}",
            hint="Take some away first.",
        )
    return checked or UNSET


def teller(fs: FileSystem, home: str, opener: Opener) -> Callable[[ThreadSummary], ThreadSummary]:
    """Return what puts the names and facts, as they are now, into summaries. Raise StorageFailed."""
    facts = opener.facts.get()
    names = read_names(fs, home, facts.folded)

    def tell(summary: ThreadSummary) -> ThreadSummary:
        named = msgspec.structs.replace(summary, name=names.get(summary.id))
        return with_facts(named, facts.get(summary.id))

    return tell


def with_facts(summary: ThreadSummary, facts: Facts | None) -> ThreadSummary:
    """Return a summary with what people said in place of what the log says; names are not its business."""
    if facts is None:
        return summary
    return msgspec.structs.replace(
        summary,
        cwd=facts.cwd if facts.cwd is not None else summary.cwd,
        git=_git_state(summary.git, facts.git),
        is_pinned=facts.is_pinned,
        tags=facts.tags,
        memory_mode=facts.memory_mode,
    )


def _git_state(known: GitState | None, git: GitPatch) -> GitState | None:
    """Return a git state with members that were set or cleared; None when nothing is left of it."""
    if git == GitPatch():
        return known
    before = known if known is not None else GitState()
    merged = GitState(
        commit_hash=_chosen(git.sha, before.commit_hash),
        branch=_chosen(git.branch, before.branch),
        repository_url=_chosen(git.origin_url, before.repository_url),
    )
    return merged if merged != GitState() else None


def _chosen(said: Text, known: str | None) -> str | None:
    return known if said is UNSET else said
