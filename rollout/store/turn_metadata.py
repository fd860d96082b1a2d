"""What a client says of a turn: stored with it, added to what is ours, never in place of it.

Format: docs/format.md, "Writing turns".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rollout.errors import InvalidRequest
from rollout.ids import ThreadId, TurnId

RESERVED: Final = frozenset(
    {
        "session_id",
        "thread_id",
        "turn_id",
        "root_turn_id",
        "thread_source",
        "workspaces",
        "sandbox",
        "request_kind",
        "window_id",
        "compaction",
        "started_at",
        "forked_from_id",
        "parent_thread_id",
    }
)
"""Members of a turn's metadata that a client never sets, there now or not."""


def turn_metadata(thread_id: ThreadId, turn_id: TurnId, client: Mapping[str, str]) -> dict[str, str]:
    """Return a turn's metadata: ours, and of the client's what is not reserved. Raise InvalidRequest."""
    if not isinstance(client, Mapping):
        raise _refused(thread_id, client)
    given: Mapping[Any, Any] = client
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise _refused(thread_id, {key: value})
    own = {"thread_id": str(thread_id), "turn_id": str(turn_id)}
    return own | {key: value for key, value in client.items() if key not in RESERVED}


def _refused(thread_id: ThreadId, found: object) -> InvalidRequest:
    return InvalidRequest(
        f"opening a turn of thread {thread_id}: client_metadata maps text to text, found {found!r:.200}",
        hint="Mend the value; nothing was written.",
    )
