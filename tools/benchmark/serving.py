"""The server: from its start to its first answer, pages, resumes and forks, beside the reference server.

Every row asks a process of its own over pipes, on copies of the same home. The clock counts: a client waits.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from refclient.endpoint import StandIn
from refclient.install import Client
from refclient.rpc import AppServer

from benchmark.data import RIGHT_AFTER, Thread, copy_home
from benchmark.measure import peak_bytes_of
from benchmark.run import Part, Run, percentile, run_parts
from benchmark.timed import TimedRow
from benchmark.work import catalog_of

_HELLO = {"clientInfo": {"name": "bench", "version": "1"}, "capabilities": {"experimentalApi": True}}
_BURST = 4000
_BURSTS = 3
_MS = 1e3
_NEWEST = "newest 50 turns"
_WARM = 20
_WARM_UP_SECONDS = 2.0
_WALK_SECONDS = 3
_CLIENT_SECONDS = 120.0
_PAGE: dict[str, Any] = {"limit": 50}


class Served:
    """Our server as a child process, asked over pipes. A context manager."""

    def __init__(self, home: Path, state: Path | None = None) -> None:
        """Start it, its derived files in `state` or in the home."""
        where = ["--home", str(home), *(["--state-dir", str(state)] if state else [])]
        command = [sys.executable, "-m", "rollout", *where, "app-server"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ask("initialize", _HELLO)

    @property
    def peak_bytes(self) -> int | None:
        """The most memory it has taken so far."""
        return peak_bytes_of(self._process.pid)

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        """Return the result of one request."""
        self._send({"id": 1, "method": method, "params": params})
        return self._answer()["result"]

    def burst(self, method: str, params: dict[str, Any], count: int) -> None:
        """Ask the same `count` times without waiting in between."""
        message = json.dumps({"id": 1, "method": method, "params": params}).encode() + b"\n"
        assert self._process.stdin is not None
        stdin = self._process.stdin
        writer = threading.Thread(target=lambda: (stdin.write(message * count), stdin.flush()))
        writer.start()
        assert self._process.stdout is not None
        for _ in range(count):
            self._process.stdout.readline()
        writer.join()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        while True:
            line = self._process.stdout.readline()
            if not line.startswith(b'{"method"'):
                return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it by its input, and wait."""
        self._process.communicate()


@contextmanager
def _copy_of(thread: Thread) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rollout-bench-", dir=thread.home.parent) as scratch:
        yield copy_home(thread.home, Path(scratch) / "home")


def run_serving(run: Run) -> list[TimedRow]:
    """Measure all rows."""
    parts: dict[str, Part] = {"server": _own_rows, "server, many threads": _list_rows}
    if run.client is not None:
        parts["reference server"] = partial(_client_rows, run.client)
    return run_parts(run, parts)


def _own_rows(run: Run) -> Iterator[TimedRow]:
    thread = run.data.thread(replace(RIGHT_AFTER, turns=run.scale.turns))
    thread_id = thread.thread_id
    budgets = {
        _NEWEST: (("server-page-cold",), ("server-page-warm", "server-page-p99")),
        "resume without turns": (("server-resume",), ("server-resume",)),
        "fork without turns": (("server-fork",), ("server-fork",)),
    }
    questions = {
        _NEWEST: ("thread/turns/list", {"threadId": thread_id, **_PAGE}),
        "resume without turns": ("thread/resume", {"threadId": thread_id, "excludeTurns": True}),
        "fork without turns": ("thread/fork", {"threadId": thread_id, "excludeTurns": True}),
    }
    start = TimedRow("start to first answer", ("server-start",))
    cold = {name: TimedRow(f"{name}, cold", kept) for name, (kept, _) in budgets.items()}
    warm = {name: TimedRow(f"{name}, warm", kept) for name, (_, kept) in budgets.items()}
    many = TimedRow("newest pages without waiting, each", ("server-rate",))
    walk = TimedRow("all pages of 50, newest first")
    with _copy_of(thread) as home:
        for _ in range(run.rounds):
            for name, (method, params) in questions.items():
                served = start.time(lambda: Served(home))
                with served:
                    time.sleep(_WARM_UP_SECONDS)  # the server is warm, the thread is not
                    cold[name].time(lambda: served.ask(method, params))  # noqa: B023  # runs now
                    for _ in range(_WARM):
                        warm[name].time(lambda: served.ask(method, params))  # noqa: B023  # runs now
        with Served(home) as served:
            method, params = questions[_NEWEST]
            served.ask(method, params)
            for _ in range(min(run.rounds, _BURSTS)):
                begin = time.perf_counter()
                served.burst(method, params, _BURST)
                many.samples_ms.append((time.perf_counter() - begin) * _MS / _BURST)
            walk.time(lambda: _walk(served.ask, thread_id))
            many.peak_bytes = served.peak_bytes
    many.figures["server-rate"] = _MS / many.median_ms
    warm[_NEWEST].figures["server-page-p99"] = percentile(warm[_NEWEST].samples_ms, 0.99)
    for row in (start, *cold.values(), *warm.values(), walk):
        row.processor_ms.clear()  # the work is the server's
        yield row
    yield many


