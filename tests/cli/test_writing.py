"""The commands that record: what they write, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import ANSWER, USER, Feed, Runner, bytes_of, error_of, lines

UNKNOWN = "01a1fc4a-0000-7000-8000-000000000000"


def test_a_new_thread_answers_to_its_name(home: Path, rollout_command: Runner) -> None:
    """`new` prints the id; the name, trimmed, stands for it from then on."""
    made = rollout_command("--home", home, "new", "--model", "m", "--name", "  Fix it ")
    shown = json.loads(rollout_command("--home", home, "show", "Fix it", "--json").stdout)["thread"]
    assert (made.status, made.stderr) == (0, "")
    assert (shown["id"], shown["name"]) == (made.stdout.strip(), "Fix it")


def test_a_new_thread_is_what_was_asked_for(
    home: Path, rollout_command: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is the thread, and its folder is the current one unless another is named."""
    monkeypatch.chdir(home)
    ran = rollout_command("--home", home, "new", "--model", "m", "--model-provider", "p", "--json")
    made = json.loads(ran.stdout)["thread"]
    assert (made["cwd"], made["modelProvider"], made["historyMode"]) == (str(home), "p", "paginated")
    assert Path(made["path"]).is_file()


def test_appended_items_are_what_a_model_is_given(home: Path, thread_id: str, feed: Feed) -> None:
    """Two turns of two items: the context holds the four, in order and as they were spelled."""
    more = lines({**USER, "content": [{"type": "input_text", "text": "Und jetzt? ✓"}]}, ANSWER)
    assert feed(more, "--home", home, "append", thread_id).status == 0
    resumed = json.loads(feed(b"", "--home", home, "resume", thread_id, "--json").stdout)
    assert resumed["rollout"]["context"]["items"] == [USER, ANSWER, *map(json.loads, more.splitlines())]
    assert [turn["status"] for turn in resumed["turns"]] == ["completed", "completed"]


def test_append_answers_with_the_turn_and_what_was_written(home: Path, thread_id: str, feed: Feed) -> None:
    """Ordinals go on where the last turn ended; the bytes are those that the file grew by."""
    before = sum(map(len, bytes_of(home / "sessions").values()))
    answer = json.loads(feed(lines(USER, ANSWER), "--home", home, "append", thread_id, "--json").stdout)
    grown = sum(map(len, bytes_of(home / "sessions").values())) - before
    shown = ["userMessage", "agentMessage"]
    assert [item["type"] for item in answer["turn"]["items"]] == shown
    assert answer["rollout"] == {
        "firstOrdinal": 9,
        "nextOrdinal": 16,
        "bytesWritten": grown,
        "durable": True,
    }


def test_what_is_not_made_durable_is_not_called_so(home: Path, thread_id: str, feed: Feed) -> None:
    """--durability none promises nothing."""
    ran = feed(lines(USER), "--home", home, "append", thread_id, "--durability", "none", "--json")
    assert json.loads(ran.stdout)["rollout"]["durable"] is False


def test_a_compaction_begins_a_window(home: Path, thread_id: str, feed: Feed, tmp_path: Path) -> None:
    """The model is given the new history alone; people still see the turns."""
    history = tmp_path / "history.json"
    history.write_text(json.dumps([USER]))
    ran = feed(b"", "--home", home, "compact", thread_id, "--history", history, "--json")
    resumed = json.loads(feed(b"", "--home", home, "resume", thread_id, "--json").stdout)
    assert json.loads(ran.stdout)["window"] == resumed["rollout"]["context"]["window"]
    assert resumed["rollout"]["context"]["items"] == [USER]
    assert resumed["turns"][0]["items"][0]["type"] == "userMessage"


def test_a_compaction_takes_json_lines_from_stdin(home: Path, thread_id: str, feed: Feed) -> None:
    """`-` is stdin."""
    ran = feed(lines(ANSWER, USER), "--home", home, "compact", thread_id, "--history", "-")
    assert ran.stdout == "window 1: 2 items in place of the earlier history\n"


def test_a_revert_ends_the_thread_before_a_turn(home: Path, thread_id: str, feed: Feed) -> None:
    """The turn is gone for readers of the thread; the older file keeps it."""
    older = json.loads(feed(b"", "--home", home, "show", thread_id, "--json").stdout)["thread"]["path"]
    turn = json.loads(feed(lines(USER), "--home", home, "append", thread_id, "--json").stdout)["turn"]["id"]
    kept = Path(older).read_bytes()
    reverted = json.loads(
        feed(b"", "--home", home, "revert", thread_id, "--before-turn", turn, "--json").stdout
    )
    turns = json.loads(feed(b"", "--home", home, "turns", thread_id, "--json").stdout)["data"]
    assert reverted["thread"]["path"] != older
    assert len(turns) == 1
    assert Path(older).read_bytes() == kept


def test_a_rollback_takes_turns_of_a_legacy_thread_back(home_of: Callable[[str], Path], feed: Feed) -> None:
    """The newest turn is not shown any more, and no byte before the record has changed."""
    home = home_of("legacy")
    thread = json.loads(feed(b"", "--home", home, "show", "--last", "--json").stdout)["thread"]
    before = Path(thread["path"]).read_bytes()
    count = len(json.loads(feed(b"", "--home", home, "turns", thread["id"], "--json").stdout)["data"])
    ran = feed(b"", "--home", home, "rollback", thread["id"], "--turns", "1", "--json")
    left = json.loads(feed(b"", "--home", home, "turns", thread["id"], "--json").stdout)["data"]
    assert json.loads(ran.stdout)["rollout"]["nextOrdinal"] is None
    assert len(left) == count - 1
    assert Path(thread["path"]).read_bytes().startswith(before)


def test_a_paginated_thread_is_not_rolled_back(home: Path, thread_id: str, feed: Feed) -> None:
    """The hint says what to do instead, and nothing was touched."""
    before = bytes_of(home)
    ran = feed(b"", "--home", home, "rollback", thread_id, "--turns", "1", "--json")
    assert ran.status == 2
    assert "rollout revert" in error_of(ran)["hint"]
    assert bytes_of(home) == before


def test_a_legacy_thread_is_not_reverted(home_of: Callable[[str], Path], feed: Feed) -> None:
    """The same the other way round."""
    home = home_of("legacy")
    before = bytes_of(home)
    ran = feed(b"", "--home", home, "revert", "--last", "--before-turn", UNKNOWN, "--json")
    assert ran.status == 2
    assert "Roll its last turns back" in error_of(ran)["hint"]
    assert bytes_of(home) == before
