"""AgentFS: a database for each agent, whose key-value store keeps a turn a key."""

import asyncio
import shutil
import time
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmark.peers_subject import PAGE, Item, Subject

_PREFIX = "turn/"


class Files(Subject):
    """One database, and copies of it for forks."""

    lacks = MappingProxyType({"list_newest": "a database a thread, and no list of them"})

    def __init__(self, folder: Path) -> None:
        """Keep databases in `folder`."""
        self._folder = folder
        self._main = folder / "main.db"
        self.note = (
            f"agentfs-sdk {version('agentfs-sdk')}, a key a turn; its list of values has no limit: "
            "the newest are cut from everything; a fork is a copy of the database, closed meanwhile"
        )

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def _connect(self, path: Path) -> Any:
        from agentfs_sdk import AgentFS, AgentFSOptions  # type: ignore[import-not-found]

        return self._run(AgentFS.open(AgentFSOptions(path=str(path))))

    def open(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._store = self._connect(self._main)
        self._turns: int | None = None

    def fill(self, turns: list[list[Item]]) -> None:
        for items in turns:
            self.append(items)

    def append(self, prepared: list[Item]) -> None:
        if self._turns is None:
            self._turns = len(self._run(self._store.kv.list(_PREFIX)))
        self._run(self._store.kv.set(_key(self._turns), prepared))
        self._turns += 1

    def resume(self) -> list[Item]:
        return self._all(self._store)

    def _all(self, store: Any) -> list[Item]:
        rows = sorted(self._run(store.kv.list(_PREFIX)), key=lambda row: str(row["key"]))
        return [item for row in rows for item in row["value"]]

    def newest(self) -> list[Item]:
        rows = sorted(self._run(self._store.kv.list(_PREFIX)), key=lambda row: str(row["key"]))
        return [item for row in rows[-PAGE:] for item in row["value"]]

    def middle(self, place: str) -> list[Item]:
        found: list[Item] = []
        for number in range(int(place), int(place) + PAGE):
            found += self._run(self._store.kv.get(_key(number))) or []
        return found

    def fork(self, place: str | None) -> str:
        child = self._folder / f"fork-{time.time_ns()}.db"
        self._run(self._store.close())
        for suffix in ("", "-wal"):
            source = self._main.with_name(self._main.name + suffix)
            if source.exists():
                shutil.copyfile(source, child.with_name(child.name + suffix))
        self._store = self._connect(self._main)
        if place is not None:
            store = self._connect(child)
            self._run(self._cut(store.get_database(), int(place)))
            self._run(store.close())
        return child.name

    async def _cut(self, database: Any, turns: int) -> None:
        await database.execute("DELETE FROM kv_store WHERE key >= ?", (_key(turns),))
        await database.commit()

    def of_fork(self, fork: str) -> list[Item]:
        store = self._connect(self._folder / fork)
        found = self._all(store)
        self._run(store.close())
        return found

    def close(self) -> None:
        self._run(self._store.close())
        self._loop.close()


def _key(turn: int) -> str:
    return f"{_PREFIX}{turn:08d}"
