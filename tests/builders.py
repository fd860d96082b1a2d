"""Rollouts made line by line, and homes to put them in: the worlds that tests build.

    parent = thread().turn("hello").compact("so far: hello")
    child = parent.fork(2).turn("and now?")
    assert texts(home(parent, child).context(child)) == [...]

A paginated rollout numbers its records as it goes; a fork takes over parent, ordinal and offset.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any, Self

import msgspec
import zstandard

from rollout.ids import ThreadId
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.replay.context import Context, read_context
from rollout.replay.lineage import Lineage
from rollout.store.opening import Opener
from rollout.store.turn_pages import read_turns
from rollout.testing.memory import MemoryFileSystem
from rollout.turns.paging import ItemsView

HOME = "/home"
DAY = f"{HOME}/sessions/2026/11/21"
ARCHIVE = f"{HOME}/archived_sessions"
STAMP = "2026-11-21T04-09-33"
TIME = "2026-11-21T04:09:33.482Z"
MODEL = "model-one"

Json = dict[str, Any]


def uuid(number: int) -> str:
    """Return the version 7 UUID that stands for `number` in a test."""
    return f"01a1fc4b-0000-7000-8000-{number:012x}"


def compact_json(value: object) -> bytes:
    """Return JSON without spaces, not escaped."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def message(role: str, *texts: str, **members: object) -> Json:
    """Return a message item with one text part for each text."""
    kind = "output_text" if role == "assistant" else "input_text"
    return {
        "type": "message",
        "role": role,
        "content": [{"type": kind, "text": text} for text in texts],
        **members,
    }


def totals(tokens: int) -> Json:
    """Return a count of tokens, as stored."""
    return {
        "input_tokens": tokens,
        "cached_input_tokens": 0,
        "output_tokens": 0,
        "reasoning_output_tokens": 0,
        "total_tokens": tokens,
    }


def usage_record(tokens: int, thread_id: str) -> Json:
    """Return the payload of a usage record whose thread total is `tokens`."""
    named = {"thread_id": thread_id, "turn_id": "t", "session_id": thread_id, "response_id": "r"}
    counts = ("usage", "turn_token_usage", "thread_token_usage")
    return {**named, **{name: totals(tokens) for name in counts}}


class Rollout:
    """One rollout in the making. Every method that adds lines returns the rollout."""

    def __init__(
        self,
        number: int,
        mode: str,
        *,
        rollout_number: int | None = None,
        base: Json | None = None,
        **members: object,
    ) -> None:
        self.thread_id = ThreadId(uuid(number))
        self.rollout_id = uuid(number if rollout_number is None else rollout_number)
        self.mode = mode
        self.content = b""
        self.next_ordinal = base["end_ordinal_exclusive"] if base is not None else 0
        self._turns = itertools.count(1)
        linked = {"history_base": base} if base is not None else {}
        self.record("session_meta", self.header(**linked, **members))

    def header(self, **members: object) -> Json:
        """Return the payload of a header of this thread."""
        return {
            "id": self.thread_id,
            "timestamp": TIME,
            "cwd": "/src/app",
            "originator": "made",
            "cli_version": "0.169.0",
            "history_mode": self.mode,
            **members,
        }

    def raw(self, content: bytes) -> Self:
        """Add bytes as they are."""
        self.content += content
        return self

    def record(self, type_: str, payload: object, **envelope: object) -> Self:
        """Add one record; a paginated rollout gives it the next ordinal unless `envelope` has one."""
        numbered: Json = {}
        if self.mode == "paginated" and "ordinal" not in envelope:
            numbered["ordinal"] = self.next_ordinal
            self.next_ordinal += 1
        members = {"timestamp": TIME, **numbered, **envelope, "type": type_, "payload": payload}
        present = {key: value for key, value in members.items() if value is not ...}
        return self.raw(compact_json(present) + b"\n")

    def event(self, kind: str, **members: object) -> Self:
        """Add an event."""
        return self.record("event_msg", {"type": kind, **members})

    def item(self, payload: Json) -> Self:
        """Add an item of the model conversation."""
        return self.record("response_item", payload)

    def user(self, *texts: str, **members: object) -> Self:
        """Add a user message item."""
        return self.item(message("user", *texts, **members))

    def assistant(self, *texts: str, **members: object) -> Self:
        """Add an assistant message item."""
        return self.item(message("assistant", *texts, **members))

    def start(self, turn_id: str, **members: object) -> Self:
        """Start a turn."""
        return self.event("task_started", turn_id=turn_id, **members)

    def end(self, turn_id: str, **members: object) -> Self:
        """Complete a turn."""
        return self.event("task_complete", turn_id=turn_id, **members)

    def abort(self, turn_id: str | None = None, **members: object) -> Self:
        """Abort a turn."""
        named = {"turn_id": turn_id} if turn_id is not None else {}
        return self.event("turn_aborted", reason="interrupted", **named, **members)

    def shows(
        self, turn_id: str, item_id: str, text: str = "", kind: str = "AgentMessage", **members: object
    ) -> Self:
        """Add a visible item of a turn: `UserMessage` or `AgentMessage`."""
        part = {"type": "text" if kind == "UserMessage" else "Text", "text": text}
        item = {"type": kind, "id": item_id, "content": [part], **members}
        return self.event("item_completed", thread_id=self.thread_id, turn_id=turn_id, item=item)

    def context(self, turn_id: str | None = None, model: str = MODEL, **members: object) -> Self:
        """Add a turn context."""
        payload: Json = {
            **({"turn_id": turn_id} if turn_id is not None else {}),
            "cwd": "/src/app",
            "approval_policy": "never",
            "sandbox_policy": {"type": "danger-full-access"},
            "model": model,
            **members,
        }
        return self.record("turn_context", payload)

    def world(self, state: Json, *, full: bool = True) -> Self:
        """Add a world state: a full one, or a patch."""
        return self.record("world_state", {"full": full, "state": state})

    def turn(self, asked: str, said: str = "yes", *, turn_id: str | None = None, model: str = MODEL) -> Self:
        """Add one whole turn in the order of the reference client; by default its id is t1, t2, …"""
        turn_id = turn_id if turn_id is not None else f"t{next(self._turns)}"
        self.start(turn_id, started_at=1).context(turn_id, model).user(asked)
        if self.mode == "legacy":
            self.event("user_message", message=asked).event("agent_message", message=said)
        else:
            self.shows(turn_id, f"{turn_id}-asked", asked, "UserMessage")
            self.shows(turn_id, f"{turn_id}-said", said, phase="final_answer")
        return self.assistant(said).end(turn_id, started_at=1, completed_at=2, duration_ms=1000)

    def compact(
        self,
        summary: str = "summary",
        *,
        window: int | None = 1,
        is_plain: bool = False,
        tokens: int | None = None,
        **members: object,
    ) -> Self:
        """Add a compaction: by default a checkpoint whose history is one user message, `summary`."""
        payload: Json = {"message": summary}
        if not is_plain:
            payload["replacement_history"] = [message("user", summary)]
        if window is not None:
            payload |= {"window_number": window, "window_id": uuid(0xF00 + window)}
        if tokens is not None:
            payload["latest_token_usage_record"] = usage_record(tokens, self.thread_id)
        return self.record("compacted", payload | members)

    def rollback(self, num_turns: int) -> Self:
        """Take back turns."""
        return self.event("thread_rolled_back", num_turns=num_turns)

    def tokens(self, reported: int) -> Self:
        """Report a token total."""
        return self.event("token_count", info={"total_token_usage": totals(reported)}, rate_limits=None)

    def usage(self, tokens: int) -> Self:
        """Add a usage record."""
        return self.record("token_usage_record", usage_record(tokens, self.thread_id))

    @property
    def position(self) -> Json:
        """A base at what has been written so far."""
        return {
            "thread_id": self.rollout_id,
            "end_ordinal_exclusive": self.next_ordinal,
            "end_byte_offset": len(self.content),
        }

    def fork(self, number: int, at: Json | None = None, **members: object) -> Rollout:
        """Return a fork that leaves this rollout at `at`, by default here."""
        return self._heir(Rollout(number, "paginated", base=at or self.position, **members))

    def revert(self, rollout_number: int, at: Json) -> Rollout:
        """Return the rollout that takes this thread back to `at`."""
        reverted = Rollout(0, "paginated", rollout_number=rollout_number, base=at, id=self.thread_id)
        reverted.thread_id = self.thread_id
        return self._heir(reverted)

    def _heir(self, rollout: Rollout) -> Rollout:
        rollout._turns = self._turns  # names of turns go on along a lineage
        return rollout

    def log(self) -> bytes:
        """Return what has been written so far."""
        return self.content

    def name(self, stamp: str = STAMP) -> str:
        """Return the rollout's file name."""
        second = f"_{self.rollout_id}" if self.rollout_id != self.thread_id else ""
        return f"rollout-{stamp}-{self.thread_id}{second}.jsonl"


