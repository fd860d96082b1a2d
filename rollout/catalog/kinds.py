"""Source kinds: who started a thread, in the words that a filter takes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Raw

from rollout.format.decoding import decode_json


class SourceKind(StrEnum):
    """Who started a thread. `SUB_AGENT` as a filter means every kind of sub-agent."""

    CLI = "cli"
    VSCODE = "vscode"
    EXEC = "exec"
    APP_SERVER = "appServer"
    SUB_AGENT = "subAgent"
    SUB_AGENT_REVIEW = "subAgentReview"
    SUB_AGENT_COMPACT = "subAgentCompact"
    SUB_AGENT_THREAD_SPAWN = "subAgentThreadSpawn"
    SUB_AGENT_OTHER = "subAgentOther"
    UNKNOWN = "unknown"


_WORDS: Final = {
    "cli": SourceKind.CLI,
    "vscode": SourceKind.VSCODE,
    "exec": SourceKind.EXEC,
    "mcp": SourceKind.APP_SERVER,
    "appServer": SourceKind.APP_SERVER,
}
_AGENTS: Final = {
    "review": SourceKind.SUB_AGENT_REVIEW,
    "compact": SourceKind.SUB_AGENT_COMPACT,
    "thread_spawn": SourceKind.SUB_AGENT_THREAD_SPAWN,
}


def kind_of(stored: Raw | bytes) -> SourceKind:
    """Return the kind of a stored source; none at all is the first client that stored none."""
    if not stored:
        return SourceKind.VSCODE
    word = decode_json(stored, str)
    if word is not None:
        return _WORDS.get(word.lower() if word == "VSCode" else word, SourceKind.UNKNOWN)
    members = decode_json(stored, dict[str, Raw])
    if members is None or not {"subagent", "subAgent"} & set(members):
        return SourceKind.UNKNOWN
    agent = members.get("subagent") or members["subAgent"]
    name = decode_json(agent, str)
    if name is None:
        name = next(iter(decode_json(agent, dict[str, Raw]) or {}), "")
    return _AGENTS.get(name, SourceKind.SUB_AGENT_OTHER)


def matching_kinds(kinds: tuple[str, ...]) -> frozenset[str]:
    """Return the kinds that a filter lets through."""
    found = set(kinds)
    if SourceKind.SUB_AGENT in found:
        found |= {kind for kind in SourceKind if kind.startswith(SourceKind.SUB_AGENT)}
    return frozenset(found)
