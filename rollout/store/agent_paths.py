"""Addresses of agents: where an agent stands below the root of its tree, as a path of names. Pure.

The root is `/root`, an agent `/root/<name>/<name>`. What is said of them: docs/format.md, "Spawned threads".
"""

from __future__ import annotations

import re
from typing import Final, NewType

from rollout.errors import InvalidRequest

AgentPath = NewType("AgentPath", str)

ROOT: Final = AgentPath("/root")
_NAME: Final = re.compile(r"[a-z0-9_]+", re.ASCII)
_ROOT_NAME: Final = "root"
_SHOWN: Final = 80


def parse_agent_path(text: str) -> AgentPath:
    """Return an absolute address. Raise InvalidRequest for any other text."""
    root, *names = text.removeprefix("/").split("/")
    if not text.startswith("/") or root != _ROOT_NAME or not all(_is_name(name) for name in names):
        raise _refusal(
            "reading an agent's address", "an absolute path such as /root/agent_1", text, _ADDRESS_HINT
        )
    return AgentPath(text)


def resolve_agent_path(caller: AgentPath, reference: str) -> AgentPath:
    """Return what an address means to a caller: an absolute one itself, any other below the caller.

    So a relative address reaches descendants alone. Raise InvalidRequest.
    """
    if reference.startswith("/"):
        return parse_agent_path(reference)
    if not reference or not all(_is_name(name) for name in reference.split("/")):
        raise _refusal(
            "reading an agent's address", "names of agents below the caller", reference, _ADDRESS_HINT
        )
    return AgentPath(f"{caller}/{reference}")


_ADDRESS_HINT: Final = "Begin at /root, or give the names below the caller: `..` leads nowhere."


def _is_name(text: str) -> bool:
    return text != _ROOT_NAME and _NAME.fullmatch(text) is not None


def _refusal(act: str, expected: str, found: str, hint: str) -> InvalidRequest:
    return InvalidRequest(f"{act}: expected {expected}, found {found[:_SHOWN]!r}", hint=hint)
