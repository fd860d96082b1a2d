"""What recorders cost beside their turns: opening one on a long thread, and many of them at once."""

import gc
import os
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import rollout
from benchmark.data import GROWTH, LEGACY, MIXED
from benchmark.generator import Shape
from benchmark.peers_recording import turn_items
from benchmark.recording import scratch_folder
from benchmark.run import Run
from benchmark.timed import TimedRow

_MS = 1e3
_MB = 1e6
_CROWDS = (1, 8, 32)
_LONG = (replace(GROWTH, turns=78_000), replace(LEGACY, turns=78_000))
_SHORT = (MIXED, LEGACY)


def opening_rows(run: Run) -> Iterator[TimedRow]:
    """Yield the rows of opening threads of another client for writing: of 54 MB, and of 1 GB when full."""
    if run.is_quick:
        yield _opening(replace(MIXED, turns=run.scale.turns), run)
        return
    for shape in (*_SHORT, *_LONG) if run.scale.name == "full" else _SHORT:
        yield _opening(shape, run)


def _opening(shape: Shape, run: Run) -> TimedRow:
    thread = run.data.thread(shape)
    row = TimedRow(f"{shape.mode}, {thread.size_bytes / _MB:.0f} MB", ("open-writing",))
    with scratch_folder(run.data.folder) as home:
        path = home / shape.file_name
        path.parent.mkdir(parents=True)
        # Recorders leave files beside it, and nothing in it when they record nothing.
        path.hardlink_to(thread.path)
        with rollout.open_store(str(home)) as store:
            for _ in range(run.rounds + 1):
                gc.collect()
                row.time(partial(store.record, shape.thread_id)).close()
    row.note = f"the first took {row.samples_ms.pop(0):.1f} ms"
    row.processor_ms.pop(0)
    return row


@dataclass
class _Crowd:
    """Operating system threads that each do their own work again and again."""

    works: list[Callable[[int], None]]

    def turns_a_second(self, turns: int) -> float:
        """Let all of them do it `turns` times; return how often it was done in a second."""
        start = threading.Barrier(len(self.works) + 1)
        failures: list[BaseException] = []

        def run(work: Callable[[int], None]) -> None:
            start.wait()
            try:
                for number in range(turns):
                    work(number)
            except Exception as error:  # noqa: BLE001  # raised below, where somebody sees it
                failures.append(error)

        threads = [threading.Thread(target=run, args=(work,)) for work in self.works]
        for thread in threads:
            thread.start()
        start.wait()
        begin = time.perf_counter()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - begin
        if failures:
            raise failures[0]
        return turns * len(self.works) / took


def crowd_rows(scratch: Path, rounds: int, run: Run) -> list[TimedRow]:
    """Return the rows of recorders in one process, each with a thread of its own, and of bare writers."""
    return measure_crowds(scratch, _CROWDS, rounds, 16 if run.is_quick else 256)


def measure_crowds(scratch: Path, crowds: tuple[int, ...], rounds: int, turns: int) -> list[TimedRow]:
    """Return the rows of crowds of these sizes, each of which records so many turns in all."""
    samples: dict[tuple[str, int], list[float]] = {}
    items = [turn_items(number) for number in range(turns)]
    order = random.Random(0)
    with scratch_folder(scratch) as folder:
        home = folder / "home"
        home.mkdir()
        files = [
            os.open(folder / f"bare-{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for number in range(max(crowds))
        ]
        with rollout.open_store(str(home)) as store:
            recorders = []
            for _ in files:
                with store.create_thread(cwd="/work", model="m") as thread:
                    recorders.append(store.record(thread.id))
            recorders[0].turn(items=items[0]).complete()
            size = next(
                path.stat().st_size for path in home.glob("sessions/*/*/*/*") if path.stat().st_size > 9000
            )
            content = bytes(size)

            def bare(file: int) -> Callable[[int], None]:
                def write(_: int) -> None:
                    os.write(file, content)
                    os.fdatasync(file)

                return write

            def ours(recorder: rollout.Recorder) -> Callable[[int], None]:
                def record(number: int) -> None:
                    recorder.turn(items=items[number]).complete()

                return record

            kinds = {
                "bare writers": [bare(file) for file in files],
                "recorders": [ours(recorder) for recorder in recorders],
            }
            cases = [(kind, crowd) for kind in kinds for crowd in crowds]
            for _ in range(rounds):
                for kind, crowd in order.sample(cases, len(cases)):
                    share = max(4, turns // crowd)
                    rate = _Crowd(kinds[kind][:crowd]).turns_a_second(share)
                    samples.setdefault((kind, crowd), []).append(rate)
            for recorder in recorders:
                recorder.close()
        for file in files:
            os.close(file)
    return [_crowd_row(kind, crowd, rates, samples) for (kind, crowd), rates in sorted(samples.items())]


def _crowd_row(
    kind: str, crowd: int, rates: list[float], samples: dict[tuple[str, int], list[float]]
) -> TimedRow:
    rate = statistics.median(rates)
    alone = rate / statistics.median(samples[kind, 1])
    row = TimedRow(f"{crowd} {kind}, a turn of any", samples_ms=[_MS / one for one in rates])
    row.note = f"{rate:,.0f} turns a second, {alone:.2f} times those of one"
    return row
