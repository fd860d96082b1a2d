"""Payloads of records, member for member as the reference client 0.169.0 writes them."""

from typing import Any

JsonObject = dict[str, Any]

CWD = "/home/dev/app"
MODEL = "stand-in-model"
PROVIDER = "stand_in"
CONTEXT_WINDOW = 190_000
PASSTHROUGH = "internal_chat_message_metadata_passthrough"
_FILESYSTEM = (
    f"<filesystem><workspace_roots><root>{CWD}</root></workspace_roots>"
    '<permission_profile type="disabled"><file_system type="unrestricted" /></permission_profile>'
    "</filesystem>"
)
ENVIRONMENT = (
    f"<environment_context>\n  <cwd>{CWD}</cwd>\n  <shell>bash</shell>\n  <timezone>Etc/UTC</timezone>\n"
    f"  {_FILESYSTEM}\n</environment_context>"
)
_MODE = {
    "mode": "default",
    "settings": {"model": MODEL, "reasoning_effort": None, "developer_instructions": None},
}


def header(thread_id: str, timestamp: str, mode: str, window_id: str) -> JsonObject:
    """Return the payload of a new root thread's header."""
    return {
        "account_scoped": True,
        "session_id": thread_id,
        "id": thread_id,
        "timestamp": timestamp,
        "cwd": CWD,
        "runtime_workspace_roots": [CWD],
        "originator": "rollout_benchmark",
        "cli_version": "0.169.0",
        "source": "vscode",
        "model_provider": PROVIDER,
        "base_instructions": {"text": "Answer briefly.", "provenance": {"type": "custom"}},
        "history_mode": mode,
        "multi_agent_version": "disabled",
        "context_window": {"window_id": window_id},
    }


def turn_context(turn_id: str) -> JsonObject:
    """Return the settings of one turn."""
    return {
        "turn_id": turn_id,
        "root_turn_id": turn_id,
        "disabled_plugin_ids": [],
        "cwd": CWD,
        "approval_policy": "never",
        "approvals_reviewer": "user",
        "permission_profile": {"type": "disabled"},
        "model": MODEL,
        "collaboration_mode": _MODE,
        "multi_agent_version": "disabled",
        "realtime_active": False,
        "summary": "none",
        "sandbox_policy": {"type": "danger-full-access"},
    }


def settings_applied(thread_id: str) -> JsonObject:
    """Return the event that logs the thread's settings."""
    return {
        "type": "thread_settings_applied",
        "thread_id": thread_id,
        "thread_settings": {
            "model": MODEL,
            "model_provider_id": PROVIDER,
            "approval_policy": "never",
            "permission_profile": {"type": "disabled"},
            "cwd": CWD,
            "runtime_workspace_roots": [CWD],
            "reasoning_summary": "auto",
            "collaboration_mode": _MODE,
            "disabled_plugin_ids": [],
        },
    }


def world_state() -> JsonObject:
    """Return a full world state."""
    return {
        "full": True,
        "state": {
            "agents_md": {},
            "approved_command_prefixes": [],
            "environments": {
                "environments": {"local": {"cwd": CWD, "status": "available", "shell": "bash"}},
                "timezone": "Etc/UTC",
                "filesystem": _FILESYSTEM,
            },
            "host_skills": {"includeInstructions": False},
            "managed_developer_instructions": {},
            "model": MODEL,
            "model_catalog": "ea1a55de2973a50e2e404222c5499c24df5591ed",
            "plugins_instructions": False,
            "realtime": {"active": False},
            "skills": {"includeInstructions": False},
        },
    }


def task_started(turn_id: str, at_ms: int) -> JsonObject:
    """Return the event that opens a turn."""
    attribution = {
        "turn_id": turn_id,
        "turn_trigger": None,
        "parent_turn_id": None,
        "initiating_agent_path": None,
        "root_turn_id": turn_id,
    }
    return {
        "type": "task_started",
        "turn_attribution": attribution,
        "turn_id": turn_id,
        "root_turn_id": turn_id,
        "started_at": at_ms // 1000,
        "model_context_window": CONTEXT_WINDOW,
        "collaboration_mode_kind": "default",
    }


def task_complete(turn_id: str, started_ms: int, ended_ms: int, last_message: str | None) -> JsonObject:
    """Return the event that ends a turn."""
    return {
        "type": "task_complete",
        "root_turn_id": turn_id,
        "turn_id": turn_id,
        "last_agent_message": last_message,
        "started_at": started_ms // 1000,
        "completed_at": ended_ms // 1000,
        "duration_ms": ended_ms - started_ms,
        "time_to_first_token_ms": 39,
    }


def usage(responses: int) -> JsonObject:
    """Return the tokens that so many responses took."""
    each = {
        "input_tokens": 6120,
        "cached_input_tokens": 5120,
        "cache_write_input_tokens": 0,
        "output_tokens": 314,
        "reasoning_output_tokens": 204,
        "total_tokens": 6434,
    }
    return {name: count * responses for name, count in each.items()}


def usage_record(thread_id: str, turn_id: str, responses: int, of_turn: int) -> JsonObject:
    """Return the usage record of the response number `responses` of the thread."""
    return {
        "thread_id": thread_id,
        "turn_id": turn_id,
        "session_id": thread_id,
        "root_turn_id": turn_id,
        "response_id": f"resp_{responses:06d}",
        "usage": usage(1),
        "turn_token_usage": usage(of_turn),
        "thread_token_usage": usage(responses),
    }


def token_count(responses: int) -> JsonObject:
    """Return the event that reports usage to the user."""
    limits = ("limit_name", "primary", "secondary", "credits", "individual_limit", "plan_type")
    return {
        "type": "token_count",
        "info": {
            "total_token_usage": usage(responses),
            "last_token_usage": usage(1),
            "last_usage_includes_reasoning": False,
            "model_context_window": CONTEXT_WINDOW,
        },
        "rate_limits": {"limit_id": "codex", **dict.fromkeys(limits)},
    }
