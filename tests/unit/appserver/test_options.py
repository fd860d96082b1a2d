"""What clients say of a thread beyond folder and model: stored as the reference client does, and shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builders import thread, uuid
from tests.served import RefusedError, Served, serve

T = uuid(1)
GRANULAR = {"mcp_elicitations": True, "rules": False, "sandbox_approval": True}
TOOL = {
    "type": "function",
    "name": "look_up",
    "description": "d",
    "inputSchema": {"type": "object"},
    "more": 1,
}
SPACE = {"type": "namespace", "name": "space", "description": "d", "tools": [TOOL]}

SETTINGS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"approvalPolicy": "on-request"}, {"approvalPolicy": "on-request"}, {"approval_policy": "on-request"}),
    (
        {"approvalPolicy": {"granular": GRANULAR}},
        {"approvalPolicy": {"granular": GRANULAR | {"skill_approval": False, "request_permissions": False}}},
        {"approval_policy": {"granular": GRANULAR | {"skill_approval": False, "request_permissions": False}}},
    ),
    (
        {"approvalsReviewer": "auto_review"},
        {"approvalsReviewer": "auto_review"},
        {"approvals_reviewer": "auto_review"},
    ),
    (
        {"sandbox": "read-only"},
        {"sandbox": {"type": "readOnly", "networkAccess": False}, "activePermissionProfile": None},
        {"sandbox_policy": {"type": "read-only"}},
    ),
    (
        {"permissions": ":danger-full-access"},
        {
            "sandbox": {"type": "dangerFullAccess"},
            "activePermissionProfile": {"id": ":danger-full-access", "extends": None},
        },
        {
            "permission_profile": {"type": "disabled"},
            "active_permission_profile": {"id": ":danger-full-access"},
        },
    ),
    ({"serviceTier": "flex"}, {"serviceTier": "flex"}, {"service_tier": "flex"}),
    (
        {"runtimeWorkspaceRoots": ["/src", "/lib"]},
        {"runtimeWorkspaceRoots": ["/src", "/lib"]},
        {"runtime_workspace_roots": ["/src", "/lib"]},
    ),
    (
        {"config": {"model_reasoning_effort": "high", "unknown": 1}},
        {"reasoningEffort": "high"},
        {"reasoning_effort": "high"},
    ),
    (
        {"config": {"sandbox_mode": "read-only"}},
        {"sandbox": {"type": "readOnly", "networkAccess": False}},
        {},
    ),
]


def records(served: Served, thread_id: str) -> list[dict[str, Any]]:
    """Return the records of a thread's own rollout."""
    path = served.ask("thread/read", threadId=thread_id)["thread"]["path"]
    return [json.loads(line) for line in served.fs.files()[path].splitlines()]


def settings(served: Served, thread_id: str) -> dict[str, Any]:
    """Return what the newest settings record of a thread says."""
    found = [
        record["payload"]["thread_settings"]
        for record in records(served, thread_id)
        if record["payload"].get("type") == "thread_settings_applied"
    ]
    newest: dict[str, Any] = found[-1]
    return newest


@pytest.mark.parametrize(("given", "shown", "stored"), SETTINGS)
def test_a_start_keeps_settings(given: dict[str, Any], shown: dict[str, Any], stored: dict[str, Any]) -> None:
    """In the response, in the log, and in what a later resume says."""
    served = serve()
    started = served.ask("thread/start", **given)
    assert started | shown == started
    thread_id = started["thread"]["id"]
    assert settings(served, thread_id) | stored == settings(served, thread_id)
    resumed = served.ask("thread/resume", threadId=thread_id)
    assert resumed | shown == resumed


@pytest.mark.parametrize(("given", "shown", "stored"), SETTINGS)
def test_a_fork_keeps_settings(given: dict[str, Any], shown: dict[str, Any], stored: dict[str, Any]) -> None:
    """On top of those of its parent, which stay as they are."""
    served = serve(thread().turn("hi"))
    forked = served.ask("thread/fork", threadId=T, excludeTurns=True, **given)
    assert forked | shown == forked
    made = settings(served, forked["thread"]["id"])
    assert made | stored | {"model": "model-one"} == made


