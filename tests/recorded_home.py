"""A home that is recorded into: a store with a clock and ids of its own, and what then stands in its files.

Ordinals and seals are checked here by the letter of docs/format.md, without any code of the product.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from itertools import count
from pathlib import Path
from typing import Any

from blake3 import blake3

from rollout.fs.api import FileSystem
from rollout.ids import mint_uuid7
from rollout.log.chunks import MAX_LINE_BYTES
from rollout.store.root import Store, open_store
from rollout.store.thread import Thread
from rollout.testing.crashfs import CrashFS
from tests.unit.made_lines import header, line, message

HOME = "/home"
START_MS = 1_795_219_200_000
LEGACY_ID = "01a1fc4b-0000-7000-8000-00000000000a"
_SEAL = re.compile(rb',"seal":"([0-9]+)\.([A-Za-z0-9_-]{43})"\}\n')
_TICKS = count(1)
_IDS = count(1)


def now_ms() -> int:
    """Return a time that is later at every call, by a millisecond."""
    return START_MS + next(_TICKS)


def new_id() -> str:
    """Return an id that nobody has."""
    number = next(_IDS)
    return mint_uuid7(START_MS + number, number.to_bytes(10, "big"))


def home_of(fs: FileSystem, home: str | Path = HOME, *, max_line_bytes: int = MAX_LINE_BYTES) -> Store:
    """Open the store over a home."""
    return open_store(home, fs=fs, clock=now_ms, new_id=new_id, max_line_bytes=max_line_bytes)


def new_home() -> tuple[CrashFS, Store]:
    """Return an empty home in memory."""
    fs = CrashFS(folders=[HOME])
    return fs, home_of(fs)


def new_thread(store: Store) -> str:
    """Return the id of a new thread."""
    with store.create_thread(cwd="/src/app", model="model-a") as thread:
        return thread.id


def legacy_home(*lines: bytes) -> tuple[CrashFS, Store]:
    """Return a home with one legacy thread that another client began, and these lines in it."""
    path = f"{HOME}/sessions/2026/11/20/rollout-2026-11-20T10-00-00-{LEGACY_ID}.jsonl"
    fs = CrashFS({path: header(LEGACY_ID) + b"".join(lines)})
    return fs, home_of(fs)


def said(role: str, text: str) -> dict[str, Any]:
    """Return a message as an application hands it in."""
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def settled(model: str = "model-a", **members: Any) -> bytes:
    """Return a line with a turn's settings."""
    own = {"cwd": "/src/app", "approval_policy": "never", "sandbox_policy": {"type": "read-only"}}
    return line("turn_context", {**own, "model": model, **members})


def asked(text: str) -> bytes:
    """Return a line with a user's message."""
    return message("user", text)


def rollouts_of(fs: CrashFS, thread_id: str) -> list[str]:
    """Return the paths of a thread's rollouts, oldest name first."""
    return sorted(path for path in fs.files() if f"-{thread_id}" in path and path.endswith(".jsonl"))


def content_of(fs: CrashFS, thread_id: str) -> bytes:
    """Return the bytes of a thread's newest rollout."""
    return fs.files()[rollouts_of(fs, thread_id)[-1]]


def lines_of(content: bytes) -> list[dict[str, Any]]:
    """Return lines as objects."""
    assert not content or content.endswith(b"\n")
    return [json.loads(each) for each in content.splitlines()]


def kinds_of(content: bytes) -> list[str]:
    """Return what each line is: its event, or else its record type."""
    return [
        each["payload"]["type"] if each["type"] == "event_msg" else each["type"] for each in lines_of(content)
    ]


def check_whole(content: bytes, *, covered_from: int = 0) -> int:
    """Check ordinals and the chain of seals of a rollout; return how many seals there are.

    Ordinals count up by one from whatever the first is; a legacy rollout has none.
    """
    ordinals = [each["ordinal"] for each in lines_of(content) if "ordinal" in each]
    assert ordinals == list(range(ordinals[0], ordinals[0] + len(ordinals))) if ordinals else True
    found = 0
    for seal in _SEAL.finditer(content):
        assert int(seal.group(1)) == covered_from
        digest = blake3(content[covered_from : seal.start()]).digest()
        assert urlsafe_b64encode(digest).rstrip(b"=") == seal.group(2)
        covered_from = seal.start()
        found += 1
    return found


def texts_of(thread: Thread) -> list[str]:
    """Return the texts of the model's history, oldest first."""
    items = json.loads(thread.context().input_json())
    return [part["text"] for item in items for part in item.get("content", [])]
