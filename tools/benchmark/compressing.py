"""Compressed threads: what reading one takes beside the plain one, how fast and how small files are packed.

Homes are made for one run in a scratch folder, from the generated threads of the other rows. Reading is
measured plain and sealed in turns, so that the machine's moods hit both.
"""

import base64
import json
import random
import shutil
import statistics
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import rollout
from benchmark.data import MIXED, RIGHT_AFTER, Thread
from benchmark.generator import Shape
from benchmark.run import Part, Run, run_parts
from benchmark.timed import TimedRow
from benchmark.work import Outcome, newest_page, resume
from rollout.ids import ThreadId
from rollout.store.compressing import Compressed, apply_compressing, decompress, plan_compressing
from rollout.turns.paging import ItemsView

_MB = 1e6
_MS = 1e3
_IMAGE_BYTES = 300_000
"""As text, in base 64, 400 kB."""
_SHAPES = {"right after a compaction": RIGHT_AFTER, "just before the next one": MIXED}
_COPIES = 4
_REPEATED_SHARE = 0.95


def run_compressing(run: Run) -> list[TimedRow]:
    """Measure all rows."""
    with tempfile.TemporaryDirectory(prefix="rollout-bench-") as folder:
        scratch = Path(folder)
        parts: dict[str, Part] = {
            f"reading, {name}": partial(_reading_rows, shape, scratch / name.replace(" ", "-"))
            for name, shape in _SHAPES.items()
        }
        parts["packing"] = partial(_packing_rows, scratch)
        parts["repeated images"] = partial(_image_rows, scratch)
        return run_parts(run, parts)


def _copied(thread: Thread, home: Path) -> Thread:
    """Return a thread alone in a home of this run."""
    path = home / thread.shape.file_name
    path.parent.mkdir(parents=True)
    shutil.copyfile(thread.path, path)
    return Thread(home, thread.shape)


def _compress(home: Path, workers: int = 1) -> list[Compressed]:
    with rollout.open_store(home) as store:
        around = store.surroundings()
        return list(apply_compressing(around, plan_compressing(around, older_than_ms=0), workers=workers))


def _decompress(home: Path, thread_id: str) -> None:
    with rollout.open_store(home) as store:
        decompress(store.surroundings(), ThreadId(thread_id))


def _sealed(thread: Thread, home: Path) -> Thread:
    """Return the thread compressed, in a home of its own."""
    copied = _copied(thread, home)
    (done,) = _compress(home)
    return Thread(home, thread.shape, str(Path(done.path).relative_to(copied.home)))


def _reading_rows(shape: Shape, folder: Path, run: Run) -> Iterator[TimedRow]:
    plain = run.data.thread(replace(shape, turns=run.scale.turns))
    sealed = _sealed(plain, folder)
    works: list[tuple[str, str, Callable[[Thread], Outcome]]] = [
        ("resume", "sealed-resume", resume),
        ("newest 50 turns, summary", "sealed-page", partial(newest_page, view=ItemsView.SUMMARY)),
        ("newest 50 turns, full", "sealed-page", partial(newest_page, view=ItemsView.FULL)),
    ]
    group = next(f"reading, {name}" for name, known in _SHAPES.items() if known == shape)
    for what, budget, work in works:
        beside = TimedRow(f"{what}: plain")
        row = TimedRow(f"{what}: sealed", (budget,), peer=f"{group}: {beside.name}")
        for _ in range(run.rounds):
            for one, thread in ((beside, plain), (row, sealed)):
                one.bytes_read = one.time(partial(work, thread)).bytes_read
        yield from (beside, row)


def _packing_rows(scratch: Path, run: Run) -> Iterator[TimedRow]:
    thread = run.data.thread(replace(MIXED, turns=run.scale.turns))
    size_bytes = thread.size_bytes
    home = scratch / "packing"
    folder = home / "sessions" / "2026" / "03" / "02"
    folder.mkdir(parents=True)
    ids = [str(uuid.UUID(int=random.Random(number).getrandbits(128))) for number in range(_COPIES)]
    for copies, workers in ((1, 1), (_COPIES, 2)):
        total = copies * size_bytes
        names = [folder / f"rollout-2026-03-02T09-00-00-{one}.jsonl" for one in ids[:copies]]
        for name in names:
            shutil.copyfile(thread.path, name)
        budgets = ("sealing-speed", "sealed-size") if workers == 2 else ()
        packing = TimedRow(f"compress {copies} of {size_bytes / _MB:.0f} MB, {workers} workers", budgets)
        unpacking = TimedRow(f"decompress one of {size_bytes / _MB:.0f} MB")
        for _ in range(run.rounds):
            done = packing.time(partial(_compress, home, workers))
            for number, one in enumerate(ids[:copies]):
                restore = partial(_decompress, home, one)
                unpacking.time(restore) if number == 0 else restore()
        packing.bytes_written = sum(one.packed_bytes or 0 for one in done)
        # Workers are threads, whose processor time is the process's. Two idle cores do what one does.
        a_core = total / _MB / (statistics.median(packing.processor_ms) / _MS)
        clocked = total / _MB / (packing.median_ms / _MS)
        packing.figures["sealing-speed"] = a_core
        packing.figures["sealed-size"] = total / packing.bytes_written
        packing.note = f"{clocked:.0f} MB/s by the clock, {a_core:.0f} for each core"
        yield packing
        if workers == 1:
            yield unpacking


def _image_rows(scratch: Path, run: Run) -> Iterator[TimedRow]:
    """Yield how small a log gets of which nineteen twentieths are one image, over and over."""
    thread = run.data.thread(replace(MIXED, turns=run.scale.turns))
    repeats = 20 if run.is_quick else 200
    home = scratch / "images"
    path = home / Shape(turns=1).file_name
    path.parent.mkdir(parents=True)
    size_bytes = write_repeating(path, thread.path, repeats)
    row = TimedRow(f"compress {size_bytes / _MB:.0f} MB that repeat an image of 400 kB", ("sealed-images",))
    (done,) = row.time(partial(_compress, home))
    row.bytes_written = done.packed_bytes
    row.figures["sealed-images"] = size_bytes / (done.packed_bytes or 1)
    row.note = f"{repeats} times, {_REPEATED_SHARE:.0%} of the log"
    yield row


def write_repeating(path: Path, text_path: Path, repeats: int) -> int:
    """Write a log whose compactions repeat one image, among lines of another log; return its size."""
    image = base64.b64encode(random.Random(20_260_302).randbytes(_IMAGE_BYTES)).decode()
    part = {"type": "input_image", "image_url": f"data:image/png;base64,{image}"}
    message = {"type": "message", "role": "user", "content": [part]}
    text_bytes = int(len(image) * (1 - _REPEATED_SHARE) / _REPEATED_SHARE)
    with text_path.open("rb") as lines, path.open("wb") as out:
        out.write(lines.readline())
        for number in range(repeats):
            written = 0
            while written < text_bytes and (line := lines.readline()):
                written += out.write(line)
            payload = {"message": f"summary {number}", "replacement_history": [message]}
            record = {"timestamp": "2026-03-02T09:00:00.000Z", "type": "compacted", "payload": payload}
            out.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
    return path.stat().st_size
