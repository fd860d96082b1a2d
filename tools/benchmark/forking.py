"""Forks: how long one takes and how much it writes, beside the reference client on copies of the same files.

Every row forks in a copy of a home, so that nothing generated changes. The clock counts: a fork waits
for the disk. A bare publish is what the disk alone asks for a new file of the same size and name.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from refclient.endpoint import StandIn
from refclient.install import Client
from refclient.rpc import AppServer

import fork
import rollout
from benchmark.data import LEGACY, RIGHT_AFTER, Thread, copy_home
from benchmark.run import Part, Run, run_parts
from benchmark.timed import TimedRow
from rollout.store.store import Store

_MS = 1e3
_MB = 1e6
_DEEP = 100
_CLIENT_SECONDS = 120.0
_SETTLE_SECONDS = 2.1
_PROMPT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And then?"}]}
_REPLY = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Then this."}]}


@contextmanager
def _copy_of(thread: Thread) -> Iterator[Store]:
    """Open a store over a copy of a thread's home."""
    with tempfile.TemporaryDirectory(prefix="rollout-bench-", dir=thread.home.parent) as scratch:
        home = Path(scratch) / "home"
        copy_home(thread.home, home)
        with rollout.open_store(home) as store:
            yield store


def run_forks(run: Run) -> list[TimedRow]:
    """Measure all rows."""
    parts: dict[str, Part] = {
        "fork of a paginated parent": _fork_rows,
        "fork of a legacy parent": _legacy_rows,
        "flattening": _flatten_rows,
        "family": _many_rows,
        "resume of a fork": _deep_rows,
    }
    if run.client is not None:
        parts["reference client"] = partial(_client_rows, run.client)
    return run_parts(run, parts)


def _paginated(run: Run) -> Thread:
    return run.data.thread(replace(RIGHT_AFTER, turns=run.scale.turns))


def _legacy(run: Run) -> Thread:
    return run.data.thread(replace(LEGACY, turns=run.scale.turns))


