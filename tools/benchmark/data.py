"""The homes that the rows read: generated when first needed, kept by what determines their bytes."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmark.generator import Shape, write_thread
from benchmark.texts import Texts

_SOURCES = ("texts.py", "records.py", "items.py", "compaction.py", "generator.py")
_FOLDERS = 100
_SCRATCH = ("growth-*", "recording-*", "rollout-bench-*", "*.draft")
_DAY_SECONDS = 86_400
_ID_LENGTH = 36
_CHECKPOINTS = 2
"""Counted up when recorded threads are to be recorded again."""
_ARCHIVES = 1
"""Counted up when archives are to be written again."""

MIXED = Shape(turns=4000)
RIGHT_AFTER = replace(MIXED, suffix_turns=0)
LEGACY = replace(MIXED, mode="legacy", call_likelihood=0.9, output_size=3100)
GROWTH = replace(MIXED, suffix_turns=20, kept_tokens=5000)


@dataclass(frozen=True)
class Thread:
    """A generated thread in a home of its own."""

    home: Path
    shape: Shape
    name: str = ""

    @property
    def path(self) -> Path:
        """Where its rollout lies: under the shape's name, unless it has another."""
        return self.home / (self.name or self.shape.file_name)

    @property
    def thread_id(self) -> str:
        """Its id, as its name ends with it."""
        return self.path.name.partition(".")[0][-_ID_LENGTH:]

    @property
    def size_bytes(self) -> int:
        """The size of its rollout."""
        return self.path.stat().st_size


class Data:
    """A folder of generated homes; a home is written once, under a name made of its content's causes."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, made when needed."""
        self.folder = folder
        own = Path(__file__).parent
        self._version = hashlib.sha256(b"".join((own / name).read_bytes() for name in _SOURCES)).hexdigest()

    def clear_leftovers(self) -> None:
        """Take away what runs that were killed more than a day ago left behind."""
        for pattern in _SCRATCH:
            for folder in self.folder.glob(pattern):
                if time.time() - folder.stat().st_mtime > _DAY_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)

    def thread(self, shape: Shape) -> Thread:
        """Return the thread of a shape."""

        def fill(home: Path) -> None:
            path = home / shape.file_name
            path.parent.mkdir(parents=True)
            write_thread(path, shape)

        return Thread(self._home(f"{shape.mode}-{shape.turns}", json.dumps(asdict(shape)), fill), shape)

    def recorded(self, turns: int) -> Thread:
        """Return a thread that our recorder made, with its checkpoints and no compaction."""

        def fill(home: Path) -> None:
            # Late: what it imports would count as memory of the rows of reading.
            from benchmark.checkpoints import record_thread

            record_thread(home, turns)

        home = self._home(f"recorded-{turns}", f"recorded {turns} {_CHECKPOINTS}", fill)
        path = next(home.glob("sessions/*/*/*/rollout-*.jsonl"))
        return Thread(home, replace(GROWTH, turns=turns), str(path.relative_to(home)))

    def legacy_beside(self, shape: Shape) -> Thread:
        """Return a thread in a home of its own, for whom a sidecar may be written and taken away."""

        def fill(home: Path) -> None:
            path = home / shape.file_name
            path.parent.mkdir(parents=True)
            path.hardlink_to(self.thread(shape).path)

        return Thread(self._home(f"beside-{shape.turns}", f"beside {json.dumps(asdict(shape))}", fill), shape)

    def archive(self, threads: int) -> Path:
        """Return a home of so many small threads."""

        def fill(home: Path) -> None:
            # Late, for the same reason.
            from benchmark.archive import write_archive

            write_archive(home, threads)

        return self._home(f"archive-{threads}", f"archive {threads} {_ARCHIVES}", fill)

    def crowd(self, shape: Shape, others: int) -> Thread:
        """Return a thread in a home with `others` more rollouts, which are empty: only names are read."""

        def fill(home: Path) -> None:
            path = home / shape.file_name
            path.parent.mkdir(parents=True)
            write_thread(path, shape)
            texts = Texts(shape.seed)
            for number in range(others):
                folder = home / "sessions" / "2025" / "11" / f"{number % _FOLDERS:02d}"
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"rollout-2025-11-01T00-00-00-{texts.uuid(number)}.jsonl").touch()

        return Thread(self._home(f"crowd-{others}", f"{others} {json.dumps(asdict(shape))}", fill), shape)

    def _home(self, name: str, cause: str, fill: Callable[[Path], None]) -> Path:
        digest = hashlib.sha256(f"{self._version} {cause}".encode()).hexdigest()[:12]
        home = self.folder / f"{name}-{digest}"
        if not home.exists():
            draft = self.folder / f"{name}-{digest}.draft"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            fill(draft)
            draft.rename(home)
        return home


def copy_home(home: Path, copy: Path) -> Path:
    """Copy a home. On the disk on return, so that no sync that is timed waits for the copy's bytes."""
    shutil.copytree(home, copy)
    os.sync()
    return copy
