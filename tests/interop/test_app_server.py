"""The reference server and ours side by side, on copies of one home: same questions, same answers.

What may differ is named here with its reason, and listed in docs/protocol.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from refclient.capture import copy_home, make_live
from refclient.endpoint import StandIn
from refclient.install import Client
from refclient.rpc import AppServer, RefusalError

from rollout.appserver.configured import read_settings
from rollout.appserver.dispatch import handle
from rollout.appserver.protocol import encode_response, parse_message
from rollout.appserver.server import Server
from rollout.store.root import open_store
from tests.recorded_home import now_ms

pytestmark = pytest.mark.interop

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"
HOMES = ["paginated", "forks", "legacy", "legacy-forks"]
KINDS = ["cli", "vscode", "exec", "appServer", "subAgent", "unknown"]
NOBODY = "01a1fc4a-f21b-7d02-9695-c8691b7929b0"

DIFFERS = {
    "readState": "read states belong to whoever shows threads to people",
    "readStates": "the same",
    "environments": "nothing is run here",
    "canAcceptDirectInput": "the same",
    "recencyAt": "theirs is the time at which the file was first met",
    "updatedAt": "theirs moves with unarchiving and with settings",
    "status": "loaded is a word of one server",
    "name": "theirs forgets names that its database does not have",
    "forkedFromId": "theirs leaves it out of listings",
    "preview": "theirs shows a fork's own first words once it was rebuilt from files",
    "originator": "a fork is made by whoever makes it",
    "cliVersion": "the same",
    "serviceTier": "theirs is its own configuration",
    "rollout": "our additions stand under this key",
}
OF_A_FORK = {
    "id": "it is new",
    "sessionId": "the same",
    "path": "the same",
    "createdAt": "the same",
    "historyMode": "ours is paginated whatever its parent is",
    "model": "theirs takes the configured one, ours the parent's",
}


@dataclass
class Sides:
    """Both servers, each on a copy of the same home, every thread live and known to theirs."""

    theirs: AppServer
    ours: Server
    thread_ids: list[str]

    def __post_init__(self) -> None:
        self._client = self.ours.connect()
        self.answer(
            "initialize",
            clientInfo={"name": "tests", "version": "1"},
            capabilities={"experimentalApi": True},
        )

    def answer(self, method: str, **params: object) -> Any:
        """Return our answer, an error as its code and message."""
        line = json.dumps({"id": 1, "method": method, "params": params}).encode()
        response = handle(self.ours, self._client, parse_message(line))  # type: ignore[arg-type]  # a request
        found = json.loads(encode_response(response))
        if "error" in found:
            return {"code": found["error"]["code"], "message": found["error"]["message"]}
        return found["result"]

    def ask(self, method: str, **params: object) -> tuple[Any, Any]:
        """Return both answers, theirs first, without what names the copy of the home."""
        try:
            theirs: Any = self.theirs.request(method, dict(params))
        except RefusalError as refusal:
            theirs = {"code": refusal.code, "message": refusal.message}
        ours = self.answer(method, **params)
        return _homeless(theirs, self.theirs.home), _homeless(ours, Path(self.ours.store.home))


def _homeless(answer: Any, home: Path) -> Any:
    return json.loads(json.dumps(answer).replace(str(home), "HOME"))


def without(value: Any, names: frozenset[str]) -> Any:
    """Return a value without members of these names, at any depth."""
    if isinstance(value, dict):
        return {name: without(one, names) for name, one in value.items() if name not in names}
    return [without(one, names) for one in value] if isinstance(value, list) else value


def assert_same(sides: tuple[Any, Any], *also: str) -> None:
    """Hold both answers against each other, but for what may differ."""
    names = frozenset(DIFFERS) | frozenset(also)
    theirs, ours = (without(side, names) for side in sides)
    assert ours == theirs


@contextmanager
def side_by_side(client: Client, home: Path, scratch: Path) -> Iterator[Sides]:
    """Run both servers on copies of a home."""
    their_home, our_home = copy_home(home, scratch / "theirs"), copy_home(home, scratch / "ours")
    with StandIn() as endpoint, AppServer(client, their_home, endpoint) as theirs:
        (our_home / "config.toml").write_bytes((their_home / "config.toml").read_bytes())
        with open_store(our_home) as store:
            for summary in store.list_threads(limit=100, is_archived=True).data:
                make_live(theirs, summary.id)
                store.unarchive_thread(summary.id).thread_ids  # noqa: B018  # both have them live
            ids = sorted(summary.id for summary in store.list_threads(limit=100).data)
            for thread_id in ids:
                theirs.request("thread/resume", {"threadId": thread_id, "excludeTurns": True})
            server = Server(store, read_settings(store, str(our_home), None, None), now_ms)
            yield Sides(theirs, server, ids)
            server.close()


@pytest.fixture(scope="module", params=HOMES)
def sides(
    request: pytest.FixtureRequest, newest: Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sides]:
    """Both servers on every recorded home of which theirs can be made to know all turns."""
    home = RECORDED / request.param
    with side_by_side(newest, home, tmp_path_factory.mktemp(request.param)) as both:
        yield both


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("view", ["notLoaded", "summary", "full"])
def test_turns_are_paged_alike(sides: Sides, view: str, direction: str) -> None:
    """Cursors included: a page of ours may be followed by one of theirs."""
    for thread_id in sides.thread_ids:
        cursor: str | None = None
        while True:
            params = {"cursor": cursor} if cursor is not None else {}
            both = sides.ask(
                "thread/turns/list",
                threadId=thread_id,
                limit=2,
                itemsView=view,
                sortDirection=direction,
                **params,
            )
            assert_same(both, "nextCursor", "backwardsCursor")
            assert [side["nextCursor"] is None for side in both] in ([True, True], [False, False])
            cursor = both[0]["nextCursor"]
            if cursor is None:
                break


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_items_are_paged_alike(sides: Sides, direction: str) -> None:
    """Legacy threads are refused alike."""
    for thread_id in sides.thread_ids:
        assert_same(sides.ask("thread/items/list", threadId=thread_id, limit=3, sortDirection=direction))


def test_timelines_are_alike(sides: Sides) -> None:
    """Positions are ordinals of records on both sides; their cursor is their own."""
    for thread_id in sides.thread_ids:
        assert_same(sides.ask("thread/timeline/list", threadId=thread_id, limit=5), "nextCursor")


def test_occurrences_are_alike(sides: Sides) -> None:
    """What is found, where, and in which turn."""
    for thread_id in sides.thread_ids:
        assert_same(sides.ask("thread/searchOccurrences", threadId=thread_id, searchTerm="the"), "snippet")


@pytest.mark.parametrize("includes", [False, True])
def test_threads_are_read_alike(sides: Sides, includes: bool) -> None:
    """With all of their turns, too."""
    for thread_id in sides.thread_ids:
        assert_same(sides.ask("thread/read", threadId=thread_id, includeTurns=includes))


def test_threads_are_resumed_alike(sides: Sides) -> None:
    """Settings, a first page, and where reading backward begins."""
    for thread_id in sides.thread_ids:
        both = sides.ask(
            "thread/resume", threadId=thread_id, excludeTurns=True, initialTurnsPage={"limit": 2}
        )
        assert_same(both, "nextCursor", "backwardsCursor")


def test_threads_are_listed_alike(sides: Sides) -> None:
    """Which ones, whatever the order of times that were lost."""
    both = sides.ask("thread/list", useStateDbOnly=True, limit=100, sourceKinds=KINDS)
    listed = [{one["id"]: one for one in side["data"]} for side in both]
    common = listed[0].keys() & listed[1].keys()
    assert common == listed[0].keys(), "every thread that theirs shows"
    assert_same(({one: listed[0][one] for one in common}, {one: listed[1][one] for one in common}))


def test_threads_are_forked_alike(sides: Sides) -> None:
    """The child's turns are the parent's."""
    for thread_id in sides.thread_ids:
        both = sides.ask("thread/fork", threadId=thread_id)
        assert_same(both, *OF_A_FORK)
        assert [side["thread"]["forkedFromId"] for side in both] == [thread_id, thread_id]


@pytest.mark.parametrize(
    "thread_id",
    [NOBODY, "nope", "", f"{NOBODY}0", NOBODY[:-1] + "g", f"{{{NOBODY}}}", f"urn:uuid:{NOBODY}", "0-0"],
)
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("thread/read", {}),
        ("thread/turns/list", {}),
        ("thread/items/list", {}),
        ("thread/items/read", {"turnId": "t", "itemIds": ["i"]}),
        ("thread/timeline/list", {}),
        ("thread/searchOccurrences", {"searchTerm": "x"}),
        ("thread/resume", {}),
        ("thread/fork", {}),
        ("thread/archive", {}),
        ("thread/unarchive", {}),
        ("thread/delete", {}),
        ("thread/revert", {"beforeTurnId": "t"}),
        ("thread/name/set", {"name": "n"}),
        ("thread/memoryMode/set", {"mode": "enabled"}),
        ("thread/metadata/update", {"gitInfo": {"branch": "b"}}),
        ("thread/unsubscribe", {}),
    ],
)
def test_unknown_and_malformed_ids_are_refused_alike(
    sides: Sides, method: str, params: dict[str, Any], thread_id: str
) -> None:
    """Word for word."""
    assert_same(sides.ask(method, threadId=thread_id, **params))


@pytest.mark.parametrize(
    ("method", "params"),
    [
        *(
            ("thread/list", params)
            for params in (
                {"limit": -1},
                {"limit": 1.5},
                {"limit": "x"},
                {"limit": 2**40},
                {"sortKey": "x"},
                {"sortDirection": "x"},
                {"cursor": "junk"},
                {"cursor": ""},
                {"sourceKinds": ["x"]},
                {"cwd": 5},
                {"excludedThreadIds": ["x"]},
                {"originators": ["x"]},
                {"sortKey": "section_position"},
                {"parentThreadId": "x"},
                {"useStateDbOnly": None},
                {"archived": 5},
            )
        ),
        ("thread/search", {"searchTerm": " "}),
        ("thread/resume", {}),
        ("thread/resume", {"threadId": 5}),
        ("thread/resume", {"threadId": NOBODY, "excludeTurns": None}),
        ("thread/resume", {"threadId": NOBODY, "initialTurnsPage": {"limit": -1}}),
        ("thread/fork", {"threadId": NOBODY, "path": "/nonexistent"}),
    ],
)
def test_malformed_requests_are_refused_alike(sides: Sides, method: str, params: dict[str, Any]) -> None:
    """Word for word."""
    assert_same(sides.ask(method, **params))


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("thread/turns/list", {"cursor": "junk"}),
        ("thread/turns/list", {"cursor": ""}),
        ("thread/turns/list", {"itemsView": "x"}),
        ("thread/items/list", {"cursor": "junk"}),
        ("thread/items/list", {"cursor": {"type": "item", "itemId": "x"}}),
        ("thread/items/list", {"cursor": {"type": "item", "itemId": "x"}, "turnId": "x"}),
        ("thread/items/list", {"turnId": "x"}),
        ("thread/items/list", {"cursor": {"type": "x"}}),
        ("thread/items/list", {"cursor": 5}),
        ("thread/timeline/list", {"cursor": "junk"}),
        ("thread/searchOccurrences", {"searchTerm": "e", "cursor": "junk"}),
        ("thread/fork", {"lastTurnId": "x"}),
        ("thread/fork", {"beforeTurnId": "x"}),
        ("thread/fork", {"lastTurnId": ""}),
        ("thread/fork", {"lastTurnId": "x", "beforeTurnId": "y"}),
        ("thread/metadata/update", {}),
        ("thread/metadata/update", {"gitInfo": {}}),
        ("thread/metadata/update", {"gitInfo": {"branch": ""}}),
        ("thread/metadata/update", {"gitInfo": {"sha": 5}}),
        ("thread/name/set", {"name": "  "}),
        ("thread/memoryMode/set", {"mode": "x"}),
        ("thread/inject_items", {"items": []}),
    ],
)
def test_what_a_thread_has_not_is_refused_alike(sides: Sides, method: str, params: dict[str, Any]) -> None:
    """A cursor, a turn, an item, a name that is none."""
    thread_id = sides.thread_ids[0]
    sides.answer("thread/resume", threadId=thread_id, excludeTurns=True)
    assert_same(sides.ask(method, threadId=thread_id, **params))


def test_what_may_differ_is_documented() -> None:
    """Each with its reason, for whoever moves a client from one to the other."""
    document = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    differences = document.partition("## Differences from the reference server")[2]
    names = DIFFERS.keys() | OF_A_FORK.keys() - {"id", "sessionId", "path", "createdAt"}
    assert [name for name in sorted(names) if f"`{name}`" not in differences] == []
