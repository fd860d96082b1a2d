"""Thread names: an append-only file of renames."""

from __future__ import annotations

import pytest

from rollout.errors import StorageFailed
from rollout.log.names import read_names
from rollout.testing.memory import MemoryFileSystem
from tests.unit.made_lines import OTHER, THREAD, compact

PATH = "/home/session_index.jsonl"


def rename(thread_id: object, name: object) -> bytes:
    """Return one line of the file."""
    return compact({"id": thread_id, "thread_name": name, "updated_at": "2026-11-21T04:09:33Z"}) + b"\n"


def names(content: bytes) -> dict[str, str]:
    """Return the names that a file gives."""
    return dict(read_names(MemoryFileSystem({PATH: content}), "/home"))


def test_without_the_file_nobody_has_a_name() -> None:
    """A home where nothing was ever renamed."""
    assert read_names(MemoryFileSystem(), "/home") == {}


def test_the_newest_entry_of_an_id_wins() -> None:
    """Later lines replace earlier ones, whatever their times say."""
    content = rename(THREAD, "first") + rename(OTHER, "other") + rename(THREAD, "second")
    assert names(content) == {THREAD: "second", OTHER: "other"}


@pytest.mark.parametrize("name", ["", None])
def test_an_empty_name_takes_the_name_away(name: object) -> None:
    """The thread is called by its id again."""
    assert names(rename(THREAD, "first") + rename(THREAD, name)) == {}


@pytest.mark.parametrize(
    "line",
    [b"junk\n", b"\n", b"\r\n", b"[]\n", b"{}\n", b'{"id":"\xff"}\n', rename(5, "x"), rename("abc", "x")],
)
def test_lines_that_are_no_renames_are_passed_over(line: bytes) -> None:
    """One bad line does not cost the names of all."""
    assert names(line + rename(THREAD, "kept") + line) == {THREAD: "kept"}


def test_a_torn_tail_is_passed_over() -> None:
    """A rename cut short never happened."""
    assert names(rename(THREAD, "kept") + rename(THREAD, "lost")[:-5]) == {THREAD: "kept"}


def test_a_last_line_without_newline_counts() -> None:
    """It is complete."""
    assert names(rename(THREAD, "kept")[:-1]) == {THREAD: "kept"}


def test_crlf_and_upper_case_are_fine() -> None:
    """The id is read in any spelling."""
    assert names(rename(THREAD.upper(), "kept")[:-1] + b"\r\n") == {THREAD: "kept"}


def test_a_refusal_of_the_system_is_not_taken_for_no_names() -> None:
    """Names that cannot be read are not names that are not there."""
    fs = MemoryFileSystem({PATH: rename(THREAD, "kept")})
    fs.refuse(PATH)
    with pytest.raises(StorageFailed):
        read_names(fs, "/home")
