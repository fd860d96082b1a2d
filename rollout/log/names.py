"""Thread names: an append-only file of renames, the newest entry of an id wins.

Written as the reference client writes it, under the lock that it takes.
Format: docs/format.md, "Names of threads".
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from rollout.errors import Conflict, NotFound
from rollout.format.decoding import decode_json
from rollout.format.encoding import encode_payload
from rollout.fs.api import FileSystem
from rollout.fs.mutation import AppendFile, MutableFileSystem
from rollout.fs.publish import publish_file
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
    for line in _iter_lines(fs, home):
        rename, thread_id = _parse(line)
        if rename is None or thread_id is None:
            continue
        if rename.thread_name:
            names[thread_id] = rename.thread_name
        else:
            names.pop(thread_id, None)
    return names


def name_bytes(fs: FileSystem, home: str) -> dict[ThreadId, int]:
    """Return how many bytes the lines take that name each thread, old names included."""
    sizes: dict[ThreadId, int] = {}
    for line in _iter_lines(fs, home):
        _, thread_id = _parse(line)
        if thread_id is not None:
            sizes[thread_id] = sizes.get(thread_id, 0) + len(line) + 1
    return sizes


def _iter_lines(fs: FileSystem, home: str) -> Iterator[bytes]:
    try:
        source = open_source(fs, join(home, NAMES_FILE))
    except NotFound:
        return
    with source:
        for chunk in iter_chunks(source, 0, source.size_bytes, MAX_LINE_BYTES):
            if isinstance(chunk, Chunk):
                yield from chunk.content.split(b"\n")


def _parse(line: bytes) -> tuple[_Rename | None, ThreadId | None]:
    # Zeros stand where a crash took the newline that a later name began with.
    rename = decode_json(line.rstrip(b"\0"), _Rename) if line else None
    found = find_uuid(rename.id) if rename is not None else None
    return rename, ThreadId(found) if found is not None else None


def append_name(fs: MutableFileSystem, home: str, thread_id: ThreadId, name: str, now_ms: int) -> None:
    """Give a thread a name. Durable on return.

    After a crash or StorageFailed the thread has the old name or the new one. Raise Conflict when
    somebody else keeps the names locked.
    """
    rename = {"id": thread_id, "thread_name": name, "updated_at": timestamp_of(now_ms)}
    line = encode_payload(rename, what="a name") + b"\n"
    path = join(home, NAMES_FILE)
    with _locked(fs, home, f"naming thread {thread_id}"):
        with _open_names(fs, path) as file:
            size = file.size_bytes()
            # A line that a crash cut short stays a bad line of its own.
            is_cut = size > 0 and file.read_at(size - 1, 1) != b"\n"
            file.append(b"\n" + line if is_cut else line)
            file.sync()
        fs.sync_folder(home)  # the file may be new, made by us or by somebody who does not sync


def remove_names(fs: MutableFileSystem, home: str, thread_ids: Set[ThreadId]) -> None:
    """Take every name away that was given to these threads; all other lines stay, to the byte.

    The file is published anew, whole. Durable on return. Raise Conflict as `append_name` does.
    """
    path = join(home, NAMES_FILE)
    with _locked(fs, home, "removing names"):
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
    return _parse(line.rstrip(b"\n"))[1] not in thread_ids


@contextmanager
def _locked(fs: MutableFileSystem, home: str, act: str) -> Iterator[None]:
    lock = fs.find_lock(names_lock_path(home), wait_millis=_LOCK_WAIT_MILLIS)
    if lock is None:
        raise Conflict(
            f"{act}: the names of this home have been locked for {_LOCK_WAIT_MILLIS // 1000} s",
            hint=f"See which process has {names_lock_path(home)} open.",
        )
    try:
        yield
    finally:
        lock.release()


def _open_names(fs: MutableFileSystem, path: str) -> AppendFile:
    try:
        return fs.open_append(path)
    except NotFound:
        return fs.create(path)
