"""Thread names: an append-only file of renames, the newest entry of an id wins.

Written as the reference client writes it, under the lock that it takes.
Format: docs/format.md, "Names of threads".
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from rollout.errors import Conflict, NotFound
from rollout.format.decoding import decode_json
from rollout.format.encoding import encode_payload
from rollout.fs.api import FileSystem
from rollout.fs.mutation import AppendFile, MutableFileSystem
from rollout.ids import ThreadId, find_uuid
from rollout.log.chunks import MAX_LINE_BYTES, Chunk, iter_chunks
from rollout.log.layout import NAMES_FILE, join, names_lock_path
from rollout.log.source import open_source
from rollout.log.writer import timestamp_of

_LOCK_WAIT_MILLIS: Final = 5000
"""Whoever has the lock appends a line, and lets go."""


class _Rename(Struct, frozen=True):
    id: str
    thread_name: str | None = None


def read_names(fs: FileSystem, home: str) -> dict[ThreadId, str]:
    """Return the name of every thread that has one. Lines that are no renames are passed over."""
    names: dict[ThreadId, str] = {}
    try:
        source = open_source(fs, join(home, NAMES_FILE))
    except NotFound:
        return names
    with source:
        for chunk in iter_chunks(source, 0, source.size_bytes, MAX_LINE_BYTES):
            if not isinstance(chunk, Chunk):
                continue
            for line in chunk.content.split(b"\n"):
                # Zeros stand where a crash took the newline that a later name began with.
                rename = decode_json(line.rstrip(b"\0"), _Rename) if line else None
                thread_id = find_uuid(rename.id) if rename is not None else None
                if rename is None or thread_id is None:
                    continue
                if rename.thread_name:
                    names[ThreadId(thread_id)] = rename.thread_name
                else:
                    names.pop(ThreadId(thread_id), None)
    return names


def append_name(fs: MutableFileSystem, home: str, thread_id: ThreadId, name: str, now_ms: int) -> None:
    """Give a thread a name. Durable on return.

    After a crash or StorageFailed the thread has the old name or the new one. Raise Conflict when
    somebody else keeps the names locked.
    """
    rename = {"id": thread_id, "thread_name": name, "updated_at": timestamp_of(now_ms)}
    line = encode_payload(rename, what="a name") + b"\n"
    path = join(home, NAMES_FILE)
    lock = fs.find_lock(names_lock_path(home), wait_millis=_LOCK_WAIT_MILLIS)
    if lock is None:
        raise Conflict(
            f"naming thread {thread_id}: the names of this home have been locked for"
            f" {_LOCK_WAIT_MILLIS // 1000} s",
            hint=f"See which process has {names_lock_path(home)} open.",
        )
    try:
        with _open_names(fs, path) as file:
            size = file.size_bytes()
            # A line that a crash cut short stays a bad line of its own.
            is_cut = size > 0 and file.read_at(size - 1, 1) != b"\n"
            file.append(b"\n" + line if is_cut else line)
            file.sync()
        fs.sync_folder(home)  # the file may be new, made by us or by somebody who does not sync
    finally:
        lock.release()


def _open_names(fs: MutableFileSystem, path: str) -> AppendFile:
    try:
        return fs.open_append(path)
    except NotFound:
        return fs.create(path)
