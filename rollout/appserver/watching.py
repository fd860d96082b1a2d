"""Following threads that another process records: what is new is sent, with a position to go on from.

The platform says which files change (`watchfiles`); where it cannot, times and sizes are looked at. What is
sent is read from the files by the thread's id, never from what the platform said. Contract:
docs/protocol.md, "Following a thread".
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Raw, Struct, structs

from rollout.appserver import params as takes
from rollout.appserver.call import Answer, Call
from rollout.appserver.protocol import Note
from rollout.appserver.server import Client, Server
from rollout.errors import NotFound, RolloutError
from rollout.format.record import Record
from rollout.ids import ThreadId, find_uuid
from rollout.log.layout import ACTIVE_FOLDER, ARCHIVED_FOLDER, base_name, find_name
from rollout.log.lines import iter_lines
from rollout.replay.lineage import Lineage

RECORDS: Final = "rollout/thread/records"
ENDED: Final = "rollout/thread/unwatched"
_WATCH_HINT: Final = "Watch it again without a position."
_BATCH_BYTES: Final = 256 << 10
_POLL_SECONDS: Final = 0.25
_DEBOUNCE_MILLIS: Final = 20
_STEP_MILLIS: Final = 5


class Position(Struct, frozen=True, rename="camel"):
    """Up to where a thread's newest rollout was sent, in decoded bytes."""

    rollout_id: str
    end_offset: int


class RecordShown(Struct, frozen=True, rename="camel"):
    """One record, as it is stored, and where; a line that is none has no record, and a reason."""

    ordinal: int | None
    start_offset: int
    end_offset: int
    record: Raw | None
    damage: str | None = None


class Watch:
    """One client following one thread. Advanced by one worker at a time."""

    def __init__(self, watch_id: str, thread_id: ThreadId, client: Client, position: Position) -> None:
        self.id = watch_id
        self.thread_id = thread_id
        self.client = client
        self.position = position
        self.is_over = False
        self._lock = threading.Lock()
        self._is_stale = False

    def advance(self, server: Server) -> None:
        """Send what is new. What changes meanwhile is seen before this returns."""
        self._is_stale = True
        while self._is_stale and not self.is_over:
            if not self._lock.acquire(blocking=False):
                return  # whoever has it looks once more
            try:
                self._is_stale = False
                is_sent = self._send_new(server)
            finally:
                self._lock.release()
            if not is_sent:
                # No worker waits for a slow client: whoever makes room has it go on.
                self.client.outlet.when_room(lambda: advance_aside(server, self))
                return

    def _send_new(self, server: Server) -> bool:
        """Send what is new; return whether that was all of it, or the client has to take some first."""
        try:
            with server.store.open_thread(self.thread_id) as thread:
                for note, position in new_records(thread.lineage, self.id, self.position):
                    if self.is_over:
                        return True
                    if not self.client.outlet.has_room():
                        return False
                    self.client.outlet.send(note)
                    self.position = position
        except RolloutError as error:
            self.is_over = True
            params = {
                "watchId": self.id,
                "threadId": self.thread_id,
                "reason": error.message,
                "code": error.code,
                "hint": error.hint or _WATCH_HINT,
            }
            self.client.outlet.send(Note(ENDED, params))
        return True


def new_records(lineage: Lineage, watch_id: str, since: Position) -> Iterator[tuple[Note, Position]]:
    """Yield notifications with what lies behind a position, and the position behind each.

    Another rollout than the one in the position means that the thread was reverted: then all of its own
    records are new. Raise NotFound when the log is shorter than the position says.
    """
    segment = lineage.newest
    start = since.end_offset
    if since.rollout_id != segment.rollout_id:
        start = segment.header.end_offset
        yield _note(lineage, watch_id, [], [], Position(segment.rollout_id, start))
    if start > segment.end_offset:
        raise NotFound(f"following thread {lineage.thread_id}: its log is shorter than {start} bytes now")
    span = structs.replace(lineage.span(segment), start_offset=start)
    shown: list[RecordShown] = []
    turn_ids: dict[str, None] = {}
    held_bytes = 0
    for batch in iter_lines(lineage.source(segment), span):
        for line in batch:
            if isinstance(line, Record):
                if not line.is_terminated:
                    continue
                stored = Raw(line.stored[:-1])
                shown.append(RecordShown(line.ordinal, line.start_offset, line.end_offset, stored))
                turn_id = line.envelope.payload.turn_id
                if turn_id is not None:
                    turn_ids[turn_id] = None
            elif line.is_damage:
                shown.append(RecordShown(None, line.start_offset, line.end_offset, None, line.reason.value))
            else:
                continue
            held_bytes += shown[-1].end_offset - shown[-1].start_offset
            if held_bytes >= _BATCH_BYTES:
                yield _note(lineage, watch_id, shown, list(turn_ids), _behind(lineage, shown))
                shown, turn_ids, held_bytes = [], {}, 0
    if shown:
        yield _note(lineage, watch_id, shown, list(turn_ids), _behind(lineage, shown))


