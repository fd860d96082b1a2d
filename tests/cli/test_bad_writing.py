"""Bad calls to the commands that record: a known status, a message with the reason, nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import USER, Feed, bytes_of, error_of, lines

UNKNOWN = "01a1fc4a-0000-7000-8000-000000000000"
BAD_LINES = {
    "not JSON": b'{"type"',
    "not an object": b"[1]",
    "not UTF-8": b'{"type":"message","role":"user","content":"\xff"}',
    "NaN": b'{"type":"reasoning","summary":[],"score":NaN}',
    "out of range": b'{"type":"reasoning","summary":[],"score":1e999}',
    "lone surrogate": b'{"type":"function_call","name":"\\ud800","arguments":"","call_id":"c"}',
    "too deep": b'{"type":"reasoning","summary":[],"x":' + b"[" * 300 + b"]" * 300 + b"}",
    "deeper than any stack": b"[" * 200_000,
    "no type": b'{"role":"user"}',
    "a type of another kind": b'{"type":5}',
    "an unknown type": b'{"type":"mesage","role":"user","content":[]}',
    "a whole record": b'{"timestamp":"t","ordinal":1,"type":"response_item","payload":{"type":"reasoning"}}',
    "a member twice": b'{"type":"message","role":"user","role":"assistant","content":[]}',
    "an unknown role": b'{"type":"message","role":"admin","content":[]}',
    "content that is text": b'{"type":"message","role":"user","content":"hi"}',
    "an unknown part": b'{"type":"message","role":"user","content":[{"type":"text","text":"hi"}]}',
    "a part without text": b'{"type":"message","role":"user","content":[{"type":"input_text"}]}',
    "an image that is a number": (
        b'{"type":"message","role":"user","content":[{"type":"input_image","image_url":5}]}'
    ),
    "a call without arguments": b'{"type":"function_call","name":"f","call_id":"c"}',
    "an output without text": b'{"type":"function_call_output","call_id":"c","output":{"content":"x"}}',
    "an output of odd parts": (
        b'{"type":"function_call_output","call_id":"c","output":[{"type":"input_text"}]}'
    ),
    "reasoning without a list": b'{"type":"reasoning","summary":5}',
    "reasoning of numbers": b'{"type":"reasoning","summary":[5]}',
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_bad_line_is_named_and_nothing_is_written(
    case: str, home: Path, thread_id: str, feed: Feed
) -> None:
    """Not the good line before it either; to the byte, the home is as it was."""
    before = bytes_of(home)
    ran = feed(lines(USER) + BAD_LINES[case] + b"\n", "--home", home, "append", thread_id, "--json")
    error = error_of(ran)
    assert (ran.status, error["code"]) == (2, "request.invalid")
    assert error["message"].startswith("reading items from stdin, line 2: ")
    assert len(error["message"]) < 300
    assert bytes_of(home) == before


@pytest.mark.parametrize("stdin", [b"", b"\n \r\n\n"])
def test_no_items_are_no_turn(stdin: bytes, home: Path, thread_id: str, feed: Feed) -> None:
    """Empty input is a mistake, and is not recorded."""
    before = bytes_of(home)
    ran = feed(stdin, "--home", home, "append", thread_id, "--json")
    assert ran.status == 2
    assert error_of(ran)["message"] == "reading items from stdin: expected one or more, found none"
    assert bytes_of(home) == before


def test_a_long_text_is_stored_whole(home: Path, thread_id: str, feed: Feed) -> None:
    """Ten megabytes are no reason to refuse: images are inlined."""
    long = {**USER, "content": [{"type": "input_text", "text": "x" * 10_000_000}]}
    assert feed(lines(long), "--home", home, "append", thread_id).status == 0
    resumed = json.loads(feed(b"", "--home", home, "resume", thread_id, "--json").stdout)
    assert resumed["rollout"]["context"]["items"][-1] == long


def test_a_line_over_the_cap_is_refused(home: Path, thread_id: str, feed: Feed) -> None:
    """The cap that readers have is the cap of what is written."""
    before = bytes_of(home)
    long = {**USER, "content": [{"type": "input_text", "text": "x" * 5000}]}
    ran = feed(lines(long), "--home", home, "--max-line-bytes", "4096", "append", thread_id, "--json")
    assert ran.status == 2
    assert "an item of 5," in error_of(ran)["message"]
    assert bytes_of(home) == before


WRITERS = {
    "append": ["append"],
    "compact": ["compact", "--history", "-"],
    "rollback": ["rollback", "--turns", "1"],
    "revert": ["revert", "--before-turn", UNKNOWN],
    "repair": ["repair"],
}
BAD_THREADS = {
    "no UUID": ("not-a-uuid", 3),
    "no thread": (UNKNOWN, 3),
    "a path that leads out": ("../../../no/such/log.jsonl", 3),
    "a path that is no log": ("/etc/passwd", 5),
    "a folder": ("/", 7),
    "a null character": ("a\0b/x.jsonl", 7),
    "a lone surrogate": ("\udcff", 3),
    "a lone surrogate in a path": ("/\udcff.jsonl", 3),
    "ten megabytes": ("x" * 10_000_000, 3),
    "nothing": ("", 3),
}


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("case", BAD_THREADS)
def test_a_thread_that_is_none_costs_nothing(
    case: str, command: str, home: Path, thread_id: str, feed: Feed
) -> None:
    """A known status, a short message, and the home as it was."""
    before = bytes_of(home)
    name, *options = WRITERS[command]
    reference, status = BAD_THREADS[case]
    ran = feed(lines(USER), "--home", home, name, reference, *options, "--json")
    assert ran.status == (2 if command == "repair" and "/" in reference else status)
    assert len(error_of(ran)["message"]) < 1000
    assert bytes_of(home) == before


@pytest.mark.parametrize("command", ["append", "compact", "revert"])
def test_a_file_outside_the_home_is_not_written_to(
    command: str, home_of: Callable[[str], Path], home: Path, thread_id: str, feed: Feed, tmp_path: Path
) -> None:
    """A path is not a way around the home: neither the copy named nor the thread's own file grows."""
    own = next(home.rglob(f"*{thread_id}.jsonl"))
    copy = tmp_path / own.name
    copy.write_bytes(own.read_bytes())
    before = bytes_of(tmp_path)
    name, *options = WRITERS[command]
    ran = feed(lines(USER), "--home", home, name, copy, *options, "--json")
    assert ran.status == 2
    assert "the newest rollout of thread" in error_of(ran)["message"]
    assert bytes_of(tmp_path) == before


