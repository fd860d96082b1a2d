"""Tool calls as legacy event records hold them, and the public items they become.

Members are snake case. Commands, dynamic calls, calls between agents and viewed images
are in old files but left out of the reference server's listings. Format: docs/format.md,
"Legacy events".
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from msgspec import Raw, Struct

from rollout.turns import items, paths, stored_agents, stored_media, stored_tools, tool_parts, words
from rollout.turns.stored_agents import Effort, StoredAgentState
from rollout.turns.stored_tools import Elapsed


class PatchEnd(Struct, frozen=True):
    """Payload of `patch_apply_end`."""

    call_id: str
    stdout: str
    stderr: str
    success: bool
    status: stored_tools.StoredPatchStatus
    changes: stored_tools.StoredChanges = {}


class Invocation(Struct, frozen=True):
    """What was asked of an MCP tool."""

    server: str
    tool: str
    arguments: Raw = tool_parts.NULL


class McpOutcome(Struct, frozen=True):
    """Answer or failure of an MCP tool: one member is set, named as it is on disk."""

    Ok: stored_tools.StoredMcpResult | None = None
    Err: str | None = None


class McpEnd(Struct, frozen=True):
    """Payload of `mcp_tool_call_end`. `mcp_app_ui` is camel case inside."""

    call_id: str
    invocation: Invocation
    duration: Elapsed
    result: McpOutcome
    connector_id: str | None = None
    link_id: str | None = None
    app_name: str | None = None
    action_name: str | None = None
    mcp_app_resource_uri: str | None = None
    mcp_app_ui: tool_parts.McpAppUi | None = None
    plugin_id: str | None = None
    read_only_hint: bool | None = None


class WebSearchEnd(Struct, frozen=True):
    """Payload of `web_search_end`."""

    call_id: str
    query: str
    action: stored_media.StoredWebAction
    results: tuple[Raw, ...] | None = None


class ImageEnd(Struct, frozen=True):
    """Payload of `image_generation_end`. `failure` is camel case inside."""

    call_id: str
    status: str
    result: str
    revised_prompt: str | None = None
    saved_path: str | None = None
    transparent_background: bool | None = None
    failure: tool_parts.UsageLimitFailure | None = None
    generation_id: str | None = None


class Activity(Struct, frozen=True):
    """Payload of `sub_agent_activity`."""

    event_id: str
    kind: words.ActivityKind
    agent_thread_id: UUID
    agent_path: str
    occurred_at_ms: int = 0
    model: str | None = None
    reasoning_effort: Effort | None = None


class CommandEnd(Struct, frozen=True):
    """Payload of `exec_command_end`. `cwd` is a path, in later files a file URI."""

    call_id: str
    command: tuple[str, ...]
    cwd: str
    parsed_cmd: tuple[stored_tools.ParsedCommand, ...] = ()
    source: stored_tools.StoredSource = "agent"
    status: Literal["completed", "failed", "declined"] | None = None
    process_id: str | None = None
    aggregated_output: str = ""
    exit_code: int | None = None
    duration: Elapsed | None = None


class DynamicEnd(Struct, frozen=True):
    """Payload of `dynamic_tool_call_response`. `content_items` are camel case inside."""

    call_id: str
    tool: str
    arguments: Raw
    success: bool
    content_items: tuple[tool_parts.ToolContent, ...]
    namespace: str | None = None
    duration: Elapsed | None = None


class CollabEnd(Struct, frozen=True):
    """Payload of the `collab_*_end` events: one receiver with its status, or many in `statuses`."""

    call_id: str
    sender_thread_id: UUID
    receiver_thread_id: UUID | None = None
    new_thread_id: UUID | None = None
    status: StoredAgentState | None = None
    statuses: dict[UUID, StoredAgentState] = {}
    prompt: str | None = None
    model: str | None = None
    reasoning_effort: Effort | None = None


class ImageViewed(Struct, frozen=True):
    """Payload of `view_image_tool_call`. `path` is a path, in later files a file URI."""

    call_id: str
    path: str


def public_patch(ended: PatchEnd) -> items.FileChange:
    """Return the patch."""
    return stored_tools.public_file_change(ended.call_id, ended.changes, ended.status)


def public_mcp(ended: McpEnd) -> items.McpToolCall | None:
    """Return the call, or None when it has neither answer nor failure. An error answer is a failure."""
    answer = ended.result.Ok
    if (answer is None) == (ended.result.Err is None):
        return None
    return stored_tools.public_mcp_call(
        stored_tools.StoredMcpCall(
            id=ended.call_id,
            server=ended.invocation.server,
            tool=ended.invocation.tool,
            arguments=ended.invocation.arguments,
            status="failed" if answer is None or answer.is_error else "completed",
            connector_id=ended.connector_id,
            link_id=ended.link_id,
            app_name=ended.app_name,
            action_name=ended.action_name,
            mcp_app_resource_uri=ended.mcp_app_resource_uri,
            mcp_app_ui=ended.mcp_app_ui,
            plugin_id=ended.plugin_id,
            read_only_hint=ended.read_only_hint,
            result=answer,
            error=tool_parts.McpFailure(ended.result.Err) if ended.result.Err is not None else None,
            duration=ended.duration,
        )
    )


def public_search(ended: WebSearchEnd) -> items.WebSearch:
    """Return the search."""
    action = stored_media.public_web_action(ended.action)
    return items.WebSearch(id=ended.call_id, query=ended.query, action=action, results=ended.results)


def public_image(ended: ImageEnd) -> items.ImageGeneration | None:
    """Return the image, or None when it was saved under a relative path."""
    return stored_media.public_extension_image(
        stored_media.ExtensionImage(
            id=ended.call_id,
            status=ended.status,
            result=ended.result,
            revised_prompt=ended.revised_prompt,
            saved_path=ended.saved_path,
            transparent_background=ended.transparent_background,
            failure=ended.failure,
            generation_id=ended.generation_id,
        )
    )


def public_activity(seen: Activity) -> items.SubAgentActivity:
    """Return the activity. It ends when it is seen, the only time that a legacy item has."""
    return items.SubAgentActivity(
        id=seen.event_id,
        model=seen.model,
        reasoning_effort=seen.reasoning_effort,
        kind=seen.kind,
        agent_thread_id=str(seen.agent_thread_id),
        agent_path=seen.agent_path,
        completed_at_ms=seen.occurred_at_ms or None,
    )


def public_command(ended: CommandEnd) -> items.CommandExecution | None:
    """Return the command. Files older than its status tell success by the exit code alone."""
    status = ended.status or ("failed" if ended.exit_code else "completed")
    return stored_tools.public_command(
        stored_tools.StoredCommand(
            id=ended.call_id,
            command=ended.command,
            cwd=ended.cwd,
            parsed_cmd=ended.parsed_cmd,
            source=ended.source,
            status=status,
            process_id=ended.process_id,
            aggregated_output=ended.aggregated_output,
            exit_code=ended.exit_code,
            duration=ended.duration,
        ),
        cwd=paths.find_path_of_uri(ended.cwd) or paths.find_absolute_path(ended.cwd),
    )


def public_dynamic(ended: DynamicEnd) -> items.DynamicToolCall:
    """Return the call."""
    return items.DynamicToolCall(
        id=ended.call_id,
        namespace=ended.namespace,
        tool=ended.tool,
        arguments=ended.arguments,
        status=words.CallStatus.COMPLETED if ended.success else words.CallStatus.FAILED,
        content_items=ended.content_items,
        success=ended.success,
        duration_ms=stored_tools.duration_ms(ended.duration) if ended.duration else None,
    )


def public_collab(ended: CollabEnd, tool: words.CollabTool) -> items.CollabAgentToolCall | None:
    """Return the call. It failed when a receiver was not found or failed, or when none was spawned."""
    stored = dict(ended.statuses)
    receiver = ended.receiver_thread_id or ended.new_thread_id
    if receiver is not None and ended.status is not None:
        stored[receiver] = ended.status
    states = {
        str(thread): state
        for thread in sorted(stored)
        if (state := stored_agents.find_agent_state(stored[thread])) is not None
    }
    lost = (words.AgentStatus.ERRORED, words.AgentStatus.NOT_FOUND)
    is_failed = any(state.status in lost for state in states.values()) or (
        tool is words.CollabTool.SPAWN_AGENT and receiver is None
    )
    return items.CollabAgentToolCall(
        id=ended.call_id,
        tool=tool,
        status=words.CallStatus.FAILED if is_failed else words.CallStatus.COMPLETED,
        sender_thread_id=str(ended.sender_thread_id),
        receiver_thread_ids=tuple(states),
        prompt=ended.prompt,
        model=ended.model,
        reasoning_effort=ended.reasoning_effort,
        agents_states=states,
    )


def public_view(seen: ImageViewed) -> items.ImageView:
    """Return the viewed image."""
    return items.ImageView(id=seen.call_id, path=paths.find_path_of_uri(seen.path) or seen.path)
