"""The server: from its start to its first answer, pages, resumes and forks, beside the reference server.

Every row asks a process of its own over pipes, on copies of the same home. The clock counts: a client waits.
"""

import json
import shutil
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

from benchmark.data import RIGHT_AFTER, Data, Thread
from benchmark.timed import TimedRow

_HELLO = {"clientInfo": {"name": "bench", "version": "1"}, "capabilities": {"experimentalApi": True}}
_BURST = 4000
_WARM = 20
_WARM_UP_SECONDS = 2.0
_CLIENT_SECONDS = 120.0
_PAGE: dict[str, Any] = {"limit": 50}


class Served:
    """Our server as a child process, asked over pipes. A context manager."""

    def __init__(self, home: Path) -> None:
        """Start it."""
        command = [sys.executable, "-m", "rollout", "--home", str(home), "app-server"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ask("initialize", _HELLO)

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
        yield shutil.copytree(thread.home, Path(scratch) / "home")


def run_serving(
    data: Data, *, turns: int, rounds: int, client: Client | None, say: Callable[[str], None]
) -> list[TimedRow]:
    """Measure all rows."""
    thread = data.thread(replace(RIGHT_AFTER, turns=turns))
    say("our server")
    with _copy_of(thread) as home:
        rows = _own_rows(home, thread.thread_id, rounds)
    if client is not None:
        say("reference server")
        with _copy_of(thread) as home:
            rows += _client_rows(client, home, thread.thread_id, rounds)
    return rows


def _own_rows(home: Path, thread_id: str, rounds: int) -> list[TimedRow]:
    start = TimedRow("start to first answer", 150.0)
    cold = {
        name: TimedRow(f"{name}, cold", budget)
        for name, budget in (
            ("turns/list 50", 5.0),
            ("resume without turns", 5.0),
            ("fork without turns", 5.0),
        )
    }
    warm = {
        name: TimedRow(f"{name}, warm", budget)
        for name, budget in (
            ("turns/list 50", 2.0),
            ("resume without turns", 5.0),
            ("fork without turns", 5.0),
        )
    }
    questions = {
        "turns/list 50": ("thread/turns/list", {"threadId": thread_id, **_PAGE}),
        "resume without turns": ("thread/resume", {"threadId": thread_id, "excludeTurns": True}),
        "fork without turns": ("thread/fork", {"threadId": thread_id, "excludeTurns": True}),
    }
    for _ in range(rounds):
        for name, (method, params) in questions.items():
            served = start.time(lambda: Served(home))
            with served:
                time.sleep(_WARM_UP_SECONDS)  # the server is warm, the thread is not
                cold[name].time(lambda: served.ask(method, params))  # noqa: B023  # runs now
                for _ in range(_WARM):
                    warm[name].time(lambda: served.ask(method, params))  # noqa: B023  # runs now
    many, walk = (
        TimedRow(f"{_BURST:,} pages, pipelined", _BURST / 2.0),
        TimedRow("all pages of 50, newest first"),
    )
    with Served(home) as served:
        method, params = questions["turns/list 50"]
        served.ask(method, params)
        many.time(lambda: served.burst(method, params, _BURST))
        many.note = f"{_BURST / many.samples_ms[0] * 1000:,.0f} requests a second"
        walk.time(lambda: _walk(served.ask, thread_id))
    return [start, *cold.values(), *warm.values(), many, walk]


def _walk(ask: Callable[[str, dict[str, Any]], Any], thread_id: str) -> None:
    cursor = None
    while True:
        page = ask("thread/turns/list", {"threadId": thread_id, **_PAGE, "cursor": cursor})
        cursor = page["nextCursor"]
        if cursor is None:
            return


def _client_rows(client: Client, home: Path, thread_id: str, rounds: int) -> list[TimedRow]:
    start, first = TimedRow("reference: start to first answer"), TimedRow("reference: first resume of all")
    page, resume = TimedRow("reference: turns/list 50"), TimedRow("reference: resume without turns")
    fork, walk = (
        TimedRow("reference: fork without turns"),
        TimedRow("reference: all pages of 50, newest first"),
    )
    wanted = {"threadId": thread_id, "excludeTurns": True}
    with StandIn() as endpoint:
        for number in range(rounds):
            server = AppServer(client, home, endpoint)
            start.time(server.__enter__)
            try:

                def ask(method: str, params: dict[str, Any], server: AppServer = server) -> Any:
                    return server.request(method, params, timeout_seconds=_CLIENT_SECONDS)

                (first if number == 0 else resume).time(partial(ask, "thread/resume", wanted))
                page.time(partial(ask, "thread/turns/list", {"threadId": thread_id, **_PAGE}))
                fork.time(partial(ask, "thread/fork", wanted))
                if number == 0:
                    walk.time(partial(_walk, ask, thread_id))
            finally:
                server.__exit__(None, None, None)
    return [start, first, page, *([resume] if resume.samples_ms else []), fork, walk]
