"""The columns of a thread, folded from its records."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import Rollout, thread
from tests.catalog_home import DiskHome, row_of


def row(disk: DiskHome, rollout: Rollout) -> dict[str, Any]:
    """Return the row of the thread of one rollout."""
    disk.put(rollout)
    catalog = disk.catalog()
    catalog.refresh()
    return row_of(catalog, rollout.thread_id)


def said(rollout: Rollout, text: str, **members: object) -> Rollout:
    """Let the user say something."""
    return rollout.event("user_message", message=text, **members)


def test_the_first_user_message_titles(disk: DiskHome) -> None:
    """Later ones do not."""
    found = row(disk, said(said(thread(mode="legacy"), " Hey "), "And now?"))
    assert (found["title"], found["first_user_message"], found["preview"]) == ("Hey", "Hey", "Hey")


def test_a_response_item_titles_nothing(disk: DiskHome) -> None:
    """What the model sees is not what the user said."""
    assert row(disk, thread(mode="legacy").user("<environment>"))["title"] == ""


def test_an_editors_wrapping_is_left_out(disk: DiskHome) -> None:
    """The request stands behind a marker."""
    found = row(disk, said(thread(mode="legacy"), "# Files\n## My request for Codex:\n Fix it \n"))
    assert (found["title"], found["first_user_message"]) == ("Fix it", "Fix it")


def test_an_image_alone_gives_no_title(disk: DiskHome) -> None:
    """It shows that there is one; words that come later title."""
    rollout = said(thread(mode="legacy"), " ", images=["data:x"])
    found = row(disk, said(rollout, "What is it?"))
    assert (found["first_user_message"], found["title"]) == ("[Image]", "What is it?")


def test_a_goal_is_the_preview_until_somebody_speaks(disk: DiskHome) -> None:
    """It is no title."""
    found = row(disk, thread(mode="legacy").event("thread_goal_updated", goal={"objective": "Ship it"}))
    assert (found["preview"], found["first_user_message"]) == ("Ship it", "")


def test_settings_are_those_of_the_newest_context(disk: DiskHome) -> None:
    """Also where it says less than the one before."""
    rollout = thread().context("a", "old", effort="high").context("b", "new", approval_policy="on-request")
    found = row(disk, rollout)
    assert (found["model"], found["reasoning_effort"]) == ("new", None)
    assert found["approval_mode"] == "on-request"
    assert found["sandbox_policy"] == '{"type":"danger-full-access"}'


def test_tokens_are_the_last_total(disk: DiskHome) -> None:
    """Never a sum, and a report of limits alone says nothing."""
    rollout = thread().tokens(100).tokens(70).event("token_count", info=None, rate_limits={})
    assert row(disk, rollout)["tokens_used"] == 70


def test_a_negative_total_counts_as_nothing(disk: DiskHome) -> None:
    """A thread cannot have used less than no tokens."""
    assert row(disk, thread(mode="legacy").tokens(-5))["tokens_used"] == 0


def test_a_header_of_another_thread_says_nothing(disk: DiskHome) -> None:
    """A copied history holds its parent's header, whose memory mode and branch are the parent's."""
    rollout = thread(git={"branch": "mine"})
    parent = rollout.header(id=thread(2).thread_id, memory_mode="polluted", git={"branch": "theirs"})
    found = row(disk, rollout.record("session_meta", parent))
    assert (found["memory_mode"], found["git_branch"]) == ("enabled", "mine")


def test_the_last_header_of_the_thread_sets_the_memory_mode(disk: DiskHome) -> None:
    """It is recorded as a header once more."""
    rollout = thread(memory_mode="disabled")
    rollout.record("session_meta", rollout.header(memory_mode="polluted"))
    assert row(disk, rollout)["memory_mode"] == "polluted"


@pytest.mark.parametrize(
    ("source", "kind", "stored"),
    [
        ("cli", "cli", "cli"),
        ("mcp", "appServer", "mcp"),
        ({"subagent": "review"}, "subAgentReview", '{"subagent":"review"}'),
        (
            {"subagent": {"thread_spawn": {"parent_thread_id": "p"}}},
            "subAgentThreadSpawn",
            '{"subagent":{"thread_spawn":{"parent_thread_id":"p"}}}',
        ),
        ({"subagent": {"other": "x"}}, "subAgentOther", '{"subagent":{"other":"x"}}'),
        ("brandNew", "unknown", "brandNew"),
    ],
)
def test_a_source_is_kept_as_stored_and_has_a_kind(
    disk: DiskHome, source: object, kind: str, stored: str
) -> None:
    """A word as it is, anything else as its JSON."""
    found = row(disk, thread(source=source))
    assert (found["source_kind"], found["source"]) == (kind, stored)


def test_a_name_is_taken_over_and_taken_back(disk: DiskHome) -> None:
    """From the home's file of names, in which the newest entry of an id wins."""
    rollout = said(thread(mode="legacy"), "Hey")
    disk.put(rollout)
    names = disk.path / "session_index.jsonl"
    catalog = disk.catalog()
    found = []
    for name in ("math", "maths", ""):
        line = f'{{"id":"{rollout.thread_id}","thread_name":"{name}","updated_at":"x"}}\n'
        disk.write(names, (names.read_bytes() if names.exists() else b"") + line.encode())
        catalog.refresh()
        found.append(
            (row_of(catalog, rollout.thread_id)["name"], row_of(catalog, rollout.thread_id)["title"])
        )
    assert found == [("math", "Hey"), ("maths", "Hey"), (None, "Hey")]


def test_words_that_come_late_are_found(disk: DiskHome) -> None:
    """No bound on how far the first words may be from the start."""
    rollout = thread(mode="legacy")
    for number in range(2000):
        rollout.event("agent_message", message=f"step {number} " + "x" * 200)
    assert row(disk, said(rollout, "At last"))["title"] == "At last"
