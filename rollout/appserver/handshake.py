"""The handshake: who connects, what it takes, and what it is told of this server.

Contract: docs/protocol.md, "Handshake".
"""

from __future__ import annotations

import re
import sys
from typing import Final

from msgspec import Struct

from rollout.appserver.params import Capabilities, Initialize
from rollout.appserver.protocol import INVALID_REQUEST, Refusal
from rollout.appserver.server import Client, Server
from rollout.version import VERSION

_HEADER_VALUE: Final = re.compile(
    r"[^\x00-\x08\x0a-\x1f\x7f]*"
)  # as what it is not: a range takes 15 ms to compile
_SYSTEMS: Final = {"linux": "linux", "darwin": "macos", "win32": "windows"}


class Initialized(Struct, frozen=True, rename="camel"):
    """What a client is told of the server."""

    user_agent: str
    codex_home: str
    platform_family: str
    platform_os: str


def initialize(server: Server, client: Client, given: Initialize) -> Initialized:
    """Shake hands. Raise Refusal for a second time, or a name that no header can hold."""
    if client.is_initialized:
        raise Refusal(INVALID_REQUEST, "Already initialized")
    name = given.client_info.name
    if not _HEADER_VALUE.fullmatch(name):
        message = f"Invalid clientInfo.name: '{name[:80]}'. Must be a valid HTTP header value."
        raise Refusal(INVALID_REQUEST, message)
    capabilities = given.capabilities or Capabilities()
    client.is_experimental = capabilities.experimental_api
    client.opted_out = frozenset(capabilities.opt_out_notification_methods or ())
    client.is_initialized = True
    system = _SYSTEMS.get(sys.platform, sys.platform)
    return Initialized(
        f"{name}/{VERSION} (rollout-store; {system}) {given.client_info.version}",
        server.home,
        "windows" if system == "windows" else "unix",
        system,
    )
