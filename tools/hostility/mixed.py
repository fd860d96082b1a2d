"""A million requests of all sorts, good and bad, with the server's memory measured along the way."""

from __future__ import annotations

import json
import random
import threading
import time
from contextlib import suppress
from typing import Any, Final, NamedTuple

from hostility.scale import Attack, Scale
from hostility.servers import Place, greeted, resident_bytes
from hostility.wires import Wire, ask, say
from hostility.worlds import NOBODY, World

_LARGEST_BATCH: Final = 2_000
_POINTS: Final = 20
_MIB: Final = 1 << 20


class Curve(NamedTuple):
    """Memory along the way; `points` at even distances, the first one after a tenth of all requests."""

    points: list[int]
    seconds: float
    requests: int

    @property
    def grown_bytes(self) -> int:
        return self.points[-1] - self.points[0]

    def __str__(self) -> str:
        shown = " ".join(f"{one / _MIB:.0f}" for one in self.points)
        rate = self.requests / self.seconds
        return f"{self.requests:,} answered, {rate:,.0f}/s; MiB: {shown}; {self.grown_bytes / _MIB:+.1f} MiB"


def _batch(world: World, chance: random.Random, size: int) -> list[bytes]:
    """Return messages, each of which is answered once."""
    cursor = '{"turnId":"x","includeAnchor":true}'
    made: list[bytes] = []
    for number in range(size):
        one = chance.choice(world.threads)
        turn = chance.choice(world.turns[one])
        kinds: tuple[tuple[str, dict[str, Any]], ...] = (
            ("thread/turns/list", {"threadId": one, "limit": chance.randrange(1, 9)}),
            ("thread/turns/list", {"threadId": one, "sortDirection": "asc", "itemsView": "full"}),
            ("thread/turns/list", {"threadId": one, "cursor": cursor}),
            ("thread/items/list", {"threadId": one, "turnId": turn, "limit": 10}),
            ("thread/read", {"threadId": one, "includeTurns": number % 2 == 0}),
            ("thread/read", {"threadId": NOBODY}),
            ("thread/list", {"limit": chance.randrange(1, 30)}),
            ("thread/list", {"limit": -1}),
            ("thread/loaded/list", {}),
            ("thread/resume", {"threadId": one, "excludeTurns": True}),
            ("thread/resume", {"threadId": one, "path": "../outside"}),
            ("thread/unsubscribe", {"threadId": one}),
            ("thread/timeline/list", {"threadId": one, "limit": 5}),
            ("thread/searchOccurrences", {"threadId": one, "searchTerm": "the", "limit": 3}),
            ("rollout/context/read", {"threadId": one}),
            ("rollout/lineage/read", {"threadId": one}),
            ("rollout/thread/watch", {"threadId": NOBODY}),
            ("rollout/thread/unwatch", {"watchId": "watch-0"}),
            ("turn/start", {"threadId": one, "input": []}),
            ("thread/nothing", {"x": [[]] * 20}),
        )
        method, params = chance.choice(kinds)
        made.append(json.dumps({"id": number, "method": method, "params": params}).encode())
        if number % 50 == 0:
            made[-1] = b'{"id":7,"method":' + b"[" * (number % 700) + b"\xff"
        elif number % 1999 == 0:
            made[-1] = json.dumps(
                {"id": 1, "method": "thread/search", "params": {"searchTerm": "a"}}
            ).encode()
    return made


def _ask_all(wire: Wire, batch: list[bytes]) -> None:
    def send() -> None:
        with suppress(OSError):
            for line in batch:
                wire.write(line)

    writer = threading.Thread(target=send, daemon=True)
    writer.start()
    answered = 0
    while answered < len(batch):
        line = wire.hear()
        assert line is not None, "the server left"
        answered += line.startswith(b'{"id":')
    writer.join()


def _come_and_go(place: Place) -> None:
    """Another client, which watches, loads and leaves without a word."""
    wire = greeted(place)
    for one in place.world.threads:
        ask(wire, "rollout/thread/watch", threadId=one)
        ask(wire, "thread/resume", threadId=one, excludeTurns=True)
    say(wire, {"id": 1, "method": "thread/list", "params": {}})
    place.leave(wire)


def run_mixed(place: Place, requests: int) -> Curve:
    """Ask so many requests, in batches, while others come and go."""
    chance = random.Random(1)
    size = min(_LARGEST_BATCH, requests // _POINTS)
    batches = [_batch(place.world, chance, size) for _ in range(8)]
    wire = greeted(place)
    pid = place.pid_of(wire)
    rounds = requests // size
    warm = rounds // 10
    points: list[int] = []
    begun = time.monotonic()
    for number in range(rounds):
        _ask_all(wire, batches[number % len(batches)])
        if place.name != "stdio":
            _come_and_go(place)
        if number >= warm and (number - warm) * (_POINTS - 1) >= len(points) * (rounds - 1 - warm):
            points.append(resident_bytes(pid))
    seconds = time.monotonic() - begun
    place.leave(wire)
    return Curve(points, seconds, rounds * size)


def mixed(place: Place, scale: Scale) -> str:
    """Memory stays flat."""
    curve = run_mixed(place, scale.mixed)
    assert curve.grown_bytes < scale.grown_bytes, f"memory grew: {curve}"
    return str(curve)


MIXED: Final = Attack("requests of all sorts", mixed, ("unix",))
