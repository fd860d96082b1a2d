"""Stored shapes of what is done: commands, patches, tool calls.

Members are snake case, except in MCP calls, which are camel case in the record already. A word outside its
closed set makes the item undecodable, and the item is skipped. Format: docs/format.md, "Items".
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Raw, Struct

from rollout.turns import command_line, items, paths, tool_parts, words

Count = Annotated[int, msgspec.Meta(ge=0)]


class Elapsed(Struct, frozen=True):
    """`duration`."""

    secs: Count
    nanos: Count


class ParsedRead(Struct, frozen=True, tag="read", tag_field="type"):
    """One of `parsed_cmd`: reads a file."""

    cmd: str
    name: str
    path: str


class ParsedList(Struct, frozen=True, tag="list_files", tag_field="type"):
    """One of `parsed_cmd`: lists files."""

    cmd: str
    path: str | None = None


class ParsedSearch(Struct, frozen=True, tag="search", tag_field="type"):
    """One of `parsed_cmd`: searches text."""

    cmd: str
    query: str | None = None
    path: str | None = None


class ParsedOther(Struct, frozen=True, tag="unknown", tag_field="type"):
    """One of `parsed_cmd`: anything else."""

    cmd: str


ParsedCommand = ParsedRead | ParsedList | ParsedSearch | ParsedOther
StoredSource = Literal["agent", "user_shell", "unified_exec_startup", "unified_exec_interaction"]
StoredCommandStatus = Literal["in_progress", "completed", "failed", "declined"]


class StoredCommand(Struct, frozen=True, tag="CommandExecution", tag_field="type"):
    """A shell command. `cwd` is a file URI."""

    id: str
    command: tuple[str, ...]
    cwd: str
    parsed_cmd: tuple[ParsedCommand, ...]
    source: StoredSource
    status: StoredCommandStatus
    process_id: str | None = None
    aggregated_output: str | None = None
    exit_code: int | None = None
    duration: Elapsed | None = None
    plugin_id: str | None = None
    script_path: str | None = None


class StoredAdd(Struct, frozen=True, tag="add", tag_field="type"):
    """One of `changes`: a new file."""

    content: str


class StoredDelete(Struct, frozen=True, tag="delete", tag_field="type"):
    """One of `changes`: a removed file."""

    content: str


class StoredUpdate(Struct, frozen=True, tag="update", tag_field="type"):
    """One of `changes`: a changed file."""

    unified_diff: str
    move_path: str | None = None


StoredChanges = dict[str, StoredAdd | StoredDelete | StoredUpdate]
StoredPatchStatus = Literal["completed", "failed", "declined"]


class StoredFileChange(Struct, frozen=True, tag="FileChange", tag_field="type"):
    """A patch."""

    id: str
    changes: StoredChanges
    status: StoredPatchStatus | None = None


class StoredMcpResult(Struct, frozen=True, rename="camel"):
    """What an MCP tool answered."""

    content: tuple[Raw, ...]
    structured_content: Raw = tool_parts.NULL
    is_error: bool | None = None
    meta: Raw = msgspec.field(name="_meta", default=tool_parts.NULL)


class StoredMcpCall(Struct, frozen=True, tag="McpToolCall", tag_field="type", rename="camel"):
    """A call of an MCP server's tool."""

    id: str
    server: str
    tool: str
    arguments: Raw
    status: Literal["inProgress", "completed", "failed"]
    connector_id: str | None = None
    link_id: str | None = None
    app_name: str | None = None
    action_name: str | None = None
    mcp_app_resource_uri: str | None = None
    mcp_app_ui: tool_parts.McpAppUi | None = None
    plugin_id: str | None = None
    read_only_hint: bool | None = None
    result: StoredMcpResult | None = None
    error: tool_parts.McpFailure | None = None
    duration: Elapsed | None = None


class StoredDynamicCall(Struct, frozen=True, tag="DynamicToolCall", tag_field="type"):
    """A call of a client's tool. `content_items` are camel case inside."""

    id: str
    tool: str
    arguments: Raw
    status: Literal["in_progress", "completed", "failed"]
    namespace: str | None = None
    content_items: tuple[tool_parts.ToolContent, ...] | None = None
    success: bool | None = None
    duration: Elapsed | None = None


def duration_ms(elapsed: Elapsed) -> int:
    """Return whole milliseconds, rounded down."""
    return elapsed.secs * 1000 + elapsed.nanos // 1_000_000


