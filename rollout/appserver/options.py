"""From what a client says of a thread to what is stored of it; what cannot be kept is refused.

Contract: docs/protocol.md, "What start, resume and fork take".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct

from rollout.appserver.call import Call
from rollout.appserver.choices import (
    ApprovalPolicy,
    CapabilityRoot,
    FunctionTool,
    GranularPolicy,
    NamespaceTool,
    RunChoices,
)
from rollout.appserver.decoding import decode_params, invalid
from rollout.appserver.params import ThreadFork, ThreadResume, ThreadStart
from rollout.format.making import make_decoder
from rollout.store.labels import checked_folder, checked_word
from rollout.store.options import ThreadOptions
from rollout.store.sandboxes import SandboxMode

_PROFILES: Final = {
    ":read-only": SandboxMode.READ_ONLY,
    ":workspace": SandboxMode.WORKSPACE_WRITE,
    ":danger-full-access": SandboxMode.FULL_ACCESS,
}
_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+")
_LONGEST_NAME: Final = 128
_LONGEST_TEXT: Final = 16 << 20
"""In bytes: much less than a line may hold, with all that stands beside it."""
_RESERVED: Final = "mcp__"


class Config(Struct, frozen=True):
    """What a client's own configuration says of what is stored; the rest of it concerns who runs turns."""

    model: str | None = None
    model_provider: str | None = None
    model_reasoning_effort: str | None = None
    approval_policy: ApprovalPolicy | GranularPolicy | None = None
    sandbox_mode: SandboxMode | None = None
    service_tier: str | None = None


_CONFIG: Final = make_decoder(Config)
"""Made once, so that threads may convert to it side by side."""


def config_of(call: Call, given: RunChoices) -> Config:
    """Return what is stored of a configuration. Raise Refusal."""
    try:
        return msgspec.convert(given.config or {}, Config)
    except msgspec.ValidationError as error:
        raise call.invalid(f"failed to load configuration: {error}") from error


def options_of(call: Call, given: ThreadStart | ThreadResume | ThreadFork) -> ThreadOptions:
    """Return what is stored of what a client says, beyond folder, model and provider. Raise Refusal."""
    config = config_of(call, given)
    policy = given.approval_policy or config.approval_policy
    sandbox, profile = _sandbox(call, given, config)
    personality = None if isinstance(given, ThreadFork) else given.personality
    tier = given.service_tier if given.service_tier is not None else config.service_tier
    extra = {
        "approvals_reviewer": given.approvals_reviewer.value if given.approvals_reviewer else None,
        "service_tier": _word(tier, "a service tier"),
        "personality": personality.value if personality is not None else None,
        "runtime_workspace_roots": _roots(given.runtime_workspace_roots),
        "active_permission_profile": {"id": profile} if profile is not None else None,
    }
    return ThreadOptions(
        approval_policy=_policy(policy) if policy is not None else UNSET,
        sandbox=sandbox if sandbox is not None else UNSET,
        effort=_word(config.model_reasoning_effort, "an effort") or UNSET,
        extra=_said(extra),
        header=_header(call, given),
        instructions=_text(call, given.developer_instructions) if isinstance(given, ThreadStart) else None,
    )


def _word(text: str | None, what: str) -> str | None:
    """Return a word as it is stored, None for none. Raise InvalidRequest for what no log should hold."""
    return checked_word(text, what=what) if text is not None and text.strip() else None


def _text(call: Call, text: str | None) -> str | None:
    """Return a text as it is stored, None for none. Raise Refusal for what no line should hold."""
    if text is not None and len(text.encode("utf-8", "replace")) > _LONGEST_TEXT:
        raise call.invalid(f"instructions of more than {_LONGEST_TEXT >> 20} MiB are not kept")
    return text or None


def _said(members: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value is not None}


def _policy(given: ApprovalPolicy | GranularPolicy) -> str | dict[str, Any]:
    if isinstance(given, ApprovalPolicy):
        return given.value
    kinds = given.granular
    return {
        "granular": {
            "sandbox_approval": kinds.sandbox_approval,
            "rules": kinds.rules,
            "skill_approval": kinds.skill_approval,
            "request_permissions": kinds.request_permissions,
            "mcp_elicitations": kinds.mcp_elicitations,
        }
    }


def _sandbox(call: Call, given: RunChoices, config: Config) -> tuple[SandboxMode | None, str | None]:
    """Return the mode, and the name of the profile that it was asked for by."""
    if given.permissions is None:
        return given.sandbox or config.sandbox_mode, None
    if given.sandbox is not None:
        raise call.invalid("`permissions` cannot be combined with `sandbox`")
    mode = _PROFILES.get(given.permissions)
    if mode is None:
        known = ", ".join(f"`{name}`" for name in _PROFILES)
        raise call.invalid(
            f"failed to load configuration: `{given.permissions[:80]}` is no permission profile that this"
            f" server knows; it knows {known}"
        )
    return mode, given.permissions