def thread(number: int = 1, mode: str = "paginated", **members: object) -> Rollout:
    """Return a rollout with nothing but its header."""
    return Rollout(number, mode, **members)


def packed(content: bytes) -> bytes:
    """Return bytes as one zstd stream."""
    return zstandard.ZstdCompressor().compress(content)


class Home:
    """A home in memory. `max_line_bytes` also bounds the blocks of a read, so small is slow and sharp."""

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self.fs = MemoryFileSystem()
        self.opener = Opener(self.fs, HOME, max_line_bytes)

    def put(self, rollout: Rollout, *, folder: str = DAY, stamp: str = STAMP, is_packed: bool = False) -> str:
        """Write a rollout as it is now under its proper name; return its path."""
        path = f"{folder}/{rollout.name(stamp)}" + (".zst" if is_packed else "")
        self.fs.put(path, packed(rollout.content) if is_packed else rollout.content)
        return path

    def open(self, rollout: Rollout) -> Lineage:
        """Open the thread that a rollout belongs to."""
        return self.opener.open_thread(rollout.thread_id)

    def ask(self, rollout: Rollout, question: Callable[[Lineage], Any]) -> Any:
        """Return the answer to a question about a thread, asked of it freshly opened."""
        with self.open(rollout) as lineage:
            return question(lineage)

    def context(self, rollout: Rollout, *, reads_everything: bool = False) -> Context:
        """Resume the thread of a rollout."""
        with self.open(rollout) as lineage:
            return read_context(lineage, reads_everything=reads_everything)

    def turns(self, rollout: Rollout, view: ItemsView = ItemsView.FULL) -> list[Json]:
        """Return the turns of the thread of a rollout, as their JSON reads."""
        with self.open(rollout) as lineage:
            return plain(read_turns(lineage, view))


def home(*rollouts: Rollout, max_line_bytes: int = MAX_LINE_BYTES) -> Home:
    """Return a home that holds these rollouts; a later one of a thread is the newer."""
    made = Home(max_line_bytes)
    for index, rollout in enumerate(rollouts):
        made.put(rollout, stamp=f"{STAMP[:-5]}{index // 60 % 60:02d}-{index % 60:02d}")
    return made


def plain(value: object) -> Any:
    """Return a value as its JSON reads."""
    return msgspec.json.decode(msgspec.json.encode(value))


def texts(context: Context) -> list[str]:
    """Return a model history as one text an item."""
    return [
        "".join(part.get("text", "") for part in item.get("content", ()))
        for item in json.loads(context.input_json())
    ]
