"""World state and window: what the surviving compactions and states add up to.

Format: docs/format.md, "World state" and "Window".
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import Raw, Struct

from rollout.format.decoding import decode_json, on_any_stack
from rollout.format.payloads import Compacted, WorldState
from rollout.ids import is_uuid7

Members = dict[str, Raw]


class Window(Struct, frozen=True, rename="camel"):
    """The context window a thread is in. Ids are version 7 UUIDs or None."""

    number: int
    first_id: str | None = None
    previous_id: str | None = None
    id: str | None = None


def window_of(compacted: Compacted) -> Window | None:
    """Return the window that a compaction opened, or None when it does not say."""
    number = compacted.number
    if number is None:
        return None
    window_id = compacted.window_id if isinstance(compacted.window_id, str) else None
    return Window(
        number,
        _counted(compacted.first_window_id),
        _counted(compacted.previous_window_id),
        _counted(window_id),
    )


def first_window(window_id: str) -> Window:
    """Return the window of a thread that has not been compacted."""
    counted = _counted(window_id)
    return Window(0, counted, None, counted)


def _counted(window_id: str | None) -> str | None:
    return window_id if window_id is not None and is_uuid7(window_id) else None


def fold_world(changes: Sequence[WorldState | None], older: Raw | None = None) -> Raw | None:
    """Return the state that `changes` add up to, oldest first; None stands for a compaction.

    `older` is the state before them, if it is known. None when the state is unknown: nothing
    stored it, or a compaction came last.
    """
    if not changes:
        return older
    members = decode_json(older, Members) if older is not None else None
    for change in changes:
        if change is None:
            members = None
        elif change.full:
            members = change.state
        elif members is not None:
            members = _patched(members, change.state)
    return None if members is None else Raw(msgspec.json.encode(members))


def _patched(members: Members, patch: Members) -> Members | None:
    try:
        return on_any_stack(partial(merge_patch, members, patch))
    except RecursionError:
        return None  # nested too deeply to merge: the state is unknown


def merge_patch(target: Members, patch: Members) -> Members:
    """Return `target` with a JSON merge patch (RFC 7386) applied; untouched members stay verbatim."""
    merged = dict(target)
    for key, change in patch.items():
        if bytes(change) == b"null":
            merged.pop(key, None)
            continue
        nested = decode_json(change, Members) if bytes(memoryview(change)[:1]) == b"{" else None
        if nested is None:
            merged[key] = change
            continue
        known = decode_json(merged[key], Members) if key in merged else None
        merged[key] = Raw(msgspec.json.encode(merge_patch(known or {}, nested)))
    return merged
