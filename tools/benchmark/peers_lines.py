"""A file of JSON lines for each thread, an item a line: what is written when nothing is thought of."""

import json
import os
import shutil
from pathlib import Path

from benchmark.peers_subject import ITEMS_A_TURN, PAGE, Item, Subject, title_of


class Lines(Subject):
    """Files in a folder, named by number."""

    def __init__(self, folder: Path) -> None:
        """Keep threads in `folder`."""
        self._folder = folder / "threads"
        self.note = "a sync a turn; everything is read to get at anything; a fork is a copy"

    def open(self) -> None:
        self._folder.mkdir(exist_ok=True)
        self._main = self._folder / "main"
        self._file = self._main.open("ab")
        self._forks = len(list(self._folder.glob("fork-*")))

    def fill(self, turns: list[list[Item]]) -> None:
        for items in turns:
            self._file.write(_lines(items))
        self._file.flush()

    def append(self, prepared: list[Item]) -> None:
        self._file.write(_lines(prepared))
        self._file.flush()
        os.fsync(self._file.fileno())

    def resume(self) -> list[Item]:
        return _read(self._main)

    def resume_json(self) -> bytes:
        with self._main.open("rb") as lines:
            return b"[" + b",".join(line[:-1] for line in lines) + b"]"

    def newest(self) -> list[Item]:
        return _read(self._main)[-PAGE * ITEMS_A_TURN :]

    def middle(self, place: str) -> list[Item]:
        first = int(place) * ITEMS_A_TURN
        return _read(self._main)[first : first + PAGE * ITEMS_A_TURN]

    def fork(self, place: str | None) -> str:
        self._forks += 1
        name = f"fork-{self._forks}"
        with self._main.open("rb") as source, (self._folder / name).open("wb") as target:
            if place is None:
                shutil.copyfileobj(source, target)
            else:
                for _ in range(int(place) * ITEMS_A_TURN):
                    target.write(source.readline())
            target.flush()
            os.fsync(target.fileno())
        return name

    def of_fork(self, fork: str) -> list[Item]:
        return _read(self._folder / fork)

    def add_threads(self, threads: list[list[Item]]) -> None:
        for number, items in enumerate(threads):
            path = self._folder / f"thread-{number}"
            path.write_bytes(_lines(items))
            os.utime(path, (number, number))

    def list_newest(self) -> list[str]:
        with os.scandir(self._folder) as found:
            dated = sorted(((entry.stat().st_mtime_ns, entry.path) for entry in found), reverse=True)
        titles = []
        for _, path in dated:
            with Path(path).open("rb") as lines:
                first = lines.readline()
            if first:
                titles.append(title_of([json.loads(first)]))
            if len(titles) == PAGE:
                break
        return titles

    def close(self) -> None:
        self._file.close()


def _lines(items: list[Item]) -> bytes:
    return b"".join(
        json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for item in items
    )


def _read(path: Path) -> list[Item]:
    with path.open("rb") as lines:
        return [json.loads(line) for line in lines]
