"""Writes an inherited history out as a rollout that depends on nobody.

Invariants 2 and 5: what it is copied from stays as it is, and the thread shows what it showed. The older
rollouts are for pruning to take away, once nobody refers to them.
"""

from __future__ import annotations

from rollout.store.copying import Flattened, Report, flatten
from rollout.store.store import Store


def flatten_thread(store: Store, thread: str, *, report: Report | None = None) -> Flattened:
    """Let a thread hold all its history itself, in one new rollout; one without a base stays as it is.

    History, turns and items are the same before and after. `report` is told now and then how many
    bytes there are, and how many were written. Durable on return. Raise LeaseHeld while somebody
    records the thread, DamagedLog for bytes that are not what was sealed, UnsupportedFormat for a
    history that one file cannot show; then nothing was made. Format: docs/format.md, "Copies".
    """
    return flatten(store.surroundings(), store.find_thread_id(thread), report)
