"""Names of threads in the catalog, taken over from the home's file of names when that has changed."""

from __future__ import annotations

import sqlite3
from typing import Final

from rollout.catalog.schema import transaction
from rollout.fs.api import FileSystem
from rollout.fs.stats import find_found
from rollout.log.layout import NAMES_FILE, join
from rollout.log.names import read_names

_STATE: Final = "names"


def refresh_names(connection: sqlite3.Connection, fs: FileSystem, home: str) -> int:
    """Take over the names if their file has changed; return how many changed."""
    found = find_found(join(home, NAMES_FILE))
    stamp = "" if found is None else f"{found.inode} {found.size_bytes} {found.changed_ns}"
    known = connection.execute("SELECT value FROM state WHERE name = ?", (_STATE,)).fetchone()
    if (known[0] if known is not None else "") == stamp:
        return 0
    names = read_names(fs, home)
    before = dict(connection.execute("SELECT thread_id, name FROM names"))
    changed = {
        thread_id: names.get(thread_id)
        for thread_id in {*names, *before}
        if names.get(thread_id) != before.get(thread_id)
    }
    with transaction(connection):
        for thread_id, name in changed.items():
            if name is None:
                connection.execute("DELETE FROM names WHERE thread_id = ?", (thread_id,))
            else:
                connection.execute("INSERT OR REPLACE INTO names VALUES(?, ?)", (thread_id, name))
            connection.execute("UPDATE threads SET name = ? WHERE thread_id = ?", (name, thread_id))
        connection.execute("INSERT OR REPLACE INTO state VALUES(?, ?)", (_STATE, stamp))
    return len(changed)
