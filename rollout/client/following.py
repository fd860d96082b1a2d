"""What a server tells without being asked: records of threads that are followed, and changes of any thread.

Memory is bounded. A watch whose reader is slow is taken off and put on again behind what was read, so no
record is missed; the position of the last one goes on over another connection, too. Contract:
docs/protocol.md, "Following a thread".
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from msgspec import Raw, Struct

from rollout.client.connection import Connection
from rollout.client.inbox import Inbox
from rollout.client.refusals import NoAnswer, ServerGone, read_answer
from rollout.errors import Conflict, NotFound, RolloutError, UnsupportedFormat
from rollout.format.decoding import UNDECODABLE, decode_json, decoder_of

RECORDS: Final = "rollout/thread/records"
ENDED: Final = "rollout/thread/unwatched"
_WATCH: Final = "rollout/thread/watch"
_WATCHED_MOST: Final = 64
_NOTICES_MOST: Final = 1024


class Position(Struct, frozen=True, rename="camel"):
    """Up to where a thread's newest rollout is known, in decoded bytes."""

    rollout_id: str
    end_offset: int


class StoredRecord(Struct, frozen=True, rename="camel"):
    """One record as it is stored, and where; a line that is none is JSON null, with a reason."""

    ordinal: int | None
    start_offset: int
    end_offset: int
    record: Raw
    damage: str | None = None


class Followed(Struct, frozen=True, rename="camel"):
    """What is new in a thread. When `rollout_id` changes it was reverted: read its turns anew."""

    thread_id: str
    rollout_id: str
    records: list[StoredRecord]
    turn_ids: list[str]
    position: Position


class Notice(Struct, frozen=True):
    """Any other notification; `thread_id` is None where it is of no thread, `params` its JSON."""

    method: str
    thread_id: str | None
    params: Raw


class _Watched(Struct, frozen=True, rename="camel"):
    watch_id: str
    position: Position


class _Named(Struct, frozen=True, rename="camel"):
    watch_id: str


class _OfWatch(Struct, frozen=True, rename="camel"):
    watch_id: str
    thread_id: str = ""
    reason: str = ""


class _Whole(Struct, frozen=True):
    id: str


class _OfThread(Struct, frozen=True, rename="camel"):
    thread_id: str | None = None
    thread: _Whole | None = None


def _thread_of(params: Raw) -> str | None:
    """Return the thread that a notification is of, which names it or holds all of it."""
    try:
        of: _OfThread = decoder_of(_OfThread)(params)
    except UNDECODABLE:
        return None
    return of.thread_id if of.thread is None else of.thread.id


