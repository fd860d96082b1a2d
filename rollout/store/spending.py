"""What a thread has used: its running totals, known from its history when first asked for.

Format: docs/format.md, "Usage".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from rollout.replay.context import Context
from rollout.store.given import token_counts


class Totals(Struct, frozen=True):
    """All that was used: as usage records count it, and as users were told."""

    thread: dict[str, int]
    info: dict[str, int]


class Spending:
    """The totals of one thread that is being recorded."""

    def __init__(self, read_context: Callable[[], Context]) -> None:
        self._read_context = read_context
        self._totals: Totals | None = None

    def with_used(self, used: Mapping[str, int], total: Mapping[str, int] | None = None) -> Totals:
        """Return the totals with `used` added, or `total` where the caller knows better."""
        if total is not None:
            counts = token_counts(total)
            return Totals(counts, counts)
        if self._totals is None:
            usage = self._read_context().usage
            thread = usage.thread.counts() if usage.thread is not None else {}
            told = usage.info.total_token_usage if usage.info is not None else None
            self._totals = Totals(thread, told.counts() if told is not None else thread)
        return Totals(added(self._totals.thread, used), added(self._totals.info, used))

    def take(self, totals: Totals) -> None:
        """Go on from these: they have been recorded."""
        self._totals = totals


def added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Return the sums of two counts of tokens, member by member."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
