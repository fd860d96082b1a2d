"""A comparison of contenders: stages, each a piece of work for all of them in rounds, and the rows of it.

A stage starts a process a contender. A contender that fails, or is too slow for a stage, has a row that
says so, and the others go on.
"""

import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmark.peers_process import (
    Answer,
    Contender,
    Process,
    SubjectFailed,
    count_syncs,
    disk_bytes,
    run_once,
)
from benchmark.timed import TimedRow

Say = Callable[[str], None]
OUR_TITLE = "this project"
OURS = "rollout"
_OFTEN_MS, _SELDOM_MS = 20.0, 2_000.0
_OFTEN = {"append": 10}
_SEVERAL = 3
_MOST_STARTS = 3
_MS = 1e3
_WORKS = {
    "append": "append a turn",
    "resume": "resume, as objects",
    "resume_json": "resume, as JSON for a model",
    "newest": "newest 50 turns",
    "middle": "50 turns in the middle",
    "fork head": "fork at the head",
    "fork middle": "fork in the middle",
}
_JSON_KEEPERS = (OURS, "rollout compacted", "sqlite", "lines")
_COMPACTED_WORKS = ("resume", "resume_json")


@dataclass(frozen=True)
class Plan:
    """How much is compared: turns of the long thread, forks of one parent, threads of a listing; limits."""

    depths: tuple[int, ...]
    forks: int
    threads: tuple[int, ...]
    rounds: int
    fill_seconds: float
    forks_seconds: float
    is_quick: bool = False
    """Whether those with an environment of their own do only the long thread: they take seconds to start."""


