"""Every budget: what is promised about which row, in which unit, and where the promise comes from.

Rows name budgets by key and hold no numbers of their own. A budget holds for the data it was set for: a quick
run has none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Of(StrEnum):
    """What of a row is held against a budget."""

    PROCESSOR = "processor time"
    """Work in memory, by a single thread: the clock says the same on an idle machine, more on a busy one."""
    CLOCK = "clock"
    """Work that waits for a disk or for another process."""
    PEAK = "peak memory"
    WRITTEN = "bytes written"
    FIGURE = "figure"
    """Something else that the row found, under the budget's key."""


@dataclass(frozen=True)
class Budget:
    """A promise. `limit` is a floor when `is_least`; `source` says where it was made."""

    limit: float
    what: str
    source: str
    of: Of = Of.PROCESSOR
    unit: str = "ms"
    is_least: bool = False

    def is_met(self, found: float) -> bool:
        """Return True when `found` keeps the promise."""
        return found >= self.limit if self.is_least else found <= self.limit

    def shown(self, found: float) -> str:
        """Return a value in the budget's unit."""
        digits = 0 if found >= 100 else 1 if found >= 10 else 2
        return f"{found:,.{digits}f} {self.unit}"

    @property
    def bound(self) -> str:
        """The promise itself, to read."""
        return f"{'≥' if self.is_least else '≤'} {self.limit:g} {self.unit}"


SOURCES = {
    "design": "the store's design: reading, recording and refreshing, on a thread of 54 MB and 4,000 turns",
    "recording": "the aims of the recorder and of its checkpoints",
    "forks": "the aims of forks, families and flattening",
    "catalog": "the aims of the catalog and of the search",
    "server": "the aims of `rollout app-server`",
    "sealing": "the aims of compressed threads and of the command line's start",
}

_MB_A_SECOND = "MB/s"


def _at_most(source: str, of: Of = Of.PROCESSOR, unit: str = "ms") -> Callable[[float, str], Budget]:
    return lambda limit, what: Budget(limit, what, source, of, unit)


def _at_least(source: str, unit: str) -> Callable[[float, str], Budget]:
    return lambda limit, what: Budget(limit, what, source, Of.FIGURE, unit, is_least=True)


_design, _design_waits = _at_most("design"), _at_most("design", Of.CLOCK)
_forks, _forks_wait = _at_most("forks"), _at_most("forks", Of.CLOCK)
_catalog, _server, _sealing = _at_most("catalog"), _at_most("server", Of.CLOCK), _at_most("sealing")

BUDGETS: dict[str, Budget] = {
    "resume-after": _design(3, "resume right after a compaction"),
    "resume-before": _design(8, "resume just before the next compaction"),
    "resume-memory": _at_most("design", Of.PEAK, "MB")(64, "peak memory of a resume"),
    "resume-flat": _at_most("design", Of.FIGURE, "x")(1.2, "slowest over fastest resume, as the log grows"),
    "newest-page": _design(2, "newest page of 50 turns"),
    "legacy-first": _design(100, "first resume of a legacy log"),
    "legacy-second": _design(3, "second resume of a legacy log"),
    "fork-head": _design_waits(2, "fork at the head"),
    "fork-bytes": _at_most("design", Of.WRITTEN, "kB")(2, "bytes that a fork writes"),
    "record-bare": _at_most("design", Of.FIGURE, "x")(
        1.3, "a recorded turn over a bare write and sync of as much"
    ),
    "import-time": _design(80, "`import rollout`, a whole process"),
    "import-memory": _at_most("design", Of.PEAK, "MB")(35, "peak memory of `import rollout`"),
    "resume-command": _design(120, "`rollout resume`, a whole process"),
    "refresh": _design(1000, "refresh of an archive of 60,607 files, unchanged"),
    "checkpoint-share": _at_most("design", Of.FIGURE, "%")(2, "share of checkpoints in a log"),
    "open-writing": _at_most("recording", Of.CLOCK)(5, "opening a long thread for recording"),
    "checkpoint-turn": _at_most("recording", Of.FIGURE)(0.1, "checkpoints, spread over turns"),
    "checkpoint-worst": _at_most("recording", Of.FIGURE)(5, "the longest turn's end with a checkpoint"),
    "fork-middle": _forks_wait(4, "fork before a middle turn"),
    "fork-legacy": _forks_wait(5, "fork of a legacy parent, counted before"),
    "fork-many": _at_most("forks", Of.FIGURE, "MB")(2, "1,000 forks of one parent"),
    "fork-deep": _at_most("forks", Of.FIGURE, "x")(2, "resume 100 forks deep over one that is not"),
    "flatten": _at_least("forks", _MB_A_SECOND)(300, "flattening"),
    "refresh-one": _catalog(1100, "refresh when one file of 60,607 changed"),
    "refresh-told": _catalog(20, "the same, told which file"),
    "build-search": _at_least("catalog", _MB_A_SECOND)(100, "catalog built from long threads, with search"),
    "build": _at_least("catalog", _MB_A_SECOND)(300, "catalog built from long threads, without search"),
    "list-page": _catalog(5, "list of 50 from 100,000 threads"),
    "search-rare": _catalog(10, "search of 1.2 million messages, a rare word"),
    "search-common": _catalog(60, "search of 1.2 million messages, a common word"),
    "search-share": _at_most("catalog", Of.FIGURE, "%")(35, "size of the search index, of the text"),
    "server-start": _server(150, "server: start to first answer"),
    "server-page-cold": _server(5, "server: newest page, thread not read yet"),
    "server-page-warm": _server(2, "server: newest page again, median"),
    "server-page-p99": _at_most("server", Of.FIGURE)(10, "server: newest page again, 99th of 100"),
    "server-resume": _server(5, "server: resume without turns"),
    "server-fork": _server(5, "server: fork without turns"),
    "server-list": _server(10, "server: list of 50 from 60,607 threads"),
    "server-rate": _at_least("server", "/s")(2000, "server: newest pages in a second, on one core"),
    "help-command": _sealing(80, "`rollout --help`, a whole process"),
    "sealed-resume": _sealing(8, "resume of a compressed thread"),
    "sealed-page": _sealing(5, "newest page of a compressed thread"),
    "sealing-speed": _at_least("sealing", _MB_A_SECOND)(150, "compressing, by two workers on two cores"),
    "sealed-size": _at_least("sealing", "x")(7, "how much smaller a thread becomes"),
    "sealed-images": _at_least("sealing", "x")(50, "the same, an image repeated at every checkpoint"),
}
