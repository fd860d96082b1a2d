"""Kill writers at random moments, or let many writers and readers run at once; stop at the first thing lost.

EXIT STATUS: 0 nothing lost, 1 something lost or in error (the home it happened in is named).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from soaking.catalog import soak_catalog
from soaking.crowd import soak_crowd
from soaking.killed import soak_killed


def main() -> int:
    """Soak as the arguments say, in a fresh home."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200, help="how many writers to kill (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="which moments to kill them at (default 1)")
    parser.add_argument("--many", action="store_true", help="many writers and readers instead, none killed")
    parser.add_argument("--catalog", action="store_true", help="many processes over one catalog instead")
    parser.add_argument("--seconds", type=float, default=60, help="how long they run (default 60)")
    parser.add_argument("--writers", type=int, default=8, help="each on a thread of its own (default 8)")
    parser.add_argument("--readers", type=int, default=8, help="each of all threads (default 8)")
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        if arguments.catalog:
            outcome = soak_catalog(home, arguments.seconds, arguments.writers)
            print(f"{outcome.refreshes} times brought up to date, {outcome.threads} threads, nothing wrong")
        elif arguments.many:
            crowd = soak_crowd(home, arguments.seconds, arguments.writers, arguments.readers)
            print(f"{crowd.acknowledged_turns} turns acknowledged, {crowd.readings} readings, nothing wrong")
        else:
            killed = soak_killed(home, arguments.runs, arguments.seed)
            print(
                f"{killed.runs} writers killed, {killed.killed_in_a_turn} of them in a turn,"
                f" {killed.torn_tails} torn tails; {killed.acknowledged_turns} turns acknowledged, none lost"
            )
    except AssertionError as error:
        print(f"{error}\nthe home is {home}", file=sys.stderr)
        return 1
    shutil.rmtree(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
