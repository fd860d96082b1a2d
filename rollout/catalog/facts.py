"""Names and facts in the catalog, taken over from the home's own files when one of those has changed.

What is filtered by is kept, and no more: what a thread is shown with is asked of the files. A rebuild loses
nothing, for nothing begins here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from rollout.catalog.schema import transaction
from rollout.fs.api import FileSystem
from rollout.fs.stats import find_found
from rollout.ids import ThreadId
from rollout.log.facts import Facts, read_folded
from rollout.log.layout import NAMES_FILE, facts_path, join
from rollout.log.names import read_names

if TYPE_CHECKING:
    import sqlite3  # slow to import, and only whoever has a connection needs it

_STATE: Final = "said"


def refresh_said(connection: sqlite3.Connection, fs: FileSystem, home: str) -> int:
    """Take over names and facts if a file of theirs has changed; return how many names changed."""
    stamp = f"{_stamp(join(home, NAMES_FILE))} {_stamp(facts_path(home))}"
    known = connection.execute("SELECT value FROM state WHERE name = ?", (_STATE,)).fetchone()
    if (known[0] if known is not None else "- -") == stamp:
        return 0
    folded = read_folded(fs, home)
    names = read_names(fs, home, folded)
    facts = {thread_id: said.facts() for thread_id, said in folded.items()}
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
        _write_facts(connection, facts)
        connection.execute("INSERT OR REPLACE INTO state VALUES(?, ?)", (_STATE, stamp))
    return len(changed)


def _stamp(path: str) -> str:
    found = find_found(path)
    return "-" if found is None else f"{found.inode}:{found.size_bytes}:{found.changed_ns}"


def _write_facts(connection: sqlite3.Connection, facts: Mapping[ThreadId, Facts]) -> None:
    """Put these facts in place of those that are there: only what has changed is written."""
    wanted = {
        (thread_id, one.is_pinned, one.cwd)
        for thread_id, one in facts.items()
        if one.is_pinned or one.cwd is not None
    }
    there = {
        (thread_id, bool(is_pinned), moved_to)
        for thread_id, is_pinned, moved_to in connection.execute(
            "SELECT thread_id, is_pinned, moved_to FROM facts"
        )
    }
    connection.executemany("DELETE FROM facts WHERE thread_id = ?", [(one[0],) for one in there - wanted])
    connection.executemany("INSERT INTO facts VALUES(?, ?, ?)", wanted - there)
    tags = {(tag, thread_id) for thread_id, one in facts.items() for tag in one.tags}
    tagged = set(connection.execute("SELECT tag, thread_id FROM tags"))
    connection.executemany("DELETE FROM tags WHERE tag = ? AND thread_id = ?", tagged - tags)
    connection.executemany("INSERT INTO tags VALUES(?, ?)", tags - tagged)
