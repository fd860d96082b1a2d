"""Generated threads: the records of a long piece of agent work, from a seed and a shape.

    size_bytes = write_thread(path, Shape(turns=4000))

A compaction follows every `interval` turns, counted so that exactly `suffix_turns` turns stand
behind the last one. Equal shapes give equal bytes on every machine.
"""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from benchmark import items, records
from benchmark.compaction import Kept, compacted
from benchmark.records import JsonObject
from benchmark.texts import Texts

_FIRST_MS = 1_772_442_000_000  # 2026-03-02T09:00:00Z
_PATIENCE_MS = 40_000
_WRITE_BYTES = 1 << 20


@dataclass(frozen=True)
class Shape:
    """What a generated thread looks like; sizes of texts are means, in characters."""

    turns: int
    mode: str = "paginated"
    interval: int = 200
    suffix_turns: int = 199
    kept_tokens: int = 20_000
    call_likelihood: float = 0.5
    output_size: int = 1500
    request_size: int = 400
    answer_size: int = 400
    blob_size: int = 640
    summary_size: int = 2500
    seed: int = 20_260_302

    @property
    def thread_id(self) -> str:
        """The id of the thread, different for every seed and mode."""
        return Texts(self.seed + len(self.mode)).uuid(_FIRST_MS)

    @property
    def file_name(self) -> str:
        """The rollout's path below a home."""
        return f"sessions/2026/03/02/rollout-2026-03-02T09-00-00-{self.thread_id}.jsonl"

    @property
    def is_paginated(self) -> bool:
        """Whether lines carry ordinals and compactions happen."""
        return self.mode == "paginated"


def write_thread(path: Path, shape: Shape) -> int:
    """Write the rollout of `shape` to `path`; return its size in bytes."""
    with path.open("wb") as file:
        _Writer(file, shape).run()
    return path.stat().st_size


