"""What the stand-in model answers: scripted replies as server-sent events.

A reply is a frozen value; `events` turns it into the event objects of a streamed response. The
shapes are the smallest the reference client accepts. Nothing here opens a socket.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from refclient.shapes import JsonObject


@dataclass(frozen=True)
class Usage:
    """Token counts of one response."""

    input_tokens: int = 120
    cached_tokens: int = 20
    output_tokens: int = 14
    reasoning_tokens: int = 4

    def as_wire(self) -> JsonObject:
        """Return the `usage` member of a completed response."""
        return {
            "input_tokens": self.input_tokens,
            "input_tokens_details": {"cached_tokens": self.cached_tokens},
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
            "total_tokens": self.input_tokens + self.output_tokens,
        }


@dataclass(frozen=True)
class Reply:
    """One model response: its output items, or a failure, or one that never ends.

    `failure` is an error object `{code, message}` sent instead of a completion. With `hangs` the
    stream stays open after its items, until the client hangs up or the endpoint closes.
    """

    items: tuple[JsonObject, ...] = ()
    usage: Usage = field(default_factory=Usage)
    failure: JsonObject | None = None
    hangs: bool = False


def message(text: str, phase: str | None = None) -> JsonObject:
    """Return an assistant message item; `phase` is `commentary`, `final_answer` or absent."""
    item: JsonObject = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text}],
    }
    if phase is not None:
        item["phase"] = phase
    return item


def reasoning(*summaries: str) -> JsonObject:
    """Return a reasoning item with the given summary texts and an opaque body of ours."""
    return {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in summaries],
        "encrypted_content": "c3RhbmQtaW4=",
    }


def function_call(name: str, call_id: str, arguments: JsonObject) -> JsonObject:
    """Return a call of a function tool, its arguments encoded as the model would."""
    return {
        "type": "function_call",
        "name": name,
        "call_id": call_id,
        "arguments": json.dumps(arguments),
    }


def custom_tool_call(name: str, call_id: str, text: str) -> JsonObject:
    """Return a call of a free-form tool, such as the patch tool."""
    return {
        "type": "custom_tool_call",
        "status": "completed",
        "name": name,
        "call_id": call_id,
        "input": text,
    }


def say(text: str, phase: str | None = "final_answer", usage: Usage | None = None) -> Reply:
    """Return a reply of one assistant message."""
    return Reply((message(text, phase),), usage or Usage())


def call(*items: JsonObject) -> Reply:
    """Return a reply made of the given items, usually tool calls."""
    return Reply(tuple(items))


def fail(text: str, code: str = "invalid_prompt") -> Reply:
    """Return a reply that fails in a way the client does not retry."""
    return Reply(failure={"code": code, "message": text})


def hang(*items: JsonObject) -> Reply:
    """Return a reply that sends `items` and then stays open, so that a turn can be interrupted."""
    return Reply(tuple(items), hangs=True)


def events(reply: Reply, number: int) -> Iterator[JsonObject]:
    """Yield the events of response `number`; ids derive from the number alone.

    A hanging reply ends without a completion: the caller keeps the stream open.
    """
    response_id = f"resp_{number:04d}"
    yield {"type": "response.created", "response": {"id": response_id}}
    for index, bare in enumerate(reply.items):
        prefix = {"message": "msg", "reasoning": "rs"}.get(str(bare["type"]), "call")
        item = {"id": f"{prefix}_{number:04d}_{index}", **bare}
        yield {"type": "response.output_item.added", "output_index": index, "item": _opened(item)}
        if item["type"] == "message":
            yield {
                "type": "response.output_text.delta",
                "item_id": item["id"],
                "output_index": index,
                "content_index": 0,
                "delta": item["content"][0]["text"],
            }
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    if reply.failure is not None:
        yield {
            "type": "response.failed",
            "response": {"id": response_id, "status": "failed", "error": reply.failure},
        }
    elif not reply.hangs:
        yield {
            "type": "response.completed",
            "response": {"id": response_id, "usage": reply.usage.as_wire()},
        }


def _opened(item: JsonObject) -> JsonObject:
    """Return `item` as it is announced: without the content that deltas then deliver."""
    return {**item, "content": []} if item["type"] == "message" else item
