"""New rollouts: of a new thread, and of a thread that goes back; forks are `rollout.store.forking`'s.

A rollout comes to its name whole: header durable, then the name. Invariant 3: whoever is told
of it can open it. Format: docs/format.md, "Header" and "Lineage".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from rollout.errors import Conflict
from rollout.format import vocabulary
from rollout.format.decoding import decode_json
from rollout.format.encoding import Draft, encode_payload, line_front
from rollout.format.times import timestamp_of
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.publish import DurableFolders, publish_file
from rollout.ids import RolloutId, ThreadId
from rollout.log.layout import folder_of, new_rollout_path
from rollout.replay.lineage import Lineage
from rollout.store.options import NO_OPTIONS, ThreadOptions
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
    options: ThreadOptions = NO_OPTIONS


class Base(Struct, frozen=True, rename="camel"):
    """Where a rollout leaves its parent: a rollout, an ordinal and a decoded byte offset, both exclusive.

    `anchor` ties it to the parent's bytes. Format: docs/format.md, "Lineage".
    """

    rollout_id: RolloutId
    end_ordinal: int
    end_offset: int
    anchor: str

    def members(self) -> dict[str, Any]:
        """Return the members of a header that store it."""
        return {
            "history_base": {
                "thread_id": self.rollout_id,
                "end_ordinal_exclusive": self.end_ordinal,
                "end_byte_offset": self.end_offset,
            },
            "base_anchor": self.anchor,
        }


BASE_MEMBERS: Final = frozenset({"history_base", "base_anchor"})


class Published(Struct, frozen=True):
    """A rollout that was published, and how long it is."""

    path: str
    size_bytes: int


def create_rollout(
    fs: MutableFileSystem,
    home: str,
    new: NewThread,
    now_ms: int,
    new_id: Callable[[], str],
    folders: DurableFolders | None = None,
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
        **new.options.header,
    }
    path = new_rollout_path(home, timestamp_of(now_ms), new.thread_id, None)
    settings = {
        "type": vocabulary.SETTINGS_APPLIED,
        "thread_id": new.thread_id,
        "thread_settings": new.settings.applied(new.model_provider),
    }
    drafts = [
        header_draft(payload),
        Draft(vocabulary.EVENT_MSG, encode_payload(settings, what="thread settings")),
    ]
    if new.options.instructions is not None:
        drafts.append(_instructed(new.options.instructions))
    return publish_rollout(fs, home, path, drafts, 0, now_ms, folders).path


def _instructed(text: str) -> Draft:
    """Return the message in which a developer tells a model what to do."""
    part = {"type": "input_text", "text": text}
    item = {"type": vocabulary.MESSAGE, "role": "developer", "content": [part]}
    return Draft(vocabulary.RESPONSE_ITEM, encode_payload(item, what="instructions"))


def create_revert(
    fs: MutableFileSystem, home: str, lineage: Lineage, base: Base | None, now_ms: int, rollout_id: RolloutId
) -> str:
    """Publish a rollout in which a thread ends at `base`; return its path. Durable on return.

    The older rollout stays as it is. The header takes over what the newest one says, but the
    base and its anchor. Without a base the thread is empty again.
    """
    newest = decode_members(lineage)
    kept = {key: value for key, value in newest.items() if key not in BASE_MEMBERS}
    payload = kept | {"timestamp": timestamp_of(now_ms)}
    if base is not None:
        payload |= base.members()
    path = new_rollout_path(home, stamp_behind(lineage, now_ms, rollout_id), lineage.thread_id, rollout_id)
    first_ordinal = base.end_ordinal if base is not None else 0
    return publish_rollout(fs, home, path, [header_draft(payload)], first_ordinal, now_ms).path


def decode_members(lineage: Lineage) -> dict[str, Any]:
    """Return the members of the newest header, known to us or not: text as text, all others as stored."""
    members = decode_json(lineage.newest.header.payload, dict[str, Raw]) or {}
    return {key: _text_of(stored) for key, stored in members.items()}


def _text_of(stored: Raw) -> str | Raw:
    text = decode_json(stored, str)
    return text if text is not None else Raw(bytes(stored))


def header_draft(payload: dict[str, Any]) -> Draft:
    """Return the record of a header, unwritten. Members as stored keep their spelling."""
    own = {key: value for key, value in payload.items() if not isinstance(value, Raw)}
    encode_payload(own, what="a header")  # refuses what cannot be stored
    return Draft(vocabulary.SESSION_META, msgspec.json.encode(payload))


def stamp_behind(lineage: Lineage, now_ms: int, rollout_id: RolloutId) -> str:
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
            f"making a newer rollout of thread {lineage.thread_id}: no later name than that of "
            f"{lineage.newest.file.path}",
            hint="Rename the file to the time it was made at.",
        ) from error


def publish_rollout(
    fs: MutableFileSystem,
    home: str,
    path: str,
    drafts: list[Draft],
    ordinal: int,
    now_ms: int,
    folders: DurableFolders | None = None,
) -> Published:
    """Publish a rollout of these records, numbered from `ordinal`. Bytes and name are durable on return.

    `folders` know which names need no sync any more.
    """
    lines = [
        line_front(timestamp_of(now_ms), ordinal + number, draft) + b"}\n"
        for number, draft in enumerate(drafts)
    ]
    if fs.find_stat(path) is not None:
        raise Conflict(f"making the rollout {path}: there is a file of that name", hint="Try again.")
    folder = folder_of(path)
    fs.make_folders(folder)
    content = b"".join(lines)
    publish_file(fs, path, content)
    (folders or DurableFolders()).sync_names(fs, home, folder)
    return Published(path, len(content))
