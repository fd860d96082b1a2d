"""One suite for every transport: standard streams, a local socket, websockets; and what each keeps out."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Protocol

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from rollout.appserver import serving
from rollout.appserver.server import Server, ServerSettings
from rollout.appserver.serving import Listen, parse_listen, serve_socket, serve_websockets
from rollout.appserver.websocket import find_fault
from rollout.errors import Conflict, InvalidRequest
from rollout.store.root import open_store
from tests.recorded_home import new_thread, now_ms, said

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"
HELLO = {"id": 0, "method": "initialize", "params": {"clientInfo": {"name": "tests", "version": "1"}}}
WAIT_SECONDS = 30


class Wire(Protocol):
    """A client's end of a transport."""

    def say(self, message: object) -> None: ...

    def hear(self) -> Any:
        """Return the next message."""


class Streams:
    """A client over two files."""

    def __init__(self, out: Any, into: Any) -> None:
        self._out = out
        self._into = into

    def say(self, message: object) -> None:
        self._out.write(json.dumps(message).encode() + b"\n")
        self._out.flush()

    def hear(self) -> Any:
        return json.loads(self._into.readline())


class Frames:
    """A client over a websocket."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def say(self, message: object) -> None:
        self._connection.send(json.dumps(message))

    def hear(self) -> Any:
        return json.loads(self._connection.recv(WAIT_SECONDS))


@contextmanager
def over_pipes(home: Path) -> Iterator[Wire]:
    """A server as a child process, and its end with its input."""
    command = [sys.executable, "-m", "rollout", "--home", str(home), "app-server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Streams(process.stdin, process.stdout)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(WAIT_SECONDS) == 0


class Stopper:
    """Stands in for the signals of a process: it is the test that says when a server has to stop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = asyncio.Event()
        self.listening = threading.Event()
        self.reports: list[str] = []

    async def wait(self) -> None:
        """Wait until told, as the server does."""
        self._loop = asyncio.get_running_loop()
        self.listening.set()
        await self._told.wait()

    def report(self, message: str) -> None:
        """Keep what the server says to people."""
        self.reports.append(message)

    def stop(self) -> None:
        """Tell the server to stop."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._told.set)


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch, home: Path, serve: Any, *where: Any) -> Iterator[Stopper]:
    """Run a server on a thread of its own."""
    stopper = Stopper()
    monkeypatch.setattr(serving, "stopping", lambda: nullcontext(stopper.wait))
    server = Server(open_store(home), ServerSettings("/src", "model-a"), now_ms)
    thread = threading.Thread(target=serve, args=(server, *where, stopper.report))
    thread.start()
    assert stopper.listening.wait(WAIT_SECONDS)
    try:
        yield stopper
    finally:
        stopper.stop()
        thread.join(WAIT_SECONDS)


@contextmanager
def over_socket(monkeypatch: pytest.MonkeyPatch, home: Path, path: Path) -> Iterator[Wire]:
    """A server on a local socket."""
    with running(monkeypatch, home, serve_socket, str(path)), dial(path) as wire:
        yield wire


@contextmanager
def dial(path: Path) -> Iterator[Wire]:
    """Connect to a local socket."""
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(WAIT_SECONDS)
        end.connect(str(path))
        with end.makefile("wb") as out, end.makefile("rb") as into:
            yield Streams(out, into)


@contextmanager
def over_websocket(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Wire]:
    """A server on a free port of this machine."""
    with (
        running(monkeypatch, home, serve_websockets, Listen("ws", host="127.0.0.1"), None) as stopper,
        connect(url_of(stopper), max_size=None) as connection,
    ):
        yield Frames(connection)


def url_of(stopper: Stopper) -> str:
    """Return where a server listens, from what it told people."""
    return stopper.reports[0].removeprefix("listening on ")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of a recorded home."""
    return shutil.copytree(RECORDED / "paginated", tmp_path / "home")


@pytest.fixture(params=["pipes", "socket", "websocket"])
def wire(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path
) -> Iterator[Wire]:
    """A client's end of every transport."""
    if request.param == "pipes":
        opened = over_pipes(home)
    elif request.param == "socket":
        opened = over_socket(monkeypatch, home, tmp_path / "s")
    else:
        opened = over_websocket(monkeypatch, home)
    with opened as found:
        found.say(HELLO)
        assert found.hear()["result"]["codexHome"] == str(home)
        yield found


def test_every_transport_serves_pages(wire: Wire) -> None:
    """List, read back, page: the same answers over each."""
    wire.say({"id": 1, "method": "thread/list", "params": {"limit": 100}})
    threads = wire.hear()["result"]["data"]
    assert len(threads) == 7
    for number, thread in enumerate(threads):
        wire.say({"id": number, "method": "thread/turns/list", "params": {"threadId": thread["id"]}})
        answer = wire.hear()
        assert answer["id"] == number
        assert answer["result"]["data"]


def test_every_transport_takes_a_burst(wire: Wire) -> None:
    """Each request of a thousand is answered once."""
    for number in range(1000):
        wire.say({"id": number, "method": "thread/loaded/list", "params": {}})
    assert sorted(wire.hear()["id"] for _ in range(1000)) == list(range(1000))


