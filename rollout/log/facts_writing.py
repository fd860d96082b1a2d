"""Appending to the facts of a home, and keeping their file short.

A patch is one line: a crash leaves all of it or nothing. Members that it does not name are not written, so
patches of several processes never take each other's back. Format: docs/format.md, "Facts".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import nullcontext, suppress
from typing import Final

import msgspec
from msgspec import UNSET, Raw

from rollout.errors import StorageFailed
from rollout.fs.mutation import MutableFileSystem
from rollout.fs.publish import publish_file
from rollout.ids import ThreadId
from rollout.log.facts import (
    GIT,
    NAME,
    TAGS,
    FactsLine,
    FactsPatch,
    Folded,
    fold,
    parse_facts_line,
    patch_members,
)
from rollout.log.layout import facts_path
from rollout.log.names import append_name_line, locked_names
from rollout.log.side_log import append_side_line, iter_side_lines, locked_side_log

COMPACT_EVERY_BYTES: Final = 64 << 10
"""How much is appended before anybody looks whether the file says the same in fewer bytes."""
_MOST_TIMES_AS_LONG: Final = 10


def append_patch(
    fs: MutableFileSystem,
    home: str,
    thread_id: ThreadId,
    patch: FactsPatch,
    now_ms: int,
    require: Callable[[], None] = lambda: None,
    compact_every_bytes: int = COMPACT_EVERY_BYTES,
) -> None:
    """Let a patch count. Durable on return; a name is in the home's file of names, too.

    `require` is asked under the lock, and raises what speaks against it. After a crash or
    StorageFailed the patch counts whole or not at all; what it says of the name may be missing in the file of
    names. Raise Conflict while facts or names are locked, with nothing written.
    """
    act = f"setting facts of thread {thread_id}"
    path = facts_path(home)
    line = _line_of(now_ms, thread_id, patch_members(patch))
    name = patch.name
    with (
        locked_side_log(fs, f"{path}.lock", act, "facts"),
        nullcontext() if name is UNSET else locked_names(fs, home, act),
    ):
        require()
        size = append_side_line(fs, home, path, line)
        if name is not UNSET:
            append_name_line(fs, home, thread_id, name or "", now_ms)
        if size // compact_every_bytes > max(0, size - len(line)) // compact_every_bytes:
            with suppress(StorageFailed):  # the patch counts; a later one tries again
                _compact(fs, path, size)


def forget_facts(fs: MutableFileSystem, home: str, thread_ids: Set[ThreadId]) -> None:
    """Take all facts of these threads away; all other lines stay, to the byte.

    The file is published anew, whole. Durable on return. Raise Conflict while facts are locked.
    """
    path = facts_path(home)
    if fs.find_stat(path) is None:
        return
    with locked_side_log(fs, f"{path}.lock", "forgetting facts", "facts"):
        lines = list(iter_side_lines(fs, path))
        kept = [line for line in lines if _owner(line) not in thread_ids]
        if len(kept) < len(lines):
            publish_file(fs, path, b"".join(line + b"\n" for line in kept))


def compacted(lines: Iterable[bytes]) -> bytes:
    """Return lines that say the same in as few bytes as can be; what is no patch stays as it is. Pure."""
    lines = list(lines)
    unknown = [line + b"\n" for line in lines if parse_facts_line(line) is None]
    told = sorted(fold(lines).items(), key=lambda one: (one[1].at, one[0]))
    return b"".join([*unknown, *(line for thread_id, found in told for line in _lines_of(thread_id, found))])


def _compact(fs: MutableFileSystem, path: str, size_bytes: int) -> None:
    content = compacted(iter_side_lines(fs, path))
    if size_bytes > _MOST_TIMES_AS_LONG * len(content):
        publish_file(fs, path, content)


def _lines_of(thread_id: ThreadId, found: Folded) -> Iterator[bytes]:
    """Yield what is said of a thread: the name apart, since when it was given counts."""
    others = {member: Raw(stored) for member, stored in found.members.items() if member != NAME}
    if found.git:
        others[GIT] = _object_of(found.git)
    if found.tags:
        others[TAGS] = _object_of(found.tags)
    if NAME in found.members:
        yield _line_of(found.named_at, thread_id, {NAME: Raw(found.members[NAME])})
    if others:
        yield _line_of(found.at, thread_id, others)


def _object_of(members: dict[str, bytes]) -> Raw:
    return Raw(msgspec.json.encode({member: Raw(stored) for member, stored in members.items()}))


def _line_of(at: int, thread_id: ThreadId, members: dict[str, Raw]) -> bytes:
    return msgspec.json.encode(FactsLine(at, thread_id, members)) + b"\n"


def _owner(line: bytes) -> ThreadId | None:
    found = parse_facts_line(line)
    return ThreadId(found.thread_id) if found is not None else None
