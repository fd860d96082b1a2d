"""Archives of many small threads: what a catalog is made from. The same bytes at every call."""

import json
import os
import time
from pathlib import Path

from benchmark.records import MODEL, header
from benchmark.texts import Texts

_FIRST_SECOND = 1_761_955_200
"""2025-11-01 in UTC."""
_STEP_SECONDS = 97
_FOLDERS = 40
SOURCES = ("cli", "vscode", "exec")
PROVIDERS = ("openai", "openai", "other")


def write_archive(home: Path, threads: int, seed: int = 1) -> None:
    """Write so many threads of one turn, each changed last at its own time."""
    texts = Texts(seed)
    for number in range(threads):
        second = _FIRST_SECOND + number * _STEP_SECONDS
        path, content = small_thread(texts, number, second)
        target = home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        os.utime(target, (second, second))


def small_thread(texts: Texts, number: int, second: int) -> tuple[str, bytes]:
    """Return the path and the bytes of one small thread."""
    day = time.strftime("%Y/%m/%d", time.gmtime(second))
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    at, thread_id, turn_id = f"{stamp}.000Z", texts.uuid(second * 1000), texts.uuid(second * 1000)
    meta = header(thread_id, at, "paginated", texts.uuid(second * 1000)) | {
        "cwd": f"/home/dev/project-{number % _FOLDERS}",
        "source": SOURCES[number % len(SOURCES)],
        "model_provider": PROVIDERS[number % len(PROVIDERS)],
    }
    asked, said = texts.request(200), texts.answer(600)
    item = {"type": "UserMessage", "id": "1", "content": [{"type": "text", "text": asked}]}
    answer = {"type": "AgentMessage", "id": "2", "content": [{"type": "Text", "text": said}]}
    shown = {"type": "item_completed", "thread_id": thread_id, "turn_id": turn_id}
    payloads = [
        ("session_meta", meta),
        ("event_msg", {"type": "task_started", "turn_id": turn_id, "started_at": second}),
        ("turn_context", {"turn_id": turn_id, "cwd": meta["cwd"], "model": MODEL}),
        ("response_item", _message("user", "input_text", asked)),
        ("event_msg", shown | {"item": item}),
        ("event_msg", shown | {"item": answer}),
        ("response_item", _message("assistant", "output_text", said)),
        ("event_msg", {"type": "task_complete", "turn_id": turn_id, "completed_at": second}),
    ]
    lines = [
        json.dumps(
            {"timestamp": at, "ordinal": ordinal, "type": type_, "payload": payload}, separators=(",", ":")
        )
        for ordinal, (type_, payload) in enumerate(payloads)
    ]
    name = f"rollout-{stamp.replace(':', '-')}-{thread_id}.jsonl"
    return f"sessions/{day}/{name}", ("\n".join(lines) + "\n").encode()


def _message(role: str, kind: str, text: str) -> dict[str, object]:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
