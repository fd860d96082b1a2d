"""Websockets as a transport: one message a line, loopback unless a token is asked for.

A browser sends where a page came from, and the name that it looked up: both must be this machine's, or a
page from anywhere could read the threads of whoever opens it.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from rollout.appserver.connection import Connection, Hub
from rollout.appserver.protocol import Unreadable

_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_POLICY_VIOLATION: Final = 1008
_PING_SECONDS: Final = 20
"""So often something is sent to a client, so that the system finds out about one that is no more."""
_LONGEST_REASON: Final = 120
_BEARER: Final = "Bearer "


class WebsocketTransport:
    """One connection over a websocket."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def receive(self) -> list[bytes | Unreadable] | None:
        """Return the next message; None at the end."""
        try:
            message = await self._connection.recv(decode=False)
        except ConnectionClosed:
            return None
        return [bytes(message)]

    async def send(self, messages: list[bytes]) -> None:
        """Send messages, each in a frame of its own."""
        try:
            for message in messages:
                await self._connection.send(message.rstrip(b"\n"), text=True)
        except ConnectionClosed as error:
            raise ConnectionResetError(str(error)) from error

    async def close(self, reason: str | None) -> None:
        """Close it; a client that is let go is told why."""
        if reason is None:
            await self._connection.close()
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._connection.close(_POLICY_VIOLATION, reason[:_LONGEST_REASON]), 1)


def find_fault(
    host: str | None, origin: str | None, authorization: str | None, token: str | None
) -> str | None:
    """Return why a connection is not let in, or None. Pure.

    With a token whoever has it may come from anywhere; without one, only from this machine.
    """
    if token is not None:
        given = authorization or ""
        is_right = given.startswith(_BEARER) and hmac.compare_digest(
            given.removeprefix(_BEARER).encode(), token.encode()
        )
        return None if is_right else "a bearer token is needed"
    if host is None or _host_of(f"//{host}") not in _LOCAL:
        return "the Host header names another machine"
    if origin is not None and _host_of(origin) not in _LOCAL:
        return "the Origin header names another machine"
    return None


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


async def serve_clients(
    hub: Hub, host: str, port: int, token: str | None, stopped: Callable[[], Awaitable[object]]
) -> None:
    """Serve clients until `stopped` returns."""

    def check(connection: ServerConnection, request: Request) -> Response | None:
        headers = request.headers
        fault = find_fault(headers.get("Host"), headers.get("Origin"), headers.get("Authorization"), token)
        if fault is None:
            return None
        status = HTTPStatus.UNAUTHORIZED if token is not None else HTTPStatus.FORBIDDEN
        return connection.respond(status, f"{fault}\n")

    async def serve_one(connection: ServerConnection) -> None:
        await Connection(hub, WebsocketTransport(connection)).serve()

    limit = hub.server.max_message_bytes
    async with serve(
        serve_one,
        host,
        port,
        process_request=check,
        max_size=limit,
        compression=None,
        ping_interval=_PING_SECONDS,
        ping_timeout=None,  # an answer to it waits behind requests that are not read yet
    ) as server:
        shown = f"[{host}]" if ":" in host else host
        for one in server.sockets:
            hub.report(f"listening on ws://{shown}:{one.getsockname()[1]}")
        await stopped()
