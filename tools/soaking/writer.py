"""A process that records until it is stopped, and says on its output what it begins and what is acknowledged.

usage: python -m soaking.writer HOME THREAD FIRST_NUMBER SEED [SECONDS]
"""

from __future__ import annotations

import os
import sys
import time
from itertools import count
from random import Random

import rollout
from soaking.turns import SUMMARY, asked, record_turn

COMPACTS, REVERTS, REOPENS = 0.05, 0.03, 0.2


def say(*words: object) -> None:
    """Say one line, in one write: whoever reads it gets all of it or nothing."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def write(
    home: str, thread_id: str, first_number: int, random: Random, ends_at: float, *, reverts: bool
) -> None:
    """Record turns, compact, revert, and open anew, in any order."""
    numbers = count(first_number)
    with rollout.open_store(home) as store:
        while time.monotonic() < ends_at:
            newest = None
            with store.record(thread_id) as recorder:
                while time.monotonic() < ends_at:
                    number = next(numbers)
                    say("begin", number)
                    record_turn(recorder, number)
                    newest = number
                    say("done", number)
                    if random.random() < COMPACTS:
                        recorder.compact([asked(SUMMARY)])
                    if random.random() < REOPENS:
                        break
            if reverts and newest is not None and random.random() < REVERTS:
                turn = store.turns(thread_id, limit=1).data[0]
                if turn.items:
                    say("revert", newest)
                    store.revert_thread(thread_id, before_turn=turn.id).close()
                    say("reverted", newest)


def main() -> None:
    """Write as the arguments say; without an end, until killed."""
    home, thread_id, first_number, seed, *seconds = sys.argv[1:]
    with rollout.open_store(home) as store, store.record(thread_id) as recorder:
        record_turn(recorder, int(first_number))  # what is imported late is there before the clock runs
    ends_at = time.monotonic() + float(seconds[0]) if seconds else float("inf")
    say("done", first_number)
    say("ready")
    write(home, thread_id, int(first_number) + 1, Random(seed), ends_at, reverts=not seconds)


if __name__ == "__main__":
    main()
