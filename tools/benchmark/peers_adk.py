"""Google ADK's sessions over SQLite: an event for each item, each stored on its own."""

import asyncio
import json
import time
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmark.peers_subject import ITEMS_A_TURN, PAGE, Item, Subject, text_of, title_of

_MAIN = "main"
_WHO = {"app_name": "compared", "user_id": "user"}


class Service(Subject):
    """`SqliteSessionService`, and its one long session."""

    most_threads = 1_000

    def __init__(self, folder: Path) -> None:
        """Use a database in `folder`."""
        self._path = folder / "sessions.db"
        self.note = (
            f"google-adk {version('google-adk')}, a connection and a commit an item, so a turn can be torn; "
            "no offset: the middle is cut from everything; a fork is read and added again"
        )

    def open(self) -> None:
        from google.adk.sessions.sqlite_session_service import (  # type: ignore[import-not-found]
            SqliteSessionService,
        )

        is_new = not self._path.exists()
        self._loop = asyncio.new_event_loop()
        self._service = SqliteSessionService(str(self._path))
        self._session: Any = None
        if is_new:
            self._session = self._make(_MAIN)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def _make(self, name: str, title: str = "") -> Any:
        return self._run(self._service.create_session(session_id=name, state={"title": title}, **_WHO))

    def _get(self, name: str, newest: int | None = None) -> Any:
        from google.adk.sessions.base_session_service import GetSessionConfig  # type: ignore[import-not-found]

        config = None if newest is None else GetSessionConfig(num_recent_events=newest)
        return self._run(self._service.get_session(session_id=name, config=config, **_WHO))

    def _add(self, session: Any, events: list[Any]) -> None:
        async def add() -> None:
            for event in events:
                await self._service.append_event(session, event)

        self._run(add())

    def fill(self, turns: list[list[Item]]) -> None:
        for items in turns:
            self.append(self.prepare(items))

    def prepare(self, items: list[Item]) -> list[Any]:
        from google.adk.events.event import Event  # type: ignore[import-not-found]
        from google.genai import types  # type: ignore[import-not-found]

        found = []
        for item in items:
            role, author = "model", "agent"
            if item["type"] == "function_call":
                call = types.FunctionCall(
                    id=item["call_id"], name=item["name"], args=json.loads(item["arguments"])
                )
                part = types.Part(function_call=call)
            elif item["type"] == "function_call_output":
                answer = types.FunctionResponse(
                    id=item["call_id"], name="shell", response={"output": item["output"]}
                )
                part, role = types.Part(function_response=answer), "user"
            else:
                part = types.Part(text=text_of(item))
                role, author = ("user", "user") if item["role"] == "user" else (role, author)
            content = types.Content(role=role, parts=[part])
            found.append(Event(author=author, invocation_id="turn", content=content))
        return found

    def append(self, prepared: list[Any]) -> None:
        if self._session is None:
            self._session = self._get(_MAIN, 1)
        self._add(self._session, prepared)

    def resume(self) -> list[Any]:
        return self.of_fork(_MAIN)

    def newest(self) -> list[Any]:
        found: list[Any] = self._get(_MAIN, PAGE * ITEMS_A_TURN).events
        return found

    def middle(self, place: str) -> list[Any]:
        first = int(place) * ITEMS_A_TURN
        return self.resume()[first : first + PAGE * ITEMS_A_TURN]

    def fork(self, place: str | None) -> str:
        name = f"fork-{time.time_ns()}"
        events = self.resume()
        if place is not None:
            events = events[: int(place) * ITEMS_A_TURN]
        child = self._make(name)
        self._add(child, [event.model_copy(update={"timestamp": time.time()}) for event in events])
        return name

    def of_fork(self, fork: str) -> list[Any]:
        found: list[Any] = self._get(fork).events
        return found

    def texts(self, found: list[Any]) -> list[str]:
        return [_text(event.content.parts[0]) for event in found]

    def add_threads(self, threads: list[list[Item]]) -> None:
        for number, items in enumerate(threads):
            made = self._make(f"thread-{number}", title_of(items))
            self._add(made, self.prepare(items))

    def list_newest(self) -> list[str]:
        found = self._run(self._service.list_sessions(**_WHO)).sessions
        newest = sorted(found, key=lambda one: one.last_update_time, reverse=True)
        return [one.state["title"] for one in newest[:PAGE]]

    def close(self) -> None:
        self._run(self._service.close())
        self._loop.close()


def _text(part: Any) -> str:
    if part.function_call:
        return str(part.function_call.args["cmd"])
    return str(part.function_response.response["output"] if part.function_response else part.text)