def test_a_path_in_the_home_names_its_thread(home: Path, thread_id: str, feed: Feed) -> None:
    """However it is spelled."""
    own = next(home.rglob(f"*{thread_id}.jsonl"))
    spelled = f"{own.parent}/../{own.parent.name}/{own.name}"
    assert feed(lines(USER), "--home", home, "append", spelled).status == 0


BAD_OPTIONS = {
    "no model": ["new"],
    "a blank model": ["new", "--model", " "],
    "a model of ten megabytes": ["new", "--model", "x" * 10_000_000],
    "a model with a surrogate": ["new", "--model", "\udcff"],
    "a blank name": ["new", "--model", "m", "--name", " \n"],
    "a name of ten megabytes": ["new", "--model", "m", "--name", "x" * 10_000_000],
    "a name with a null": ["new", "--model", "m", "--name", "a\0b"],
    "a folder with a null": ["new", "--model", "m", "--cwd", "a\0b"],
    "a folder with a surrogate": ["new", "--model", "m", "--cwd", "/\udcff"],
    "a folder of ten megabytes": ["new", "--model", "m", "--cwd", "x" * 10_000_000],
    "a blank provider": ["new", "--model", "m", "--model-provider", ""],
    "no turns": ["rollback", "--last", "--turns", "0"],
    "too many turns": ["rollback", "--last", "--turns", "4294967296"],
    "turns that are no number": ["rollback", "--last", "--turns", "one"],
    "an unknown durability": ["append", "--last", "--durability", "maybe"],
    "a message with a surrogate": ["compact", "--last", "--history", "-", "--message", "\udcff"],
    "neither thread nor --last": ["append"],
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_a_bad_option_costs_nothing(case: str, home: Path, thread_id: str, feed: Feed) -> None:
    """Status 2, JSON on stderr, and the home as it was."""
    before = bytes_of(home / "sessions")
    ran = feed(lines(USER), "--home", home, *BAD_OPTIONS[case], "--json")
    error = error_of(ran)
    assert (ran.status, error["code"]) == (2, "request.invalid")
    assert len(error["message"]) < 300
    assert bytes_of(home / "sessions") == before
    assert not (home / "session_index.jsonl").exists()


@pytest.mark.parametrize("history", [b"", b"[", b"[1]", b'[{"type":"message"}]', b'{"type":"nope"}'])
def test_a_bad_history_is_not_recorded(history: bytes, home: Path, thread_id: str, feed: Feed) -> None:
    """As lines or as an array."""
    before = bytes_of(home)
    ran = feed(history, "--home", home, "compact", thread_id, "--history", "-", "--json")
    assert ran.status == 2
    assert error_of(ran)["message"].startswith("reading items from stdin")
    assert bytes_of(home) == before


def test_a_history_that_is_not_there_is_a_refusal_of_the_system(
    home: Path, thread_id: str, feed: Feed
) -> None:
    """The message names the file."""
    ran = feed(b"", "--home", home, "compact", thread_id, "--history", "/no/such/file", "--json")
    assert (ran.status, error_of(ran)["message"]) == (7, "reading /no/such/file: No such file or directory")
