"""Every answer about every recorded thread has the members that clients rely on, of the types they expect.

The types are written down here once more, by the tables of docs/protocol.md and without any of the product's.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from msgspec import UNSET, Struct, UnsetType

from rollout.appserver.protocol import encode_response
from rollout.appserver.server import Server, ServerSettings
from rollout.store.root import open_store
from tests.recorded_home import now_ms
from tests.served import Served

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"
KINDS = ["cli", "vscode", "exec", "appServer", "subAgent", "unknown"]
Any_ = dict[str, Any]


class Strict(Struct, forbid_unknown_fields=True):
    """A shape: every member there, and no other."""


class Status(Strict):
    type: Literal["notLoaded", "idle"]


class Git(Strict):
    sha: str | None
    branch: str | None
    originUrl: str | None


class Turn(Strict):
    id: str
    rootTurnId: str | None
    items: list[Any_]
    itemsView: Literal["notLoaded", "summary", "full"]
    status: Literal["completed", "interrupted", "failed", "inProgress"]
    error: Any_ | None
    startedAt: int | None
    completedAt: int | None
    durationMs: int | None


class Thread(Strict):
    id: str
    sessionId: str
    forkedFromId: str | None
    parentThreadId: str | None
    preview: str
    name: str | None
    ephemeral: bool
    historyMode: Literal["paginated", "legacy"]
    modelProvider: str
    model: str | None
    reasoningEffort: str | None
    createdAt: int
    updatedAt: int
    recencyAt: int
    status: Status
    path: str
    cwd: str
    cliVersion: str
    originator: str
    source: str | Any_
    threadSource: str | None
    agentNickname: str | None
    agentRole: str | None
    gitInfo: Git | None
    turns: list[Turn]
    environments: None
    canAcceptDirectInput: None
    section: None
    sectionEnteredAt: None
    projectId: None
    extra: None
    daybreakEnabled: None
    attachedToThreadId: None
    rollout: Any_ | UnsetType = UNSET


class OneThread(Strict):
    thread: Thread


class Read(Strict):
    thread: Thread
    readState: None


class Page(Strict):
    data: list[Turn]
    nextCursor: str | None
    backwardsCursor: str | None


class Threads(Strict):
    data: list[Thread]
    nextCursor: str | None
    backwardsCursor: str | None
    readStates: None


class Entry(Strict):
    turnId: str
    item: Any_
    startedAtMs: int | None
    completedAtMs: int | None


class Entries(Strict):
    data: list[Entry]
    nextCursor: str | None
    backwardsCursor: str | None


class Timeline(Strict):
    data: list[Any_]
    nextCursor: str | None
    activeRealtimeSessionAtPageStart: None


class Settled(Strict):
    thread: Thread
    model: str
    modelProvider: str
    serviceTier: str | None
    cwd: str
    runtimeWorkspaceRoots: list[str]
    instructionSources: list[str]
    approvalPolicy: Literal["untrusted", "on-request", "never"] | Any_
    approvalsReviewer: Literal["user", "auto_review", "guardian_subagent"]
    sandbox: Any_
    activePermissionProfile: None
    reasoningEffort: str | None
    multiAgentMode: str
    disabledPluginIds: list[str]


class Resumed(Settled):
    collaborationMode: Any_
    initialTurnsPage: Page | None
    turnsBackwardsCursor: str | None
    itemsBackwardsCursor: str | None


class Reverted(Strict):
    thread: Thread
    turnsBackwardsCursor: str | None
    itemsBackwardsCursor: str | None


class Nothing(Strict):
    pass


SHAPES: dict[str, Any] = {
    "thread/list": Threads,
    "thread/read": Read,
    "thread/turns/list": Page,
    "thread/items/list": Entries,
    "thread/timeline/list": Timeline,
    "thread/start": Settled,
    "thread/resume": Resumed,
    "thread/fork": Settled,
    "thread/name/set": Nothing,
    "thread/metadata/update": OneThread,
    "thread/memoryMode/set": Nothing,
    "thread/archive": Nothing,
    "thread/unarchive": OneThread,
    "thread/revert": Reverted,
    "thread/inject_items": Nothing,
    "thread/delete": Nothing,
}
ITEM = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "For the model alone."}],
}


@pytest.fixture(params=["paginated", "forks", "reverts", "legacy", "legacy-forks", "compressed"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A server over a copy of a recorded home."""
    home = shutil.copytree(RECORDED / request.param, tmp_path / "home")
    made: Any = Served.__new__(Served)
    made.store = open_store(home)
    made.server = Server(made.store, ServerSettings("/src/app", "model-a"), now_ms)
    made.client = made.server.connect()
    made.shake_hands(made.client)
    yield made
    made.server.close()


def asked(served: Any, method: str, **params: object) -> Any:
    """Return an answer held against its shape; None for a refusal, which has a reason."""
    response = served.respond(method, params)
    if response.error is not None:
        assert response.error.code in {-32600, -32601}
        assert response.error.message
        return None
    shape = SHAPES[method]
    assert encode_response(response).endswith(b"}\n")
    return msgspec.json.decode(bytes(response.result), type=shape)


def test_every_answer_has_its_shape(served: Any) -> None:
    """Of every method, for every thread of the home; what is refused is refused with a reason."""
    listed = asked(served, "thread/list", limit=100, sourceKinds=KINDS).data
    listed += asked(served, "thread/list", limit=100, sourceKinds=KINDS, archived=True).data
    assert listed
    for one in listed:
        for method, params in questions(one.id):
            asked(served, method, threadId=one.id, **params)


def questions(thread_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what is asked about a thread, reading first."""
    pages = [
        ("thread/turns/list", {"limit": limit, "itemsView": view})
        for limit in (1, 100)
        for view in ("notLoaded", "summary", "full")
    ]
    return [
        *pages,
        ("thread/read", {"includeTurns": True}),
        ("thread/items/list", {"limit": 100}),
        ("thread/timeline/list", {"limit": 100}),
        ("thread/resume", {"initialTurnsPage": {}}),
        ("thread/resume", {"excludeTurns": True}),
        ("thread/fork", {}),
        ("thread/name/set", {"name": f"Named {thread_id}"}),
        ("thread/metadata/update", {"gitInfo": {"branch": "main"}}),
        ("thread/memoryMode/set", {"mode": "disabled"}),
        ("thread/inject_items", {"items": [ITEM]}),
        ("thread/archive", {}),
        ("thread/unarchive", {}),
        ("thread/delete", {}),
    ]