def _behind(lineage: Lineage, shown: list[RecordShown]) -> Position:
    return Position(lineage.newest.rollout_id, shown[-1].end_offset)


def _note(
    lineage: Lineage, watch_id: str, shown: list[RecordShown], turn_ids: list[str], position: Position
) -> tuple[Note, Position]:
    params: dict[str, Any] = {
        "watchId": watch_id,
        "threadId": lineage.thread_id,
        "rolloutId": lineage.newest.rollout_id,
        "records": shown,
        "turnIds": turn_ids,
        "position": position,
    }
    return Note(RECORDS, params), position


class Watches:
    """All that is followed through a server, and the thread that hears of changes. Thread-safe."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._watches: dict[str, Watch] = {}
        self._made = 0
        self._stop = threading.Event()
        self._listener: threading.Thread | None = None

    def add(self, thread_id: ThreadId, client: Client, position: Position) -> Watch:
        """Follow a thread for a client; nothing is sent before `advance`."""
        with self._lock:
            self._made += 1
            watch = Watch(f"watch-{self._made}", thread_id, client, position)
            self._watches[watch.id] = watch
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, daemon=True, name="changes")
                self._listener.start()
        return watch

    def find(self, watch_id: str, client: Client) -> Watch | None:
        """Return what a client follows under an id, or None."""
        watch = self._watches.get(watch_id)
        return watch if watch is not None and watch.client is client else None

    def drop(self, watch: Watch) -> None:
        """Follow it no more."""
        watch.is_over = True
        with self._lock:
            self._watches.pop(watch.id, None)

    def leave(self, client: Client) -> None:
        """Follow nothing for a client any more."""
        for watch in list(self._watches.values()):
            if watch.client is client:
                self.drop(watch)

    def close(self) -> None:
        """Follow nothing any more. Idempotent."""
        self._stop.set()
        if self._listener is not None:
            self._listener.join()

    def _listen(self) -> None:
        for paths in _changes(self._server.store.home, self._stop):
            for watch in list(self._watches.values()):
                if watch.is_over:
                    self.drop(watch)
                elif _concerns(watch.thread_id, paths):
                    advance_aside(self._server, watch)


def advance_aside(server: Server, watch: Watch) -> None:
    """Send what is new in a lane of its own: a client that is slow to take it delays nobody else."""
    server.run_aside(f"watch {watch.id}", lambda: watch.advance(server))


def _concerns(thread_id: ThreadId, paths: list[str] | None) -> bool:
    """Tell whether a change may be one of a thread; a folder may hold anything, and None means all."""
    if paths is None:
        return True
    names = [find_name(base_name(path)) for path in paths]
    return any(name is None or name.thread_id == thread_id for name in names)


def _changes(home: str, stop: threading.Event) -> Iterator[list[str] | None]:
    """Yield paths that changed, as the platform tells them; None at intervals where it cannot."""
    roots = [root for name in (ACTIVE_FOLDER, ARCHIVED_FOLDER) if (root := Path(home, name)).is_dir()]
    try:
        from watchfiles import watch as watch_files
    except ImportError:
        roots = []
    if not roots:
        while not stop.wait(_POLL_SECONDS):
            yield None
        return
    yield None  # what changed before the platform began to tell
    for found in watch_files(
        *roots,
        watch_filter=None,
        debounce=_DEBOUNCE_MILLIS,
        step=_STEP_MILLIS,
        stop_event=stop,
        rust_timeout=500,
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        yield [path for _, path in found]


def watch(call: Call, given: takes.Watch) -> Answer:
    """Follow a thread for the client, from its end or from a position on."""
    thread_id = call.thread_id(given.thread_id)
    with call.lend(thread_id, f"no rollout found for thread id {thread_id}") as opened:
        newest = opened.thread.lineage.newest
        position = Position(newest.rollout_id, _whole_end(opened.thread.lineage))
    if given.position is not None:
        rollout_id = find_uuid(given.position.rollout_id)
        if rollout_id is None:
            raise call.invalid("invalid position: its rolloutId is no id")
        position = Position(rollout_id, given.position.end_offset)
    watches = call.server.watches
    made = watches.add(thread_id, call.client, position)
    result = {"watchId": made.id, "position": position}
    return Answer(result, then=lambda: advance_aside(call.server, made))


def _whole_end(lineage: Lineage) -> int:
    """Return where the last whole line of the newest rollout ends."""
    segment, source = lineage.newest, lineage.newest_source
    end = segment.end_offset
    while end > segment.header.end_offset:
        start = max(segment.header.end_offset, end - _BATCH_BYTES)
        newline = source.read_at(start, end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return segment.header.end_offset


def unwatch(call: Call, given: takes.Unwatch) -> Answer:
    """Follow a thread no more."""
    watches = call.server.watches
    found = watches.find(given.watch_id, call.client)
    if found is not None:
        watches.drop(found)
    return Answer({"status": "unwatched" if found is not None else "notWatched"})