@pytest.mark.parametrize(("given", "shown", "stored"), SETTINGS)
def test_a_resume_keeps_settings(
    given: dict[str, Any], shown: dict[str, Any], stored: dict[str, Any]
) -> None:
    """Once: asking for them again changes nothing."""
    served = serve(thread().turn("hi"))
    resumed = served.ask("thread/resume", threadId=T, excludeTurns=True, **given)
    assert resumed | shown == resumed
    assert settings(served, T) | stored == settings(served, T)
    before = served.fs.files()
    served.ask("thread/resume", threadId=T, excludeTurns=True, **given)
    assert served.fs.files() == before


@pytest.mark.parametrize(("given", "shown", "stored"), SETTINGS)
def test_what_lasts_in_memory_has_the_settings_too(
    given: dict[str, Any], shown: dict[str, Any], stored: dict[str, Any]
) -> None:
    """An ephemeral thread is shown with them, and nothing is stored."""
    served = serve(thread().turn("hi"))
    before = served.fs.files()
    started = served.ask("thread/start", ephemeral=True, **given)
    forked = served.ask("thread/fork", threadId=T, ephemeral=True, excludeTurns=True, **given)
    assert (started | shown, forked | shown) == (started, forked)
    assert served.fs.files() == before


def test_a_fork_says_itself_what_it_inherits() -> None:
    """The reference client looks for settings in the rollout that it takes up: a sandbox must not be lost."""
    served = serve(thread().turn("hi", model="model-b"))
    served.ask("thread/resume", threadId=T, excludeTurns=True, sandbox="read-only")
    forked = served.ask("thread/fork", threadId=T, excludeTurns=True)["thread"]["id"]
    said = settings(served, forked)
    assert (said["model"], said["sandbox_policy"]) == ("model-b", {"type": "read-only"})


def test_a_header_names_where_a_thread_comes_from() -> None:
    """Of a start as of a fork; a fork does not take it over."""
    served = serve()
    started = served.ask("thread/start", threadSource="automation")["thread"]
    assert started["threadSource"] == "automation"
    assert records(served, started["id"])[0]["payload"]["thread_source"] == "automation"
    served.ask("thread/resume", threadId=started["id"])
    served.ask(
        "thread/inject_items",
        threadId=started["id"],
        items=[{"type": "message", "role": "user", "content": []}],
    )
    assert served.ask("thread/fork", threadId=started["id"])["thread"]["threadSource"] is None
    assert (
        served.ask("thread/fork", threadId=started["id"], threadSource="x")["thread"]["threadSource"] == "x"
    )


def test_tools_and_capability_roots_stand_in_the_header() -> None:
    """Tools as they were given, unknown members included."""
    served = serve()
    root = {"id": "r", "location": {"type": "environment", "environmentId": "local", "path": "/src/a b"}}
    started = served.ask("thread/start", dynamicTools=[TOOL, SPACE], selectedCapabilityRoots=[root])["thread"]
    header = records(served, started["id"])[0]["payload"]
    assert header["dynamic_tools"] == [TOOL, SPACE]
    assert header["selected_capability_roots"][0]["location"]["path"] == "file:///src/a%20b"


def test_instructions_of_the_developer_are_said_to_the_model() -> None:
    """Before anything else is."""
    served = serve()
    started = served.ask("thread/start", developerInstructions="be brief")["thread"]
    items = served.ask("rollout/context/read", threadId=started["id"])["context"]["items"]
    assert [(item["role"], item["content"][0]["text"]) for item in items] == [("developer", "be brief")]


def test_a_fork_has_the_provider_and_instructions_it_is_given() -> None:
    """In its own header."""
    served = serve(thread(model_provider="one").turn("hi"))
    forked = served.ask("thread/fork", threadId=T, modelProvider="two", baseInstructions="anew", cwd="../x")
    header = records(served, forked["thread"]["id"])[0]["payload"]
    assert (header["model_provider"], header["base_instructions"]) == ("two", {"text": "anew"})
    assert (forked["modelProvider"], forked["cwd"]) == ("two", "/src/x")


def test_another_folder_takes_the_profile_of_the_old_one_with_it() -> None:
    """What may be written is said of the folder that turns run in."""
    served = serve()
    thread_id = served.ask("thread/start", sandbox="workspace-write")["thread"]["id"]
    served.ask("thread/resume", threadId=thread_id, cwd="/elsewhere")
    written = [
        entry["path"]["path"]
        for entry in settings(served, thread_id)["permission_profile"]["file_system"]["entries"]
        if entry["access"] == "write" and "path" in entry["path"]
    ]
    assert written == ["/elsewhere"]


