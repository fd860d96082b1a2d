"""What a listing says of a thread: its header, its first words, its latest settings.

Reads both ends of the newest rollout and no more than it must. Everything but the name
and the file's time comes from the log (invariant 1). Format: docs/format.md, "Summary".
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw, Struct

from rollout.errors import RolloutError
from rollout.format import vocabulary
from rollout.format.decoding import decode_json, payload_of
from rollout.format.items import is_boundary, parts_of
from rollout.format.payloads import GitState, SessionMeta
from rollout.format.record import Era, Mode, Record
from rollout.format.times import parse_time
from rollout.ids import ThreadId
from rollout.log.header import Header
from rollout.log.layout import RolloutFile
from rollout.log.lines import iter_lines, iter_lines_backward
from rollout.replay.lineage import Lineage
from rollout.store.settings import ThreadSettings, applied_settings_of, settings_of
from rollout.turns.said import said_by_user, shorn

_EVENT: Final = vocabulary.EVENT_MSG.encode()


class Problem(Struct, frozen=True):
    """Why something cannot be read: the error's code, message and hint."""

    code: str
    message: str
    hint: str | None = None


class ThreadSummary(Struct, frozen=True, kw_only=True):
    """One thread as a listing shows it. Times in UTC milliseconds.

    `updated_at` is the time of the newest file's last change, `recency_at` the start of its
    newest turn. Name, pin, tags and memory mode are what people said, as may be git state and
    working directory. `problem` says why the thread cannot be read; what could be found is there
    all the same.
    """

    id: ThreadId
    session_id: str
    path: str
    is_archived: bool
    mode: Mode
    created_at: int
    updated_at: int
    recency_at: int
    preview: str = ""
    name: str | None = None
    forked_from_id: str | None = None
    parent_thread_id: str | None = None
    model_provider: str = ""
    model: str | None = None
    reasoning_effort: str | None = None
    cwd: str = ""
    cli_version: str = ""
    originator: str = ""
    source: Raw = Raw(b"")
    thread_source: str | None = None
    agent_nickname: str | None = None
    agent_role: str | None = None
    git: GitState | None = None
    is_pinned: bool = False
    tags: tuple[str, ...] = ()
    memory_mode: str | None = None
    problem: Problem | None = None


class _Spawn(Struct, frozen=True):
    parent_thread_id: str | None = None


class _Spawned(Struct, frozen=True):
    thread_spawn: _Spawn | None = None


class _AgentSource(Struct, frozen=True):
    subagent: _Spawned | None = None


def problem_of(error: RolloutError) -> Problem:
    """Return an error as a value."""
    return Problem(error.code, error.message, error.hint)


def read_summary(lineage: Lineage, name: str | None = None) -> ThreadSummary:
    """Return the summary of an open thread. Raise StorageFailed if the OS cannot read."""
    segment = lineage.newest
    updated_at = lineage.newest_source.stat.modified_at
    summary = header_summary(segment.header, segment.file, updated_at, name)
    latest = _read_latest(lineage)
    settings = latest.settings
    return msgspec.structs.replace(
        summary,
        preview=read_preview(lineage),
        recency_at=latest.started_at or summary.recency_at,
        model=settings.model if settings is not None else None,
        reasoning_effort=settings.effort
        if settings is not None and isinstance(settings.effort, str)
        else None,
        cwd=settings.cwd if settings is not None else summary.cwd,
    )


def header_summary(
    header: Header,
    file: RolloutFile,
    updated_at: int,
    name: str | None = None,
    problem: Problem | None = None,
) -> ThreadSummary:
    """Return what the header alone says."""
    meta = header.meta
    created_at = parse_time(meta.timestamp)
    if created_at is None:
        created_at = updated_at
    return ThreadSummary(
        id=header.thread_id,
        session_id=meta.session_id or header.thread_id,
        path=file.path,
        is_archived=file.is_archived,
        mode=header.mode,
        created_at=created_at,
        updated_at=updated_at,
        recency_at=created_at,
        name=name,
        forked_from_id=meta.forked_from_id,
        parent_thread_id=spawner_of(meta),
        model_provider=meta.model_provider or "",
        cwd=meta.cwd,
        cli_version=meta.cli_version,
        originator=meta.originator,
        source=meta.source,
        thread_source=meta.thread_source,
        agent_nickname=meta.agent_nickname,
        agent_role=meta.agent_role,
        git=meta.git,
        problem=problem,
    )


def spawner_of(meta: SessionMeta) -> str | None:
    """Return the thread that a header says spawned this one as its sub-agent, in either of two members."""
    if meta.parent_thread_id:
        return meta.parent_thread_id
    found = decode_json(meta.source, _AgentSource) if meta.source else None
    spawned = found.subagent if found is not None else None
    return spawned.thread_spawn.parent_thread_id if spawned is not None and spawned.thread_spawn else None


def read_preview(lineage: Lineage) -> str:
    """Return the first thing that the user said in the visible history, or nothing."""
    first_ordinal = lineage.newest.header.meta.subagent_history_start_ordinal or 0
    for segment in lineage.segments:
        span = lineage.span(segment)
        if segment.header.era is Era.ENVELOPE:
            span = msgspec.structs.replace(span, only_type=_EVENT)
        for batch in iter_lines(lineage.source(segment), span):
            for line in batch:
                if isinstance(line, Record) and (line.ordinal is None or line.ordinal >= first_ordinal):
                    is_early = segment.header.era is not Era.ENVELOPE
                    text = _asked_early(line) if is_early else said_by_user(line)
                    if text:
                        return text
    return ""


def _asked_early(record: Record) -> str | None:
    """Return the words of a user message of the eras that stored no events."""
    probe = record.envelope.payload
    if record.envelope.type != vocabulary.RESPONSE_ITEM or not is_boundary(probe):
        return None
    return shorn("".join(part.text or "" for part in parts_of(probe)))


class _Latest(Struct):
    """`settings` of the newest record that says how turns are run; when the newest turn began."""

    settings: ThreadSettings | None = None
    started_at: int | None = None


def _read_latest(lineage: Lineage) -> _Latest:
    """Return the newest settings of all, and when the newest turn of the newest file began."""
    latest = _Latest()
    for segment in reversed(lineage.segments):
        for batch in iter_lines_backward(lineage.source(segment), lineage.span(segment)):
            for line in reversed(batch):
                if not isinstance(line, Record):
                    continue
                label = line.label
                if latest.settings is None and label == vocabulary.TURN_CONTEXT:
                    latest.settings = settings_of(payload_of(line))
                elif latest.settings is None and label == vocabulary.SETTINGS_APPLIED:
                    latest.settings = applied_settings_of(payload_of(line))
                elif (
                    latest.started_at is None
                    and segment is lineage.newest
                    and label in vocabulary.TASK_STARTED
                ):
                    latest.started_at = parse_time(line.envelope.timestamp)
            if latest.settings is not None and (
                latest.started_at is not None or segment is not lineage.newest
            ):
                return latest
        if latest.settings is not None:
            return latest
    return latest
