"""Mutate recorded homes and read them in every way, for a while; stop at the first thing that is wrong.

EXIT STATUS: 0 nothing found, 1 something found (its bytes and description are in the folder named).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from fuzzing.cases import Failure, kind_of, make_case, reduce_failure, run_case
from fuzzing.homes import load_homes

OUT = Path(__file__).parents[1] / ".build" / "fuzz"


def main() -> int:
    """Run until the time is up or something is found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long to look (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="which cases to look at (default 1)")
    parser.add_argument("--case", type=int, help="run this case of the seed, and no other")
    parser.add_argument("--keep-going", action="store_true", help="report everything found, each kind once")
    arguments = parser.parse_args()
    if not load_homes():
        parser.error("there are no recorded homes under fixtures/")
    if arguments.case is not None:
        return _report(run_case(make_case(arguments.seed, arguments.case)))
    return _look(arguments.seed, arguments.seconds, keeps_going=arguments.keep_going)


def _look(seed: int, seconds: float, *, keeps_going: bool) -> int:
    ends_at = time.monotonic() + seconds
    number, status = 0, 0
    seen: set[str] = set()
    while time.monotonic() < ends_at:
        failure = run_case(make_case(seed, number))
        number += 1
        if failure is None:
            continue
        status = 1
        kind = kind_of(failure)
        if kind not in seen:
            seen.add(kind)
            _report(failure)
        if not keeps_going:
            break
    print(f"seed {seed}: {number} cases, {len(seen)} kinds of failure")
    return status


def _report(failure: Failure | None) -> int:
    """Make a failure small, write it down, and say where."""
    if failure is None:
        return 0
    small = reduce_failure(failure)
    case = small.case
    OUT.mkdir(parents=True, exist_ok=True)
    stem = OUT / f"seed-{case.seed}-case-{case.number}"
    stem.with_suffix(".jsonl").write_bytes(small.content)
    description = "\n".join(
        (
            f"home        {case.home}, packing {case.packing}",
            f"file        {case.path}",
            f"donor       {case.donor}",
            f"steps       {', '.join(step.name for step in case.steps) or 'none'}",
            f"line cap    {case.max_line_bytes}",
            f"page limit  {case.limit}",
            f"content     {len(small.content)} bytes, in {stem}.jsonl",
            f"again       tools/fuzz --seed {case.seed} --case {case.number}",
            "",
            small.what,
        )
    )
    stem.with_suffix(".txt").write_text(description + "\n")
    print(description, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
