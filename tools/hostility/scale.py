"""How much of everything: a moment, or long enough to see what grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from hostility.servers import Place
from hostility.wires import outcome


class Scale(NamedTuple):
    """Sizes of attacks; `grown_bytes` is what memory may grow by after a tenth of all mixed requests."""

    line_bytes: int
    burst: int
    halves: int
    connections: int
    depth: int
    tries: int
    tricks: int
    stall_seconds: float
    watches: int
    mixed: int
    grown_bytes: int


QUICK: Final = Scale(
    line_bytes=96 << 20,
    burst=2_000,
    halves=40,
    connections=150,
    depth=100_000,
    tries=200,
    tricks=8,
    stall_seconds=0.0,
    watches=200,
    mixed=4_000,
    grown_bytes=64 << 20,  # it is still filling what it keeps
)
LONG: Final = Scale(
    line_bytes=1 << 30,
    burst=100_000,
    halves=1_000,
    connections=1_000,
    depth=10_000_000,
    tries=5_000,
    tricks=100,
    stall_seconds=40.0,
    watches=20_000,
    mixed=1_000_000,
    grown_bytes=24 << 20,
)


class Attack(NamedTuple):
    """Something to do to a server. `run` returns what it answered; AssertionError where that is wrong."""

    name: str
    run: Callable[[Place, Scale], str]
    over: tuple[str, ...] = ("stdio", "unix", "ws")


def tally(answers: Iterable[dict[str, Any] | str]) -> str:
    """Return how many answers there were of each kind."""
    found = Counter(one if isinstance(one, str) else outcome(one) for one in answers)
    return ", ".join(f"{kind} x {times:,}" if times > 1 else kind for kind, times in found.most_common())
