"""The words of the stored format: record types, event types, item types.

Membership decides whether a line is a record (docs/format.md, "Record types");
everything here was observed on the reference client, release 0.169.0.
"""

from __future__ import annotations

from typing import Final

SESSION_META: Final = "session_meta"
RESPONSE_ITEM: Final = "response_item"
TURN_CONTEXT: Final = "turn_context"
COMPACTED: Final = "compacted"
EVENT_MSG: Final = "event_msg"
AGENT_COMMUNICATION: Final = "inter_agent_communication"
WORLD_STATE: Final = "world_state"
TOKEN_USAGE: Final = "token_usage_record"
SETTINGS_APPLIED: Final = "thread_settings_applied"
ROLLOUT_REFERENCE: Final = "rollout_reference"
CHECKPOINT: Final = "checkpoint"
"""Our own: positions that a resume may start from. Other readers pass over the line, and count it nowhere."""

CARRIED_TYPES: Final = frozenset(
    {
        "inter_agent_communication_metadata",
        "retained_context",
        "security_risk_score",
        "realtime_item",
        "dynamic_tools_updated",
    }
)
"""Record types without effect on history or turns."""

TASK_STARTED: Final = frozenset({"task_started", "turn_started"})
TASK_COMPLETE: Final = frozenset({"task_complete", "turn_complete"})
TURN_ABORTED: Final = "turn_aborted"
TURN_ENDS: Final = TASK_COMPLETE | {TURN_ABORTED}
"""The events that end a turn: the lines that may be sealed."""
ROLLED_BACK: Final = "thread_rolled_back"
ITEM_COMPLETED: Final = "item_completed"
USER_MESSAGE: Final = "user_message"
TOKEN_COUNT: Final = "token_count"

EVENTS: Final = frozenset(
    [
        "agent_message",
        "agent_message_content_delta",
        "agent_message_delta",
        "agent_reasoning",
        "agent_reasoning_delta",
        "agent_reasoning_raw_content",
        "agent_reasoning_raw_content_delta",
        "agent_reasoning_section_break",
        "apply_patch_approval_request",
        "background_event",
        "collab_agent_interaction_begin",
        "collab_agent_interaction_end",
        "collab_agent_spawn_begin",
        "collab_agent_spawn_end",
        "collab_close_begin",
        "collab_close_end",
        "collab_resume_begin",
        "collab_resume_end",
        "collab_waiting_begin",
        "collab_waiting_end",
        "context_compacted",
        "deprecation_notice",
        "dynamic_tool_call_request",
        "dynamic_tool_call_response",
        "elicitation_abandoned",
        "elicitation_request",
        "entered_review_mode",
        "environment_connected",
        "environment_disconnected",
        "error",
        "exec_approval_request",
        "exec_command_begin",
        "exec_command_end",
        "exec_command_output_delta",
        "exited_review_mode",
        "get_history_entry_response",
        "guardian_assessment",
        "hook_completed",
        "hook_started",
        "image_generation_begin",
        "image_generation_end",
        "item_completed",
        "item_started",
        "list_custom_prompts_response",
        "list_skills_response",
        "mcp_list_tools_response",
        "mcp_startup_complete",
        "mcp_startup_update",
        "mcp_tool_call_begin",
        "mcp_tool_call_end",
        "model_reroute",
        "model_verification",
        "patch_apply_begin",
        "patch_apply_end",
        "patch_apply_updated",
        "plan_delta",
        "plan_update",
        "raw_response_completed",
        "raw_response_item",
        "realtime_conversation_closed",
        "realtime_conversation_list_voices_response",
        "realtime_conversation_realtime",
        "realtime_conversation_sdp",
        "realtime_conversation_started",
        "reasoning_content_delta",
        "reasoning_raw_content_delta",
        "request_permissions",
        "request_user_input",
        "session_configured",
        "shutdown_complete",
        "skills_update_available",
        "stream_error",
        "sub_agent_activity",
        "task_complete",
        "task_started",
        "terminal_interaction",
        "thread_goal_updated",
        "thread_name_updated",
        "thread_queue_changed",
        "thread_rolled_back",
        SETTINGS_APPLIED,
        "token_count",
        "turn_aborted",
        "turn_complete",
        "turn_diff",
        "turn_started",
        "undo_completed",
        "undo_started",
        "user_message",
        "view_image_tool_call",
        "warning",
        "web_search_begin",
        "web_search_end",
    ]
)

MESSAGE: Final = "message"
AGENT_MESSAGE: Final = "agent_message"
GHOST_SNAPSHOT: Final = "ghost_snapshot"
OUTPUT_ITEMS: Final = frozenset({"function_call_output", "custom_tool_call_output"})

HISTORY_ITEMS: Final = frozenset(
    [
        "agent_message",
        "reasoning",
        "local_shell_call",
        "function_call",
        "function_call_output",
        "tool_search_call",
        "tool_search_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "web_search_call",
        "image_generation_call",
        "compaction",
        "compaction_summary",
        "context_compaction",
        "additional_tools",
        "configuration_update",
    ]
)
"""Item types that are model history whatever they hold; a message depends on its role."""

HISTORY_ROLES: Final = frozenset({"user", "assistant", "developer"})

MESSAGE_PARTS: Final = frozenset({"input_text", "output_text", "input_image", "input_audio", "input_file"})
TEXT_PARTS: Final = frozenset({"input_text", "output_text"})
OUTPUT_PARTS: Final = frozenset({"input_text", "input_image", "input_audio", "encrypted_content"})

LISTED_EVENTS: Final = frozenset(
    [
        "user_message",
        "agent_message",
        "agent_reasoning",
        "agent_reasoning_raw_content",
        "patch_apply_end",
        "token_count",
        "thread_goal_updated",
        "context_compacted",
        "entered_review_mode",
        "exited_review_mode",
        "mcp_tool_call_end",
        "thread_rolled_back",
        "task_started",
        "turn_started",
        "task_complete",
        "turn_complete",
        "turn_aborted",
        "web_search_end",
        "image_generation_end",
        "sub_agent_activity",
    ]
)
"""Events that count when the turns of a legacy file are numbered; so does `item_completed` of a few items."""

LISTED_ITEMS: Final = frozenset({"Plan", "FunctionCallOutput"})
"""Types of completed items that count there, besides the extension that is a pause."""
