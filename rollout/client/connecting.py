"""How a client comes to a server: it starts one, or reaches one that listens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Final

from rollout.client.client import Client
from rollout.client.connection import Transport
from rollout.client.refusals import ServerGone
from rollout.client.transports import HELD_BYTES, Child, Streams, Websocket
from rollout.errors import InvalidRequest

TIMEOUT_SECONDS: Final = 60.0
_REFUSED: Final = frozenset({401, 403})


@asynccontextmanager
async def connect_stdio(
    command: Sequence[str] = ("rollout", "app-server"),
    *,
    home: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    timeout_seconds: float | None = TIMEOUT_SECONDS,
) -> AsyncIterator[Client]:
    """Start a server and lend a client of it; the server ends with the block.

    `home` is handed on as `$ROLLOUT_HOME` and `$CODEX_HOME`; `env` is added to the environment. Raise
    ServerGone when it cannot be started or does not greet. `timeout_seconds` holds for each request.
    """
    added = dict(env or {})
    if home is not None:
        path = str(Path(home).expanduser().absolute())
        added |= {"ROLLOUT_HOME": path, "CODEX_HOME": path}
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, **added}, limit=HELD_BYTES
        )
    except OSError as error:
        raise ServerGone(
            f"starting {command[0]}: {error.strerror or error}", hint="Name a command that starts a server."
        ) from error
    async with _client(Child(process), timeout_seconds) as client:
        yield client


@asynccontextmanager
async def connect_unix(
    path: str | os.PathLike[str], *, timeout_seconds: float | None = TIMEOUT_SECONDS
) -> AsyncIterator[Client]:
    """Lend a client of the server that listens on a local socket. Raise ServerGone when none does."""
    try:
        reader, writer = await asyncio.open_unix_connection(os.fspath(path), limit=HELD_BYTES)
    except OSError as error:
        raise ServerGone(
            f"connecting to {os.fspath(path)}: {error.strerror or error}",
            hint=f"Run `rollout app-server --listen unix://{os.fspath(path)}`.",
        ) from error
    async with _client(Streams(reader, writer), timeout_seconds) as client:
        yield client


@asynccontextmanager
async def connect_websocket(
    url: str, *, token: str | None = None, timeout_seconds: float | None = TIMEOUT_SECONDS
) -> AsyncIterator[Client]:
    """Lend a client of the server that listens at `ws://HOST:PORT`; `token` is its bearer token.

    Raise ServerGone when none does, InvalidRequest when it lets nobody in without the right token.
    """
    try:
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException
    except ImportError as error:
        raise InvalidRequest(
            f"connecting to {url}: the package websockets is not installed",
            hint="Install rollout-store[server].",
        ) from error
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    try:
        connection = await connect(
            url,
            additional_headers=headers,
            max_size=None,
            compression=None,
            ping_timeout=None,  # a server reads it behind all that it was asked before
        )
    except InvalidURI as error:
        raise InvalidRequest(f"connecting to {url}: {error}", hint="Pass ws://HOST:PORT.") from error
    except InvalidStatus as error:
        why = (error.response.body or b"").decode(errors="replace").strip() or str(error)
        if error.response.status_code in _REFUSED:
            raise InvalidRequest(f"connecting to {url}: {why}", hint="Pass the server's token.") from error
        raise ServerGone(f"connecting to {url}: {why}", hint="See what listens there.") from error
    except (OSError, WebSocketException) as error:
        raise ServerGone(
            f"connecting to {url}: {error}", hint="Run `rollout app-server --listen` with that address."
        ) from error
    async with _client(Websocket(connection), timeout_seconds) as client:
        yield client


@asynccontextmanager
async def _client(transport: Transport, timeout_seconds: float | None) -> AsyncIterator[Client]:
    """Lend a client that has shaken hands, and let go of everything behind it."""
    client = Client(transport, timeout_seconds=timeout_seconds)
    try:
        await client.shake_hands()
        yield client
    finally:
        await client.close()
