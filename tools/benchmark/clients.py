"""The reference client on the same file: `thread/resume` over JSON-RPC, cold and once its index is there.

Not the same work: it also starts a live session and builds a database of turns; it does not hand
out the model's input.
"""

import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from refclient.endpoint import StandIn
from refclient.install import Client, find_clients
from refclient.rpc import AppServer

from benchmark.data import Thread, copy_home
from benchmark.measure import peak_bytes_of
from benchmark.timed import TimedRow

_MS = 1e3
_RESUME_SECONDS = 120.0


def find_client(cache: Path) -> Client | None:
    """Return the newest client that is installed here; nothing is downloaded."""
    found = find_clients(cache, may_install=False)
    return found.clients[0] if found.clients else None


def measure_client(client: Client, name: str, thread: Thread, rounds: int, peer: str) -> list[TimedRow]:
    """Time the first resume in a copy of the home, the second by a fresh process; beside our row `peer`."""
    first: list[_Resumed] = []
    second: list[_Resumed] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="rollout-bench-") as scratch:
            home = Path(scratch) / "home"
            copy_home(thread.home, home)
            with StandIn() as endpoint:
                first.append(_resume(client, home, thread, endpoint))
                second.append(_resume(client, home, thread, endpoint))
    return [
        TimedRow(
            f"{name}, {which}",
            samples_ms=[resumed.took_ms for resumed in found],
            group="reference client",
            peer=peer,
            bytes_read=_largest([resumed.bytes_read for resumed in found]),
            peak_bytes=_largest([resumed.peak_bytes for resumed in found]),
            note=f"{client.version}; also starts a session",
        )
        for which, found in (("first", first), ("again", second))
    ]


@dataclass(frozen=True)
class _Resumed:
    took_ms: float
    bytes_read: int | None
    peak_bytes: int | None


def _largest(found: list[int | None]) -> int | None:
    return max((value for value in found if value is not None), default=None)


def _resume(client: Client, home: Path, thread: Thread, endpoint: StandIn) -> _Resumed:
    before = _children()
    with AppServer(client, home, endpoint) as server:
        own = _children() - before
        read_before = _largest([_bytes_read(pid) for pid in own])
        begin = time.perf_counter()
        params = {"threadId": thread.shape.thread_id, "excludeTurns": True}
        server.request("thread/resume", params, _RESUME_SECONDS)
        took = (time.perf_counter() - begin) * _MS
        read_after = _largest([_bytes_read(pid) for pid in own])
        peak = _largest([peak_bytes_of(pid) for pid in own])
    read = None if read_before is None or read_after is None else read_after - read_before
    return _Resumed(took, read, peak)


def _bytes_read(pid: int) -> int | None:
    """Return how much a running process has read so far, of files and of pipes."""
    try:
        counts = Path(f"/proc/{pid}/io").read_text()
    except OSError:
        return None
    return int(counts.split("rchar: ")[1].split()[0])


def _children() -> set[int]:
    """Return the processes that this one has started and that still run; empty where unknown."""
    found: set[int] = set()
    for listing in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found |= {int(pid) for pid in listing.read_text().split()}
    return found
