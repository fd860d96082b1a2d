"""What a listing says of one thread, whatever state it is in; and the same for the catalog to keep.

A thread that cannot be read is described too, with what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import msgspec
from msgspec import Raw, Struct

from rollout.catalog.kinds import kind_of
from rollout.catalog.threads import Described
from rollout.errors import RolloutError
from rollout.format.making import make_decoder
from rollout.format.record import Mode
from rollout.fs.api import FileSystem
from rollout.ids import ThreadId
from rollout.log.header import read_header
from rollout.log.index import RolloutIndex
from rollout.log.layout import RolloutFile
from rollout.log.source import open_source
from rollout.store.opening import Opener
from rollout.store.places import held, named_time, recency_time
from rollout.store.summary import ThreadSummary, header_summary, problem_of, read_summary


def changed_at(fs: FileSystem, file: RolloutFile) -> int:
    """Return the time of a file's last change, 0 for one that is gone."""
    stat = fs.find_stat(file.path)
    return stat.modified_at if stat is not None else 0


def summary_or_problem(
    fs: FileSystem, file: RolloutFile, summarise: Callable[[ThreadId], ThreadSummary]
) -> ThreadSummary:
    """Return the summary of a thread, or what can be said of one that cannot be opened."""
    try:
        return summarise(file.name.thread_id)
    except RolloutError as error:
        return unreadable_summary(fs, file, error)


def unreadable_summary(fs: FileSystem, file: RolloutFile, error: RolloutError) -> ThreadSummary:
    """Return what can be said of a thread that cannot be opened: from its header, else from its name."""
    problem = problem_of(error)
    changed = changed_at(fs, file)
    try:
        with open_source(fs, file.path) as source:
            header = read_header(source)
    except RolloutError:
        header = None
    if header is not None and header.thread_id == file.name.thread_id:
        return header_summary(header, file, changed, problem=problem)
    lowest, highest = named_time(file)
    made = (lowest + highest) // 2 if lowest else changed
    return ThreadSummary(
        id=file.name.thread_id,
        session_id=file.name.thread_id,
        path=file.path,
        is_archived=file.is_archived,
        mode=Mode.LEGACY,
        created_at=made,
        updated_at=changed,
        recency_at=made,
        problem=problem,
    )


def describe(fs: FileSystem, opener: Opener, index: RolloutIndex, file: RolloutFile) -> Described:
    """Return what a listing would say of a thread now, `file` being its newest rollout."""

    def summarise(thread_id: ThreadId) -> ThreadSummary:
        with opener.open_thread(thread_id, index=index) as lineage:
            return read_summary(lineage)

    changed = changed_at(fs, file)  # before it is read: what comes later is another refresh's
    summary = summary_or_problem(fs, file, summarise)
    return Described(
        thread_id=summary.id,
        path=summary.path,
        is_archived=file.is_archived,
        created_at=summary.created_at,
        updated_at=summary.updated_at,
        recency_at=summary.recency_at,
        created_place=held(summary.created_at, named_time(file)),
        updated_place=changed,
        recency_place=held(summary.recency_at, recency_time(file, changed)),
        source_kind=kind_of(summary.source).value,
        parent_thread_id=summary.parent_thread_id,
        forked_from_id=summary.forked_from_id,
        model_provider=summary.model_provider,
        model=summary.model,
        reasoning_effort=summary.reasoning_effort,
        cwd=summary.cwd,
        cli_version=summary.cli_version,
        preview=summary.preview,
        agent_nickname=summary.agent_nickname,
        agent_role=summary.agent_role,
        problem_code=summary.problem.code if summary.problem is not None else None,
        shown=_kept(summary),
    )


class _Kept(Struct, frozen=True):
    """A summary as the catalog keeps it: its source apart, for that may be no JSON at all."""

    summary: ThreadSummary
    source: str | None


def _kept(summary: ThreadSummary) -> bytes:
    source = bytes(summary.source).decode("utf-8", "replace") if summary.source else None
    return msgspec.json.encode(_Kept(msgspec.structs.replace(summary, source=Raw(b"null")), source))


@cache
def _decoder() -> msgspec.json.Decoder[_Kept]:
    return make_decoder(_Kept)


def shown_summary(kept: bytes, name: str | None) -> ThreadSummary:
    """Return a summary as it was before the catalog kept it, with the name that the thread has now."""
    found = _decoder().decode(kept)
    source = Raw(found.source.encode()) if found.source is not None else Raw(b"")
    return msgspec.structs.replace(found.summary, source=source, name=name)
