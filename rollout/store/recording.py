"""From a thread's id to its recorder: lease, identity, the end of its file, and what stands there.

In this order: nobody else may write before we look at where the file ends.
Format: docs/format.md, "Appending".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from msgspec import Struct

from rollout.errors import Conflict, DamagedLog, UnsupportedFormat
from rollout.format import vocabulary
from rollout.format.decoding import decode_json, payload_of
from rollout.format.record import Era, Record
from rollout.fs.mutation import AppendFile, MutableFileSystem
from rollout.fs.publish import sync_names
from rollout.ids import ThreadId
from rollout.log.layout import folder_of
from rollout.log.lease import take_lease
from rollout.log.lines import iter_lines_backward
from rollout.log.quarantine import quarantine_tail
from rollout.log.source import Source
from rollout.log.tail import read_tail
from rollout.log.writer import LogWriter
from rollout.replay.checkpoint import CHECKPOINT_EVERY_BYTES
from rollout.replay.context import Context, read_context
from rollout.replay.foundation import Sidecars
from rollout.replay.lineage import Lineage, Segment
from rollout.store.checkpoints import Checkpoints, reopen
from rollout.store.creating import ORIGINATOR
from rollout.store.durability import parse_durability
from rollout.store.opening import Opener
from rollout.store.recorder import Recorder
from rollout.store.recorder_needs import Recording
from rollout.store.settings import ThreadSettings, applied_settings_of, settings_of
from rollout.store.tombstones import require_not_deleted

_SETTINGS: Final = frozenset({vocabulary.TURN_CONTEXT, vocabulary.SETTINGS_APPLIED})
_SETTINGS_SEARCH_BYTES: Final = 64 << 20
"""How far back settings are looked for; a turn that inlines images may be long."""


class Surroundings(Struct, frozen=True):
    """What recording needs of the world: the store's own."""

    fs: MutableFileSystem
    home: str
    opener: Opener
    clock: Callable[[], int]
    new_id: Callable[[], str]
    pid: int
    max_line_bytes: int
    sidecars: Sidecars | None = None
    state_folder: str | None = None


def open_recorder(
    around: Surroundings,
    thread_id: ThreadId,
    durability: str,
    settings: ThreadSettings | None = None,
    checkpoint_every_bytes: int | None = CHECKPOINT_EVERY_BYTES,
) -> Recorder:
    """Take the thread's lease and return its recorder. A torn tail has been moved to quarantine.

    A thread that another client made is given no checkpoints but those asked for. Raise LeaseHeld,
    NotFound, Conflict for an archived thread, UnsupportedFormat for a file that is not appended to,
    DamagedLog for one that may not go on, with the reason.
    """
    chosen = parse_durability(durability)
    lease = take_lease(around.fs, around.home, thread_id, clock=around.clock, pid=around.pid)
    try:
        # It may have been deleted since it was found.
        require_not_deleted(around.fs, around.home, thread_id, f"opening thread {thread_id} for recording")
        with _open_to_append(around, thread_id) as lineage:
            segment = lineage.newest
            is_ours = segment.header.meta.originator == ORIGINATOR
            tail = read_tail(lineage.newest_source, segment.header, around.max_line_bytes, is_ours=is_ours)
            if tail.refusal is not None:
                raise DamagedLog(
                    f"opening thread {thread_id} for recording: {segment.file.path}: {tail.refusal}",
                    hint="Read it, or fork it at a turn and go on in the fork.",
                )
            known = settings if settings is not None else find_settings(lineage)
            file = _open_file(around.fs, lineage.newest_source)
            around.opener.note_written(segment.file.path)
        try:
            if tail.torn is not None:
                quarantine_tail(around.fs, around.home, segment.rollout_id, file, tail.torn, around.clock())
            folder = folder_of(segment.file.path)
            # Another client syncs nothing: before we promise that bytes are there, their name must be.
            names = None if is_ours else partial(sync_names, around.fs, around.home, folder)
            writer = LogWriter(file, tail, around.max_line_bytes, names)
        except BaseException:
            file.close()
            raise

        def read_now() -> Context:
            with around.opener.open_thread(thread_id) as lineage:
                return read_context(lineage)

        return Recorder(
            Recording(
                thread_id,
                segment.header.mode,
                writer,
                lease,
                known,
                chosen,
                around.clock,
                around.new_id,
                read_now,
                tail.torn,
                segment.header.meta.session_id,
                _tools_of(segment),
                Checkpoints(
                    thread_id,
                    partial(reopen, around.fs, lineage),
                    checkpoint_every_bytes if is_ours else None,
                    around.max_line_bytes,
                    around.sidecars,
                    tail.end_offset,
                    around.opener.checkpoint_looks,
                    segment.rollout_id,
                ),
            )
        )
    except BaseException:
        lease.release()
        raise


def _open_to_append(around: Surroundings, thread_id: ThreadId) -> Lineage:
    """Open a thread whose newest rollout is appended to; a compressed one is made plain before."""
    lineage = around.opener.open_thread(thread_id)
    try:
        _check_appendable(lineage.newest)
        if not lineage.newest.file.name.is_compressed:
            return lineage
    except BaseException:
        lineage.close()
        raise
    lineage.close()
    from rollout.store.thawing import thaw

    thaw(around.fs, lineage.newest.file.path)
    around.opener.forget()
    return around.opener.open_thread(thread_id)


def _check_appendable(segment: Segment) -> None:
    path, thread_id = segment.file.path, segment.header.thread_id
    if segment.file.is_archived:
        raise Conflict(
            f"opening thread {thread_id} for recording: it is archived ({path})",
            hint="Unarchive it first.",
        )
    if segment.header.era is not Era.ENVELOPE:
        raise UnsupportedFormat(
            f"opening thread {thread_id} for recording: {path} is of an era that no client appends to",
            hint="Read it, or start a new thread with its history.",
        )


def _open_file(fs: MutableFileSystem, source: Source) -> AppendFile:
    file = fs.open_append(source.path)
    if file.identity != source.identity:
        file.close()
        raise Conflict(
            f"opening {source.path} for recording: it was replaced while it was opened",
            hint="Open the thread again.",
        )
    return file


class _Tools(Struct, frozen=True):
    dynamic_tools: list[Any] | None = None


def _tools_of(segment: Segment) -> list[Any]:
    """Return the tools that a header names, as stored."""
    found = decode_json(segment.header.payload, _Tools)
    return (found.dynamic_tools or []) if found is not None else []


def find_settings(lineage: Lineage) -> ThreadSettings | None:
    """Return the newest turn's settings, and what was changed since: looked for in the last megabytes."""
    applied: Record | None = None
    before: ThreadSettings | None = None
    for record in _iter_settings(lineage):
        if record.envelope.type == vocabulary.TURN_CONTEXT:
            before = settings_of(payload_of(record))
            if before is not None:
                break
        elif applied is None and applied_settings_of(payload_of(record)) is not None:
            applied = record
    return before if applied is None else applied_settings_of(payload_of(applied), before)


def _iter_settings(lineage: Lineage) -> Iterator[Record]:
    """Yield the records that hold settings, newest first, a part of the way back."""
    for segment in reversed(lineage.segments):
        for batch in iter_lines_backward(lineage.source(segment), lineage.span(segment)):
            for line in reversed(batch):
                if isinstance(line, Record) and line.label in _SETTINGS:
                    yield line
            if lineage.bytes_read > _SETTINGS_SEARCH_BYTES:
                return
