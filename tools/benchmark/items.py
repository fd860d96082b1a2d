"""Items as the reference client stores them: for the model, and as events for the user."""

import json

from benchmark.records import CWD, PASSTHROUGH, JsonObject


def user_message(item_id: str, turn_id: str, at_ms: int, text: str, kind: str = "user.text") -> JsonObject:
    """Return a message in the user role, a request or something the client put in."""
    source = {"type": "user"} if kind == "user.text" else {"type": "harness", "hook": False}
    return {
        "type": "message",
        "id": item_id,
        "role": "user",
        "content": [{"type": "input_text", "text": text}],
        PASSTHROUGH: {
            "turn_id": turn_id,
            "create_time": at_ms / 1000,
            "content_item_kinds": [kind],
            "content_item_metadata": [{"provenance": source}],
        },
    }


def assistant_message(item_id: str, turn_id: str, text: str) -> JsonObject:
    """Return the agent's final answer."""
    return {
        "type": "message",
        "id": item_id,
        "role": "assistant",
        "content": [{"type": "output_text", "text": text}],
        "phase": "final_answer",
        PASSTHROUGH: {"turn_id": turn_id, "content_item_kinds": ["unknown"]},
    }


def reasoning(item_id: str, turn_id: str, summary: str, blob: str) -> JsonObject:
    """Return the agent's reasoning: a summary to show and a blob to hand back."""
    return {
        "type": "reasoning",
        "id": item_id,
        "summary": [{"type": "summary_text", "text": summary}],
        "content": None,
        "encrypted_content": blob,
        PASSTHROUGH: {"turn_id": turn_id},
    }


def call(item_id: str, turn_id: str, call_id: str, command: str) -> JsonObject:
    """Return a tool call that runs a command."""
    return {
        "type": "function_call",
        "id": item_id,
        "name": "exec_command",
        "arguments": json.dumps({"cmd": command, "shell": "/bin/sh", "login": False}, ensure_ascii=False),
        "call_id": call_id,
        PASSTHROUGH: {"turn_id": turn_id},
    }


def output(item_id: str, turn_id: str, at_ms: int, call_id: str, printed: str) -> JsonObject:
    """Return what a command gave back."""
    head = f"Chunk ID: {call_id[-6:]}\nWall time: 0.0314 seconds\nProcess exited with code 0\nOutput:\n"
    return {
        "type": "function_call_output",
        "id": item_id,
        "call_id": call_id,
        "output": head + printed,
        PASSTHROUGH: {"turn_id": turn_id, "create_time": at_ms / 1000},
    }


def completed(thread_id: str, turn_id: str, at_ms: int, item: JsonObject) -> JsonObject:
    """Return the event of a paginated thread that shows an item to the user."""
    return {
        "type": "item_completed",
        "thread_id": thread_id,
        "turn_id": turn_id,
        "item": item,
        "started_at_ms": at_ms,
        "completed_at_ms": at_ms,
    }


def shown_request(item_id: str, text: str) -> JsonObject:
    """Return a request as the user sees it."""
    content = [{"type": "text", "text": text, "text_elements": []}]
    return {"type": "UserMessage", "id": item_id, "content": content}


def shown_reasoning(item_id: str, summary: str) -> JsonObject:
    """Return reasoning as the user sees it."""
    return {"type": "Reasoning", "id": item_id, "summary_text": [summary], "raw_content": []}


def shown_answer(item_id: str, text: str) -> JsonObject:
    """Return an answer as the user sees it."""
    content = [{"type": "Text", "text": text}]
    return {"type": "AgentMessage", "id": item_id, "content": content, "phase": "final_answer"}


def shown_command(call_id: str, command: str, printed: str) -> JsonObject:
    """Return a command and its output as the user sees them."""
    return {
        "type": "CommandExecution",
        "id": call_id,
        "process_id": "28303",
        "command": ["/usr/bin/sh", "-c", command],
        "cwd": f"file://{CWD}",
        "parsed_cmd": [{"type": "unknown", "cmd": command}],
        "source": "unified_exec_startup",
        "status": "completed",
        "aggregated_output": printed,
        "exit_code": 0,
        "duration": {"secs": 0, "nanos": 31400000},
    }


def legacy_request(text: str) -> JsonObject:
    """Return the event of a legacy thread for a request."""
    lists: JsonObject = {
        "images": [],
        "local_images": [],
        "audio": [],
        "local_audio": [],
        "text_elements": [],
    }
    return {"type": "user_message", "message": text, **lists}


def legacy_answer(text: str) -> JsonObject:
    """Return the event of a legacy thread for an answer."""
    return {"type": "agent_message", "message": text, "phase": "final_answer", "memory_citation": None}


def legacy_reasoning(summary: str) -> JsonObject:
    """Return the event of a legacy thread for reasoning."""
    return {"type": "agent_reasoning", "text": summary}
