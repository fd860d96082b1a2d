"""A websocket whose pings are not answered for long: the client has asked much, and is read slowly."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from rollout.appserver import websocket
from rollout.appserver.connection import Hub
from rollout.appserver.lanes import Lanes
from rollout.appserver.server import Server, ServerSettings
from rollout.store.root import open_store
from tests.recorded_home import now_ms

WAIT_SECONDS = 30
MASK = bytes(4)
"""Masks nothing, and is a mask."""
UPGRADE = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
HELLO = {"id": 0, "method": "initialize", "params": {"clientInfo": {"name": "tests", "version": "1"}}}
PING, TEXT = 0x89, 0x81


def test_pings_that_wait_behind_requests_end_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100,000 requests at once kept a server busy for longer than it waited for the answer to its ping."""
    monkeypatch.setattr(websocket, "_PING_SECONDS", 0.01)

    async def scenario(hub: Hub, said: list[str]) -> None:
        stop = asyncio.Event()
        serving = asyncio.create_task(websocket.serve_clients(hub, "127.0.0.1", 0, None, stop.wait))
        while not said:
            await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(said[0].rpartition(":")[2]))
        writer.write(UPGRADE.encode())
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(3):
            kind, length = await reader.readexactly(2)
            await reader.readexactly(length)
            assert kind == PING
        asked = json.dumps(HELLO).encode()
        writer.write(bytes((TEXT, 0x80 | 126)) + len(asked).to_bytes(2, "big") + MASK + asked)
        while (header := await reader.readexactly(2))[0] == PING:
            await reader.readexactly(header[1])
        assert header[0] == TEXT
        writer.close()
        stop.set()
        await serving

    server, lanes = Server(open_store(tmp_path), ServerSettings("/src", "model-a"), now_ms), Lanes()
    reports: list[str] = []
    try:
        hub = Hub(server, lanes, reports.append)
        asyncio.run(asyncio.wait_for(scenario(hub, reports), WAIT_SECONDS))
    finally:
        server.close()
        lanes.close()