def public_command(stored: StoredCommand, *, cwd: str | None = None) -> items.CommandExecution | None:
    """Return the public command, or None when its directory is no file URI.

    `cwd` is the directory as a path, for records that do not store a URI.
    """
    directory = cwd if cwd is not None else paths.find_path_of_uri(stored.cwd)
    if directory is None:
        return None
    return items.CommandExecution(
        id=stored.id,
        plugin_id=stored.plugin_id,
        script_path=stored.script_path,
        command=command_line.command_line(stored.command),
        cwd=directory,
        process_id=stored.process_id,
        source=words.CommandSource(words.camel_case(stored.source)),
        status=words.CallStatus(words.camel_case(stored.status)),
        command_actions=tuple(_public_action(parsed, directory) for parsed in stored.parsed_cmd),
        aggregated_output=stored.aggregated_output or None,
        exit_code=stored.exit_code,
        duration_ms=duration_ms(stored.duration) if stored.duration else None,
    )


def _public_action(parsed: ParsedCommand, cwd: str) -> tool_parts.CommandAction:
    match parsed:
        case ParsedRead():
            path = paths.resolve_against(cwd, parsed.path)
            return tool_parts.ReadAction(command=parsed.cmd, name=parsed.name, path=path)
        case ParsedList():
            return tool_parts.ListFilesAction(command=parsed.cmd, path=parsed.path)
        case ParsedSearch():
            return tool_parts.SearchAction(command=parsed.cmd, query=parsed.query, path=parsed.path)
        case ParsedOther():
            return tool_parts.UnknownAction(command=parsed.cmd)


def public_file_change(
    item_id: str, changes: StoredChanges, status: StoredPatchStatus | None
) -> items.FileChange:
    """Return the public patch. One without status had not ended when it was written."""
    return items.FileChange(
        id=item_id,
        changes=tuple(_public_update(path, changes[path]) for path in sorted(changes)),
        status=words.CallStatus(status or words.CallStatus.IN_PROGRESS),
    )


def _public_update(path: str, change: StoredAdd | StoredDelete | StoredUpdate) -> tool_parts.FileUpdate:
    match change:
        case StoredAdd():
            return tool_parts.FileUpdate(path=path, kind=tool_parts.AddedFile(), diff=change.content)
        case StoredDelete():
            return tool_parts.FileUpdate(path=path, kind=tool_parts.DeletedFile(), diff=change.content)
        case StoredUpdate():
            moved = f"\n\nMoved to: {change.move_path}" if change.move_path is not None else ""
            kind = tool_parts.UpdatedFile(move_path=change.move_path)
            return tool_parts.FileUpdate(path=path, kind=kind, diff=change.unified_diff + moved)


def public_mcp_call(stored: StoredMcpCall) -> items.McpToolCall:
    """Return the public call. Whether the tool reported an error shows in the status alone."""
    uri = stored.mcp_app_resource_uri
    result = stored.result
    return items.McpToolCall(
        id=stored.id,
        server=stored.server,
        tool=stored.tool,
        status=words.CallStatus(stored.status),
        arguments=stored.arguments,
        app_context=tool_parts.AppContext(
            connector_id=stored.connector_id,
            link_id=stored.link_id,
            resource_uri=uri,
            app_name=stored.app_name,
            action_name=stored.action_name,
        )
        if stored.connector_id is not None
        else None,
        mcp_app_resource_uri=uri if uri is not None else UNSET,
        mcp_app_ui=stored.mcp_app_ui,
        plugin_id=stored.plugin_id,
        read_only_hint=stored.read_only_hint,
        result=tool_parts.McpResult(
            content=result.content, structured_content=result.structured_content, meta=result.meta
        )
        if result is not None
        else None,
        error=stored.error,
        duration_ms=duration_ms(stored.duration) if stored.duration else None,
    )


def public_dynamic_call(stored: StoredDynamicCall) -> items.DynamicToolCall:
    """Return the public call."""
    return items.DynamicToolCall(
        id=stored.id,
        namespace=stored.namespace,
        tool=stored.tool,
        arguments=stored.arguments,
        status=words.CallStatus(words.camel_case(stored.status)),
        content_items=stored.content_items,
        success=stored.success,
        duration_ms=duration_ms(stored.duration) if stored.duration else None,
    )
