"""A log beside the rollouts: a file of lines to which everybody appends, one after the other, under a lock.

For what is known of threads and stands in no rollout. A line is there whole or not at all: one that a crash
cut short stays a bad line of its own, and the next one is appended behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rollout.errors import Conflict, NotFound
from rollout.fs.api import FileSystem
from rollout.fs.mutation import AppendFile, MutableFileSystem
from rollout.fs.publish import sync_names
from rollout.log.chunks import MAX_LINE_BYTES, Chunk, iter_chunks
from rollout.log.layout import folder_of
from rollout.log.source import open_source

LOCK_WAIT_MILLIS: Final = 5000
"""Whoever has the lock appends a line, and lets go."""


def iter_side_lines(fs: FileSystem, path: str) -> Iterator[bytes]:
    """Yield every line that is not empty, oldest first; none when there is no such file.

    Lines over the cap are passed over. Zeros stand where a crash took the newline that a later line
    began with: they are left out.
    """
    try:
        source = open_source(fs, path)
    except NotFound:
        return
    with source:
        for chunk in iter_chunks(source, 0, source.size_bytes, MAX_LINE_BYTES):
            if isinstance(chunk, Chunk):
                for line in chunk.content.split(b"\n"):
                    if stripped := line.strip(b"\0"):
                        yield stripped


def append_side_line(fs: MutableFileSystem, home: str, path: str, line: bytes) -> int:
    """Append a line, newline included; return how long the file is then. Durable on return.

    Whoever calls holds the lock. After StorageFailed the line is there or it is not.
    """
    with _open_side_log(fs, path) as file:
        size = file.size_bytes()
        is_cut = size > 0 and file.read_at(size - 1, 1) != b"\n"
        file.append(b"\n" + line if is_cut else line)
        file.sync()
        size = file.size_bytes()
    sync_names(fs, home, folder_of(path))  # the file may be new, or made by somebody whom a crash cut short
    return size


@contextmanager
def locked_side_log(fs: MutableFileSystem, lock_path: str, act: str, what: str) -> Iterator[None]:
    """Hold the lock of a log for the body. Raise Conflict when somebody else keeps it."""
    fs.make_folders(folder_of(lock_path))
    lock = fs.find_lock(lock_path, wait_millis=LOCK_WAIT_MILLIS)
    if lock is None:
        raise Conflict(
            f"{act}: the {what} of this home have been locked for {LOCK_WAIT_MILLIS // 1000} s",
            hint=f"See which process has {lock_path} open.",
        )
    try:
        yield
    finally:
        lock.release()


def _open_side_log(fs: MutableFileSystem, path: str) -> AppendFile:
    try:
        return fs.open_append(path)
    except NotFound:
        return fs.create(path)
