"""A running client and the home it writes, for tests that drive new threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refclient.capture import list_turns
from refclient.driver import Driver
from refclient.install import Client
from refclient.rpc import AppServer

from tests.interop.ours import as_shown_by, is_older, our_history, our_turns


@dataclass(frozen=True)
class Live:
    """One server with its home; tests share it and start threads of their own."""

    client: Client
    server: AppServer
    workspace: Path

    @property
    def home(self) -> Path:
        """The home the client writes while we read it."""
        return self.server.home

    def turns(self, thread_id: str) -> list[Any]:
        """Return all turns in full, as the client lists them now."""
        pages = list_turns(self.server, thread_id, view="full", direction="asc", limit=100)
        return [turn for page in pages for turn in page.entries]


@dataclass
class Witness:
    """Compares both sides after every step of a scenario; `steps` counts them.

    What the model is asked in the next step on a thread must begin with the history that we
    read from the files before it, and go on with nothing but the step's own request.
    """

    live: Live
    steps: int = 0
    _histories: dict[str, list[Any]] = field(default_factory=dict)
    _asked: int = 0

    def driver(self) -> Driver:
        """Return a driver whose steps are watched."""
        self._asked = len(self.live.server.endpoint.requests)
        return Driver(self.live.server, self.live.workspace, after_step=self.check)

    def check(self, thread_id: str) -> None:
        """Compare what the step asked the model, and the turns there are now; read the history anew."""
        requests = self.live.server.endpoint.requests[self._asked :]
        known = self._histories.get(thread_id)
        if requests and known is not None:
            sent = requests[0]["input"]
            leading = next((at for at, item in enumerate(sent) if not _is_instruction(item)), 0)
            new = sent[leading + len(known) :]
            assert sent[leading : leading + len(known)] == known
            assert {item.get("role") for item in new} <= {"user", "developer"}, "nothing old comes after it"
        ours = as_shown_by(self.live.client, our_turns(self.live.home, thread_id))
        theirs = self.live.turns(thread_id)
        if is_older(self.live.client, 0, 169):
            # Before 0.169 an interrupted turn shows the numbers that its items had while it ran,
            # counted from its own start, until the thread has been unloaded.
            ours, theirs = _without_numbers(ours), _without_numbers(theirs)
        assert ours == theirs
        self._histories[thread_id] = our_history(self.live.home, thread_id)
        self._asked += len(requests)
        self.steps += 1


def _without_numbers(turns: list[Any]) -> list[Any]:
    """Return turns, the items of the newest one without the ids that are only numbers."""
    if not turns:
        return turns
    items = [
        {key: value for key, value in item.items() if key != "id" or not value.startswith("item-")}
        for item in turns[-1]["items"]
    ]
    return [*turns[:-1], {**turns[-1], "items": items}]


def _is_instruction(item: dict[str, Any]) -> bool:
    return item.get("role") == "developer" and item["id"].split("-")[2].startswith("5")