class _Writer:
    """One thread being written: where its counters stand."""

    def __init__(self, file: BinaryIO, shape: Shape) -> None:
        self._file = file
        self._shape = shape
        self._texts = Texts(shape.seed)
        self._thread_id = shape.thread_id
        self._at_ms = _FIRST_MS
        self._ordinal = 0
        self._sequence = 0
        self._responses = 0
        self._kept = Kept(shape.kept_tokens)
        self._windows = [self._uuid(), self._uuid()]
        self._pending = bytearray()

    def run(self) -> None:
        """Write everything."""
        shape = self._shape
        stamp = _stamp(self._at_ms)
        self._add("session_meta", records.header(self._thread_id, stamp, shape.mode, self._windows[0]))
        for turn in range(shape.turns):
            self._turn(is_first=turn == 0)
            left = shape.turns - turn - 1 - shape.suffix_turns
            if shape.is_paginated and left >= 0 and left % shape.interval == 0:
                self._compact()
        self._file.write(self._pending)

    def _turn(self, *, is_first: bool) -> None:
        texts, turn_id, started_ms = self._texts, self._uuid(), self._at_ms
        self._event(records.task_started(turn_id, started_ms))
        if is_first:
            self._item(self._environment(turn_id))
            self._add("world_state", records.world_state())
        self._add("turn_context", records.turn_context(turn_id))
        if is_first:
            self._event(records.settings_applied(self._thread_id))
        request = texts.request(self._shape.request_size)
        message = items.user_message(f"msg_{self._uuid()}", turn_id, self._at_ms, request)
        self._kept.add_request(message, self._item(message, is_said=True), request, turn_id)
        self._show(turn_id, items.shown_request(self._uuid(), request), items.legacy_request(request))
        thought = texts.answer(150)
        item_id = f"rs_{self._responses:06d}"
        self._show(turn_id, items.shown_reasoning(item_id, thought), items.legacy_reasoning(thought))
        self._item(items.reasoning(item_id, turn_id, thought, texts.blob(self._shape.blob_size)))
        of_turn = 1
        if texts.chance(self._shape.call_likelihood):
            self._call(turn_id)
            of_turn = 2
        answer = texts.answer(self._shape.answer_size)
        item_id = f"msg_{self._responses:06d}"
        self._show(turn_id, items.shown_answer(item_id, answer), items.legacy_answer(answer))
        metadata = self._item(items.assistant_message(item_id, turn_id, answer), is_said=True)
        self._kept.add_answer(item_id, metadata, answer, turn_id)
        self._responded(turn_id, of_turn)
        self._event(records.task_complete(turn_id, started_ms, self._at_ms, answer))
        self._at_ms += _PATIENCE_MS

    def _call(self, turn_id: str) -> None:
        """Write a tool call, the response that made it, and its output."""
        command, printed = self._texts.command(), self._texts.output(self._shape.output_size)
        call_id = f"call_{self._responses:06d}"
        self._item(items.call(f"fc_{self._responses:06d}", turn_id, call_id, command))
        usage = records.usage_record(self._thread_id, turn_id, self._responses + 1, 1)
        self._add("token_usage_record", usage)
        if self._shape.is_paginated:
            self._show(turn_id, items.shown_command(call_id, command, printed))
        self._item(items.output(f"fco_{self._uuid()}", turn_id, self._at_ms, call_id, printed))
        self._responses += 1
        self._event(records.token_count(self._responses))

    def _compact(self) -> None:
        """Write a compaction turn, in the order of the reference client."""
        turn_id, started_ms = self._uuid(), self._at_ms
        opened = records.task_started(turn_id, started_ms)
        attribution = opened.pop("turn_attribution")
        self._event(opened)
        self._event(records.token_count(self._responses))
        summary = self._texts.answer(self._shape.summary_size)
        item_id = f"msg_{self._responses:06d}"
        self._item(items.assistant_message(item_id, turn_id, summary))
        usage = self._responded(turn_id, 1)
        self._windows.append(self._uuid())
        closing = items.user_message(
            f"msg_{self._uuid()}", turn_id, self._at_ms, summary, "compaction.summary"
        )
        added = [self._environment(turn_id), closing]
        number = len(self._windows) - 2
        windows = {
            "window_number": number,
            "first_window_id": self._windows[0],
            "previous_window_id": self._windows[-2] if number > 1 else self._windows[0],
            "window_id": self._windows[-1],
            "compaction_response_id": usage["response_id"],
        }
        self._add("compacted", compacted(self._kept, summary, added, windows, usage, attribution))
        self._add("world_state", records.world_state())
        self._add("turn_context", records.turn_context(turn_id))
        self._event(records.settings_applied(self._thread_id))
        self._event(records.token_count(self._responses))
        self._show(turn_id, {"type": "ContextCompaction", "id": self._uuid()})
        self._event(records.task_complete(turn_id, started_ms, self._at_ms, None))

    def _environment(self, turn_id: str) -> JsonObject:
        item_id = f"msg_{self._uuid()}"
        return items.user_message(
            item_id, turn_id, self._at_ms, records.ENVIRONMENT, "environments.environment_context"
        )

    def _responded(self, turn_id: str, of_turn: int) -> JsonObject:
        self._responses += 1
        usage = records.usage_record(self._thread_id, turn_id, self._responses, of_turn)
        self._add("token_usage_record", usage)
        self._event(records.token_count(self._responses))
        return usage

    def _show(self, turn_id: str, item: JsonObject, legacy: JsonObject | None = None) -> None:
        if self._shape.is_paginated:
            self._event(items.completed(self._thread_id, turn_id, self._at_ms, item))
        elif legacy is not None:
            self._event(legacy)

    def _event(self, payload: JsonObject) -> None:
        self._add("event_msg", payload)

    def _item(self, payload: JsonObject, *, is_said: bool = False) -> JsonObject:
        """Write an item with its metadata; return the metadata."""
        self._sequence += 1
        metadata: JsonObject = {
            "history_sequence": self._sequence,
            "sampled_through_sequence": self._sequence - 1,
        }
        if is_said:
            source = {
                "message_id": payload["id"],
                "turn_id": payload[records.PASSTHROUGH]["turn_id"],
                "role": payload["role"],
            }
            revision = f"retained_{self._uuid()}"
            metadata["retained_source"] = {"id": source, "revision": revision, "complete": True}
        metadata |= {"client_authored": False, "user_input_order": self._sequence // 2}
        self._add("response_item", payload, metadata)
        return metadata

    def _add(self, type_: str, payload: JsonObject, metadata: JsonObject | None = None) -> None:
        self._at_ms += 7
        line: JsonObject = {"timestamp": _stamp(self._at_ms)}
        if self._shape.is_paginated:
            line["ordinal"] = self._ordinal
        line |= {"type": type_, "payload": payload}
        if metadata is not None:
            line["metadata"] = metadata
        self._ordinal += 1
        self._pending += json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()
        self._pending += b"\n"
        if len(self._pending) > _WRITE_BYTES:
            self._file.write(self._pending)
            self._pending.clear()

    def _uuid(self) -> str:
        return self._texts.uuid(self._at_ms)


def _stamp(at_ms: int) -> str:
    at = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
