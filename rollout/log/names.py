"""Thread names: an append-only file of renames, the newest entry of an id wins.

Written as the reference client writes it, under the lock that it takes.
Format: docs/format.md, "Names of threads".
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from contextlib import AbstractContextManager

from msgspec import UNSET, Raw, Struct

from rollout.errors import NotFound
from rollout.format.decoding import decode_json
from rollout.format.encoding import encode_payload
from rollout.format.record import ABSENT
from rollout.format.times import parse_time, timestamp_of
from rollout.fs.api import FileSystem
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.publish import publish_file
from rollout.ids import ThreadId, find_uuid
from rollout.log.facts import NAME, Folded, read_folded
from rollout.log.layout import NAMES_FILE, join, names_lock_path
from rollout.log.side_log import append_side_line, iter_side_lines, locked_side_log


class _Rename(Struct, frozen=True):
    id: str
    thread_name: str | None = None
    updated_at: Raw = ABSENT


def read_names(
    fs: FileSystem, home: str, said: Mapping[ThreadId, Folded] | None = None
) -> dict[ThreadId, str]:
    """Return the name of every thread that has one, whichever of the two files has its newest.

    Lines that are no renames are passed over. Among renames their order counts, against a fact their time.
    `said` are the facts of the home, for who has read them.
    """
    renames = _newest_renames(fs, home)
    names = {thread_id: rename.thread_name for thread_id, rename in renames.items() if rename.thread_name}
    for thread_id, folded in (read_folded(fs, home) if said is None else said).items():
        if NAME not in folded.members:
            continue
        facts = folded.facts()
        if facts.name is UNSET:
            continue
        rename = renames.get(thread_id)
        if rename is not None:
            renamed_at = parse_time(decode_json(rename.updated_at, str) or "")
            if renamed_at is None or renamed_at >= facts.named_at:
                continue
        if facts.name:
            names[thread_id] = facts.name
        else:
            names.pop(thread_id, None)
    return names


def _newest_renames(fs: FileSystem, home: str) -> dict[ThreadId, _Rename]:
    found: dict[ThreadId, _Rename] = {}
    for line in iter_side_lines(fs, join(home, NAMES_FILE)):
        rename, thread_id = _parse(line)
        if rename is not None and thread_id is not None:
            found[thread_id] = rename
    return found


def name_bytes(fs: FileSystem, home: str) -> dict[ThreadId, int]:
    """Return how many bytes the lines take that name each thread, old names included."""
    sizes: dict[ThreadId, int] = {}
    for line in iter_side_lines(fs, join(home, NAMES_FILE)):
        _, thread_id = _parse(line)
        if thread_id is not None:
            sizes[thread_id] = sizes.get(thread_id, 0) + len(line) + 1
    return sizes


def _parse(line: bytes) -> tuple[_Rename | None, ThreadId | None]:
    rename = decode_json(line, _Rename)
    found = find_uuid(rename.id) if rename is not None else None
    return rename, ThreadId(found) if found is not None else None


def append_name(fs: MutableFileSystem, home: str, thread_id: ThreadId, name: str, now_ms: int) -> None:
    """Give a thread a name. Durable on return.

    After a crash or StorageFailed the thread has the old name or the new one. Raise Conflict when
    somebody else keeps the names locked.
    """
    with locked_names(fs, home, f"naming thread {thread_id}"):
        append_name_line(fs, home, thread_id, name, now_ms)


def append_name_line(fs: MutableFileSystem, home: str, thread_id: ThreadId, name: str, now_ms: int) -> None:
    """Do the same for whoever holds the lock; an empty name takes the name away."""
    rename = {"id": thread_id, "thread_name": name, "updated_at": timestamp_of(now_ms)}
    append_side_line(fs, home, join(home, NAMES_FILE), encode_payload(rename, what="a name") + b"\n")


def locked_names(fs: MutableFileSystem, home: str, act: str) -> AbstractContextManager[None]:
    """Hold the lock of the names, which the reference client takes, too. Raise Conflict."""
    return locked_side_log(fs, names_lock_path(home), act, "names")


def remove_names(fs: MutableFileSystem, home: str, thread_ids: Set[ThreadId]) -> None:
    """Take every name away that was given to these threads; all other lines stay, to the byte.

    The file is published anew, whole. Durable on return. Raise Conflict as `append_name` does.
    """
    path = join(home, NAMES_FILE)
    with locked_names(fs, home, "removing names"):
        try:
            with fs.open_read(path) as file:
                content = file.read_at(0, file.stat().size_bytes)
        except NotFound:
            return
        *lines, unterminated = content.split(b"\n")
        kept = [
            line
            for line in [*(line + b"\n" for line in lines), unterminated]
            if _names_none(line, thread_ids)
        ]
        if len(kept) <= len(lines):
            publish_file(fs, path, b"".join(kept))


def _names_none(line: bytes, thread_ids: Set[ThreadId]) -> bool:
    return _parse(line.strip(b"\n\0"))[1] not in thread_ids
