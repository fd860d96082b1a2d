"""Forks: how long one takes and how much it writes, beside the reference client on copies of the same files.

Every row forks in a copy of a home, so that nothing generated changes. The clock counts: a fork waits
for the disk. A bare publish is what the disk alone asks for a new file of the same size and name.
"""

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from refclient.endpoint import StandIn
from refclient.install import Client
from refclient.rpc import AppServer

import fork
import rollout
from benchmark.data import LEGACY, RIGHT_AFTER, Data, Thread
from benchmark.timed import TimedRow
from rollout.store.store import Store

_MS = 1e3
_MB = 1e6
_DEEP = 100
_MANY = 1000
_FLATTEN_BYTES_A_SECOND = 300e6
_CLIENT_SECONDS = 120.0
_SETTLE_SECONDS = 2.1
_PROMPT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And then?"}]}
_REPLY = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Then this."}]}


@contextmanager
def _copy_of(thread: Thread) -> Iterator[Store]:
    """Open a store over a copy of a thread's home."""
    with tempfile.TemporaryDirectory(prefix="rollout-bench-", dir=thread.home.parent) as scratch:
        home = Path(scratch) / "home"
        shutil.copytree(thread.home, home)
        with rollout.open_store(home) as store:
            yield store


def run_forks(
    data: Data, *, turns: int, rounds: int, client: Client | None, say: Callable[[str], None]
) -> list[TimedRow]:
    """Measure all rows."""
    paginated = data.thread(replace(RIGHT_AFTER, turns=turns))
    legacy = data.thread(replace(LEGACY, turns=turns))
    rows = []
    say("forks of a paginated parent")
    with _copy_of(paginated) as store:
        rows += _fork_rows(store, paginated, rounds, budgets_ms=(2.0, 4.0))
    say("forks of a legacy parent")
    with _copy_of(legacy) as store:
        rows += _legacy_rows(store, legacy, rounds)
    say("flattening")
    with _copy_of(paginated) as store:
        rows += _flatten_rows(store, paginated, rounds)
    say("families")
    with _copy_of(paginated) as store:
        rows += _many_rows(store, paginated)
    with _copy_of(paginated) as store:
        rows += _deep_rows(store, paginated, rounds)
    if client is not None:
        for name, thread in (("paginated", paginated), ("legacy", legacy)):
            say(f"reference client: {name} parent")
            rows += _client_rows(client, name, thread, rounds)
    return rows


