"""What a start, a resume and a fork may say of how turns are run: shapes as the protocol has them.

Contract: docs/protocol.md, "What start, resume and fork take".
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct

from rollout.store.sandboxes import SandboxMode


class ApprovalPolicy(StrEnum):
    """When somebody is asked before a command is run."""

    UNTRUSTED = "untrusted"
    ON_REQUEST = "on-request"
    NEVER = "never"


class Granular(Struct, frozen=True):
    """For which kinds of request somebody is asked."""

    sandbox_approval: bool
    rules: bool
    mcp_elicitations: bool
    skill_approval: bool = False
    request_permissions: bool = False


class GranularPolicy(Struct, frozen=True):
    """A policy kind by kind."""

    granular: Granular


class Reviewer(StrEnum):
    """Who is asked."""

    USER = "user"
    AUTO_REVIEW = "auto_review"
    GUARDIAN = "guardian_subagent"


class Personality(StrEnum):
    """How an agent talks."""

    NONE = "none"
    FRIENDLY = "friendly"
    PRAGMATIC = "pragmatic"


class RunChoices(Struct, frozen=True, rename="camel", kw_only=True):
    """What all three methods take."""

    approval_policy: ApprovalPolicy | GranularPolicy | None = None
    approvals_reviewer: Reviewer | None = None
    sandbox: SandboxMode | None = None
    permissions: str | None = None
    service_tier: str | None = None
    runtime_workspace_roots: list[str] | None = None
    config: dict[str, Any] | None = None
    base_instructions: str | None = None
    developer_instructions: str | None = None
    cwd: str | None = None
    model: str | None = None
    model_provider: str | None = None


class FunctionTool(Struct, frozen=True, tag="function", tag_field="type"):
    """A tool that a client brings along."""

    name: str
    description: str
    inputSchema: dict[str, Any]  # noqa: N815  # the protocol's name


class NamespaceTool(Struct, frozen=True, tag="namespace", tag_field="type"):
    """Tools that a client brings along, under one name."""

    name: str
    description: str
    tools: list[FunctionTool]


class EnvironmentRoot(Struct, frozen=True, rename="camel", tag="environment", tag_field="type"):
    """A folder of an environment."""

    environment_id: str
    path: str


class CapabilityRoot(Struct, frozen=True):
    """A folder that a thread may take skills and the like from."""

    id: str
    location: EnvironmentRoot
