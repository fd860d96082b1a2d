"""New rollouts: of a new thread, and of a thread that goes back to before one of its turns.

A rollout comes to its name whole: header durable, then the name. Invariant 3: whoever is told
of it can open it. Format: docs/format.md, "Header" and "Lineage".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from rollout.errors import Conflict, InvalidRequest, NotFound
from rollout.format import vocabulary
from rollout.format.decoding import decode_json, decode_payload
from rollout.format.encoding import Draft, encode_payload, line_front
from rollout.format.payloads import TaskStarted
from rollout.format.record import Record
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.publish import publish_file, sync_names
from rollout.ids import RolloutId, ThreadId
from rollout.log.anchor import anchor_of
from rollout.log.layout import folder_of, new_rollout_path
from rollout.log.lines import iter_lines_backward
from rollout.log.writer import timestamp_of
from rollout.replay.lineage import Lineage, Segment
from rollout.store.settings import ThreadSettings
from rollout.version import VERSION

ORIGINATOR: Final = "rollout-store"
"""What our headers name as the program that made them."""


class NewThread(Struct, frozen=True):
    """What a new thread's header says. `source` is who started it: `cli`, `exec`, `vscode` …"""

    thread_id: ThreadId
    settings: ThreadSettings
    model_provider: str
    source: str
    base_instructions: str | None = None


class TurnStart(Struct, frozen=True):
    """Where a turn begins: the segment it lies in, and the record that opens it."""

    segment: Segment
    record: Record


def create_rollout(
    fs: MutableFileSystem, home: str, new: NewThread, now_ms: int, new_id: Callable[[], str]
) -> str:
    """Publish the rollout of a new thread; return its path. Bytes and name are durable on return."""
    instructions = {"text": new.base_instructions} if new.base_instructions is not None else None
    payload = {
        "session_id": new.thread_id,
        "id": new.thread_id,
        "timestamp": timestamp_of(now_ms),
        "cwd": new.settings.cwd,
        "originator": ORIGINATOR,
        "cli_version": VERSION,
        "source": new.source,
        "model_provider": new.model_provider,
        "base_instructions": instructions,
        "history_mode": "paginated",
        "context_window": {"window_id": new_id()},
    }
    path = new_rollout_path(home, timestamp_of(now_ms), new.thread_id, None)
    settings = {
        "type": vocabulary.SETTINGS_APPLIED,
        "thread_id": new.thread_id,
        "thread_settings": new.settings.applied(new.model_provider),
    }
    applied = Draft(vocabulary.EVENT_MSG, encode_payload(settings, what="thread settings"))
    return _publish(fs, home, path, [_header_draft(payload), applied], 0, now_ms)


def create_revert(
    fs: MutableFileSystem, home: str, lineage: Lineage, start: TurnStart, now_ms: int, rollout_id: RolloutId
) -> str:
    """Publish a rollout in which a thread ends before `start`; return its path. Durable on return.

    The older rollout stays as it is. The header takes over what the newest one says, but the
    base and its anchor.
    """
    newest = decode_members(lineage)
    kept = {key: value for key, value in newest.items() if key not in {"history_base", "base_anchor"}}
    payload = kept | {"timestamp": timestamp_of(now_ms)}
    segment, ordinal = start.segment, start.record.ordinal
    assert ordinal is not None, "a turn of a paginated thread has its ordinal"
    first_ordinal = 0
    if ordinal > 0 and not _is_first_turn(lineage, start):
        first_ordinal = ordinal
        payload["history_base"] = {
            "thread_id": segment.rollout_id,
            "end_ordinal_exclusive": ordinal,
            "end_byte_offset": start.record.start_offset,
        }
        source = lineage.source(segment)
        payload["base_anchor"] = anchor_of(source, segment.header.end_offset, start.record.start_offset)
    path = new_rollout_path(home, _stamp_behind(lineage, now_ms, rollout_id), lineage.thread_id, rollout_id)
    return _publish(fs, home, path, [_header_draft(payload)], first_ordinal, now_ms)


def decode_members(lineage: Lineage) -> dict[str, Any]:
    """Return the members of the newest header, known to us or not."""
    return decode_json(lineage.newest.header.payload, dict[str, Any]) or {}


def _is_first_turn(lineage: Lineage, start: TurnStart) -> bool:
    """Tell whether nothing but a header stands before a turn."""
    oldest = lineage.segments[0]
    is_oldest = start.segment.rollout_id == oldest.rollout_id
    return is_oldest and start.record.start_offset == oldest.header.end_offset


def find_turn_start(lineage: Lineage, turn_id: str) -> TurnStart:
    """Return where a visible turn begins. Raise NotFound; InvalidRequest for a legacy thread."""
    if not lineage.is_paginated:
        raise InvalidRequest(
            f"reverting thread {lineage.thread_id}: it is legacy, and cannot be reverted",
            hint="Roll its last turns back instead.",
        )
    for segment in reversed(lineage.segments):
        for batch in iter_lines_backward(lineage.source(segment), lineage.span(segment)):
            for line in reversed(batch):
                if isinstance(line, Record) and _opens(line, turn_id) and line.ordinal is not None:
                    return TurnStart(segment, line)
    raise NotFound(
        f"reverting thread {lineage.thread_id}: turn not found: {turn_id}",
        hint=f"Run `rollout turns {lineage.thread_id}` to see its turns.",
    )


def _opens(record: Record, turn_id: str) -> bool:
    envelope = record.envelope
    if envelope.type != vocabulary.EVENT_MSG or envelope.payload.type not in vocabulary.TASK_STARTED:
        return False
    started = decode_payload(record, TaskStarted)
    return started is not None and started.turn_id == turn_id


def _header_draft(payload: dict[str, Any]) -> Draft:
    return Draft(vocabulary.SESSION_META, encode_payload(payload, what="a header"))


def _stamp_behind(lineage: Lineage, now_ms: int, rollout_id: RolloutId) -> str:
    """Return the time for a rollout's name: now, or what it takes to be the thread's newest.

    The newest name counts, and another client writes local time there; so may our clock go back.
    """
    newest = lineage.newest.file.name
    now = timestamp_of(now_ms)
    if (now[:19].replace(":", "-"), rollout_id) > (newest.stamp, newest.rollout_id):
        return now
    try:
        last = datetime.strptime(newest.stamp, "%Y-%m-%dT%H-%M-%S").replace(tzinfo=UTC)
        return timestamp_of((int(last.timestamp()) + 1) * 1000)
    except (ValueError, OverflowError) as error:
        raise Conflict(
            f"reverting thread {lineage.thread_id}: no later name than that of {lineage.newest.file.path}",
            hint="Rename the file to the time it was made at.",
        ) from error


def _publish(
    fs: MutableFileSystem, home: str, path: str, drafts: list[Draft], ordinal: int, now_ms: int
) -> str:
    lines = [
        line_front(timestamp_of(now_ms), ordinal + number, draft) + b"}\n"
        for number, draft in enumerate(drafts)
    ]
    if fs.find_stat(path) is not None:
        raise Conflict(f"making the rollout {path}: there is a file of that name", hint="Try again.")
    folder = folder_of(path)
    fs.make_folders(folder)
    publish_file(fs, path, b"".join(lines))
    sync_names(fs, home, folder_of(folder))  # another client may have made the folders, and synced nothing
    return path
