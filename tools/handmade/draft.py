"""A rollout under the writer's hand: one call appends one line, and every byte is meant.

Times run one second a line from a fixed start, so the same calls give the same bytes.
"""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

# Lines are made as they are, valid or not; a closed type would be a lie.
JsonObject: TypeAlias = dict[str, Any]

CWD = "/src/app"
MODEL = "stand-in-model"
STARTED = dt.datetime(2026, 2, 3, 10, 0, 0, tzinfo=dt.UTC)
TURN_STARTED = int(STARTED.timestamp())
TURN_SECONDS = 5


@dataclass(frozen=True)
class Span:
    """Where something stands in a draft: half-open, in bytes."""

    start_offset: int
    end_offset: int


def uuid(number: int) -> str:
    """Return UUID text of version 7 that says which one it is."""
    return f"019c0000-0000-7000-8000-{number:012x}"


def compact(value: object) -> bytes:
    """Return a value as the JSON the client writes: no spaces, no escapes for letters."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def text_message(role: str, *texts: str, **members: object) -> JsonObject:
    """Return a message item with one text part for each text."""
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": text} for text in texts]
    return {"type": "message", "role": role, "content": content, **members}


class Draft:
    """One rollout, line by line. In mode `paginated` lines carry ordinals, from `first_ordinal` on."""

    def __init__(self, thread_id: str, mode: str = "legacy", *, first_ordinal: int = 0) -> None:
        self.thread_id = thread_id
        self.mode = mode
        self.content = b""
        self.next_ordinal = first_ordinal
        self._lines = 0

    @property
    def size_bytes(self) -> int:
        """How much has been written so far: the offset of the next line."""
        return len(self.content)

    def raw(self, content: bytes) -> Span:
        """Append bytes as they are; return where they stand."""
        start = self.size_bytes
        self.content += content
        self._lines += 1
        return Span(start, self.size_bytes)

    def line(self, value: object) -> Span:
        """Append one JSON line."""
        return self.raw(compact(value) + b"\n")

    def stamp(self) -> str:
        """Return the time of the next line."""
        at = STARTED + dt.timedelta(seconds=self._lines)
        return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def record(self, type_: str, payload: JsonObject, **envelope: object) -> Span:
        """Append one record; a paginated draft gives it the next ordinal."""
        return self.line(self.envelope(type_, payload, **envelope))

    def envelope(self, type_: str, payload: JsonObject, **members: object) -> JsonObject:
        """Return the next record's line as a value, and use up its ordinal."""
        numbered: JsonObject = {}
        if self.mode == "paginated" and "ordinal" not in members:
            numbered["ordinal"] = self.next_ordinal
            self.next_ordinal += 1
        return {"timestamp": self.stamp(), **numbered, **members, "type": type_, "payload": payload}

    def header(self, **members: object) -> Span:
        """Append the header; `members` add to its payload or replace members of it."""
        return self.record("session_meta", self.header_payload(**members))

    def header_payload(self, **members: object) -> JsonObject:
        """Return a header's payload."""
        return {
            "id": self.thread_id,
            "timestamp": self.stamp(),
            "cwd": CWD,
            "originator": "rollout_fixtures",
            "cli_version": "0.169.0",
            "source": "vscode",
            "model_provider": "stand_in",
            "base_instructions": {"text": "Answer briefly. This text belongs to the rollout fixtures."},
            "history_mode": self.mode,
            **members,
        }

    def item(self, payload: JsonObject) -> JsonObject:
        """Append a model item; return it."""
        self.record("response_item", payload)
        return payload

    def user(self, *texts: str, **members: object) -> JsonObject:
        """Append what a user says, as a model item; return it."""
        return self.item(text_message("user", *texts, **members))

    def assistant(self, *texts: str, **members: object) -> JsonObject:
        """Append what the model says, as a model item; return it."""
        return self.item(text_message("assistant", *texts, **members))

    def event(self, type_: str, **members: object) -> Span:
        """Append an event."""
        return self.record("event_msg", {"type": type_, **members})

    def turn_context(self, turn_id: str | None = None, **members: object) -> Span:
        """Append a turn context."""
        named = {"turn_id": turn_id} if turn_id is not None else {}
        payload = {
            **named,
            "cwd": CWD,
            "approval_policy": "never",
            "sandbox_policy": {"type": "danger-full-access"},
            "model": MODEL,
            "summary": "auto",
            **members,
        }
        return self.record("turn_context", payload)

    def turn(self, turn_id: str, asked: str, answered: str) -> list[JsonObject]:
        """Append one whole turn in the mode's own order, seven records; return its two model items.

        All turns begin and end at the same time.
        """
        self.event("task_started", turn_id=turn_id, started_at=TURN_STARTED)
        self.turn_context(turn_id)
        items = [self.user(asked)]
        self._show(turn_id, "UserMessage", f"{turn_id}-asked", {"type": "text", "text": asked})
        self._show(turn_id, "AgentMessage", f"{turn_id}-said", {"type": "Text", "text": answered})
        items.append(self.assistant(answered))
        self.event(
            "task_complete",
            turn_id=turn_id,
            last_agent_message=answered,
            started_at=TURN_STARTED,
            completed_at=TURN_STARTED + TURN_SECONDS,
            duration_ms=TURN_SECONDS * 1000,
        )
        return items

    def _show(self, turn_id: str, kind: str, item_id: str, part: JsonObject) -> None:
        """Append what makes a message visible in its turn: an item, or an event in a legacy file."""
        if self.mode == "legacy":
            name = {"UserMessage": "user_message", "AgentMessage": "agent_message"}[kind]
            self.event(name, message=part["text"])
            return
        item = {"type": kind, "id": item_id, "content": [part]}
        self.event("item_completed", thread_id=self.thread_id, turn_id=turn_id, item=item)

    def write_to(self, home: Path) -> Path:
        """Write the rollout into a home, under its proper name; return the path."""
        path = home / self.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content)
        return path

    def path(self, *, rollout_id: str | None = None, suffix: str = ".jsonl") -> str:
        """Return where in a home the rollout belongs, or another rollout of its thread."""
        second = f"_{rollout_id}" if rollout_id is not None else ""
        name = f"rollout-{STARTED:%Y-%m-%dT%H-%M-%S}-{self.thread_id}{second}{suffix}"
        return f"sessions/{STARTED:%Y/%m/%d}/{name}"
