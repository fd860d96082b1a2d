"""The benchmark's command line; `tools/bench` sets up its environment and runs this.

tools/bench [--recording | --forks | --server | --catalog | --compressing] [--quick | --full] [--only TEXT]
            [--rounds N] [--json FILE] [--no-client]
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.clients import find_client, measure_client
from benchmark.data import Data
from benchmark.measure import measure, own_peak_bytes, peak_in_fresh_process
from benchmark.report import as_json, describe, machine, table
from benchmark.rows import FULL, NORMAL, QUICK, Row, described_threads, make_rows
from benchmark.timed import TimedRow, timed_table

ROOT = Path(__file__).resolve().parents[2]
_CLIENT_ROUNDS = 3


def main() -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args()
    if options.recording:
        # Late: what it imports would count as memory of the rows of reading.
        from benchmark.recording_report import recording_table, run_recording

        result = run_recording(
            options.data.parent,
            is_quick=options.quick,
            is_full=options.full,
            rounds=options.rounds,
            only=options.only,
            say=_say,
        )
        print(recording_table(result))
        _keep(result, options.json)
        return 0
    if options.forks:
        from benchmark.forking import run_forks

        client = None if options.no_client else find_client(ROOT / ".cache" / "reference-client")
        scale = QUICK if options.quick else NORMAL
        found = run_forks(
            Data(options.data), turns=scale.turns, rounds=options.rounds, client=client, say=_say
        )
        return _show_timed(found, options.json)
    if options.server:
        from benchmark.serving import run_serving

        client = None if options.no_client else find_client(ROOT / ".cache" / "reference-client")
        scale = QUICK if options.quick else NORMAL
        found = run_serving(
            Data(options.data), turns=scale.turns, rounds=options.rounds, client=client, say=_say
        )
        return _show_timed(found, options.json)
    if options.catalog:
        from benchmark.cataloging import run_catalog

        found = run_catalog(Data(options.data), is_quick=options.quick, rounds=options.rounds, say=_say)
        return _show_timed(found, options.json)
    if options.compressing:
        from benchmark.compressing import run_compressing

        scale = QUICK if options.quick else NORMAL
        found = run_compressing(
            Data(options.data),
            turns=scale.turns,
            rounds=options.rounds,
            say=_say,
            is_quick=options.quick,
        )
        return _show_timed(found, options.json)
    data = Data(options.data)
    scale = QUICK if options.quick else FULL if options.full else NORMAL
    rows = [row for row in make_rows(data, scale) if options.only in row.key]
    if options.peak_of is not None:
        next(row for row in rows if row.key == options.peak_of).work()
        print(own_peak_bytes())
        return 0

    def peak_of(row: Row) -> int:
        flags = [flag for flag in ("--quick", "--full") if vars(options)[flag[2:]]]
        return peak_in_fresh_process(row, [*flags, "--data", str(options.data)])

    threads = described_threads(data, scale)
    measured = measure(rows, options.rounds, peak_of, _say)
    client = None if options.no_client else find_client(ROOT / ".cache" / "reference-client")
    if client is not None:
        for name, thread in threads.items():
            _say(f"reference client: {name}")
            measured += measure_client(client, name, thread, _CLIENT_ROUNDS)
    result = as_json(measured, describe(threads))
    print(table(result))
    _keep(result, options.json)
    return 0


def _show_timed(rows: Sequence[TimedRow], path: Path | None) -> int:
    """Print rows that go by the clock, and keep them; return the exit status."""
    found = [row.as_json() for row in rows]
    print(timed_table(found))
    _keep({"machine": machine(), "rows": found}, path)
    return 0


def _keep(result: dict[str, Any], path: Path | None) -> None:
    if path is not None:
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools/bench", description="Measure the read paths, or recording.")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small data, no budgets: does it run at all")
    size.add_argument("--full", action="store_true", help="with the log of 1 GB")
    parser.add_argument("--recording", action="store_true", help="measure recording instead of reading")
    parser.add_argument("--forks", action="store_true", help="measure forks instead of reading")
    parser.add_argument("--server", action="store_true", help="measure the server instead of reading")
    parser.add_argument("--catalog", action="store_true", help="measure the catalog instead of reading")
    parser.add_argument("--compressing", action="store_true", help="measure compressed threads instead")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=7, help="how often every row takes part")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    parser.add_argument("--data", type=Path, default=ROOT / ".build" / "bench" / "data", metavar="FOLDER")
    parser.add_argument("--no-client", action="store_true", help="leave the reference client out")
    parser.add_argument("--peak-of", metavar="ROW", help=argparse.SUPPRESS)
    return parser


def _say(what: str) -> None:
    print(what, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
