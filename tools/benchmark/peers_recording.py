"""One thing that records turns, in a process of its own: a bare file, or our recorder.

    python -m benchmark.peers_recording SUBJECT FOLDER TURNS_BEFORE

Told turns by number on standard input, it records one after the other and answers with what each
took, one JSON object a line. Standard library only, but for what a subject imports: peers that are compared
take `turn_items` from here, in environments of their own.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from benchmark.texts import Texts

Item = dict[str, Any]
_MS = 1e3


def turn_items(number: int) -> list[Item]:
    """Return a turn: a request, two tool calls with their outputs, an answer; about 6 kB of JSON."""
    texts = Texts(number)

    def text(size: int) -> str:
        return "".join(texts.output(size) for _ in range(4))[:size]

    items: list[Item] = [_message("user", "input_text", f"{number}: {text(200)}")]
    for nth in (1, 2):
        call_id = f"call_{number}_{nth}"
        arguments = json.dumps({"cmd": texts.command()})
        items += (
            {"type": "function_call", "name": "shell", "arguments": arguments, "call_id": call_id},
            {"type": "function_call_output", "call_id": call_id, "output": text(2000)},
        )
    return [*items, _message("assistant", "output_text", text(1500)) | {"id": f"msg_{number}"}]


def encoded_turn(number: int) -> bytes:
    """Return the items of a turn as a line of JSON."""
    return json.dumps(turn_items(number), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _message(role: str, kind: str, text: str) -> Item:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


class Subject(Protocol):
    """Records turns into one thread, in a folder of its own."""

    note: str

    def prepare(self, items: list[Item]) -> Any:
        """Turn items into what `record` takes; not timed."""

    def record(self, prepared: Any) -> None:
        """Record a turn. As durable on return as this subject makes it."""

    def close(self) -> None:
        """End."""


class Bare:
    """One write and one sync of a turn's bytes: what the file system asks for, and nothing else."""

    def __init__(self, folder: Path, turn_bytes: int | None) -> None:
        """Write turns of `turn_bytes`, or of as many as the items have."""
        self.note = "os.write and os.fdatasync"
        self._file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._turn_bytes = turn_bytes

    def prepare(self, items: list[Item]) -> bytes:
        content = json.dumps(items, ensure_ascii=False, separators=(",", ":")).encode()
        return content if self._turn_bytes is None else content.ljust(self._turn_bytes)

    def record(self, prepared: bytes) -> None:
        os.write(self._file, prepared)
        os.fdatasync(self._file)

    def close(self) -> None:
        os.close(self._file)


class Ours:
    """A recorder of this project, given a turn in one write, at once, or item by item as it goes along."""

    def __init__(self, folder: Path, turns_before: int, durability: str, given: str) -> None:
        """Open the thread in `folder` for recording, made and filled first when there is none."""
        self.note = f"durability {durability}"
        self._store = _filled_store(folder, turns_before)
        self._recorder = self._store.record("recorded", durability=durability)
        self._given = given

    def prepare(self, items: list[Item]) -> list[Item]:
        return items

    def record(self, prepared: list[Item]) -> None:
        if self._given == "in one write":
            self._recorder.append_turn(items=prepared)
            return
        given = len(prepared) if self._given == "at once" else 1
        with self._recorder.turn(items=prepared[:given]) as turn:
            for item in prepared[given:]:
                turn.append(item)

    def close(self) -> None:
        self._recorder.close()
        self._store.close()


class OursWhole:
    """A store of this project, told a whole turn: opens the thread, records, reads the turn back, closes."""

    def __init__(self, folder: Path, turns_before: int, durability: str) -> None:
        """Find the thread in `folder`, made and filled first when there is none."""
        self.note = f"durability {durability}, opened and closed for the turn"
        self._durability = durability
        self._store = _filled_store(folder, turns_before)

    def prepare(self, items: list[Item]) -> list[Item]:
        return items

    def record(self, prepared: list[Item]) -> None:
        self._store.append_turn("recorded", prepared, durability=self._durability)

    def close(self) -> None:
        self._store.close()


def _filled_store(folder: Path, turns_before: int) -> Any:
    """Return the store over the home in `folder`; its one thread is made and filled when there is none."""
    import rollout

    home = folder / "home"
    is_new = not home.exists()
    home.mkdir(exist_ok=True)
    store = rollout.open_store(str(home))
    if is_new:
        with store.create_thread(cwd="/work", model="m", name="recorded") as thread:
            thread_id = thread.id
        with store.record(thread_id, durability="none") as recorder:
            for number in range(turns_before):
                recorder.turn(items=turn_items(number)).complete()
    return store


def _bytes_written() -> int | None:
    """Return how much this process has handed to the system so far; None where it does not tell."""
    counts = Path("/proc/self/io")
    return int(counts.read_text().split("wchar: ")[1].split()[0]) if counts.exists() else None


def open_subject(name: str, folder: Path, turns_before: int, turn_bytes: int | None) -> Subject:
    """Return the subject of that name, with `turns_before` turns in its thread."""
    makers: dict[str, Callable[[], Subject]] = {
        "bare items": lambda: Bare(folder, None),
        "bare lines": lambda: Bare(folder, turn_bytes),
    }
    if name in makers:
        return makers[name]()
    _, durability, given = name.split(" ", 2)
    if given == "whole":
        return OursWhole(folder, turns_before, durability)
    return Ours(folder, turns_before, durability, given)


def main() -> None:
    """Record the turns that standard input names."""
    name, folder, turns_before, turn_bytes = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a peer prints is no answer
    subject = open_subject(name, Path(folder), int(turns_before), int(turn_bytes) or None)
    syncs = _counted_syncs()
    print(json.dumps({"note": subject.note}), file=answers, flush=True)
    for line in sys.stdin:
        prepared = subject.prepare(turn_items(int(line)))
        written, synced = _bytes_written(), syncs[0]
        cpu_begin, begin = time.process_time(), time.perf_counter()
        subject.record(prepared)
        end, cpu_end = time.perf_counter(), time.process_time()
        answer = {
            "ms": (end - begin) * _MS,
            "cpu_ms": (cpu_end - cpu_begin) * _MS,
            "bytes": None if written is None else (_bytes_written() or 0) - written,
            "syncs": syncs[0] - synced,
        }
        print(json.dumps(answer), file=answers, flush=True)
    subject.close()


def _counted_syncs() -> list[int]:
    """Count from now on the syncs that go through Python, in the one number returned."""
    count = [0]

    def counted(call: Callable[[int], None]) -> Callable[[int], None]:
        def sync(descriptor: int) -> None:
            count[0] += 1
            call(descriptor)

        return sync

    os.fsync, os.fdatasync = counted(os.fsync), counted(os.fdatasync)  # type: ignore[assignment]
    return count


if __name__ == "__main__":
    main()
