"""What is compared: a store that keeps one long thread, forks of it, and many short threads.

Every subject gives back what it was given, in its own types; how much it does in one call, and
how durably, it says in `note`.
"""

import json
import mmap
import time
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

ITEMS_A_TURN = 6
PAGE = 50
Item = dict[str, Any]


class Subject(Protocol):
    """A store in a folder of its own, with a thread that everything is done to; made from the folder."""

    note: str
    lacks: Mapping[str, str] = MappingProxyType({})
    """Works that it has no call for, or none that ends, with the reason."""
    lost_at_head: int = 0
    """How many turns a fork at the head leaves out."""

    most_threads: int = 10_000
    """How many short threads can be made while somebody waits."""

    def open(self) -> None:
        """Open the thread, made when there is none."""

    def fill(self, turns: list[list[Item]]) -> None:
        """Add turns as fast as it can, whatever that means for their durability."""

    def prepare(self, items: list[Item]) -> Any:
        """Turn items into what `append` takes; not timed."""
        return items

    def append(self, prepared: Any) -> None:
        """Add a turn to the thread, durable on return."""

    def resume(self) -> Any:
        """Return the whole history, as objects."""

    def resume_json(self) -> bytes:
        """Return the whole history as a JSON array, where that is how it is kept."""

    def newest(self) -> Any:
        """Return the newest page of turns."""

    def aim(self, first: int) -> str:
        """Return where `middle` and `fork` find turn `first`; not timed."""
        return str(first)

    def middle(self, place: str) -> Any:
        """Return a page of turns from a place on."""

    def fork(self, place: str | None) -> str:
        """Return a new thread with all turns, or those before a place."""

    def of_fork(self, fork: str) -> Any:
        """Return the whole history of a fork; not timed."""

    def texts(self, found: Any) -> list[str]:
        """Return the texts of what was read, oldest first; not timed."""
        return [text_of(item) for item in found]

    def resumed(self, texts: list[str]) -> list[str]:
        """Return those texts of the whole history that a resume is to give."""
        return texts

    def add_threads(self, threads: list[list[Item]]) -> None:
        """Add threads of one turn, each newer than those before; not timed."""

    def list_newest(self) -> list[str]:
        """Return the titles of the newest page of threads."""

    def close(self) -> None:
        """End."""


def text_of(item: Item) -> str:
    """Return an item's text: what was said, the arguments of a call, or its output."""
    if item["type"] == "function_call":
        return str(json.loads(item["arguments"])["cmd"])
    return str(item["output"] if item["type"] == "function_call_output" else item["content"][0]["text"])


def title_of(items: list[Item]) -> str:
    """Return what a listing shows of a thread that begins with these items: a line of its request."""
    return text_of(items[0]).partition("\n")[0].strip()[:100]


class Turns:
    """Turns by number, as JSON, from a file that all subjects are given."""

    def __init__(self, path: Path) -> None:
        """Use the file that `write_turns` left."""
        self._starts = array("Q", path.with_suffix(".starts").read_bytes())
        with path.open("rb") as file:
            self._lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __getitem__(self, number: int) -> bytes:
        """Return the items of a turn as a JSON array."""
        return self._lines[self._starts[number] : self._starts[number + 1]]


def write_turns(path: Path, count: int, line_of: Callable[[int], bytes]) -> Path:
    """Write so many turns for `Turns`, unless they are there; return their path."""
    starts = path.with_suffix(".starts")
    if not starts.exists():
        at = array("Q", [0])
        with path.open("wb") as file:
            for number in range(count):
                file.write(line_of(number))
                at.append(file.tell())
        starts.write_bytes(at.tobytes())
    return path


class Limit:
    """A number of seconds that something may take."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Count from now, by a clock."""
        self._clock = clock
        self._end = clock() + seconds

    @property
    def is_over(self) -> bool:
        """Whether they have passed."""
        return self._clock() > self._end
