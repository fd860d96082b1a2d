"""A process that pages and resumes threads while they are written; it ends at the first thing that is wrong.

usage: python -m soaking.reader HOME SECONDS THREAD...
"""

from __future__ import annotations

import sys
import time

import rollout
from soaking.turns import numbers_of

PAGE = 20


def read(store: rollout.Store, thread_id: str, seen: int) -> int:
    """Read a thread in every way; return how many completed turns it has, at least `seen`."""
    with store.open_thread(thread_id) as thread:
        numbers: list[int] = []
        cursor = None
        while True:
            page = thread.turns(limit=PAGE, cursor=cursor, view=rollout.ItemsView.FULL)
            numbers += numbers_of(page.data)
            cursor = page.next_cursor
            if cursor is None or len(numbers) > 2 * PAGE:
                break
        newest = numbers[0] + 1 if numbers else 0
        assert numbers == list(range(newest - len(numbers), newest))[::-1], f"turns are missing in {numbers}"
        assert newest >= seen, f"{seen} turns were there, now there are {newest}"
        context = thread.context()
        assert not [each for each in context.damage if each.is_damage], context.damage
        bounded, full = context.input_json(), thread.context(full_replay=True).input_json()
        assert bounded == full, "the bounded read answers otherwise than the full one"
    return newest


def main() -> None:
    """Read all threads in turn until the time is up; say how many readings there were."""
    home, seconds, *thread_ids = sys.argv[1:]
    seen = dict.fromkeys(thread_ids, 0)
    readings = 0
    with rollout.open_store(home) as store:
        read(store, thread_ids[0], 0)  # what is imported late is there before the clock runs
        ends_at = time.monotonic() + float(seconds)
        while time.monotonic() < ends_at:
            for thread_id in thread_ids:
                seen[thread_id] = read(store, thread_id, seen[thread_id])
                readings += 1
    print("readings", readings)


if __name__ == "__main__":
    main()