def _fork_rows(
    store: Store, thread: Thread, rounds: int, budgets_ms: tuple[float, float]
) -> Iterator[TimedRow]:
    parent = thread.shape.thread_id
    with store.open_thread(parent) as opened:
        middle = opened.all_turns(view=rollout.ItemsView.NOT_LOADED)[thread.shape.turns // 2].id
    head = TimedRow("paginated parent, at the head", budgets_ms[0])
    before = TimedRow("paginated parent, before a middle turn", budgets_ms[1])
    resumed = TimedRow("the same and its context (resume)")
    bare = TimedRow("bare publish of as many bytes")
    fork.fork_thread(store, parent, exclude_turns=True)
    for number in range(rounds * 3):
        head.bytes_written = head.time(
            lambda: fork.fork_thread(store, parent, exclude_turns=True)
        ).bytes_written
        before.bytes_written = before.time(
            lambda: fork.fork_thread(store, parent, before_turn=middle, exclude_turns=True)
        ).bytes_written
        resumed.time(lambda: store.resume(fork.fork_thread(store, parent, exclude_turns=True).id))
        bare.bytes_written = bare.time(lambda at=number: _publish_bare(Path(store.home), at))
    yield from (head, before, resumed, bare)


def _publish_bare(home: Path, number: int) -> int:
    """Write a file as durably as a fork's, folders known to be durable: bytes, name, folder."""
    path = home / "sessions" / f"bare-{number}"
    draft = path.with_suffix(".draft")
    content = b"x" * 900
    file = os.open(draft, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.write(file, content)
        os.fdatasync(file)
    finally:
        os.close(file)
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return len(content)


def _legacy_rows(store: Store, thread: Thread, rounds: int) -> Iterator[TimedRow]:
    parent = thread.shape.thread_id
    first = TimedRow("legacy parent, the first time", note="its lines are counted, and the count kept")
    first.bytes_written = first.time(
        lambda: fork.fork_thread(store, parent, exclude_turns=True)
    ).bytes_written
    again = TimedRow("legacy parent, at the head", 5.0)
    for _ in range(rounds * 3):
        again.bytes_written = again.time(
            lambda: fork.fork_thread(store, parent, exclude_turns=True)
        ).bytes_written
    yield from (first, again)


def _flatten_rows(store: Store, thread: Thread, rounds: int) -> Iterator[TimedRow]:
    """Write a fork's inherited history out, beside what the system takes to copy the file and sync it."""
    budget_ms = thread.size_bytes / _FLATTEN_BYTES_A_SECOND * _MS
    flat = TimedRow("flatten a fork of the paginated thread", budget_ms)
    copied = TimedRow("cp and sync of as many bytes")
    child = fork.fork_thread(store, thread.shape.thread_id, exclude_turns=True).id
    source = Path(store.home) / thread.shape.file_name
    target = Path(store.home) / "copied"
    for _ in range(rounds * 2 + 1):
        made = flat.time(lambda: fork.flatten_thread(store, child))
        flat.bytes_written = made.bytes_written
        Path(made.path).unlink()
        copied.time(
            lambda: subprocess.run(["sh", "-c", f"cp {source} {target} && sync {target}"], check=True)
        )
        copied.bytes_written = thread.size_bytes
        target.unlink()
    for row in (flat, copied):
        speed = (row.bytes_written or 0) / _MB / (statistics.median(row.samples_ms) / _MS)
        row.note = f"{speed:.0f} MB/s" + (" (budget 300)" if row is flat else "")
    yield from (flat, copied)


def _many_rows(store: Store, thread: Thread) -> Iterator[TimedRow]:
    parent = thread.shape.thread_id
    row = TimedRow(f"{_MANY:,} forks of one parent, each")
    total = 0
    for _ in range(_MANY):
        total += row.time(lambda: fork.fork_thread(store, parent, exclude_turns=True)).bytes_written
    row.bytes_written = total
    row.note = f"{total / _MB:.2f} MB in all (budget 2)"
    yield row


def _deep_rows(store: Store, thread: Thread, rounds: int) -> Iterator[TimedRow]:
    """Compare a resume a hundred forks deep with that of the root, and of one file that holds as much."""
    root = thread.shape.thread_id
    silent, spoken = root, root
    flat = fork.fork_thread(store, root, exclude_turns=True).id
    for _ in range(_DEEP):
        silent = fork.fork_thread(store, silent, exclude_turns=True).id
        spoken = fork.fork_thread(store, spoken, exclude_turns=True).id
        store.append_turn(spoken, [_PROMPT, _REPLY])
        store.append_turn(flat, [_PROMPT, _REPLY])
    time.sleep(_SETTLE_SECONDS)  # what was written a moment ago is looked at again
    rows = {
        root: TimedRow("resume of the root"),
        silent: TimedRow(f"resume {_DEEP} forks deep, no turns between"),
        flat: TimedRow(f"resume of one fork with {_DEEP} turns"),
        spoken: TimedRow(f"resume {_DEEP} forks deep, a turn in each"),
    }
    for thread_id in rows:
        store.resume(thread_id)
    for _ in range(rounds * 3):
        for thread_id, row in rows.items():
            row.time(lambda chosen=thread_id: store.resume(chosen).input_json())
    first, second, third, fourth = (statistics.median(row.samples_ms) for row in rows.values())
    rows[silent].note = f"{second / first:.2f}x the root (budget 2)"
    rows[spoken].note = f"{fourth / third:.2f}x one file with the same turns (budget 2)"
    cold = TimedRow(f"the same, by a store just opened ({_DEEP} deep)")
    for _ in range(rounds):
        with rollout.open_store(store.home) as fresh:
            cold.time(lambda opened=fresh: opened.resume(spoken).input_json())
    yield from (*rows.values(), cold)


def _client_rows(client: Client, name: str, thread: Thread, rounds: int) -> Iterator[TimedRow]:
    first = TimedRow(f"reference client {client.version}: {name} parent, first", note="also loads the child")
    again = TimedRow(f"reference client {client.version}: {name} parent, again", note="also loads the child")
    with tempfile.TemporaryDirectory(prefix="rollout-bench-", dir=thread.home.parent) as scratch:
        home = Path(scratch) / "home"
        shutil.copytree(thread.home, home)
        with StandIn() as endpoint, AppServer(client, home, endpoint) as server:
            params = {"threadId": thread.shape.thread_id, "excludeTurns": True}
            for number in range(rounds + 1):
                row = first if number == 0 else again
                answer = row.time(lambda: server.request("thread/fork", params, _CLIENT_SECONDS))
                path = Path(answer["thread"]["path"])
                row.bytes_written = path.stat().st_size if path.exists() else None
    yield from (first, again)
