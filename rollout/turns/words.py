"""The closed sets of words in public items.

Values are the wire's, in camel case unless the class says otherwise. A record's words
are the same in snake case: `camel_case` turns one into the other.
"""

from __future__ import annotations

from enum import StrEnum


def camel_case(word: str) -> str:
    """Return a stored snake-case word as the wire spells it: `not_found` -> `notFound`."""
    first, *rest = word.split("_")
    return first + "".join(part.capitalize() for part in rest)


class CallStatus(StrEnum):
    """How far a tool call, command or patch got. No item type uses all five."""

    IN_PROGRESS = "inProgress"
    COMPLETED = "completed"
    FAILED = "failed"
    DECLINED = "declined"
    INTERRUPTED = "interrupted"


class CommandSource(StrEnum):
    """Who ran a command."""

    AGENT = "agent"
    USER_SHELL = "userShell"
    UNIFIED_EXEC_STARTUP = "unifiedExecStartup"
    UNIFIED_EXEC_INTERACTION = "unifiedExecInteraction"


class CollabTool(StrEnum):
    """What one agent asked of others."""

    SPAWN_AGENT = "spawnAgent"
    SEND_INPUT = "sendInput"
    RESUME_AGENT = "resumeAgent"
    WAIT = "wait"
    CLOSE_AGENT = "closeAgent"
    SEND_MESSAGE = "sendMessage"
    FOLLOWUP_TASK = "followupTask"
    INTERRUPT_AGENT = "interruptAgent"
    LIST_AGENTS = "listAgents"


class AgentStatus(StrEnum):
    """What another agent was doing when it was last looked at."""

    PENDING_INIT = "pendingInit"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"
    ERRORED = "errored"
    SHUTDOWN = "shutdown"
    NOT_FOUND = "notFound"


class ActivityKind(StrEnum):
    """What happened to a sub-agent."""

    STARTED = "started"
    INTERACTED = "interacted"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"


class MessagePhase(StrEnum):
    """Which part of the answer a message of the agent is. Snake case on the wire."""

    COMMENTARY = "commentary"
    PARTIAL_ANSWER = "partial_answer"
    FINAL_ANSWER = "final_answer"


class Delivery(StrEnum):
    """How a message of the agent reached the user, when not in line."""

    ASYNC = "async"


class DisplayMode(StrEnum):
    """Where an MCP app prefers to be shown."""

    INLINE = "inline"
    FULLSCREEN = "fullscreen"