class _Rows:
    """The rows of a piece of work, by contender; ratios go against our own."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._rows: dict[str, TimedRow] = {}

    def of(self, contender: Contender) -> TimedRow:
        if contender.name not in self._rows:
            peer = None if contender.name == OURS else f"{self._group}: {OUR_TITLE}"
            self._rows[contender.name] = TimedRow(contender.title, group=self._group, peer=peer)
        return self._rows[contender.name]

    def __iter__(self) -> Iterator[TimedRow]:
        return iter(self._rows.values())


class Comparison:
    """One run: where its folders are, and who takes part."""

    def __init__(
        self, folder: Path, turns: Path, plan: Plan, contenders: Sequence[Contender], say: Say
    ) -> None:
        """Work in `folder`, with the turns that a file holds."""
        self._folder = folder
        self._plan = plan
        self._contenders = contenders
        self._say = say
        self._order = random.Random(0)
        self._syncs: dict[str, dict[str, float]] = {}
        self._turns = turns

    def run(self) -> Iterator[TimedRow]:
        """Yield the rows of all stages."""
        self._count_syncs()
        yield from self._fresh_rows()
        for depth in self._plan.depths:
            yield from self._depth_rows(depth)
        for threads in self._plan.threads:
            yield from self._list_rows(threads)

    def _shuffled(self, contenders: Sequence[Contender]) -> list[Contender]:
        return self._order.sample(list(contenders), len(contenders))

    def _home(self, stage: str, contender: Contender) -> Path:
        home = self._folder / stage / contender.name.replace(" ", "-")
        home.mkdir(parents=True, exist_ok=True)
        return home

    def _start(self, stage: str, contender: Contender) -> Process:
        home = self._home(stage, contender)
        return Process(contender.command(home, self._turns, "serve"), home / "errors")

    def _count_syncs(self) -> None:
        self._say("syncs of a turn and of a fork")
        for contender in self._full():
            home = self._home("syncs", contender)
            try:
                works = [("append", 10), ("fork head", 5)]
                self._syncs[contender.name] = count_syncs(contender, home, self._turns, works)
            except SubjectFailed as failed:
                self._say(f"  {contender.title}: {failed}")

    def _full(self) -> list[Contender]:
        """Return those who do everything there is time for; the compacted thread is only resumed."""
        return [
            one
            for one in self._contenders
            if one.name != "rollout compacted" and (one.is_own or not self._plan.is_quick)
        ]

    def _fresh_rows(self) -> Iterator[TimedRow]:
        rows = _Rows("append a turn, fresh thread")
        self._say("a fresh thread")
        with ExitStack() as running:
            processes = {one.name: running.enter_context(self._start("fresh", one)) for one in self._full()}
            self._rounds(rows, "append", self._full(), processes, {}, 0)
        yield from rows

    def _depth_rows(self, depth: int) -> Iterator[TimedRow]:
        groups = {work: _Rows(f"{title}, behind {depth:,} turns") for work, title in _WORKS.items()}
        disk = _Rows(f"disk, {depth:,} turns")
        whole = _Rows(f"whole process that resumes, {depth:,} turns")
        many = _Rows(f"many forks, each, of {depth:,} turns")
        stage, places = f"behind-{depth}", {}
        with ExitStack() as running:
            started = {one.name: running.enter_context(self._start(stage, one)) for one in self._contenders}
            processes = {}
            for one in self._contenders:
                self._say(f"filling: {one.title}, {depth:,} turns")
                process = started[one.name]
                try:
                    reached = process.ask("fill", turns=depth, seconds=self._plan.fill_seconds)["turns"]
                    if reached == depth:
                        places[one.name] = process.ask("aim", first=depth // 2)["place"]
                except SubjectFailed as failed:
                    _note(groups["append"].of(one), f"FAILED: {failed}")
                    continue
                if reached < depth:
                    spent = f"{self._plan.fill_seconds:.0f} s of processor time"
                    reason = f"stopped after {spent}, behind {reached:,} turns"
                    _note(groups["append"].of(one), reason)
                    self._say(f"  {one.title}: {reason}")
                    continue
                processes[one.name] = process
                length, room = disk_bytes(self._home(stage, one))
                disk.of(one).bytes_written = length
                _note(disk.of(one), f"{room:,} with the room that files are given")
            there = [one for one in self._contenders if one.name in processes]
            for work, rows in groups.items():
                self._say(f"{_WORKS[work]}, behind {depth:,} turns")
                takers = [one for one in there if _takes_part(one, work)]
                self._rounds(rows, work, takers, processes, places, depth // 2)
        self._say(f"whole processes, {depth:,} turns")
        warm_ups = 0 if self._plan.is_quick else 1
        for number in range(min(self._plan.rounds, _MOST_STARTS) + warm_ups):
            for one in self._shuffled(there):
                self._once(whole, stage, one, is_warm_up=number < warm_ups)
        for one in there:
            groups["resume"].of(one).peak_bytes = whole.of(one).peak_bytes
        if depth == self._plan.depths[0]:
            for one in [] if self._plan.is_quick else there:
                for work in ("newest", "middle", "fork"):
                    if _takes_part(one, work):
                        key = "fork head" if work == "fork" else work
                        place = [places[one.name]] if work == "middle" else []
                        self._peak(groups[key].of(one), stage, one, work, place)
            for one in there:
                if one in self._full():
                    single_ms = groups["fork head"].of(one).processor_ms
                    self._many_forks(many.of(one), stage, one, max(single_ms, default=0.0))
        for rows in (*groups.values(), whole, many, disk):
            yield from rows

    def _rounds(
        self,
        rows: _Rows,
        work: str,
        takers: Sequence[Contender],
        processes: dict[str, Process],
        places: dict[str, str],
        first: int,
    ) -> None:
        """Time a piece of work: once to warm up, with what was read checked, then in every round."""
        left, command = {}, {}
        for one in takers:
            process, row = processes[one.name], rows.of(one)
            command[one.name] = {"place": places[one.name], "first": first} if work.endswith("middle") else {}
            try:
                about = process.ask("about")
                reason = about["lacks"].get(work)
                if work == "append":
                    _note(row, about["note"])
                if reason is not None:
                    _note(row, f"not done: {reason}")
                    continue
                warm = process.ask(work, is_checked=True, **command[one.name])
            except SubjectFailed as failed:
                _note(row, f"FAILED: {failed}")
                self._say(f"  {one.title}: {failed}")
                continue
            if warm["wrong"]:
                _note(row, f"WRONG: {warm['wrong']}")
            row.syncs = self._syncs.get(one.name, {}).get("fork head" if work.startswith("fork") else work)
            took_ms = warm["cpu_ms"][0]  # by the clock, neighbours would have a say in how often
            if took_ms > _SELDOM_MS:
                _take(row, warm)
            else:
                left[one.name] = _OFTEN.get(work, _SEVERAL) if took_ms < _OFTEN_MS else 1
        for _ in range(self._plan.rounds):
            for one in self._shuffled([one for one in takers if one.name in left]):
                try:
                    _take(
                        rows.of(one), processes[one.name].ask(work, times=left[one.name], **command[one.name])
                    )
                except SubjectFailed as failed:
                    _note(rows.of(one), f"FAILED: {failed}")
                    del left[one.name]

    def _once(self, rows: _Rows, stage: str, one: Contender, *, is_warm_up: bool) -> None:
        row = rows.of(one)
        try:
            found = run_once(one, self._home(stage, one), self._turns, "resume")
        except SubjectFailed as failed:
            _note(row, f"FAILED: {failed}")
            return
        if not is_warm_up:
            row.samples_ms.append(found.ms)
            row.processor_ms.append(found.processor_ms)
            row.peak_bytes = max(row.peak_bytes or 0, found.peak_bytes)

    def _peak(self, row: TimedRow, stage: str, one: Contender, work: str, place: list[str]) -> None:
        try:
            found = run_once(one, self._home(stage, one), self._turns, work, *place)
        except SubjectFailed as failed:
            _note(row, f"no peak: {failed}")
            return
        row.peak_bytes = found.peak_bytes

    def _many_forks(self, row: TimedRow, stage: str, one: Contender, single_ms: float) -> None:
        if single_ms > _SELDOM_MS:
            _note(row, f"not done: one takes {single_ms / _MS:.1f} s")
            return
        self._say(f"{self._plan.forks:,} forks: {one.title}")
        try:
            with self._start(stage, one) as process:
                process.ask("fork many", forks=1, seconds=1.0)
            # What databases had put aside is where it belongs now.
            before, room_before = disk_bytes(self._home(stage, one))
            with self._start(stage, one) as process:
                found = process.ask("fork many", forks=self._plan.forks, seconds=self._plan.forks_seconds)
        except SubjectFailed as failed:
            _note(row, f"FAILED: {failed}")
            return
        after, room_after = disk_bytes(self._home(stage, one))
        row.samples_ms = found["ms"]
        count = len(row.samples_ms)
        row.bytes_written = (after - before) // count
        took = "" if count == self._plan.forks else f", stopped after {self._plan.forks_seconds:.0f} s"
        _note(
            row, f"{count:,} forks{took}; {after - before:,} bytes, {room_after - room_before:,} of the disk"
        )

    def _list_rows(self, threads: int) -> Iterator[TimedRow]:
        rows = _Rows(f"newest 50 of {threads:,} threads")
        with ExitStack() as running:
            started = {
                one.name: running.enter_context(self._start(f"list-{threads}", one)) for one in self._full()
            }
            processes, takers = {}, []
            for one in self._full():
                self._say(f"{threads:,} threads: {one.title}")
                process = started[one.name]
                try:
                    about = process.ask("about")
                    reason = about["lacks"].get("list_newest")
                    if reason is None and threads > about["most_threads"]:
                        reason = f"takes too long to make more than {about['most_threads']:,}"
                    if reason is not None:
                        _note(rows.of(one), f"not done: {reason}")
                        continue
                    process.ask("add threads", threads=threads)
                except SubjectFailed as failed:
                    _note(rows.of(one), f"FAILED: {failed}")
                    continue
                processes[one.name] = process
                takers.append(one)
            self._rounds(rows, "list_newest", takers, processes, {}, 0)
        yield from rows


def _takes_part(one: Contender, work: str) -> bool:
    if work == "resume_json":
        return one.name in _JSON_KEEPERS
    return one.name != "rollout compacted" or work in _COMPACTED_WORKS


def _take(row: TimedRow, found: Answer) -> None:
    row.samples_ms += found["ms"]
    row.processor_ms += found["cpu_ms"]
    row.bytes_written = round(statistics.median(found["bytes"]))


def _note(row: TimedRow, text: str) -> None:
    row.note = f"{row.note}; {text}" if row.note else text
