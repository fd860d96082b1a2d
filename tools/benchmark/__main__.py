"""The benchmark's command line; `tools/bench` sets up its environment and runs this."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmark.clients import find_client
from benchmark.data import Data
from benchmark.history import FACTOR, as_text, compare, comparison, find_last, keep
from benchmark.report import table
from benchmark.run import FULL, NORMAL, QUICK, SCALES, Run
from benchmark.suites import SUITES, peak_of, run_suites, run_worker
from benchmark.tables import fill

ROOT = Path(__file__).resolve().parents[2]
_BENCH = ROOT / ".build" / "bench"
_PAGES = ROOT / "docs" / "bench"
_BASELINE = _PAGES / "baseline.json"
_DOCUMENTS = (ROOT / "docs" / "performance.md", ROOT / "README.md")
_USAGE = """\
Without a suite, all of them run, one after the other. A suite that fails is named at the end; the exit
status is 1 then, and when --compare finds a regression. Every run is kept below .build/bench/history."""

Json = dict[str, Any]


def main() -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args()
    if options.plot is not None:
        _draw(_read(options.plot))
        return 0
    if options.tables:
        _fill(_read(_BASELINE))
        return 0
    suites = [suite for suite in SUITES if vars(options)[suite]] or _all(options.only)
    run = _run(options)
    if options.peak_of is not None:
        print(peak_of(suites[0], run, options.peak_of))
        return 0
    if options.worker is not None:
        options.worker.write_text(json.dumps(run_worker(suites[0], run)))
        return 0
    # The last run is looked for before this one becomes it.
    before = None if options.compare is None else _before(options.compare, run.scale.name)
    result = (
        _read(options.load)
        if options.load
        else run_suites(suites, run, lambda one: keep(one, _BENCH / "history"))
    )
    print(table(result))
    if options.json is not None:
        options.json.write_text(as_text(result), encoding="utf-8")
    if options.publish:
        _publish(result)
    changes = compare(before, result, options.factor) if before else []
    if before:
        print("\n" + "\n".join(comparison(changes, before, result)))
    return 1 if result["failures"] or any(change.worse for change in changes) else 0


def _all(only: str) -> list[str]:
    """Return every suite; for some groups without the comparison, which measures all or nothing."""
    return [suite for suite in SUITES if not only or suite != "comparing"]


def _run(options: argparse.Namespace) -> Run:
    scale = QUICK if options.quick else FULL if options.full else NORMAL
    scale = SCALES[options.scale] if options.scale else scale
    rounds = options.rounds or scale.rounds
    client = None if options.no_client else find_client(ROOT / ".cache" / "reference-client")
    arguments = [
        "--scale",
        scale.name,
        "--rounds",
        str(rounds),
        "--data",
        str(options.data),
        "--only",
        options.only,
    ]
    arguments += ["--no-client"] if options.no_client else []
    is_alone = options.peak_of is not None
    return Run(Data(options.data), scale, rounds, _say, options.only, client, tuple(arguments), is_alone)


def _publish(run: Json) -> None:
    """Let a run be the one that the documents show."""
    _PAGES.mkdir(exist_ok=True)
    _BASELINE.write_text(as_text(run), encoding="utf-8")
    _draw(run)
    _fill(run)


def _draw(run: Json) -> None:
    # Late: only who draws needs what it imports.
    from benchmark.plots import draw

    for path in draw(run, _PAGES):
        _say(f"drawn: {path}")


def _fill(run: Json) -> None:
    for document in _DOCUMENTS:
        document.write_text(fill(document.read_text(encoding="utf-8"), run), encoding="utf-8")


def _before(named: str, scale: str) -> Json:
    if named != "last":
        return _read(Path(named))
    path = find_last(_BENCH / "history", scale)
    if path is None:
        raise SystemExit("there is no earlier run of such data to compare with")
    return _read(path)


def _read(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/bench", description="Measure the store, beside its peers.", epilog=_USAGE
    )
    add = parser.add_argument
    for suite in SUITES:
        add(f"--{suite}", action="store_true", help=f"measure {suite}; may be given with others")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small data, no budgets: does it run at all")
    size.add_argument("--full", action="store_true", help="with logs of 1 GB")
    add(
        "--only",
        default="",
        metavar="TEXT",
        help="groups of rows whose name contains this",
    )
    add("--rounds", type=int, metavar="N", help="how often every row takes part")
    add("--json", type=Path, metavar="FILE", help="write the result there, too")
    add("--no-client", action="store_true", help="leave the reference client out")
    add(
        "--data",
        type=Path,
        default=_BENCH / "data",
        metavar="FOLDER",
        help="where generated threads are kept",
    )
    add("--load", type=Path, metavar="FILE", help="take the run in this file, measure nothing")
    add(
        "--compare",
        nargs="?",
        const=str(_BASELINE),
        metavar="FILE",
        help="show what changed since the run in this file; `last`: the run before; else the published one",
    )
    add("--factor", type=float, default=FACTOR, metavar="X", help="how much slower is a regression")
    add("--publish", action="store_true", help="let this run be the one in docs: baseline, plots and tables")
    add("--plot", type=Path, metavar="FILE", help="draw the plots of the run in this file, measure nothing")
    add(
        "--tables",
        action="store_true",
        help="write the tables of docs from the published run, measure nothing",
    )
    add("--scale", choices=list(SCALES), help=argparse.SUPPRESS)
    add("--worker", type=Path, help=argparse.SUPPRESS)
    add("--peak-of", metavar="ROW", help=argparse.SUPPRESS)
    return parser


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
