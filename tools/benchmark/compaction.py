"""What a compaction of the reference client keeps: the newest requests within a budget, and a summary."""

from collections import deque

from benchmark.records import MODEL, JsonObject

_BYTES_A_TOKEN = 4
_RETAINED_MESSAGES = 8


class Kept:
    """The messages that the next compaction will look at."""

    def __init__(self, budget_tokens: int) -> None:
        """Keep requests up to `budget_tokens`, one token for four bytes."""
        self._budget_bytes = budget_tokens * _BYTES_A_TOKEN
        self._size_bytes = 0
        self.requests: deque[tuple[JsonObject, JsonObject, int]] = deque()
        self.user_messages: deque[JsonObject] = deque(maxlen=_RETAINED_MESSAGES)
        self.assistant_messages: deque[JsonObject] = deque(maxlen=_RETAINED_MESSAGES)

    def add_request(self, item: JsonObject, metadata: JsonObject, text: str, turn_id: str) -> None:
        """Take a request; the oldest ones beyond the budget are let go."""
        size = len(text.encode())
        self.requests.append((item, metadata, size))
        self._size_bytes += size
        while self._size_bytes > self._budget_bytes:
            self._size_bytes -= self.requests.popleft()[2]
        self.user_messages.append(_retained(item["id"], metadata, text, turn_id))

    def add_answer(self, item_id: str, metadata: JsonObject, text: str, turn_id: str) -> None:
        """Take an answer."""
        retained = _retained(item_id, metadata, text, turn_id)
        self.assistant_messages.append({**retained, "phase": "final_answer"})


def _retained(item_id: str, metadata: JsonObject, text: str, turn_id: str) -> JsonObject:
    return {
        "revision": metadata["retained_source"]["revision"],
        "order": metadata["user_input_order"],
        "turn_id": turn_id,
        "message_id": item_id,
        "text": text,
        "complete": True,
    }


def compacted(
    kept: Kept,
    summary: str,
    added: list[JsonObject],
    windows: JsonObject,
    usage: JsonObject,
    attribution: JsonObject,
) -> JsonObject:
    """Return the payload of a checkpoint: kept requests, then the `added` context and summary."""
    own = {"history_sequence": 1, "sampled_through_sequence": 1, "client_authored": False}
    return {
        "message": summary,
        "replacement_history": [item for item, _, _ in kept.requests] + added,
        "replacement_history_metadata": [metadata for _, metadata, _ in kept.requests] + [own] * len(added),
        "retained_context": {
            "verified_answers": [],
            "incomplete": False,
            "user_messages": list(kept.user_messages),
            "user_messages_incomplete": True,
            "assistant_messages": list(kept.assistant_messages),
            "assistant_messages_incomplete": True,
            "next_order": kept.user_messages[-1]["order"] + 2,
        },
        **windows,
        "latest_token_usage_record": usage,
        "resume_metadata": {
            "dynamic_tools": {"thread_id": usage["thread_id"], "tools": []},
            "multi_agent_version": "disabled",
            "last_started_turn_id": usage["turn_id"],
            "turn_attribution": attribution,
            "previous_turn_settings": {"model": MODEL, "comp_hash": None, "realtime_active": False},
        },
    }
