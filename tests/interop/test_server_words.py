"""What clients say of threads, and what was said in them: kept and found by our server as by the reference's.

Settings that ours writes are read back by theirs; searches of both find the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from refclient.driver import Driver
from refclient.endpoint import StandIn
from refclient.install import Client
from refclient.replies import say
from refclient.rpc import AppServer

from rollout.appserver.dispatch import handle
from rollout.appserver.protocol import encode_response, parse_message
from rollout.appserver.server import Server, ServerSettings
from rollout.store.root import open_store
from tests.builders import message
from tests.recorded_home import now_ms

pytestmark = pytest.mark.interop

SETTLED = (
    *("model", "modelProvider", "serviceTier", "cwd", "runtimeWorkspaceRoots", "approvalPolicy"),
    *("approvalsReviewer", "sandbox", "activePermissionProfile", "reasoningEffort"),
)
TOOL = {"type": "function", "name": "look_up", "description": "d", "inputSchema": {"type": "object"}}
GRANULAR = {"granular": {"mcp_elicitations": True, "rules": False, "sandbox_approval": True}}
GIVEN: dict[str, dict[str, Any]] = {
    "nothing": {},
    "another model": {"model": "other-model"},
    "a policy": {"approvalPolicy": "on-request"},
    "a policy by kinds": {"approvalPolicy": GRANULAR},
    "a reviewer": {"approvalsReviewer": "auto_review"},
    "a sandbox": {"sandbox": "read-only"},
    "a profile": {"permissions": ":workspace"},
    "a tier": {"serviceTier": "flex"},
    "roots": {"runtimeWorkspaceRoots": ["/tmp", "/usr"]},
    "an effort": {"config": {"model_reasoning_effort": "high"}},
    "where it comes from": {"threadSource": "automation", "dynamicTools": [TOOL]},
}


class Ours:
    """Our server over a home, asked as a client asks it."""

    def __init__(self, home: Path, state: Path | None = None) -> None:
        store = open_store(home, state_dir=state if state is not None else home / ".rollout")
        self.server = Server(store, ServerSettings("/tmp", "stand-in-model", "stand_in"), now_ms)
        self._client = self.server.connect()
        info = {"name": "tests", "version": "1"}
        self.ask("initialize", clientInfo=info, capabilities={"experimentalApi": True})

    def ask(self, method: str, **params: object) -> Any:
        """Return the result of a request."""
        request = parse_message(json.dumps({"id": 1, "method": method, "params": params}).encode())
        response = handle(self.server, self._client, request)  # type: ignore[arg-type]  # a request it is
        return json.loads(encode_response(response))["result"]


def settled(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what an answer says of how turns are run, and where the thread comes from."""
    return {name: answer[name] for name in SETTLED} | {"threadSource": answer["thread"]["threadSource"]}


@pytest.mark.parametrize("method", ["thread/start", "thread/fork"])
def test_what_ours_keeps_theirs_takes_up(newest: Client, tmp_path: Path, method: str) -> None:
    """Of a thread that was started, and of a fork, before any turn is run in it."""
    home = tmp_path / "home"
    home.mkdir()
    ours = Ours(home)
    parent = ours.ask("thread/start", sandbox="read-only", serviceTier="flex", model="m")["thread"]["id"]
    injected = [message("user", "said to the model alone")]
    ours.ask("thread/inject_items", threadId=parent, items=injected)
    made = {}
    for name, given in GIVEN.items():
        if method == "thread/fork":
            params = {key: value for key, value in given.items() if key != "dynamicTools"}
            made[name] = ours.ask(method, threadId=parent, excludeTurns=True, **params)
        else:
            made[name] = ours.ask(method, **given)
            ours.ask("thread/inject_items", threadId=made[name]["thread"]["id"], items=injected)
    ours.server.close()
    with StandIn() as endpoint, AppServer(newest, home, endpoint) as theirs:
        found = {
            name: theirs.request("thread/resume", {"threadId": answer["thread"]["id"], "excludeTurns": True})
            for name, answer in made.items()
        }
    assert {name: settled(answer) for name, answer in found.items()} == {
        name: settled(answer) for name, answer in made.items()
    }


@pytest.fixture(scope="module")
def said(newest: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AppServer, Ours, Ours]]:
    """Theirs, ours without an index and ours with one, over a home that theirs records."""
    folder = tmp_path_factory.mktemp("said")
    (folder / "app").mkdir()
    with StandIn() as endpoint, AppServer(newest, folder / "home", endpoint) as theirs:
        driver = Driver(theirs, folder / "app")
        one, other = driver.start("paginated"), driver.start("legacy")
        driver.turn(one, "Hello wonderful Straße world", say("the answer is forty-two"))
        driver.inject(one, message("user", "k\u0131rm\u0131z\u0131 İstanbul \u017ftrange \u212aelvin ΣΑΣ"))
        driver.inject(one, message("assistant", f"{'x' * 200} MIDDLE {'y' * 200}"))
        driver.inject(one, message("user", "left half", "right half"), message("developer", "unheard"))
        driver.inject(one, message("user", 'quote "q" back\\slash 😀 CAFÉ, a\nline'))
        driver.turn(other, "a legacy question", say("a legacy answer"))
        driver.turn(driver.fork(one), "asked of the fork", say("said by the fork"))
        driver.turn(driver.fork(other), "asked of the copy", say("said by the copy"))
        without, indexed = Ours(folder / "home"), Ours(folder / "home", folder / "state")
        indexed.server.store.catalog.rebuild()
        yield theirs, without, indexed
        without.server.close()
        indexed.server.close()


@pytest.mark.parametrize(
    "term",
    [
        *("onderfu", "STRAßE", "strasse", "environment_context", "<cwd>", "the answer IS", "forty-two "),
        *(
            "k\u0131rm\u0131z\u0131",
            "kirmizi",
            "istanbul",
            "İstanbul",
            "strange",
            "kelvin",
            "σας",
            "MIDDLE",
            "unheard",
        ),
        *("halfright", '"q"', "back\\slash", "😀", "café", "legacy question", "asked of the", "f.ce"),
        *("said by", "nobody said that"),
    ],
)
def test_searches_find_alike(said: tuple[AppServer, Ours, Ours], term: str) -> None:
    """The same threads with the same snippets, from the files and by the index."""
    theirs, *ours = said
    answers = [
        theirs.request("thread/search", {"searchTerm": term, "limit": 100}),
        *(one.ask("thread/search", searchTerm=term, limit=100) for one in ours),
    ]
    found = [{(one["thread"]["id"], one["snippet"]) for one in answer["data"]} for answer in answers]
    assert found[1:] == [found[0], found[0]]
