"""Which threads were spawned, from the rows: what would else take the header of every rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3  # slow to import, and only whoever has a connection needs it

_SPAWNED: Final = "SELECT thread_id, parent_thread_id FROM threads WHERE parent_thread_id IS NOT NULL"


def find_spawners(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the parent of every thread whose header names one, as it is spelled there."""
    return dict(connection.execute(_SPAWNED))
