"""The reference client on the same file: `thread/resume` over JSON-RPC, cold and once its index is there.

Not the same work: it also starts a live session and builds a database of turns; it does not hand
out the model's input.
"""

import contextlib
import shutil
import tempfile
import time
from pathlib import Path

from refclient.endpoint import StandIn
from refclient.install import Client, find_clients
from refclient.rpc import AppServer

from benchmark.data import Thread
from benchmark.measure import Measured, peak_bytes_of

_MS = 1e3
_RESUME_SECONDS = 120.0


def find_client(cache: Path) -> Client | None:
    """Return the newest client that is installed here; nothing is downloaded."""
    found = find_clients(cache, may_install=False)
    return found.clients[0] if found.clients else None


def measure_client(client: Client, name: str, thread: Thread, rounds: int) -> list[Measured]:
    """Time the first resume in a copy of the home, and the second by a fresh process."""
    first: list[tuple[float, int | None]] = []
    second: list[tuple[float, int | None]] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="rollout-bench-") as scratch:
            home = Path(scratch) / "home"
            shutil.copytree(thread.home, home)
            with StandIn() as endpoint:
                first.append(_resume(client, home, thread, endpoint))
                second.append(_resume(client, home, thread, endpoint))
    group = f"reference client {client.version}"
    note = "also starts a session"
    return [
        Measured(
            group,
            f"{name}, {which}",
            [ms for ms, _ in found],
            None,
            None,
            None,
            None,
            max((peak for _, peak in found if peak is not None), default=None),
            note,
        )
        for which, found in (("first", first), ("again", second))
    ]


def _resume(client: Client, home: Path, thread: Thread, endpoint: StandIn) -> tuple[float, int | None]:
    """Return the milliseconds of one resume, and the server's peak memory."""
    before = _children()
    with AppServer(client, home, endpoint) as server:
        begin = time.perf_counter()
        params = {"threadId": thread.shape.thread_id, "excludeTurns": True}
        server.request("thread/resume", params, _RESUME_SECONDS)
        took = (time.perf_counter() - begin) * _MS
        peaks = [peak_bytes_of(pid) for pid in _children() - before]
    return took, max((peak for peak in peaks if peak is not None), default=None)


def _children() -> set[int]:
    """Return the processes that this one has started and that still run; empty where unknown."""
    found: set[int] = set()
    for listing in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found |= {int(pid) for pid in listing.read_text().split()}
    return found