def _roots(given: list[str] | None) -> list[str] | None:
    if given is not None and not all(root.startswith("/") for root in given):
        raise invalid("AbsolutePathBuf deserialized without a base path")
    return [checked_folder(root) for root in given] if given is not None else None


def _header(call: Call, given: ThreadStart | ThreadResume | ThreadFork) -> dict[str, Any]:
    """Return the members of a header that a client decides on."""
    if isinstance(given, ThreadResume):
        return {}
    source = given.thread_source
    members: dict[str, Any] = {"thread_source": _word(source, "where a thread comes from") or source}
    members["runtime_workspace_roots"] = _roots(given.runtime_workspace_roots)
    text = _text(call, given.base_instructions)
    if isinstance(given, ThreadFork):
        members["base_instructions"] = {"text": text} if text is not None else None
        provider = given.model_provider or config_of(call, given).model_provider
        members["model_provider"] = _word(provider, "a model provider")
        if given.cwd is not None and given.runtime_workspace_roots is None:
            members["runtime_workspace_roots"] = [absolute(call.server.settings.cwd, given.cwd)]
    else:
        members["dynamic_tools"] = _tools(call, given.dynamic_tools)
        members["selected_capability_roots"] = _capabilities(given.selected_capability_roots)
    return _said(members)


def _capabilities(given: list[CapabilityRoot] | None) -> list[dict[str, Any]] | None:
    if not given:
        return None
    return [
        {
            "id": root.id,
            "location": {
                "type": "environment",
                "environmentId": root.location.environment_id,
                "path": _as_url(root.location.path),
            },
        }
        for root in given
    ]


def _as_url(path: str) -> str:
    return PurePosixPath(path).as_uri() if path.startswith("/") else path


def _tools(call: Call, given: list[Raw] | None) -> list[Any] | None:
    """Return the tools that a client brings along, as they are. Raise Refusal for those nobody could call."""
    names: list[str] = []
    if sum(len(bytes(stored)) for stored in given or ()) > _LONGEST_TEXT:
        raise call.invalid(f"dynamic tools of more than {_LONGEST_TEXT >> 20} MiB are not kept")
    for stored in given or ():
        tool = decode_params(stored, FunctionTool | NamespaceTool)  # type: ignore[arg-type]  # mypy#9773
        names.append(tool.name)
        _check_name(call, tool.name)
        if isinstance(tool, NamespaceTool):
            if not tool.tools:
                raise call.invalid(f"dynamic tool namespace must contain at least one tool: {tool.name}")
            _check_names(call, [one.name for one in tool.tools])
    _check_names(call, names)
    return [msgspec.json.decode(stored) for stored in given] if given else None


def _check_names(call: Call, names: list[str]) -> None:
    for number, name in enumerate(names):
        _check_name(call, name)
        if name in names[:number]:
            raise call.invalid(f"duplicate dynamic tool name: {name}")


def _check_name(call: Call, name: str) -> None:
    if not name:
        raise call.invalid("dynamic tool name must not be empty")
    if _TOOL_NAME.fullmatch(name) is None:
        raise call.invalid(
            f"dynamic tool name must match ^[a-zA-Z0-9_-]+$ to match Responses API: {name[:_LONGEST_NAME]}"
        )
    if len(name) > _LONGEST_NAME:
        raise call.invalid(
            f"dynamic tool name must be at most {_LONGEST_NAME} characters to match Responses API:"
            f" {name[:200]}"
        )
    if name.startswith(_RESERVED):
        raise call.invalid(f"dynamic tool name is reserved: {name}")


def refuse_unkept(call: Call, given: ThreadStart | ThreadFork | ThreadResume) -> None:
    """Refuse what clients may say of a thread and no file of ours holds."""
    if isinstance(given, ThreadStart):
        if given.project_id is not None:
            raise call.invalid(f"project not found: {given.project_id[:80]}")
        if given.daybreak_enabled:
            raise call.invalid("daybreak is not kept by this server")
    elif isinstance(given, ThreadFork):
        if given.attach_to_source:
            raise call.invalid("attached threads are not kept by this server: fork without `attachToSource`")
        if given.experimental_prediction_mode:
            raise call.invalid("predictions need a model, and this server runs none")
    elif given.history:
        raise call.invalid("thread/resume takes no `history` here: start a thread and inject the items")


def absolute(folder: str, path: str | None) -> str:
    """Return a path, joined to `folder` where it is relative, without dots and doubled slashes."""
    if not path:
        return folder
    parts: list[str] = []
    for part in PurePosixPath(folder, path).parts[1:]:
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/" + "/".join(parts)
