"""What recorders cost beside their turns: opening one on a long thread, and many of them at once."""

import gc
import os
import random
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import rollout
from benchmark.data import GROWTH, LEGACY, MIXED, Data
from benchmark.generator import Shape
from benchmark.peers_recording import turn_items
from benchmark.recording import scratch_folder

_MS = 1e3
_MB = 1e6
_OPENING_BUDGET_MS = 5.0
_LONG = (replace(GROWTH, turns=78_000), replace(LEGACY, turns=78_000))
_SHORT = (MIXED, LEGACY)


def measure_openings(
    data: Data, scratch: Path, rounds: int, say: Callable[[str], None], *, is_full: bool
) -> list[dict[str, Any]]:
    """Return the rows of opening threads of another client for writing: of 54 MB, and of 1 GB when full."""
    shapes = (*_SHORT, *_LONG) if is_full else _SHORT
    rows = []
    for shape in shapes:
        say(f"opening for writing: {shape.mode}, {shape.turns} turns")
        rows.append(_opening(data, shape, scratch, rounds))
    return rows


def _opening(data: Data, shape: Shape, scratch: Path, rounds: int) -> dict[str, Any]:
    thread = data.thread(shape)
    times, cpu_times = [], []
    with scratch_folder(scratch) as home:
        path = home / shape.file_name
        path.parent.mkdir(parents=True)
        path.hardlink_to(
            thread.path
        )  # recorders leave files beside it, and nothing in it when they record nothing
        with rollout.open_store(str(home)) as store:
            for _ in range(rounds + 1):
                gc.collect()
                cpu_begin, begin = time.process_time(), time.perf_counter()
                recorder = store.record(shape.thread_id)
                end, cpu_end = time.perf_counter(), time.process_time()
                recorder.close()
                times.append((end - begin) * _MS)
                cpu_times.append((cpu_end - cpu_begin) * _MS)
    first_ms, times = times[0], sorted(times[1:])
    median_ms = statistics.median(times)
    return {
        "group": "opening for writing",
        "name": f"{shape.mode}, {thread.size_bytes / _MB:.0f} MB",
        "median_ms": median_ms,
        "min_ms": times[0],
        "max_ms": times[-1],
        "samples": len(times),
        "cpu_ms": statistics.median(cpu_times),
        "budget_ms": _OPENING_BUDGET_MS,
        "is_within": median_ms <= _OPENING_BUDGET_MS,
        "note": f"the first took {first_ms:.1f} ms",
    }


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


def measure_crowds(
    scratch: Path, crowds: tuple[int, ...], rounds: int, turns: int, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return the rows of recorders in one process, each with a thread of its own, and of bare writers."""
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
            for number in range(rounds):
                say(f"many at once: round {number + 1} of {rounds}")
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
) -> dict[str, Any]:
    rate = statistics.median(rates)
    return {
        "group": "many at once",
        "name": f"{crowd} {kind}",
        "turns_a_second": rate,
        "min_turns_a_second": min(rates),
        "max_turns_a_second": max(rates),
        "samples": len(rates),
        "times_one": rate / statistics.median(samples[kind, 1]),
        "note": "",
    }