def _list_rows(run: Run) -> Iterator[TimedRow]:
    """Ask for the newest threads of an archive whose catalog is up to date."""
    files = run.scale.files
    home = run.data.archive(files)
    first = TimedRow(f"list of 50 from {files:,} threads, first", note="looks at folders, not at names")
    behind = TimedRow("the same, right behind it", note="the home is walked beside it")
    again = TimedRow(f"list of 50 from {files:,} threads, again", ("server-list",))
    state = catalog_of(home)
    with Served(home, state) as served:
        first.time(lambda: served.ask("thread/list", _PAGE))
        for _ in range(run.rounds):
            behind.time(lambda: served.ask("thread/list", _PAGE))
        time.sleep(_WALK_SECONDS)
        for _ in range(run.rounds * 3):
            again.time(lambda: served.ask("thread/list", _PAGE))
        again.peak_bytes = served.peak_bytes
    for row in (first, behind, again):
        row.processor_ms.clear()
        yield row


def _walk(ask: Callable[[str, dict[str, Any]], Any], thread_id: str) -> None:
    cursor = None
    while True:
        page = ask("thread/turns/list", {"threadId": thread_id, **_PAGE, "cursor": cursor})
        cursor = page["nextCursor"]
        if cursor is None:
            return


def _client_rows(client: Client, run: Run) -> Iterator[TimedRow]:
    thread = run.data.thread(replace(RIGHT_AFTER, turns=run.scale.turns))
    rows = {
        name: TimedRow(name, peer=f"server: {ours}", note=client.version)
        for name, ours in (
            ("start to first answer", "start to first answer"),
            ("resume without turns, first of all", "resume without turns, cold"),
            ("resume without turns", "resume without turns, warm"),
            (_NEWEST, f"{_NEWEST}, warm"),
            ("fork without turns", "fork without turns, warm"),
            ("all pages of 50, newest first", "all pages of 50, newest first"),
        )
    }
    start, first, resume, page, fork, walk = rows.values()
    wanted = {"threadId": thread.thread_id, "excludeTurns": True}
    with _copy_of(thread) as home, StandIn() as endpoint:
        for number in range(run.rounds):
            server = AppServer(client, home, endpoint)
            start.time(server.__enter__)
            try:

                def ask(method: str, params: dict[str, Any], server: AppServer = server) -> Any:
                    return server.request(method, params, timeout_seconds=_CLIENT_SECONDS)

                (first if number == 0 else resume).time(partial(ask, "thread/resume", wanted))
                page.time(partial(ask, "thread/turns/list", {"threadId": thread.thread_id, **_PAGE}))
                fork.time(partial(ask, "thread/fork", wanted))
                if number == 0:
                    walk.time(partial(_walk, ask, thread.thread_id))
            finally:
                server.__exit__(None, None, None)
    for row in rows.values():
        row.processor_ms.clear()
        if row.samples_ms:
            yield row
