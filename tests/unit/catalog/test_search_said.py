"""What records say, to the search."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.catalog.search_said import Role, Said, find_said, labels_of
from rollout.format.codec import decode_lines
from rollout.format.record import Era, Mode, Record
from rollout.log.header import Header, read_header
from rollout.log.source import open_source
from rollout.testing.memory import MemoryFileSystem
from tests.builders import Rollout, compact_json, message, thread


def header_of(rollout: Rollout) -> Header:
    """Return the header of a rollout."""
    fs = MemoryFileSystem({"/a.jsonl": rollout.content})
    with open_source(fs, "/a.jsonl") as source:
        return read_header(source)


def said_by(rollout: Rollout) -> list[Said]:
    """Return what the records of a rollout say, among those whose labels are asked for."""
    header = header_of(rollout)
    records = [line for line in decode_lines(rollout.content, 0, header.era) if isinstance(line, Record)]
    found = [find_said(header, record) for record in records if record.label in labels_of(header)]
    return [said for said in found if said is not None]


CALLS: list[tuple[dict[str, Any], str]] = [
    ({"type": "McpToolCall", "server": "files", "tool": "read_all", "arguments": {}}, "files read_all"),
    ({"type": "DynamicToolCall", "namespace": "ide", "tool": "open", "arguments": {}}, "ide open"),
    ({"type": "FunctionCallOutput", "name": "plan", "output": "no word of this"}, "plan"),
    (
        {"type": "CommandExecution", "command": ["rg", "-n", "lease"], "aggregated_output": "x"},
        "shell rg -n lease",
    ),
    ({"type": "WebSearch", "query": "flock semantics"}, "web_search flock semantics"),
    ({"type": "FileChange", "changes": {"/a": {"type": "add", "content": "x"}}}, "apply_patch"),
]


@pytest.mark.parametrize(("item", "words"), CALLS)
def test_a_call_is_its_tool_and_what_was_asked(item: dict[str, Any], words: str) -> None:
    """Never what came of it."""
    made = thread().event("item_completed", turn_id="t", item={"id": "c", "status": "completed", **item})
    assert said_by(made) == [Said(Role.TOOL, words)]


@pytest.mark.parametrize("kind", ["Reasoning", "Plan", "ContextCompaction", "SomethingNew"])
def test_other_items_say_nothing(kind: str) -> None:
    """What was thought was not said."""
    made = thread().event("item_completed", turn_id="t", item={"type": kind, "id": "r", "text": "lease"})
    assert said_by(made) == []


@pytest.mark.parametrize("mode", list(Mode))
def test_a_turn_says_each_message_once(mode: Mode) -> None:
    """It is stored as a model item, too."""
    made = thread(mode=mode.value).turn("Why?", "So.")
    assert said_by(made) == [Said(Role.USER, "Why?"), Said(Role.ASSISTANT, "So.")]


def test_an_item_that_a_spawned_thread_took_over_says_nothing() -> None:
    """The thread that said it says it."""
    made = thread(subagent_history_start_ordinal=7).turn("taken over").turn("own")
    assert [said.text for said in said_by(made) if said.role is Role.USER] == ["own"]


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (message("user", "lease"), [Said(Role.USER, "lease")]),
        (message("assistant", "le", "ase"), [Said(Role.ASSISTANT, "lease")]),
        (message("developer", "lease"), []),
        (message("user", "<environment_context>lease</environment_context>"), []),
    ],
)
def test_in_the_first_era_model_items_stand_for_messages(payload: dict[str, Any], found: list[Said]) -> None:
    """There were no others; what the client inserted is none."""
    made = Rollout(1, "legacy")
    made.content = b'{"id":"01a1fc4b-0000-7000-8000-000000000001","timestamp":"2025-04-16T00:00:00Z"}\n'
    made.raw(compact_json(payload) + b"\n")
    assert header_of(made).era is Era.BARE
    assert said_by(made) == found
