"""What checkpoints cost whoever records, and threads recorded with them for the rows of reading."""

import base64
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rollout
from benchmark.peers_recording import turn_items
from benchmark.recording import scratch_folder
from benchmark.run import Run
from benchmark.timed import TimedRow
from rollout.format.encoding import Draft
from rollout.store.checkpoints import Checkpoints

_MS = 1e3
_MB = 1e6
_IMAGE_BYTES = 300_000
"""As text, in base 64, 400 kB."""
_EVERY_NTH = 10


def record_thread(home: Path, turns: int, *, has_images: bool = False) -> Path:
    """Record a thread of so many turns of 6 kB, never compacted; return its file."""
    with rollout.open_store(str(home)) as store, store.create_thread(cwd="/work", model="m") as thread:
        path = Path(thread.files()[-1].path)
        with thread.record(durability="none") as recorder:
            for number in range(turns):
                items = turn_items(number)
                if has_images and number % _EVERY_NTH == 0:
                    items = [_image(number), *items[1:]]
                recorder.turn(items=items).complete()
    return path


def _image(number: int) -> dict[str, Any]:
    """Return a request with an inlined image."""
    pixels = base64.b64encode(random.Random(number).randbytes(_IMAGE_BYTES)).decode()
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{pixels}"}
    text = {"type": "input_text", "text": f"{number}: what is this?"}
    return {"type": "message", "role": "user", "content": [text, image]}


class _Spent:
    """What the ends of turns spent on checkpoints."""

    def __init__(self) -> None:
        self.clock_ms: list[float] = []
        self.cpu_ms: list[float] = []
        self.checkpoints = 0
        self.bytes_written = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what every recorder spends."""
        plain = Checkpoints.find_due

        def find_due(checkpoints: Checkpoints, end_offset: int) -> Draft | None:
            cpu_begin, begin = time.process_time(), time.perf_counter()
            found = plain(checkpoints, end_offset)
            end, cpu_end = time.perf_counter(), time.process_time()
            self.clock_ms.append((end - begin) * _MS)
            self.cpu_ms.append((cpu_end - cpu_begin) * _MS)
            if found is not None:
                self.checkpoints += 1
                self.bytes_written += len(found.payload)
            return found

        Checkpoints.find_due = find_due  # type: ignore[method-assign]  # a bench looks where no caller can
        try:
            yield
        finally:
            Checkpoints.find_due = plain  # type: ignore[method-assign]


def checkpoint_rows(scratch: Path, run: Run) -> Iterator[TimedRow]:
    """Yield what a turn pays for checkpoints: one row a kind of thread, one sample a turn."""
    turns = run.scale.turns
    for has_images in (False, True):
        name = f"{turns:,} turns of 6 kB" + (", an image of 400 kB in every tenth" if has_images else "")
        run.say(f"checkpoints: {name}")
        spent = _Spent()
        with scratch_folder(scratch) as home, spent.counting():
            size = record_thread(home, turns, has_images=has_images).stat().st_size
        yield _row(name, spent, turns, size)


def _row(name: str, spent: _Spent, turns: int, size: int) -> TimedRow:
    row = TimedRow(name, ("checkpoint-turn", "checkpoint-worst", "checkpoint-share"))
    row.samples_ms, row.processor_ms = spent.clock_ms, spent.cpu_ms
    row.figures["checkpoint-turn"] = sum(spent.cpu_ms) / turns
    row.figures["checkpoint-worst"] = max(spent.cpu_ms)
    row.figures["checkpoint-share"] = spent.bytes_written / size * 100
    row.bytes_written = spent.bytes_written
    row.note = f"{spent.checkpoints} checkpoints in {size / _MB:.0f} MB; budgets by processor time"
    return row
