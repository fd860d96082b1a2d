"""Public items: one struct per kind of thing that a client shows.

Each encodes to exactly the object that the reference server sends, members in its
order. Times are milliseconds, null when no record tells them. Arbitrary JSON (a
tool's arguments and answer) is carried verbatim. Contract: docs/protocol.md, "Items".
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from rollout.turns import parts, tool_parts, words
from rollout.turns.unknown import UnknownItem


class UserMessage(Struct, frozen=True, tag="userMessage", tag_field="type", rename="camel", kw_only=True):
    """What the user sent."""

    id: str
    client_id: str | None = None
    content: tuple[parts.UserInput, ...]
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class HookPrompt(Struct, frozen=True, tag="hookPrompt", tag_field="type", rename="camel", kw_only=True):
    """What hooks of the user told the agent."""

    id: str
    fragments: tuple[parts.HookFragment, ...]
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class AgentMessage(Struct, frozen=True, tag="agentMessage", tag_field="type", rename="camel", kw_only=True):
    """What the agent said."""

    moderation: parts.Moderation | None = None
    id: str
    text: str
    phase: words.MessagePhase | None = None
    memory_citation: parts.MemoryCitation | None = None
    delivery: words.Delivery | None = None
    questions: tuple[parts.Question, ...] | None = None
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class FunctionCallOutput(
    Struct, frozen=True, tag="functionCallOutput", tag_field="type", rename="camel", kw_only=True
):
    """The output of a function that has no item type of its own."""

    id: str
    name: str
    namespace: str | None = None
    output: str | tuple[tool_parts.OutputPart, ...]
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class Plan(Struct, frozen=True, tag="plan", tag_field="type", rename="camel", kw_only=True):
    """A plan that the agent proposes."""

    id: str
    text: str
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class Reasoning(Struct, frozen=True, tag="reasoning", tag_field="type", rename="camel", kw_only=True):
    """What the agent thought: summaries, and the thoughts themselves where they are given."""

    id: str
    summary: tuple[str, ...] = ()
    content: tuple[str, ...] = ()
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class CommandExecution(
    Struct, frozen=True, tag="commandExecution", tag_field="type", rename="camel", kw_only=True
):
    """A shell command. `command` is one line, quoted for a shell; empty output is null."""

    id: str
    plugin_id: str | None = None
    script_path: str | None = None
    command: str
    cwd: str
    process_id: str | None = None
    source: words.CommandSource = words.CommandSource.AGENT
    status: words.CallStatus
    command_actions: tuple[tool_parts.CommandAction, ...] = ()
    aggregated_output: str | None = None
    exit_code: int | None = None
    duration_ms: int | None = None
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class FileChange(Struct, frozen=True, tag="fileChange", tag_field="type", rename="camel", kw_only=True):
    """A patch, its files in order of their path."""

    id: str
    changes: tuple[tool_parts.FileUpdate, ...]
    status: words.CallStatus
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class McpToolCall(Struct, frozen=True, tag="mcpToolCall", tag_field="type", rename="camel", kw_only=True):
    """A call of an MCP server's tool."""

    id: str
    server: str
    tool: str
    status: words.CallStatus
    arguments: Raw
    app_context: tool_parts.AppContext | None = None
    mcp_app_resource_uri: str | UnsetType = UNSET
    mcp_app_ui: tool_parts.McpAppUi | None = None
    plugin_id: str | None = None
    read_only_hint: bool | None = None
    result: tool_parts.McpResult | None = None
    error: tool_parts.McpFailure | None = None
    duration_ms: int | None = None
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class DynamicToolCall(
    Struct, frozen=True, tag="dynamicToolCall", tag_field="type", rename="camel", kw_only=True
):
    """A call of a tool that the client brought along."""

    id: str
    namespace: str | None = None
    tool: str
    arguments: Raw
    status: words.CallStatus
    content_items: tuple[tool_parts.ToolContent, ...] | None = None
    success: bool | None = None
    duration_ms: int | None = None
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class CollabAgentToolCall(
    Struct, frozen=True, tag="collabAgentToolCall", tag_field="type", rename="camel", kw_only=True
):
    """One agent's call on others. `agents_states` is keyed by thread id."""

    id: str
    tool: words.CollabTool
    status: words.CallStatus
    sender_thread_id: str
    receiver_thread_ids: tuple[str, ...] = ()
    prompt: str | None = None
    model: str | None = None
    reasoning_effort: str | None = None
    agents_states: dict[str, tool_parts.AgentState]
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class SubAgentActivity(
    Struct, frozen=True, tag="subAgentActivity", tag_field="type", rename="camel", kw_only=True
):
    """Something that happened to a sub-agent."""

    model: str | None = None
    reasoning_effort: str | None = None
    id: str
    kind: words.ActivityKind
    agent_thread_id: str
    agent_path: str
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class WebSearch(Struct, frozen=True, tag="webSearch", tag_field="type", rename="camel", kw_only=True):
    """A use of the web."""

    id: str
    query: str
    action: tool_parts.WebAction | None = None
    results: tuple[Raw, ...] | None = None
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class ImageView(Struct, frozen=True, tag="imageView", tag_field="type", rename="camel", kw_only=True):
    """An image that the agent looked at."""

    id: str
    path: str
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class Sleep(Struct, frozen=True, tag="sleep", tag_field="type", rename="camel", kw_only=True):
    """A pause that the agent made."""

    id: str
    duration_ms: int
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class ImageGeneration(
    Struct, frozen=True, tag="imageGeneration", tag_field="type", rename="camel", kw_only=True
):
    """An image that was made; its bytes in `result`, or kept by the provider under `file_id`."""

    id: str
    status: str
    revised_prompt: str | None = None
    result: str | UnsetType = UNSET
    file_id: str | UnsetType = UNSET
    transparent_background: bool | None = None
    failure: tool_parts.UsageLimitFailure | None = None
    saved_path: str | UnsetType = UNSET
    input_images: tuple[tool_parts.SourceImage, ...] | UnsetType = UNSET
    generation_id: str | None = None
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class EnteredReviewMode(
    Struct, frozen=True, tag="enteredReviewMode", tag_field="type", rename="camel", kw_only=True
):
    """The agent began a review; `review` says of what."""

    id: str
    review: str
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class ExitedReviewMode(
    Struct, frozen=True, tag="exitedReviewMode", tag_field="type", rename="camel", kw_only=True
):
    """The agent ended a review; `review` is its text."""

    id: str
    review: str
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


