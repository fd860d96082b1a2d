"""A server over a home in memory, asked as a client asks it: the worlds of tests about the protocol.

served = serve(thread(1).turn("hello"))
assert served.ask("thread/read", threadId=uuid(1))["thread"]["preview"] == "hello"
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rollout.appserver.dispatch import handle
from rollout.appserver.protocol import Note, Response, encode_response, parse_message
from rollout.appserver.server import Client, Server, ServerSettings
from rollout.store.root import Store, open_store
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, STAMP, Rollout
from tests.recorded_home import new_id, now_ms

CWD = "/src/app"


class RefusedError(Exception):
    """The server answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']} {error['message']}")
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: Any = error.get("data")


class Outbox:
    """What was sent to a client outside of responses."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.is_roomy = True
        self.waiting: list[Callable[[], None]] = []

    def send(self, note: Note) -> None:
        """Keep a notification."""
        self.notes.append(note)

    def has_room(self) -> bool:
        """Tell whether there is room: there is, unless a test says otherwise."""
        return self.is_roomy

    def when_room(self, work: Callable[[], None]) -> None:
        """Do something once there is room."""
        self.waiting.append(work)


class Served:
    """A server and one client of it, which has shaken hands."""

    def __init__(self, fs: CrashFS, store: Store, settings: ServerSettings) -> None:
        self.fs = fs
        self.store = store
        self.server = Server(store, settings, now_ms)
        self.outbox = Outbox()
        self.client = self.server.connect(self.outbox)
        self.notes: list[tuple[str, str]] = []
        """The methods of notifications, with `before` or `after` the response that they came with."""
        self.shake_hands(self.client)

    def shake_hands(self, client: Client, *, is_experimental: bool = True) -> None:
        """Let a client be one that has initialized."""
        self.ask(
            "initialize",
            client=client,
            clientInfo={"name": "tests", "version": "1"},
            capabilities={"experimentalApi": is_experimental},
        )

    def respond(self, method: str, params: object, client: Client | None = None) -> Response:
        """Return the response to a request."""
        request = parse_message(json.dumps({"id": 1, "method": method, "params": params}).encode())
        return handle(self.server, client or self.client, request)  # type: ignore[arg-type]  # a request it is

    def ask(self, method: str, /, *, client: Client | None = None, **params: object) -> Any:
        """Return the result of a request. Raise RefusedError."""
        response = self.respond(method, params, client)
        answer = json.loads(encode_response(response))
        if "error" in answer:
            raise RefusedError(answer["error"])
        self.notes = [(note.method, "before") for note in response.before]
        self.notes += [(note.method, "after") for note in response.after]
        if response.then is not None:
            response.then()
        return answer["result"]

    def put(self, rollout: Rollout, *, stamp: str = STAMP, folder: str = DAY) -> str:
        """Write a rollout as another program would: whole, in place of any file of its name."""
        path = f"{folder}/{rollout.name(stamp)}"
        self.fs.make_folders(folder)
        self.fs.remove(path)
        with self.fs.create(path) as file:
            file.append(rollout.content)
        return path

    def grow(self, rollout: Rollout, path: str) -> None:
        """Append what a rollout has more than its file."""
        with self.fs.open_append(path) as file:
            file.append(rollout.content[file.size_bytes() :])


def serve(*rollouts: Rollout, provider: str | None = None, model: str | None = "model-a") -> Served:
    """Return a server over a home that holds these rollouts; a later one of a thread is the newer."""
    files = {
        f"{DAY}/{rollout.name(f'{STAMP[:-5]}{index // 60:02d}-{index % 60:02d}')}": rollout.content
        for index, rollout in enumerate(rollouts)
    }
    fs = CrashFS(files, folders=[HOME])
    store = open_store(HOME, fs=fs, clock=now_ms, new_id=new_id)
    return Served(fs, store, ServerSettings(CWD, model, provider))


def paged(served: Served, method: str, **params: object) -> list[Any]:
    """Return everything that a method lists, page by page."""
    found: list[Any] = []
    cursor: str | None = None
    while True:
        page = served.ask(method, **params, **({"cursor": cursor} if cursor is not None else {}))
        found += page["data"]
        cursor = page["nextCursor"]
        if cursor is None:
            return found
