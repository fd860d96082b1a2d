"""Lines of a rollout made for a test, in the shape the reference client writes them."""

from __future__ import annotations

import json
from typing import Any

from rollout.format.codec import decode_lines
from rollout.format.record import Era, Line, Record, Rejected

THREAD = "01a1fc4b-921c-7d43-9b41-9cfd2815c7cb"
OTHER = "01a1fc4b-92ce-7693-ba93-58b341939d90"
THIRD = "01a1fc4b-944e-78b3-aa47-1a43eb164578"
TIME = "2026-11-21T04:09:33.482Z"


def compact(value: Any) -> bytes:
    """Return JSON without spaces, not escaped."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def line(type_: str, payload: Any, **envelope: Any) -> bytes:
    """Return one line of the envelope eras, newline included; a member set to `...` is left out."""
    members = {"timestamp": TIME, **envelope, "type": type_, "payload": payload}
    return compact({key: value for key, value in members.items() if value is not ...}) + b"\n"


def header(thread_id: str = THREAD, **members: Any) -> bytes:
    """Return a header line; a member set to `...` is left out."""
    payload = {
        "id": thread_id,
        "timestamp": TIME,
        "cwd": "/src/app",
        "originator": "made",
        "cli_version": "0.169.0",
        **members,
    }
    return line("session_meta", {key: value for key, value in payload.items() if value is not ...})


def event(kind: str, **members: Any) -> bytes:
    """Return an event line."""
    return line("event_msg", {"type": kind, **members})


def item(kind: str, **members: Any) -> bytes:
    """Return a line with one item of the model conversation."""
    return line("response_item", {"type": kind, **members})


def message(role: str, text: str) -> bytes:
    """Return a line with a message of one text part."""
    part = "output_text" if role == "assistant" else "input_text"
    return item("message", role=role, content=[{"type": part, "text": text}])


def nested(levels: int) -> bytes:
    """Return JSON arrays nested that deep."""
    return b"[" * levels + b"]" * levels


def decode_one(content: bytes, era: Era = Era.ENVELOPE, start_offset: int = 0) -> Line:
    """Decode content that holds exactly one line that is not blank."""
    (only,) = decode_lines(content, start_offset, era)
    return only


def record_of(content: bytes, era: Era = Era.ENVELOPE) -> Record:
    """Decode content that is one record."""
    found = decode_one(content, era)
    assert isinstance(found, Record), found
    return found


def rejected_of(content: bytes, era: Era = Era.ENVELOPE) -> Rejected:
    """Decode content that is one line and no record."""
    found = decode_one(content, era)
    assert isinstance(found, Rejected), found
    return found
