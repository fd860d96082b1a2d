"""The work that is timed: ours and the naive reader's, each as an application would call it."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.data import Thread
from rollout.fs.posix import POSIX
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.ids import ThreadId
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.replay.context import read_context
from rollout.replay.lineage import Lineage
from rollout.store.opening import Opener
from rollout.store.root import open_store
from rollout.store.sidecars import FileSidecars
from rollout.store.turn_pages import read_turn_page
from rollout.turns.paging import ItemsView, PageRequest, Scope, SortDirection, make_ordinal_cursor

PAGE_TURNS = 50
_NANOS_A_MILLI = 1_000_000


@dataclass(frozen=True)
class Outcome:
    """What a piece of work came to: bytes it read and wrote, and how many things it returned."""

    bytes_read: int | None = None
    count: int | None = None
    bytes_written: int | None = None


Work = Callable[[], Outcome]


def opener(thread: Thread) -> Opener:
    """Return an opener of the thread's home, as a store has one."""
    return Opener(POSIX, str(thread.home), MAX_LINE_BYTES, lambda: time.time_ns() // _NANOS_A_MILLI)


def open_thread(thread: Thread, home: Opener | None = None) -> Lineage:
    """Open a thread by id and path hint; with no `home` its folders are listed first."""
    thread_id = ThreadId(thread.thread_id)
    return (home or opener(thread)).open_thread(thread_id, str(thread.path))


def resume(thread: Thread, *, reads_everything: bool = False) -> Outcome:
    """Open, read the context, splice the model's input."""
    with open_thread(thread) as lineage:
        context = read_context(lineage, reads_everything=reads_everything)
        context.input_json()
        return Outcome(lineage.bytes_read, context.item_count)


def sidecars_of(thread: Thread) -> FileSidecars:
    """Return the sidecars of a thread's home."""
    return FileSidecars(POSIX, str(thread.home / ".rollout"), lambda: POSIX_MUTABLE)


def resume_beside(thread: Thread, *, is_first: bool, has_input: bool) -> Outcome:
    """Resume with sidecars: the first time nothing is kept yet. With the model's input, or without."""
    kept = sidecars_of(thread)
    if is_first:
        Path(kept.path_of(thread.thread_id)).unlink(missing_ok=True)
    with open_thread(thread) as lineage:
        context = read_context(lineage, sidecars=kept)
        if has_input:
            context.input_json()
        return Outcome(context.read.bytes_read, context.item_count)


def newest_page(thread: Thread, view: ItemsView) -> Outcome:
    """Open, read the newest 50 turns."""
    with open_thread(thread) as lineage:
        page = read_turn_page(lineage, PageRequest(PAGE_TURNS), view)
        return Outcome(lineage.bytes_read, len(page.data))


def catalog_of(home: Path, *, is_made: bool = False) -> Path:
    """Return the folder of a home's catalog, kept beside it: brought up to date, unless it is."""
    state = home.with_name(f"{home.name}-catalog")
    if not is_made:
        # Late: it would count as memory of the rows of reading.
        from rollout.catalog.registry import EVERY

        with open_store(home, state_dir=state) as store:
            store.catalog.get().refresh(wanted=EVERY)
    return state


def far_page(thread: Thread, *, ordinal: int | None, state: Path | None) -> Outcome:
    """Open a store, read 50 turns from an ordinal on, oldest first; None for the oldest ones.

    With the turn index of the catalog in `state`, or by the log alone.
    """
    cursor = None
    if ordinal is not None:
        cursor = make_ordinal_cursor(thread.thread_id, Scope.TURNS, ordinal, includes_anchor=False)
    with (
        open_store(thread.home, state_dir=state) as store,
        store.open_thread(thread.thread_id, path_hint=str(thread.path)) as opened,
    ):
        page = opened.turns(limit=PAGE_TURNS, cursor=cursor, direction=SortDirection.ASC)
        return Outcome(opened.lineage.bytes_read, len(page.data))


def open_only(thread: Thread, home: Opener | None = None) -> Outcome:
    """Open and read the header."""
    with open_thread(thread, home) as lineage:
        return Outcome(lineage.bytes_read, len(lineage.segments))


def naive(thread: Thread) -> Outcome:
    """Parse every line, build the history as a list of objects: what a script would do."""
    history: list[Any] = []
    with thread.path.open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            payload = record["payload"]
            if record["type"] == "response_item":
                history.append(payload)
            elif record["type"] == "compacted":
                history = list(payload["replacement_history"])
    return Outcome(thread.size_bytes, len(history))


def environment() -> dict[str, str]:
    """Return the environment of a command: bytecode is kept, as it is for an installed package."""
    cache = str(Path(tempfile.gettempdir()) / f"rollout-bench-bytecode-{os.getuid()}")
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": cache}


def run(command: tuple[str, ...]) -> Outcome:
    """Run a process to its end. Raise CalledProcessError when it fails."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment())
    return Outcome(None, 1)
