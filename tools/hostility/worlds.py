"""The world that hostile clients are let into: a home of threads, and around it files that nobody may touch.

Everything that a server could take for its own, its working folder, HOME and folder for temporary files, lies
inside; it is listed before and after.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Final

import rollout
from hostility.wires import SECRET

ROOT: Final = Path(__file__).parents[2]
RECORDED: Final = ROOT / "fixtures" / "recorded"
NOBODY: Final = "01a1fc4b-0000-7000-8000-00000000ffff"
OUTSIDE: Final = "01a1fc4b-0000-7000-8000-0000000000ee"
_OWN: Final = ".rollout/"
_NEW: Final = re.compile(r"sessions/\d{4}/\d\d/\d\d/rollout-[\dT-]+-[0-9a-f-]{36}\.jsonl")
_LARGE_TURNS: Final = 60
_LARGE_CHARS: Final = 40_000


class World:
    """A folder with a home in it. `large` is a thread whose pages are megabytes, `threads` are all others."""

    def __init__(self, folder: Path, *, large_turns: int = _LARGE_TURNS) -> None:
        self.folder = folder
        self.home = folder / "home"
        shutil.copytree(RECORDED / "paginated", self.home)
        for name in ("work", "user", "tmp", "outside"):
            (folder / name).mkdir()
        (folder / "outside" / "secret.txt").write_text(SECRET)
        self.bait = folder / "outside" / f"rollout-2026-11-21T12-00-00-{OUTSIDE}.jsonl"
        with rollout.open_store(self.home) as store:
            self.threads = [str(one.id) for one in store.list_threads(limit=100).data]
            self.turns = {one: [turn.id for turn in store.turns(one, limit=100).data] for one in self.threads}
            self.large = _record_large(store, large_turns)
        shutil.copyfile(next((self.home / "sessions").rglob(f"*{self.threads[0]}*")), self.bait)
        lines = self.bait.read_text().replace(self.threads[0], OUTSIDE)
        self.bait.write_text(re.sub(r'"text":"', f'"text":"{SECRET} ', lines))
        self._before = self._listing()

    @property
    def environment(self) -> dict[str, str]:
        """What a server finds around it."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONFAULTHANDLER": "1",
            "HOME": str(self.folder / "user"),
            "TMPDIR": str(self.folder / "tmp"),
            "XDG_CACHE_HOME": str(self.folder / "user" / "cache"),
            "XDG_RUNTIME_DIR": str(self.folder / "user"),
        }

    def _listing(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in sorted(self.folder.rglob("*")):
            seen = path.lstat()
            name = str(path.relative_to(self.folder))
            if stat.S_ISREG(seen.st_mode):
                digest = hashlib.blake2b(path.read_bytes()).hexdigest()[:16]
                found[name] = f"{seen.st_mode:o} {seen.st_mtime_ns} {digest}"
            elif not stat.S_ISSOCK(seen.st_mode):
                found[name] = f"{seen.st_mode:o}"
        return found

    def changes(self) -> list[str]:
        """Return what changed that should not: anything outside, and in the home all but new threads."""
        after = self._listing()
        found: list[str] = []
        for name in sorted(self._before.keys() | after.keys()):
            inside = name.removeprefix("home/")
            is_own = inside != name and (inside.startswith(_OWN) or inside == _OWN.rstrip("/"))
            is_new = name not in self._before and inside != name and self._is_new(inside)
            if self._before.get(name) != after.get(name) and not is_own and not is_new:
                found.append(name)
        return found

    def _is_new(self, inside: str) -> bool:
        return _NEW.fullmatch(inside) is not None or (self.home / inside).is_dir()


def _record_large(store: rollout.Store, turns: int) -> str:
    with store.create_thread(cwd="/src/app", model="model-a") as thread:
        thread_id = str(thread.id)
    for number in range(turns):
        text = f"{number} " + "word " * (_LARGE_CHARS // 5)
        said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        heard = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        store.append_turn(thread_id, [said, heard], durability="none")
    return thread_id
