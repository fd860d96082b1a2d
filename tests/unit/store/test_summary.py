"""What a listing says of one thread."""

from __future__ import annotations

import pytest

from rollout.format.times import parse_time
from rollout.store.summary import ThreadSummary
from rollout.testing.memory import MemoryFileSystem
from tests.unit.made_lines import compact, event, line, message
from tests.unit.store.small_home import log_of, path_of, store_of, thread_id, turn_context


def summary_of(*lines: bytes, **members: object) -> ThreadSummary:
    """Return the summary of a thread of these lines behind its header."""
    fs = MemoryFileSystem({path_of(0): log_of(0, **members) + b"".join(lines)})
    with store_of(fs) as store:
        return store.summary(thread_id(0))


def test_preview_is_the_first_user_message() -> None:
    """Items for the model do not count, later messages neither."""
    lines = (
        message("user", "<environment>"),
        event("user_message", message=" First "),
        event("user_message", message="Second"),
    )
    assert summary_of(*lines).preview == "First"


def test_preview_begins_behind_an_editors_marker() -> None:
    """What an editor put in front of the request is left out."""
    said = "# Context\n\n## My request for Codex:\nFix the test\n"
    assert summary_of(event("user_message", message=said)).preview == "Fix the test"


def test_an_image_alone_is_named() -> None:
    """A message of nothing but an image shows that there is one."""
    assert summary_of(event("user_message", message=" ", images=["data:x"])).preview == "[Image]"


def test_a_blank_message_is_passed_over() -> None:
    """The first message that says something counts."""
    lines = (event("user_message", message="  "), event("user_message", message="Then this"))
    assert summary_of(*lines).preview == "Then this"


def test_model_and_folder_follow_the_newest_turn() -> None:
    """The settings of the newest turn win over older ones and the header."""
    summary = summary_of(turn_context("old-model"), turn_context("new-model", "/src/other", effort="high"))
    assert (summary.model, summary.cwd, summary.reasoning_effort) == ("new-model", "/src/other", "high")


def test_without_turns_the_header_speaks() -> None:
    """A thread that has no turn has no model, and its header's folder."""
    summary = summary_of()
    assert (summary.model, summary.cwd, summary.preview) == (None, "/src/app", "")


def test_the_spawner_is_found_in_the_source() -> None:
    """A spawned agent's parent may be named in its source alone."""
    spawn = {"subagent": {"thread_spawn": {"parent_thread_id": "p", "depth": 1}}}
    assert summary_of(source=spawn).parent_thread_id == "p"


def test_the_name_is_the_newest_rename() -> None:
    """Names live beside the logs; the last entry of an id counts, an empty one clears it."""
    fs = MemoryFileSystem({path_of(0): log_of(0)})
    names = [("First", "a"), ("Second", "b")]
    fs.put(
        "/home/session_index.jsonl",
        b"".join(
            compact({"id": thread_id(0), "thread_name": name, "updated_at": at}) + b"\n" for name, at in names
        ),
    )
    with store_of(fs) as store:
        assert store.summary("Second").name == "Second"


def test_early_eras_have_a_preview() -> None:
    """A log of the era of bare records shows its first user message."""
    first = compact({"id": thread_id(0), "timestamp": "2025-05-07T17:24:21.000Z", "instructions": None})
    said = compact({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]})
    fs = MemoryFileSystem({path_of(0): first + b"\n" + said + b"\n"})
    with store_of(fs) as store:
        summary = store.summary(thread_id(0))
    assert (summary.preview, summary.created_at) == ("Hello", 1_746_638_661_000)


def test_unknown_records_do_not_hide_the_settings() -> None:
    """Lines of newer types between the end and the newest turn are passed over."""
    assert summary_of(turn_context("m"), line("from_the_future", {})).model == "m"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T00:00:00Z", 1_795_219_200_000),
        ("2026-11-21T00:00:00.125+00:00", 1_795_219_200_125),
        ("2026-11-21T02:00:00+02:00", 1_795_219_200_000),
        ("2026-11-21T00:00:00", 1_795_219_200_000),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_read_as_utc(text: str, expected: int | None) -> None:
    """RFC 3339, with or without fraction and zone; anything else is no time."""
    assert parse_time(text) == expected