class ContextCompaction(
    Struct, frozen=True, tag="contextCompaction", tag_field="type", rename="camel", kw_only=True
):
    """The model's context was replaced by a checkpoint."""

    id: str
    started_at_ms: int | None = None
    completed_at_ms: int | None = None


ThreadItem = (
    UserMessage
    | HookPrompt
    | AgentMessage
    | FunctionCallOutput
    | Plan
    | Reasoning
    | CommandExecution
    | FileChange
    | McpToolCall
    | DynamicToolCall
    | CollabAgentToolCall
    | SubAgentActivity
    | WebSearch
    | ImageView
    | Sleep
    | ImageGeneration
    | EnteredReviewMode
    | ExitedReviewMode
    | ContextCompaction
    | UnknownItem
)


def item_type(item: ThreadItem) -> str:
    """Return the wire's word for the kind of `item`, for example `userMessage`."""
    return item.kind if isinstance(item, UnknownItem) else str(item.__struct_config__.tag)


def with_times(item: ThreadItem, *, started_at_ms: int | None, completed_at_ms: int | None) -> ThreadItem:
    """Return `item` with the times of its record. Zero means unknown as end, not as start."""
    if started_at_ms is None and not completed_at_ms:
        return item
    return msgspec.structs.replace(item, started_at_ms=started_at_ms, completed_at_ms=completed_at_ms or None)