class Following:
    """Takes notifications to whoever reads them. What is told of a watch may come before its answer."""

    def __init__(self) -> None:
        self._watches: dict[str, Inbox[Followed]] = {}
        self._adopted: set[str] = set()
        self._starting = 0
        self._notices: set[Inbox[Notice]] = set()
        self._end: ServerGone | None = None

    def take_note(self, method: str, params: Raw) -> None:
        """Put a notification where it belongs; what nobody reads is dropped."""
        if method in {RECORDS, ENDED}:
            told = decode_json(params, _OfWatch)
            inbox = self._inbox(told.watch_id) if told is not None else None
            if inbox is None or told is None:
                return
            if method == ENDED:
                inbox.fail(NotFound(f"following thread {told.thread_id}: {told.reason}"))
                return
            try:
                inbox.put(read_answer(RECORDS, params, Followed))
            except UnsupportedFormat as error:
                inbox.fail(error)
        elif self._notices:
            notice = Notice(method, _thread_of(params), params)
            for notices in self._notices:
                notices.put(notice)

    def _inbox(self, watch_id: str) -> Inbox[Followed] | None:
        if watch_id not in self._watches and self._starting:
            self._watches[watch_id] = Inbox(_WATCHED_MOST)
        return self._watches.get(watch_id)

    def take_end(self, error: ServerGone) -> None:
        """Tell every reader that nothing more comes."""
        self._end = error
        for watched in self._watches.values():
            watched.fail(error)
        for notices in self._notices:
            notices.fail(error)

    async def start(self, connection: Connection, params: dict[str, Any]) -> tuple[_Watched, Inbox[Followed]]:
        """Ask for a thread to be followed; return where it begins, and where its records are put."""

        def adopt(result: Raw) -> None:
            named = decode_json(result, _Named)  # where it is none, whoever asked is told of it
            if named is not None:
                self._inbox(named.watch_id)
                self._adopted.add(named.watch_id)

        def abandon(result: Raw) -> None:
            named = decode_json(result, _Named)
            if named is not None and self._end is None:
                connection.spawn(stop_quietly(self, connection, named.watch_id))

        self._starting += 1
        try:
            result = await connection.ask(_WATCH, params, then=adopt, late=abandon)
        finally:
            self._starting -= 1
            if not self._starting:
                self._watches = {one: self._watches[one] for one in self._watches if one in self._adopted}
        watched = read_answer(_WATCH, result, _Watched)
        return watched, self._watches[watched.watch_id]

    async def stop(self, connection: Connection, watch_id: str) -> None:
        """Follow it no more; a server that is gone does not, either."""
        self._watches.pop(watch_id, None)
        self._adopted.discard(watch_id)
        if self._end is None:
            await connection.ask("rollout/thread/unwatch", {"watchId": watch_id})

    def subscribe(self) -> Inbox[Notice]:
        """Return where notifications of no watch are put from now on."""
        inbox: Inbox[Notice] = Inbox(_NOTICES_MOST)
        if self._end is not None:
            inbox.fail(self._end)
        self._notices.add(inbox)
        return inbox

    def unsubscribe(self, inbox: Inbox[Notice]) -> None:
        """Put nothing there any more."""
        self._notices.discard(inbox)


async def stop_quietly(following: Following, connection: Connection, watch_id: str) -> None:
    """Take a watch off; a server that is gone, or that takes its time, hears of it or need not."""
    with suppress(ServerGone, NoAnswer):
        await following.stop(connection, watch_id)


class Watch:
    """One thread, followed: an async context manager that is iterated. For one reader.

    `position` is behind what was read last; None until it began, unless one was given.
    """

    def __init__(
        self, connection: Connection, following: Following, thread_id: str, position: Position | None
    ) -> None:
        self.position = position
        self._connection = connection
        self._following = following
        self._thread_id = thread_id
        self._watch_id: str | None = None
        self._inbox: Inbox[Followed] | None = None

    async def __aenter__(self) -> Watch:
        """Begin: what is recorded from here on is told."""
        await self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Followed:
        """Return what is new. Raise NotFound when it can be followed no further, ServerGone."""
        while True:
            inbox = self._inbox or await self._begin()
            found = await inbox.get()
            if found is not None:
                self.position = found.position
                return found
            await self.close()  # more came than was read: begin anew behind what was

    async def close(self) -> None:
        """Follow it no more. Idempotent."""
        watch_id, self._watch_id, self._inbox = self._watch_id, None, None
        if watch_id is not None:
            await stop_quietly(self._following, self._connection, watch_id)

    async def _begin(self) -> Inbox[Followed]:
        params: dict[str, Any] = {"threadId": self._thread_id}
        if self.position is not None:
            params["position"] = self.position
        watched, inbox = await self._following.start(self._connection, params)
        self.position, self._watch_id, self._inbox = watched.position, watched.watch_id, inbox
        return inbox


class Notices:
    """Changes that a server tells of: an async context manager that is iterated. For one reader."""

    def __init__(self, following: Following) -> None:
        self._following = following
        self._inbox = following.subscribe()

    async def __aenter__(self) -> Notices:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Notices:
        return self

    async def __anext__(self) -> Notice:
        """Return the next one. Raise Conflict when some were missed, ServerGone."""
        found = await self._inbox.get()
        if found is None:
            raise too_slow()
        return found

    def close(self) -> None:
        """Hear no more. Idempotent."""
        self._following.unsubscribe(self._inbox)


def too_slow() -> RolloutError:
    """Return the error for a reader that missed notifications."""
    return Conflict(
        f"hearing of changes: more than {_NOTICES_MOST} waited to be read, and some were dropped",
        hint="List the threads anew, then ask for notices again.",
    )
