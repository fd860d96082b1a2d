"""World state: what the client knows of its surroundings after a resume, told by what it adds.

A turn writes the difference between the state rebuilt from the records and the state that is, as
a merge patch. So our state plus the client's patch must be the state that is.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from handmade.draft import Draft, JsonObject, uuid
from refclient.driver import Driver
from refclient.replies import say

from tests.interop.live import Live
from tests.interop.ours import our_context

pytestmark = pytest.mark.interop

FIRST_ID = 0x57A7E

CHANGES: dict[str, list[JsonObject]] = {
    "as it is": [{"full": True}],
    "changed since": [{"full": True, "cwd": "/elsewhere"}],
    "patched away": [{"full": True}, {"full": False, "cwd": "/elsewhere"}],
    "patched back": [{"full": True, "cwd": "/elsewhere"}, {"full": False, "cwd": None}],
    "patched twice": [{"full": True}, {"full": False, "cwd": "/a"}, {"full": False, "cwd": "/b"}],
    "full again": [{"full": True, "cwd": "/elsewhere"}, {"full": True}],
    "a patch onto nothing": [{"full": False}],
    "deleted by null": [{"full": True}, {"full": False, "members": {"environments": {"timezone": None}}}],
    "a list is replaced": [
        {"full": True, "members": {"approved_command_prefixes": [["a"], ["b"]]}},
        {"full": False, "members": {"approved_command_prefixes": [["c"]]}},
    ],
    "members nobody knows": [
        {"full": True, "members": {"unknown": {"a": 1, "b": {"c": 2}}}},
        {"full": False, "members": {"unknown": {"b": {"c": None, "d": 3}}}},
    ],
}


@dataclass(frozen=True)
class Surroundings:
    """What a turn of the live client recorded about where it runs."""

    header: JsonObject
    environment: JsonObject
    turn_context: JsonObject
    state: JsonObject


@pytest.fixture(scope="module")
def surroundings(live: Live) -> Surroundings:
    """The records of a first turn."""
    driver = Driver(live.server, live.workspace)
    thread_id = driver.start("legacy")
    driver.turn(thread_id, "A question.", say("An answer."))
    records = records_of(next(live.home.rglob(f"*{thread_id}.jsonl")))

    def first(type_: str) -> JsonObject:
        payload: JsonObject = next(r["payload"] for r in records if r["type"] == type_)
        return payload

    return Surroundings(
        first("session_meta"), first("response_item"), first("turn_context"), first("world_state")["state"]
    )


def records_of(rollout: Path, start: int = 0) -> list[JsonObject]:
    """Return the records of a file from an offset on."""
    return [json.loads(line) for line in rollout.read_bytes()[start:].splitlines() if line.strip()]


def write_thread(
    home: Path, surroundings: Surroundings, thread_id: str, mode: str, changes: list[JsonObject]
) -> Path:
    """Write a thread with one world state a turn; return its path."""
    draft = Draft(thread_id, mode)
    ids = {"id": thread_id, "session_id": thread_id, "history_mode": mode}
    draft.header(**{**surroundings.header, **ids})
    for number, change in enumerate(changes):
        turn_id = f"turn-{number}"
        draft.event("task_started", turn_id=turn_id)
        if number == 0:
            draft.item(surroundings.environment)
        draft.record("world_state", {"full": change["full"], "state": state_of(surroundings, change)})
        draft.record("turn_context", {**surroundings.turn_context, "turn_id": turn_id})
        draft.user("A question.")
        draft.event("user_message", message="A question.")
        draft.assistant("An answer.")
        draft.event("task_complete", turn_id=turn_id, last_agent_message="An answer.")
    return draft.write_to(home)


def state_of(surroundings: Surroundings, change: JsonObject) -> JsonObject:
    """Return the state, or patch, that a change stands for."""
    state: JsonObject = copy.deepcopy(surroundings.state) if change["full"] else {}
    local = surroundings.state["environments"]["environments"]["local"]
    if "cwd" in change:
        elsewhere = {"environments": {"local": {"cwd": change["cwd"] or local["cwd"]}}}
        state = merged(state, {"environments": elsewhere})
    return (
        merged(state, change.get("members", {})) if change["full"] else {**state, **change.get("members", {})}
    )


def merged(target: Any, patch: Any) -> Any:
    """Return `target` with a JSON merge patch applied, the way RFC 7386 words it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


@pytest.mark.parametrize("mode", ["legacy", "paginated"])
@pytest.mark.parametrize("name", CHANGES)
def test_our_state_and_the_clients_patch_make_the_present(
    live: Live, surroundings: Surroundings, name: str, mode: str
) -> None:
    """The client patches exactly the state that we rebuilt, and writes none where ours is up to date."""
    thread_id = uuid(FIRST_ID + 2 * list(CHANGES).index(name) + (mode == "legacy"))
    rollout = write_thread(live.home, surroundings, thread_id, mode, CHANGES[name])
    size = rollout.stat().st_size
    ours = our_context(live.home, thread_id).world_state
    params = {"threadId": thread_id, "excludeTurns": True, "cwd": str(live.workspace)}
    live.server.request("thread/resume", params)
    Driver(live.server, live.workspace).turn(thread_id, "And now?", say("An answer."))
    written = [r["payload"] for r in records_of(rollout, size) if r["type"] == "world_state"]

    known = json.loads(bytes(ours)) if ours is not None else None
    if known == surroundings.state:
        assert written == []
        return
    assert [payload["full"] for payload in written] == [known is None]
    assert merged(known, written[0]["state"]) == surroundings.state
    after = our_context(live.home, thread_id).world_state
    assert after is not None
    assert json.loads(bytes(after)) == surroundings.state
