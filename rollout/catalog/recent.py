"""What is known since the last refresh: which files there are, as long as no folder has changed.

A name that comes or goes changes its folder's time, so one look a folder tells that there are the same
files; an append changes no folder. So a page in an order that appends do not move needs looks at its own
files, and at those that could not be read, and at no others. It is kept with the rows: a process that
begins needs no walk of its own.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec
from msgspec import Struct

from rollout.catalog.query import FoundThread
from rollout.catalog.refresh import Refreshed, Scope, find_stale, refresh_file
from rollout.catalog.walk import Walk
from rollout.errors import StorageFailed
from rollout.format.decoding import decode_json
from rollout.fs.stats import find_found

_SETTLED_NS: Final = 2_000_000_000
"""A folder that changed this short a while before it was listed may change again unseen."""
_MOST_TROUBLED: Final = 64


class Recent(Struct, frozen=True):
    """The folders of a home as they were when everything in them was known, and what the refresh met."""

    folders: dict[str, int]
    done: Refreshed


class Kept(Struct, frozen=True):
    """What one process leaves for others, and the generation of the rows that it speaks of."""

    generation: str
    recent: Recent


RECENT: Final = "recent"


def kept_text(recent: Recent, generation: str) -> str:
    """Return what is stored for other processes. Raise UnicodeEncodeError for a path that is no text."""
    return msgspec.json.encode(Kept(generation, recent)).decode()


def find_kept(connection: sqlite3.Connection) -> Kept | None:
    """Return what another process left, if it can be read."""
    row = connection.execute("SELECT value FROM state WHERE name = ?", (RECENT,)).fetchone()
    return decode_json(row[0].encode(), Kept) if row is not None else None


def recent_of(walk: Walk, done: Refreshed, began_ms: int) -> Recent | None:
    """Return what may be believed after a refresh that began its walk at a time; None for nothing."""
    newest = max(walk.folders.values(), default=0)
    is_settled = newest < began_ms * 1_000_000 - _SETTLED_NS
    if not is_settled or not done.is_complete or walk.unreadable_folders:
        return None
    return Recent(walk.folders, done)


def has_same_files(recent: Recent) -> bool:
    """Tell whether no name has come or gone since, by one look a folder."""
    try:
        for folder, changed_ns in recent.folders.items():
            found = find_found(folder)
            if (found.changed_ns if found is not None else 0) != changed_ns:
                return False
    except StorageFailed:
        return False
    return True


def refresh_rows(connection: sqlite3.Connection, scope: Scope, rows: list[FoundThread]) -> bool | None:
    """Bring some rows up to date; return whether one had changed, or None where a refresh is the cheaper way.

    Also looks at every file that could not be read: it may be of any kind by now.
    """
    troubled = connection.execute(
        "SELECT path FROM files WHERE problem_code IS NOT NULL LIMIT ?",
        (_MOST_TROUBLED + 1,),
    ).fetchall()
    if len(troubled) > _MOST_TROUBLED:
        return None
    paths = [path for (path,) in troubled]
    for row in rows:
        own = connection.execute("SELECT path FROM files WHERE thread_id = ?", (row.thread_id,))
        paths += [path for (path,) in own]
    stale = find_stale(connection, scope, dict.fromkeys(paths))
    for path in stale:
        refresh_file(connection, scope, path)
    return bool(stale)
