"""One subject, in a process of its own: what it took for each piece of work, and whether it was right.

    python -m benchmark.peers_worker SUBJECT FOLDER TURNS serve   commands on standard input, one a line
    python -m benchmark.peers_worker SUBJECT FOLDER TURNS once WORK [PLACE]

TURNS is the file that `peers_subject.write_turns` left. Imports nothing that its subject does not
need: what a process takes for one piece of work is measured, too.
"""

import gc
import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from benchmark.peers_subject import PAGE, Limit, Subject, Turns, text_of, title_of

SUBJECTS = {
    "rollout": ("peers_rollout", "Rollout"),
    "rollout compacted": ("peers_rollout", "Compacted"),
    "sqlite": ("peers_sqlite", "HandMade"),
    "lines": ("peers_lines", "Lines"),
    "agents": ("peers_agents", "Plain"),
    "agents advanced": ("peers_agents", "Advanced"),
    "langgraph": ("peers_langgraph", "Graph"),
    "adk": ("peers_adk", "Service"),
    "agentfs": ("peers_agentfs", "Files"),
}
_MS = 1e3
_KIB = 1024
_BATCH = 200
Answer = dict[str, Any]


def make_subject(name: str, folder: Path) -> Subject:
    """Return the subject of that name, over a folder."""
    module, kind = SUBJECTS[name]
    subject: Subject = getattr(importlib.import_module(f"benchmark.{module}"), kind)(folder)
    return subject


class Worker:
    """A subject that is open, the turns that it was given, and those that it will be."""

    def __init__(self, subject: Subject, turns: Turns) -> None:
        """Open the subject, whose folder is new."""
        self._subject = subject
        self._turns = turns
        self._count = 0
        self._threads = 0
        subject.open()

    def do(self, command: Answer) -> Answer:
        """Do as a command says."""
        match command["do"]:
            case "fill":
                return self._fill(command["turns"], command["seconds"])
            case "aim":
                return {"place": self._subject.aim(command["first"])}
            case "add threads":
                self._threads = command["threads"]
                self._subject.add_threads([self._thread(number) for number in range(self._threads)])
                return {}
            case "fork many":
                return self._fork_many(command["forks"], command["seconds"])
            case "about":
                subject = self._subject
                most = subject.most_threads
                return {"note": subject.note, "lacks": dict(subject.lacks), "most_threads": most}
            case work:
                return self._time(work, command)

    def _items(self, number: int) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(self._turns[number])
        return items

    def _thread(self, number: int) -> list[dict[str, Any]]:
        items = self._items(number)
        return [items[0], items[-1]]

    def _fill(self, turns: int, seconds: float) -> Answer:
        limit = Limit(seconds, time.process_time)  # who else uses the machine is not held against it
        while self._count < turns and not limit.is_over:
            end = min(turns, self._count + _BATCH)
            self._subject.fill([self._items(number) for number in range(self._count, end)])
            self._count = end
        self._subject.close()
        self._subject.open()
        return {"turns": self._count}

    def _time(self, work: str, command: Answer) -> Answer:
        times: list[float] = []
        used: list[float] = []
        written: list[int] = []
        found = None
        for _ in range(command.get("times", 1)):
            arguments: list[Any] = [command["place"]] if "place" in command else []
            if work == "append":
                arguments = [self._subject.prepare(self._items(self._count))]
            elif work == "fork head":
                arguments = [None]
            call = getattr(self._subject, "fork" if work.startswith("fork") else work)
            found = None
            gc.collect()
            before, cpu_begin, begin = bytes_written(), time.process_time(), time.perf_counter()
            found = call(*arguments)
            end, cpu_end = time.perf_counter(), time.process_time()
            times.append((end - begin) * _MS)
            used.append((cpu_end - cpu_begin) * _MS)
            written.append(bytes_written() - before)
            self._count += work == "append"
        wrong = self._find_wrong(work, command, found) if command.get("is_checked") else ""
        return {"ms": times, "cpu_ms": used, "bytes": written, "wrong": wrong}

    def _find_wrong(self, work: str, command: Answer, found: Any) -> str:
        if work == "append":
            found, work = self._subject.newest(), "newest"
        if work == "list_newest":
            numbers = range(self._threads - 1, max(-1, self._threads - 1 - PAGE), -1)
            expected = [title_of(self._thread(number)) for number in numbers]
            return _difference(expected, found[: len(expected)])  # the long thread is the oldest
        first, end = 0, self._count
        if work == "newest":
            first = max(0, self._count - PAGE)
        elif work == "middle":
            first, end = command["first"], min(command["first"] + PAGE, self._count)
        elif work.startswith("fork"):
            end = command["first"] if "place" in command else self._count - self._subject.lost_at_head
            found = self._subject.of_fork(found)
        expected = [text_of(item) for number in range(first, end) for item in self._items(number)]
        if work == "resume_json":
            found = json.loads(found)
        if work.startswith("resume"):
            expected = self._subject.resumed(expected)
        return _difference(expected, self._subject.texts(found))

    def _fork_many(self, forks: int, seconds: float) -> Answer:
        limit = Limit(seconds)
        times: list[float] = []
        while len(times) < forks and not limit.is_over:
            begin = time.perf_counter()
            self._subject.fork(None)
            times.append((time.perf_counter() - begin) * _MS)
        return {"ms": times}

    def close(self) -> None:
        """Close the subject."""
        self._subject.close()


def _difference(expected: list[str], found: list[str]) -> str:
    if expected == found:
        return ""
    at = next(
        (n for n, (one, other) in enumerate(zip(expected, found, strict=False)) if one != other), "the end"
    )
    return f"read {len(found)} texts, {len(expected)} were written; they differ at {at}"


def bytes_written() -> int:
    """Return how much this process has handed to the system so far; 0 where it does not tell."""
    counts = Path("/proc/self/io")
    return int(counts.read_text().split("wchar: ")[1].split()[0]) if counts.exists() else 0


def _peak_bytes() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Not ru_maxrss: a new process begins with the peak of the one that started it.
    return int(status.read_text().split("VmHWM:")[1].split()[0]) * _KIB


def main() -> None:
    """Serve commands, or do one piece of work."""
    name, folder, turns, how, *rest = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a peer prints is no answer
    subject = make_subject(name, Path(folder))
    if how == "once":
        work, *place = rest
        subject.open()
        arguments: list[str | None] = [*place] if place or work != "fork" else [None]
        getattr(subject, work)(*arguments)
        print(json.dumps({"peak_bytes": _peak_bytes()}), file=answers, flush=True)
        os._exit(0)  # what a peer does at its end is not asked for
    worker = Worker(subject, Turns(Path(turns)))
    for line in sys.stdin:
        print(json.dumps(worker.do(json.loads(line))), file=answers, flush=True)
    worker.close()


if __name__ == "__main__":
    main()
