"""From a store to a server at work: over the standard streams, a local socket or websockets."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from msgspec import Struct

from rollout.appserver.connection import Connection, Hub, Transport
from rollout.appserver.lanes import Lanes
from rollout.appserver.server import Server
from rollout.errors import InvalidRequest

Report = Callable[[str], None]
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_SETTLING_STEPS: Final = 5
"""As many steps of the loop as lie between accepting a connection and telling us."""


class Listen(Struct, frozen=True):
    """Where a server listens: `stdio`, `unix` with a path, `ws` with a host and port."""

    kind: str
    path: str = ""
    host: str = ""
    port: int = 0


def parse_listen(text: str) -> Listen:
    """Return where to listen. Raise InvalidRequest for anything but `stdio://`, `unix://PATH`, `ws://HOST:PORT`."""
    kind, mark, rest = text.partition("://")
    if mark and kind == "stdio" and not rest:
        return Listen(kind)
    if mark and kind == "unix" and rest:
        return Listen(kind, path=rest)
    host, colon, port = rest.rpartition(":")
    if mark and kind == "ws" and host and colon and port.isascii() and port.isdigit() and int(port) < 65536:
        return Listen(kind, host=host.strip("[]"), port=int(port))
    raise InvalidRequest(
        f"reading where to listen: expected stdio://, unix://PATH or ws://HOST:PORT, found {text[:200]!r}",
        hint="Write for example `--listen unix:///run/user/1000/rollout.sock`.",
    )


def serve_pipes(server: Server, input_fd: int, output_fd: int, report: Report) -> None:
    """Serve one client over two descriptors, until its input ends and every answer is written."""
    from rollout.appserver.pipes import PipeTransport

    async def run(hub: Hub) -> None:
        transport = PipeTransport(input_fd, output_fd, server.max_message_bytes)
        await Connection(hub, transport).serve()

    _run(server, report, run)


def serve_socket(server: Server, path: str, report: Report) -> None:
    """Serve any number of clients over a local socket, until told to stop."""
    from rollout.appserver.sockets import StreamTransport, bind_private, listen, remove_socket

    bound = bind_private(path)

    async def run(hub: Hub) -> None:
        serving: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            transport: Transport = StreamTransport(reader, writer, server.max_message_bytes)
            task = asyncio.create_task(Connection(hub, transport).serve())
            serving.add(task)

            def over(_: object) -> None:
                serving.discard(task)
                writer.transport.abort()  # nothing is left to send, or nobody to take it

            task.add_done_callback(over)

        listener = await asyncio.start_unix_server(accept, sock=bound)
        listen(bound)  # the loop has shortened the queue of those who wait to be accepted
        with stopping() as stopped:
            report(f"listening on unix://{path}")
            await stopped()
        async with listener:
            for one in listener.sockets:
                asyncio.get_running_loop().remove_reader(one.fileno())
            await _settle()  # a listener that is closed loses what it has just accepted
        for task in tuple(serving):
            task.cancel()
        while serving:
            await asyncio.wait(tuple(serving))
        await _settle()

    try:
        _run(server, report, run)
    finally:
        remove_socket(path)


def serve_websockets(server: Server, listen: Listen, token: str | None, report: Report) -> None:
    """Serve any number of clients over websockets, until told to stop."""
    try:
        from rollout.appserver.websocket import serve_clients
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "websockets":
            raise
        raise InvalidRequest(
            "listening for websockets: the package `websockets` is not installed",
            hint="Install the extra `server`: `pip install rollout-store[server]`.",
        ) from missing

    async def run(hub: Hub) -> None:
        with stopping() as stopped:
            await serve_clients(hub, listen.host, listen.port, token, stopped)

    _run(server, report, run)


async def _settle() -> None:
    """Let the loop finish what it has begun: connections it accepted come to us, aborted ones are closed."""
    for _ in range(_SETTLING_STEPS):
        await asyncio.sleep(0)


@contextmanager
def stopping() -> Iterator[Callable[[], Awaitable[object]]]:
    """Lend what waits until the process is told to stop; told twice, it does not wait to end in order."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def tell(*_: object) -> None:
        loop.call_soon_threadsafe(told.set)

    # Not by the loop's own handlers: the pipe that wakes it may be full of calls, and the signal is lost.
    before = {}
    for one in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError):  # in another thread than the main one
            before[one] = signal.signal(one, tell)
    try:
        yield told.wait
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _fault_handler(report: Report) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Return what says once, instead of at every try, that nobody more can be accepted for now."""
    is_said = False

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal is_said
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _EXHAUSTED:
            loop.default_exception_handler(context)
        elif not is_said:
            is_said = True
            report(f"accepting clients: {error.strerror}; others wait until some have left")

    return handle


def _run(server: Server, report: Report, run: Callable[[Hub], object]) -> None:
    lanes = Lanes()

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(_fault_handler(report))
        waiting = run(Hub(server, lanes, report))
        assert asyncio.iscoroutine(waiting), "what is run is a coroutine function"
        await waiting

    try:
        asyncio.run(main())
    finally:
        server.close()
        lanes.close()
