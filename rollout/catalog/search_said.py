"""What a record says, to the search: the words of users and assistants, and what tools were called.

One way for the index and for whoever shows a hit, so that they cannot disagree. Pure.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from rollout.format import vocabulary
from rollout.format.decoding import decode_json, decode_payload
from rollout.format.items import is_contextual_user, parts_of
from rollout.format.record import Era, Mode, Record
from rollout.log.header import Header
from rollout.turns.legacy_marks import find_marked


class Role(StrEnum):
    """Who said it. The title of a thread is said by nobody's record."""

    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    TITLE = "title"


class Said(Struct, frozen=True):
    """Words, and who said them."""

    role: Role
    text: str


class _Part(Struct, frozen=True):
    text: str = ""


class _Item(Struct, frozen=True):
    """What a stored item may say, by whatever type: only what the search reads."""

    type: str
    content: list[_Part] = []
    command: tuple[str, ...] = ()
    server: str | None = None
    namespace: str | None = None
    tool: str | None = None
    name: str | None = None
    query: str | None = None


class _Type(Struct, frozen=True):
    type: str = ""


class _Spoken(Struct, frozen=True):
    message: str = ""


class _Invocation(Struct, frozen=True):
    server: str = ""
    tool: str = ""


class _Call(Struct, frozen=True):
    """What the legacy events of calls name."""

    invocation: _Invocation = _Invocation()
    command: tuple[str, ...] = ()
    namespace: str | None = None
    tool: str | None = None
    query: str | None = None


_TOOL_NAMES: Final = {
    "CommandExecution": "shell",
    "FileChange": "apply_patch",
    "WebSearch": "web_search",
    "ImageView": "view_image",
    "ImageGeneration": "image_generation",
    "CollabAgentToolCall": "collab_agent",
}
_SPOKEN: Final = frozenset({"UserMessage", "AgentMessage"})
_TOOLS: Final = frozenset({*_TOOL_NAMES, "McpToolCall", "DynamicToolCall", "FunctionCallOutput"})
_LEGACY_CALLS: Final = {
    "exec_command_end": "shell",
    "patch_apply_end": "apply_patch",
    "web_search_end": "web_search",
    "view_image_tool_call": "view_image",
    "image_generation_end": "image_generation",
    "mcp_tool_call_end": "",
    "dynamic_tool_call_response": "",
}
_LEGACY_SPEAKERS: Final = {
    vocabulary.USER_MESSAGE: Role.USER,
    vocabulary.AGENT_MESSAGE: Role.ASSISTANT,
}
_EARLY_SPEAKERS: Final = {"user": Role.USER, "assistant": Role.ASSISTANT}


def labels_of(header: Header) -> frozenset[str]:
    """Return the labels of the records of a rollout that may say something."""
    if header.mode is Mode.PAGINATED:
        return frozenset({vocabulary.ITEM_COMPLETED})
    labels = frozenset({*_LEGACY_SPEAKERS, *_LEGACY_CALLS, vocabulary.ITEM_COMPLETED})
    return labels | {vocabulary.RESPONSE_ITEM} if header.era is Era.BARE else labels


def find_said(header: Header, record: Record) -> Said | None:
    """Return what a record of a rollout with this header says, or None for nothing.

    What a paginated rollout took over from a parent says nothing: the parent's says it.
    """
    label = record.label or ""
    if header.mode is Mode.PAGINATED:
        inherited = header.meta.subagent_history_start_ordinal or 0
        if label != vocabulary.ITEM_COMPLETED or (record.ordinal or 0) < inherited:
            return None
        return _said_by_item(record)
    if label in _LEGACY_SPEAKERS:
        spoken = decode_payload(record, _Spoken)
        return (
            Said(_LEGACY_SPEAKERS[label], spoken.message) if spoken is not None and spoken.message else None
        )
    if label in _LEGACY_CALLS:
        return _said_by_call(record, label)
    if label == vocabulary.ITEM_COMPLETED:
        return _said_by_marked(record)
    if label == vocabulary.RESPONSE_ITEM and header.era is Era.BARE:
        return _said_early(record)
    return None


def _said_by_item(record: Record) -> Said | None:
    item = decode_json(record.envelope.payload.item, _Item)
    if item is None or not (item.type in _SPOKEN or item.type in _TOOLS):
        return None
    if item.type in _SPOKEN:
        text = "".join(part.text for part in item.content)
        role = Role.USER if item.type == "UserMessage" else Role.ASSISTANT
        return Said(role, text) if text else None
    words = [_TOOL_NAMES.get(item.type), item.server, item.namespace, item.tool, item.name, *item.command]
    return _called(words, item.query)


def _said_by_marked(record: Record) -> Said | None:
    """Return what tool a legacy rollout shows by an item; who speaks there has an event that says it."""
    said = _said_by_item(record)
    if said is None or said.role is not Role.TOOL:
        return None
    found = decode_json(record.envelope.payload.item, _Type)
    is_listed = found is not None and found.type in vocabulary.LISTED_ITEMS
    return said if is_listed or find_marked(record) is not None else None


def _said_by_call(record: Record, label: str) -> Said | None:
    call = decode_payload(record, _Call)
    if call is None:
        return None
    invoked = call.invocation
    words = [_LEGACY_CALLS[label], invoked.server, invoked.tool, call.namespace, call.tool, *call.command]
    return _called(words, call.query)


def _called(words: list[str | None], query: str | None) -> Said | None:
    text = " ".join(word for word in (*words, query) if word)
    return Said(Role.TOOL, text) if text else None


def _said_early(record: Record) -> Said | None:
    probe = record.envelope.payload
    role = _EARLY_SPEAKERS.get(probe.role or "")
    if probe.type != vocabulary.MESSAGE or role is None or (role is Role.USER and is_contextual_user(probe)):
        return None
    text = "".join(part.text or "" for part in parts_of(probe))
    return Said(role, text) if text else None


_COPY_MILLIS: Final = 5_000
"""A copy is written at once, when the fork is made; nobody asks anything before it is there."""


class CopiedPart:
    """The part of a legacy fork that is its parent's history, written once more: whether it lasts.

    It ends with the first turn that is younger than the thread, or where records bear later times.
    """

    labels: frozenset[str] = vocabulary.TASK_STARTED

    def __init__(self, header: Header) -> None:
        self.lasts = header.mode is Mode.LEGACY and header.meta.forked_from_id is not None
        self._made_at = _millis_of(header.thread_id)
        self._copied_until = _millis(header.meta.timestamp) + _COPY_MILLIS if self.lasts else 0

    def covers(self, record: Record) -> bool:
        """Tell whether a record, fed in their order, belongs to it."""
        if self.lasts:
            is_start = record.label in self.labels
            began_at = _millis_of(record.envelope.payload.turn_id or "") if is_start else -1
            is_own = 0 <= self._made_at <= began_at
            self.lasts = not is_own and _millis(record.envelope.timestamp) <= self._copied_until
        return self.lasts


def _millis_of(uuid: str) -> int:
    """Return the time that an id of version 7 was made at, -1 for any other."""
    digits = uuid.replace("-", "")
    try:
        return int(digits[:12], 16) if len(digits) == 32 and digits[12] == "7" else -1
    except ValueError:
        return -1


def _millis(timestamp: str) -> int:
    """Return a stored time in milliseconds, a very late one for what is none."""
    try:
        return int(datetime.fromisoformat(timestamp).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 1 << 62