def test_every_transport_sends_what_is_recorded_elsewhere(wire: Wire, home: Path) -> None:
    """As the platform tells of it; a position comes with it."""
    with open_store(home) as store:
        thread_id = new_thread(store)
        wire.say({"id": 1, "method": "rollout/thread/watch", "params": {"threadId": thread_id}})
        position = wire.hear()["result"]["position"]
        store.append_turn(thread_id, [said("user", "Hello?"), said("assistant", "Yes.")])
    end_offset, types = position["endOffset"], []
    while "task_complete" not in types:
        note = wire.hear()
        assert note["method"] == "rollout/thread/records"
        for record in note["params"]["records"]:
            assert record["startOffset"] == end_offset
            end_offset = record["endOffset"]
            types.append(record["record"]["payload"].get("type"))


def test_a_socket_is_for_its_owner_alone(monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path) -> None:
    """From its first moment, and it is gone when the server is."""
    path = tmp_path / "s"
    with running(monkeypatch, home, serve_socket, str(path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_a_socket_serves_many_at_once(monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path) -> None:
    """Each client has its own handshake and its own answers."""
    path = tmp_path / "s"
    with running(monkeypatch, home, serve_socket, str(path)):
        for _ in range(2):
            with dial(path) as one, dial(path) as other:
                one.say(HELLO)
                other.say({"id": 1, "method": "thread/loaded/list", "params": {}})
                assert other.hear()["error"]["message"] == "Not initialized"
                assert "result" in one.hear()


def test_a_path_that_is_no_socket_is_left_alone(home: Path, tmp_path: Path) -> None:
    """A file that somebody needs is not taken away."""
    path = tmp_path / "precious"
    path.write_text("mine")
    server = Server(open_store(home), ServerSettings("/src"), now_ms)
    with pytest.raises(Conflict, match="no socket"):
        serve_socket(server, str(path), lambda _: None)
    assert path.read_text() == "mine"


def test_a_socket_that_is_listened_to_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path
) -> None:
    """Two servers do not share a path; a socket left over by a dead one is replaced."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with running(monkeypatch, home, serve_socket, str(path)):
        server = Server(open_store(home), ServerSettings("/src"), now_ms)
        with pytest.raises(Conflict, match="another process listens there"):
            serve_socket(server, str(path), lambda _: None)


@pytest.mark.parametrize(
    ("host", "origin", "authorization", "token", "is_let_in"),
    [
        ("127.0.0.1:4510", None, None, None, True),
        ("localhost", "http://localhost:3000", None, None, True),
        ("[::1]:4510", "http://[::1]", None, None, True),
        ("evil.example", None, None, None, False),
        ("127.0.0.1.evil.example", None, None, None, False),
        ("127.0.0.1", "https://evil.example", None, None, False),
        ("127.0.0.1", "null", None, None, False),
        ("127.0.0.1", "http://[", None, None, False),
        (None, None, None, None, False),
        ("any.example", "https://any.example", "Bearer secret", "secret", True),
        ("127.0.0.1", None, None, "secret", False),
        ("127.0.0.1", None, "Bearer wrong", "secret", False),
        ("127.0.0.1", None, "secret", "secret", False),
    ],
)
def test_websockets_are_for_this_machine_or_a_token(
    host: str | None, origin: str | None, authorization: str | None, token: str | None, is_let_in: bool
) -> None:
    """A page from elsewhere must not read the threads of whoever opens it."""
    assert (find_fault(host, origin, authorization, token) is None) is is_let_in


def test_a_foreign_page_is_not_let_in(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """It is refused before a single message."""
    with (
        running(monkeypatch, home, serve_websockets, Listen("ws", host="127.0.0.1"), None) as stopper,
        pytest.raises(InvalidStatus, match="403"),
        connect(url_of(stopper), additional_headers={"Origin": "https://evil.example"}),
    ):
        pass


def test_a_token_is_asked_for(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Without it nobody gets in, with it from anywhere."""
    with running(monkeypatch, home, serve_websockets, Listen("ws", host="127.0.0.1"), "secret") as stopper:
        with pytest.raises(InvalidStatus, match="401"), connect(url_of(stopper)):
            pass
        with connect(url_of(stopper), additional_headers={"Authorization": "Bearer secret"}) as connection:
            connection.send(json.dumps(HELLO))
            assert "result" in json.loads(connection.recv(WAIT_SECONDS))


@pytest.mark.parametrize(
    "text", ["", "tcp://x:1", "stdio://x", "unix://", "ws://", "ws://host", "ws://host:x", "ws://h:99999"]
)
def test_where_to_listen_is_a_path_or_a_port(text: str) -> None:
    """Anything else is a slip."""
    with pytest.raises(InvalidRequest, match="reading where to listen"):
        parse_listen(text)


def test_without_their_package_websockets_say_what_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other transports need nothing."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "websockets"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "websockets", None)
    monkeypatch.delitem(sys.modules, "rollout.appserver.websocket")
    server = Server(open_store(home), ServerSettings("/src"), now_ms)
    with pytest.raises(InvalidRequest, match="not installed"):
        serve_websockets(server, Listen("ws", host="127.0.0.1"), None, lambda _: None)


def test_addresses_in_brackets_are_taken() -> None:
    """As they are written in URLs."""
    assert parse_listen("ws://[::1]:8") == Listen("ws", host="::1", port=8)


def test_a_reader_that_leaves_ends_the_process_quietly(home: Path) -> None:
    """A broken pipe is no fault of ours."""
    command = [sys.executable, "-m", "rollout", "--home", str(home), "app-server"]
    reading, writing = os.pipe()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        os.close(reading)
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(HELLO).encode() + b"\n")
            process.stdin.flush()
        _, errors = process.communicate(timeout=WAIT_SECONDS)
        assert b"Traceback" not in errors