@pytest.mark.parametrize(
    ("method", "given", "message"),
    [
        ("thread/start", {"dynamicTools": [TOOL, TOOL]}, "duplicate dynamic tool name: look_up"),
        ("thread/start", {"dynamicTools": [TOOL | {"name": "a b"}]}, "dynamic tool name must match"),
        ("thread/start", {"dynamicTools": [TOOL | {"name": ""}]}, "dynamic tool name must not be empty"),
        ("thread/start", {"dynamicTools": [TOOL | {"name": "a" * 129}]}, "at most 128 characters"),
        ("thread/start", {"dynamicTools": [TOOL | {"name": "mcp__a"}]}, "dynamic tool name is reserved"),
        ("thread/start", {"dynamicTools": [SPACE | {"tools": []}]}, "must contain at least one tool"),
        ("thread/start", {"dynamicTools": [{"type": "function"}]}, "missing field `name`"),
        ("thread/start", {"projectId": "p"}, "project not found: p"),
        ("thread/start", {"daybreakEnabled": True}, "daybreak is not kept"),
        ("thread/start", {"permissions": ":none"}, "no permission profile"),
        ("thread/start", {"permissions": ":workspace", "sandbox": "read-only"}, "cannot be combined"),
        (
            "thread/start",
            {"runtimeWorkspaceRoots": ["src"]},
            "AbsolutePathBuf deserialized without a base path",
        ),
        ("thread/start", {"config": {"model": 5}}, "failed to load configuration"),
        (
            "thread/start",
            {"approvalPolicy": "sometimes"},
            "unknown variant `sometimes`, expected one of `untrusted`, `on-request`, `never`, `granular`",
        ),
        (
            "thread/start",
            {"selectedCapabilityRoots": [{"id": "r", "location": {"type": "other"}}]},
            "unknown variant `other`, expected `environment`",
        ),
        ("thread/start", {"serviceTier": "x" * 2_000}, "taking a service tier: expected at most"),
        ("thread/start", {"threadSource": "a\0b"}, "a character that cannot be stored"),
        ("thread/start", {"runtimeWorkspaceRoots": ["/a\0b"]}, "a character that cannot be stored"),
        ("thread/start", {"developerInstructions": "x" * (17 << 20)}, "more than 16 MiB are not kept"),
        ("thread/start", {"dynamicTools": [TOOL | {"description": "x" * (17 << 20)}]}, "more than 16 MiB"),
        ("thread/resume", {"cwd": "a\0b"}, "a character that cannot be stored"),
        ("thread/resume", {"model": "x" * 2_000}, "taking a model: expected at most"),
        ("thread/fork", {"attachToSource": True}, "attached threads are not kept"),
        ("thread/fork", {"experimentalPredictionMode": True}, "predictions need a model"),
        ("thread/resume", {"history": [{"type": "message"}]}, "takes no `history`"),
        ("thread/resume", {"modelProvider": "other"}, "Cannot change this thread's model provider"),
    ],
)
def test_what_cannot_be_kept_is_refused(method: str, given: dict[str, Any], message: str) -> None:
    """With what is wrong, and nothing written."""
    served = serve(thread().turn("hi"))
    before = served.fs.files()
    target = {} if method == "thread/start" else {"threadId": T}
    with pytest.raises(RefusedError, match=message):
        served.ask(method, **target, **given)
    assert served.fs.files() == before


@pytest.mark.parametrize(
    ("method", "given", "gate"),
    [
        ("thread/start", {"dynamicTools": []}, "thread/start.dynamicTools"),
        ("thread/start", {"permissions": ":workspace"}, "thread/start.permissions"),
        ("thread/start", {"approvalPolicy": {"granular": GRANULAR}}, "askForApproval.granular"),
        ("thread/fork", {"attachToSource": True}, "thread/fork.attachToSource"),
        ("thread/resume", {"history": []}, "thread/resume.history"),
    ],
)
def test_experimental_members_need_the_capability(method: str, given: dict[str, Any], gate: str) -> None:
    """As at the reference server."""
    served = serve(thread().turn("hi"))
    other = served.server.connect(served.outbox)
    served.shake_hands(other, is_experimental=False)
    target = {} if method == "thread/start" else {"threadId": T}
    with pytest.raises(RefusedError, match=f"{gate} requires experimentalApi capability"):
        served.ask(method, client=other, **target, **given)
