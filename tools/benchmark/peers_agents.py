"""The OpenAI Agents SDK's sessions over SQLite, made by their defaults but for the file."""

import asyncio
import sqlite3
import time
from collections.abc import Coroutine
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmark.peers_subject import ITEMS_A_TURN, PAGE, Item, Subject

_MAIN = "main"


class Plain(Subject):
    """`SQLiteSession`: items in a row, no turns, no forks."""

    lacks = MappingProxyType({"list_newest": "no call of it lists sessions"})

    def __init__(self, folder: Path) -> None:
        """Use a database in `folder`."""
        self._path = folder / "sessions.db"
        self.note = (
            f"openai-agents {version('openai-agents')}, WAL, synchronous=FULL; "
            "no offset: the middle is cut from everything; a fork is read and added again"
        )

    def _session(self, name: str) -> Any:
        from agents import SQLiteSession  # type: ignore[import-not-found]

        return SQLiteSession(name, str(self._path))

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def open(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._main = self._session(_MAIN)

    def fill(self, turns: list[list[Item]]) -> None:
        self._run(self._main.add_items([item for items in turns for item in items]))

    def append(self, prepared: list[Item]) -> None:
        self._run(self._main.add_items(prepared))

    def resume(self) -> list[Item]:
        found: list[Item] = self._run(self._main.get_items())
        return found

    def newest(self) -> list[Item]:
        found: list[Item] = self._run(self._main.get_items(limit=PAGE * ITEMS_A_TURN))
        return found

    def middle(self, place: str) -> list[Item]:
        first = int(place) * ITEMS_A_TURN
        return self.resume()[first : first + PAGE * ITEMS_A_TURN]

    def fork(self, place: str | None) -> str:
        name = f"fork-{time.time_ns()}"
        items = self.resume()
        child = self._session(name)
        self._run(child.add_items(items if place is None else items[: int(place) * ITEMS_A_TURN]))
        child.close()
        return name

    def of_fork(self, fork: str) -> list[Item]:
        child = self._session(fork)
        found: list[Item] = self._run(child.get_items())
        child.close()
        return found

    def close(self) -> None:
        self._main.close()
        self._loop.close()


class Advanced(Plain):
    """`AdvancedSQLiteSession`: knows turns, and branches of a session."""

    lost_at_head = 1

    def __init__(self, folder: Path) -> None:
        """Use a database in `folder`."""
        super().__init__(folder)
        self.note = (
            f"openai-agents {version('openai-agents')}, WAL, synchronous=FULL; no offset; "
            "a branch copies rows that point at the same messages, and leaves out the newest turn at the head"
        )

    def open(self) -> None:
        super().open()
        self._turns = self._count()

    def fill(self, turns: list[list[Item]]) -> None:
        super().fill(turns)
        self._turns += len(turns)

    def append(self, prepared: list[Item]) -> None:
        super().append(prepared)
        self._turns += 1

    def _session(self, name: str) -> Any:
        from agents.extensions.memory import AdvancedSQLiteSession  # type: ignore[import-not-found]

        return AdvancedSQLiteSession(session_id=name, db_path=str(self._path), create_tables=True)

    def fork(self, place: str | None) -> str:
        # Only a turn that is there can be named, and the branch ends before it.
        at = self._turns if place is None else int(place) + 1
        name = f"fork-{time.time_ns()}"
        self._run(self._main.create_branch_from_turn(at, name))
        self._run(self._main.switch_to_branch("main"))
        return name

    def of_fork(self, fork: str) -> list[Item]:
        found: list[Item] = self._run(self._main.get_items(branch_id=fork))
        return found

    def _count(self) -> int:
        query = "SELECT max(branch_turn_number) FROM message_structure WHERE branch_id = 'main'"
        with closing(sqlite3.connect(self._path)) as other:
            return other.execute(query).fetchone()[0] or 0
