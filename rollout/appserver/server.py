"""What a server and its clients are between requests: loaded threads, capabilities, who follows what.

"Loaded" is this server's word alone: no log says it, and it ends with the server.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, RLock
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from rollout.appserver.protocol import MAX_MESSAGE_BYTES, Note
from rollout.ids import ThreadId

if TYPE_CHECKING:
    from rollout.appserver.opened import OpenedThreads
    from rollout.appserver.watching import Watches
    from rollout.store.store import Store
    from rollout.wire.threads import Thread

ANY_PROVIDER: Final = None


class ServerSettings(Struct, frozen=True):
    """How a server answers where a client does not say.

    `provider` is the only one whose threads are listed, None for all; `cwd` that of new threads.
    """

    cwd: str
    model: str | None = None
    provider: str | None = ANY_PROVIDER


class Outlet(Protocol):
    """Where notifications to one client go, outside of any response. Safe to call from any thread."""

    def send(self, note: Note) -> None:
        """Send a notification. Never waits."""

    def has_room(self) -> bool:
        """Tell whether the client is there and has taken most of what was sent."""

    def when_room(self, work: Callable[[], None]) -> None:
        """Do a short piece of work once it has: now or later, or never when it leaves. Never waits."""


class _Nowhere:
    def send(self, note: Note) -> None:
        """Drop it."""

    def has_room(self) -> bool:
        return True

    def when_room(self, work: Callable[[], None]) -> None:
        work()


class Client:
    """One connection: whether it shook hands, and what it takes. Changed by its own reader alone."""

    def __init__(self, number: int, outlet: Outlet) -> None:
        self.number = number
        self.outlet = outlet
        self.is_initialized = False
        self.is_experimental = False
        self.opted_out: frozenset[str] = frozenset()

    def takes(self, note: Note) -> bool:
        """Tell whether a notification may be sent to it."""
        return self.is_initialized and note.method not in self.opted_out


class Loaded:
    """The threads that a server has loaded, and by whom. Safe to share between threads.

    An ephemeral one is kept as what is said of it: no file has it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._users: dict[ThreadId, set[int]] = {}
        self._ephemeral: dict[ThreadId, Thread] = {}

    def add(self, thread_id: ThreadId, client: Client, ephemeral: Thread | None = None) -> bool:
        """Load a thread for a client; tell whether it was not loaded before."""
        with self._lock:
            is_new = thread_id not in self._users
            self._users.setdefault(thread_id, set()).add(client.number)
            if ephemeral is not None:
                self._ephemeral[thread_id] = ephemeral
            return is_new

    def __contains__(self, thread_id: object) -> bool:
        return thread_id in self._users

    def ephemeral(self, thread_id: ThreadId) -> Thread | None:
        """Return what is said of a loaded thread that no file has; None for any other."""
        return self._ephemeral.get(thread_id)

    def ids(self) -> list[ThreadId]:
        """Return what is loaded, in order of ids."""
        with self._lock:
            return sorted(self._users)

    def leave(self, thread_id: ThreadId, client: Client) -> tuple[bool, bool]:
        """Let a client go from a thread; tell whether it used it, and whether nobody does any more."""
        with self._lock:
            users = self._users.get(thread_id)
            if users is None or client.number not in users:
                return False, False
            users.discard(client.number)
            if users:
                return True, False
            self._drop(thread_id)
            return True, True

    def leave_all(self, client: Client) -> list[ThreadId]:
        """Let a client go from all threads; return those that nobody uses any more."""
        with self._lock:
            left = [one for one, users in self._users.items() if users == {client.number}]
            for thread_id in left:
                self._drop(thread_id)
            for users in self._users.values():
                users.discard(client.number)
            return left

    def unload(self, thread_id: ThreadId) -> bool:
        """Unload a thread for everybody; tell whether it was loaded."""
        with self._lock:
            is_there = thread_id in self._users
            self._drop(thread_id)
            return is_there

    def _drop(self, thread_id: ThreadId) -> None:
        self._users.pop(thread_id, None)
        self._ephemeral.pop(thread_id, None)


def _run_now(_: str, work: Callable[[], None]) -> None:
    work()


class Server:
    """A store with what its clients share. Safe to share between threads."""

    def __init__(
        self,
        store: Store | Callable[[], Store],
        settings: ServerSettings | Callable[[Store], ServerSettings],
        now_ms: Callable[[], int],
        home: str = "",
    ) -> None:
        """`store` may be what opens it, and `settings` what reads them: that is done when they are needed."""
        self._open = store
        self._read_settings = settings
        self._opening = RLock()
        self._store: Store | None = None
        self._settings: ServerSettings | None = None
        self._opened: OpenedThreads | None = None
        self.home = home if callable(store) else store.home
        self.max_message_bytes = MAX_MESSAGE_BYTES
        self.now_ms = now_ms
        self.run_aside: Callable[[str, Callable[[], None]], None] = _run_now
        """Has work of a lane done by somebody else, where there is anybody: see `rollout.appserver.lanes`."""
        self.loaded = Loaded()
        self._clients = 0
        self._watches: Watches | None = None
        self._lock = Lock()

    @property
    def store(self) -> Store:
        """The store, opened when it is first needed. Raise NotFound when the home is gone."""
        with self._opening:
            if self._store is None:
                self._store = self._open() if callable(self._open) else self._open
            return self._store

    @property
    def settings(self) -> ServerSettings:
        """How it answers where a client does not say."""
        with self._opening:
            if self._settings is None:
                given = self._read_settings
                self._settings = given(self.store) if callable(given) else given
            return self._settings

    @property
    def opened(self) -> OpenedThreads:
        """The threads that were read lately."""
        with self._opening:
            if self._opened is None:
                from rollout.appserver.opened import OpenedThreads

                self._opened = OpenedThreads(self.store)
            return self._opened

    def connect(self, outlet: Outlet | None = None) -> Client:
        """Return a new client, which has not shaken hands yet."""
        with self._lock:
            self._clients += 1
            return Client(self._clients, outlet or _Nowhere())

    @property
    def watches(self) -> Watches:
        """What is followed live; made when something is."""
        with self._lock:
            if self._watches is None:
                from rollout.appserver.watching import Watches

                self._watches = Watches(self)
            return self._watches

    def disconnect(self, client: Client) -> tuple[Note, ...]:
        """Let a client go; return what the others are told."""
        if self._watches is not None:
            self._watches.leave(client)
        return tuple(note for one in self.loaded.leave_all(client) for note in unloaded_notes(one))

    def close(self) -> None:
        """Close every file, and follow nothing any more. Idempotent."""
        if self._watches is not None:
            self._watches.close()
        if self._opened is not None:
            self._opened.close()
        if self._store is not None:
            self._store.close()


def status_note(thread_id: ThreadId, status: str) -> Note:
    """Return what is told when the status of a thread has changed."""
    return Note("thread/status/changed", {"threadId": thread_id, "status": {"type": status}})


def unloaded_notes(thread_id: ThreadId) -> tuple[Note, Note]:
    """Return what is told when a thread that nobody uses was unloaded."""
    return status_note(thread_id, "notLoaded"), Note("thread/closed", {"threadId": thread_id})