def _fork_rows(run: Run) -> Iterator[TimedRow]:
    thread = _paginated(run)
    with _copy_of(thread) as store:
        parent = thread.shape.thread_id
        with store.open_thread(parent) as opened:
            middle = opened.all_turns(view=rollout.ItemsView.NOT_LOADED)[thread.shape.turns // 2].id
        bare = TimedRow("bare publish of as many bytes")
        peer = f"fork of a paginated parent: {bare.name}"
        head = TimedRow("at the head", ("fork-head", "fork-bytes"), peer=peer)
        before = TimedRow("before a middle turn", ("fork-middle", "fork-bytes"), peer=peer)
        resumed = TimedRow("at the head, and its context (resume)")
        fork.fork_thread(store, parent, exclude_turns=True)
        for number in range(run.rounds * 3):
            _fork(head, store, parent)
            _fork(before, store, parent, before_turn=middle)
            resumed.time(lambda: store.resume(fork.fork_thread(store, parent, exclude_turns=True).id))
            bare.bytes_written = bare.time(lambda at=number: _publish_bare(Path(store.home), at))
        yield from (head, before, resumed, bare)


def _fork(row: TimedRow, store: Store, parent: str, **options: Any) -> None:
    made = row.time(lambda: fork.fork_thread(store, parent, exclude_turns=True, **options))
    row.bytes_written = made.bytes_written


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


def _legacy_rows(run: Run) -> Iterator[TimedRow]:
    thread = _legacy(run)
    with _copy_of(thread) as store:
        parent = thread.shape.thread_id
        first = TimedRow("the first time", note="its lines are counted, and the count kept")
        _fork(first, store, parent)
        again = TimedRow("at the head", ("fork-legacy", "fork-bytes"))
        for _ in range(run.rounds * 3):
            _fork(again, store, parent)
        yield from (first, again)


def _flatten_rows(run: Run) -> Iterator[TimedRow]:
    """Write a fork's inherited history out, beside what the system takes to copy the file and sync it."""
    thread = _paginated(run)
    copied = TimedRow("cp and sync of as many bytes", bytes_written=thread.size_bytes)
    flat = TimedRow("flatten a fork", ("flatten",), peer=f"flattening: {copied.name}")
    with _copy_of(thread) as store:
        child = fork.fork_thread(store, thread.shape.thread_id, exclude_turns=True).id
        source = Path(store.home) / thread.shape.file_name
        target = Path(store.home) / "copied"
        for _ in range(run.rounds * 2 + 1):
            made = flat.time(lambda: fork.flatten_thread(store, child))
            flat.bytes_written = made.bytes_written
            Path(made.path).unlink()
            copied.time(
                lambda: subprocess.run(["sh", "-c", f"cp {source} {target} && sync {target}"], check=True)
            )
            target.unlink()
    for row in (flat, copied):
        row.figures["flatten"] = (row.bytes_written or 0) / _MB / (row.median_ms / _MS)
        row.note = f"{row.figures['flatten']:.0f} MB/s"
    yield from (flat, copied)


def _many_rows(run: Run) -> Iterator[TimedRow]:
    thread, total = _paginated(run), 0
    row = TimedRow(f"one of {run.scale.forks:,} forks of one parent", ("fork-many",))
    with _copy_of(thread) as store:
        for _ in range(run.scale.forks):
            _fork(row, store, thread.shape.thread_id)
            total += row.bytes_written or 0
    row.figures["fork-many"] = total / _MB
    row.note = f"{total / _MB:.2f} MB in all"
    yield row


def _deep_rows(run: Run) -> Iterator[TimedRow]:
    """Compare a resume a hundred forks deep with that of the root, and of one file that holds as much."""
    thread = _paginated(run)
    root = thread.shape.thread_id
    with _copy_of(thread) as store:
        silent, spoken = root, root
        flat = fork.fork_thread(store, root, exclude_turns=True).id
        for _ in range(_DEEP):
            silent = fork.fork_thread(store, silent, exclude_turns=True).id
            spoken = fork.fork_thread(store, spoken, exclude_turns=True).id
            store.append_turn(spoken, [_PROMPT, _REPLY])
            store.append_turn(flat, [_PROMPT, _REPLY])
        time.sleep(_SETTLE_SECONDS)  # what was written a moment ago is looked at again
        rows = {
            root: TimedRow("the root"),
            silent: TimedRow(f"{_DEEP} forks deep, no turns between", ("fork-deep",)),
            flat: TimedRow(f"one fork with {_DEEP} turns"),
            spoken: TimedRow(f"{_DEEP} forks deep, a turn in each", ("fork-deep",)),
        }
        for thread_id in rows:
            store.resume(thread_id)
        for _ in range(run.rounds * 3):
            for thread_id, row in rows.items():
                row.time(lambda chosen=thread_id: store.resume(chosen).input_json())
        for deep, beside in ((silent, root), (spoken, flat)):
            rows[deep].figures["fork-deep"] = rows[deep].median_ms / rows[beside].median_ms
            rows[deep].peer = f"resume of a fork: {rows[beside].name}"
        cold = TimedRow(f"the same, by a store just opened ({_DEEP} deep)")
        for _ in range(run.rounds):
            with rollout.open_store(store.home) as fresh:
                cold.time(lambda opened=fresh: opened.resume(spoken).input_json())
        yield from (*rows.values(), cold)


def _client_rows(client: Client, run: Run) -> Iterator[TimedRow]:
    for name, thread in (("paginated", _paginated(run)), ("legacy", _legacy(run))):
        peer, note = f"fork of a {name} parent: at the head", f"{client.version}; also loads the child"
        first = TimedRow(f"{name} parent, first", note=note, peer=peer)
        again = TimedRow(f"{name} parent, again", note=note, peer=peer)
        with tempfile.TemporaryDirectory(prefix="rollout-bench-", dir=thread.home.parent) as scratch:
            home = Path(scratch) / "home"
            copy_home(thread.home, home)
            with StandIn() as endpoint, AppServer(client, home, endpoint) as server:
                params = {"threadId": thread.shape.thread_id, "excludeTurns": True}
                for number in range(run.rounds + 1):
                    row = first if number == 0 else again
                    answer = row.time(partial(server.request, "thread/fork", params, _CLIENT_SECONDS))
                    path = Path(answer["thread"]["path"])
                    row.bytes_written = path.stat().st_size if path.exists() else None
        yield from (first, again)
