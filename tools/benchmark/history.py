"""Runs that were kept, and what changed from one to another: a regression shows on a slow day, too.

Times are compared after both were divided by what the fixed piece of Python took in their runs. What
a row reads, writes and syncs, and its memory, is compared as it is.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.report import key_of

FACTOR = 1.5
"""How much slower a row may be before that is a regression."""
_COUNTED = {"bytes_read": 1.2, "bytes_written": 1.2, "syncs": 1.2, "peak_bytes": 1.3}
"""How much more of these a row may take; they hardly vary."""
_SMALLEST_MS = 0.05
"""Less than this says more about the clock than about the work."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """How a row moved: `times` as long at the same speed of the machine; `worse` says what regressed."""

    key: str
    before_ms: float | None
    now_ms: float | None
    times: float | None
    worse: tuple[str, ...] = ()


def keep(run: Json, folder: Path) -> Path:
    """Add a run to the history; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run['at'].replace(':', '-')}-{run['scale']}.json"
    path.write_text(as_text(run), encoding="utf-8")
    return path


def as_text(run: Json) -> str:
    """Return a run as it is stored."""
    return json.dumps(run, indent=1, ensure_ascii=False) + "\n"


def find_last(folder: Path, scale: str) -> Path | None:
    """Return the newest run of a scale."""
    found = sorted(folder.glob(f"*-{scale}.json"))
    return found[-1] if found else None


def compare(before: Json, now: Json, factor: float = FACTOR) -> list[Change]:
    """Return how the rows moved that both runs have. Raise ValueError where their data differs."""
    if is_quick(before) != is_quick(now):
        raise ValueError(f"runs over {before['scale']} and {now['scale']} data cannot be compared")
    then = {(row["suite"], key_of(row)): row for row in before["rows"]}
    speed = _python_ms(now) / _python_ms(before)
    pairs = (
        (then[row["suite"], key_of(row)], row) for row in now["rows"] if (row["suite"], key_of(row)) in then
    )
    return [_change(old, new, speed, factor) for old, new in pairs]


def is_quick(run: Json) -> bool:
    """Return True when a run took small data."""
    return bool(run["scale"] == "quick")


def _python_ms(run: Json) -> float:
    found = [one["python_ms"] for one in run["speed"].values()]
    return float(sum(found) / len(found))


def _change(old: Json, new: Json, speed: float, factor: float) -> Change:
    by, least = ("processor_ms", "processor_min_ms")
    if old[by] is None or new[by] is None:
        by, least = ("median_ms", "min_ms")
    worse = [name for name, most in _COUNTED.items() if _grew(old[name], new[name], most)]
    times = None
    if old[by] and new[by]:
        times = new[by] / old[by] / speed
        # A machine that was busy for a while leaves at least one sample alone.
        is_slower = times > factor and new[least] / speed > old[by] and new[by] > _SMALLEST_MS
        worse = [*(["time"] if is_slower else []), *worse]
    return Change(f"{new['suite']}, {key_of(new)}", old[by], new[by], times, tuple(worse))


def _grew(old: float | None, new: float | None, most: float) -> bool:
    return bool(old and new and new > old * most)


def comparison(changes: list[Change], before: Json, now: Json) -> Iterator[str]:
    """Yield what changed, to read: one line a row, regressions marked."""
    speed = _python_ms(now) / _python_ms(before)
    yield f"beside {before['at']} ({before['machine']['commit']}); all takes {speed:.2f} times as long"
    width = max([0, *(len(change.key) for change in changes)])
    for change in changes:
        if change.times is None or change.before_ms is None or change.now_ms is None:
            times = ""
        else:
            times = f"{change.before_ms:10.2f} {change.now_ms:10.2f} ms {change.times:6.2f} times as long"
        marked = f"  REGRESSION: {', '.join(change.worse)}" if change.worse else ""
        yield f"{change.key:{width}} {times}{marked}".rstrip()
    worse = sum(bool(change.worse) for change in changes)
    yield f"{len(changes)} rows compared, {worse} of them worse"
