"""The examples of the protocol document, executed: each request gives the response that stands below it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rollout.appserver.dispatch import METHODS
from rollout.appserver.params import Initialize
from rollout.appserver.protocol import encode_response
from tests.builders import thread, uuid
from tests.served import Served, serve

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
_EXAMPLE = re.compile(r"```request\n(.+?)\n```\n+```response\n(.+?)\n```", re.DOTALL)
EXAMPLES = _EXAMPLE.findall(DOCUMENT)


def world() -> Served:
    """Return the home that the examples are about."""
    rollout = thread(1).turn("Where is the bug?", "In the parser.").turn("Fix it.", "Done.")
    return serve(rollout, thread(2).turn("Something else"))


def assert_like(found: Any, wanted: Any, where: str = "$") -> None:
    """Hold an answer against an example: `…` stands for anything, and ends a text that goes on."""
    if wanted == "…":
        return
    if isinstance(wanted, str) and wanted.endswith("…"):
        assert isinstance(found, str), where
        assert found.startswith(wanted[:-1]), where
    elif isinstance(wanted, dict):
        assert isinstance(found, dict), where
        assert set(wanted) - {"…"} <= set(found), where
        if "…" not in wanted:
            assert set(found) == set(wanted), where
        for name in set(wanted) - {"…"}:
            assert_like(found[name], wanted[name], f"{where}.{name}")
    elif isinstance(wanted, list):
        assert isinstance(found, list), where
        assert len(found) == len(wanted), where
        for at, (one, other) in enumerate(zip(found, wanted, strict=True)):
            assert_like(one, other, f"{where}[{at}]")
    else:
        assert found == wanted, where


@pytest.mark.parametrize(("request_text", "response_text"), EXAMPLES)
def test_an_example_is_what_happens(request_text: str, response_text: str) -> None:
    """Member for member, but for what is left open."""
    asked = json.loads(request_text)
    served = world()
    client = served.server.connect() if asked["method"] == "initialize" else served.client
    if asked["params"].pop("loaded", False):
        served.ask("thread/resume", threadId=asked["params"]["threadId"], excludeTurns=True)

    response = served.respond(asked["method"], asked["params"], client)
    found = json.loads(encode_response(response)) | {"id": asked["id"]}
    assert_like(found, json.loads(response_text))


def test_every_method_is_documented() -> None:
    """With every member that it takes."""
    rows = {
        name: line for line in DOCUMENT.splitlines() for name in METHODS if line.startswith(f"| `{name}`")
    }
    assert rows.keys() == METHODS.keys()
    assert Initialize.__struct_fields__ == ("client_info", "capabilities")


def test_every_method_that_reads_has_an_example() -> None:
    """Whoever writes a client can copy it."""
    shown = {json.loads(request)["method"] for request, _ in EXAMPLES}
    reading = {
        "thread/list",
        "thread/read",
        "thread/turns/list",
        "thread/items/list",
        "thread/resume",
        "thread/fork",
    }
    own = {name for name in METHODS if name.startswith("rollout/")} - {"rollout/thread/unwatch"}
    assert reading | own <= shown
    assert uuid(1) in DOCUMENT
