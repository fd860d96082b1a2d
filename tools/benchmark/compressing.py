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
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import rollout
from benchmark.data import MIXED, RIGHT_AFTER, Data, Thread
from benchmark.generator import Shape
from benchmark.timed import TimedRow
from benchmark.work import Outcome, newest_page, resume
from rollout.ids import ThreadId
from rollout.store.compressing import Compressed, apply_compressing, decompress, plan_compressing
from rollout.turns.model import ItemsView

_MB = 1e6
_MS = 1e3
_IMAGE_BYTES = 300_000
"""As text, in base 64, 400 kB."""
_RESUME_MS, _PAGE_MS = 8.0, 5.0
_MB_A_SECOND = 150
_COPIES = 4
_REPEATED_SHARE = 0.95


def run_compressing(
    data: Data, *, turns: int, rounds: int, say: Callable[[str], None], is_quick: bool
) -> list[TimedRow]:
    """Measure all rows."""
    rows: list[TimedRow] = []
    with tempfile.TemporaryDirectory(prefix="rollout-bench-") as scratch:
        for name, shape in (("right after a compaction", RIGHT_AFTER), ("just before the next one", MIXED)):
            say(f"reading: {name}")
            rows += _reading_rows(name, data.thread(replace(shape, turns=turns)), Path(scratch), rounds)
        say("packing and unpacking")
        rows += _packing_rows(data.thread(replace(MIXED, turns=turns)), Path(scratch), rounds)
        say("repeated images")
        rows += _image_rows(data.thread(replace(MIXED, turns=turns)), Path(scratch), is_quick=is_quick)
    if is_quick:
        for row in rows:
            row.budget_ms = None
    return rows


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


def _reading_rows(name: str, plain: Thread, scratch: Path, rounds: int) -> list[TimedRow]:
    folder = scratch / name.replace(" ", "-")
    sealed = _sealed(plain, folder)
    rows = []
    works: list[tuple[str, float, Callable[[Thread], Outcome]]] = [
        ("resume", _RESUME_MS, resume),
        ("newest 50 turns, summary", _PAGE_MS, partial(newest_page, view=ItemsView.SUMMARY)),
        ("newest 50 turns, full", _PAGE_MS, partial(newest_page, view=ItemsView.FULL)),
    ]
    for what, budget_ms, work in works:
        beside = TimedRow(f"{what}, {name}: plain")
        row = TimedRow(f"{what}, {name}: sealed", budget_ms)
        for _ in range(rounds):
            for one, thread in ((beside, plain), (row, sealed)):
                found = one.time(partial(work, thread))
                one.note = f"{found.bytes_read / _MB:.2f} MB read of {thread.size_bytes / _MB:.1f}"
        rows += [beside, row]
    return rows


def _packing_rows(thread: Thread, scratch: Path, rounds: int) -> Iterator[TimedRow]:
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
        budget_ms = total / _MB / _MB_A_SECOND * _MS if workers == 2 else None
        packing = TimedRow(f"compress {copies} of {size_bytes / _MB:.0f} MB, {workers} workers", budget_ms)
        unpacking = TimedRow(f"decompress one of {size_bytes / _MB:.0f} MB")
        spent_seconds = []
        for _ in range(rounds):
            begin = time.process_time()
            done = packing.time(partial(_compress, home, workers))
            spent_seconds.append(time.process_time() - begin)
            for number, one in enumerate(ids[:copies]):
                restore = partial(_decompress, home, one)
                unpacking.time(restore) if number == 0 else restore()
        packed_bytes = sum(one.packed_bytes or 0 for one in done)
        packing.bytes_written = packed_bytes
        seconds = statistics.median(packing.samples_ms) / _MS
        a_core = total / _MB / statistics.median(spent_seconds)
        packing.note = (
            f"{total / _MB / seconds:.0f} MB/s, {a_core:.0f} for each core; {total / packed_bytes:.1f}x"
        )
        yield packing
        if workers == 1:
            yield unpacking


def _image_rows(thread: Thread, scratch: Path, *, is_quick: bool) -> Iterator[TimedRow]:
    """Yield how small a log gets of which nineteen twentieths are one image, over and over."""
    repeats = 20 if is_quick else 200
    home = scratch / "images"
    path = home / Shape(turns=1).file_name
    path.parent.mkdir(parents=True)
    size_bytes = write_repeating(path, thread.path, repeats)
    row = TimedRow(f"compress {size_bytes / _MB:.0f} MB that repeat an image of 400 kB")
    (done,) = row.time(partial(_compress, home))
    row.bytes_written = done.packed_bytes
    row.note = (
        f"{size_bytes / (done.packed_bytes or 1):.1f}x, {repeats} times, {_REPEATED_SHARE:.0%} of the log"
    )
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
