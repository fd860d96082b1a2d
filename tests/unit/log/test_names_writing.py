"""Naming threads: one line more, under the lock of whoever else names them."""

from __future__ import annotations

import json

import pytest

from rollout.errors import Conflict, InvalidRequest, NotFound
from rollout.ids import ThreadId
from rollout.log.names import append_name, name_bytes, read_names, remove_names
from rollout.store.root import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, STAMP, thread, uuid

PATH = f"{HOME}/session_index.jsonl"
LOCK = f"{PATH}.lock"
THREAD = ThreadId(uuid(1))
NOW_MS = 1_795_248_374_123
LINE = b'{"id":"%b","thread_name":"Colours","updated_at":"2026-11-21T08:06:14.123Z"}\n' % THREAD.encode()


def disk_of(content: bytes | None = None) -> CrashFS:
    """Return a home with a thread, and these names."""
    files = {f"{DAY}/rollout-{STAMP}-{THREAD}.jsonl": thread(1).log()}
    return CrashFS(files if content is None else files | {PATH: content}, folders=[HOME])


def store_of(fs: CrashFS) -> Store:
    """Return a store over the home of a disk."""
    return Store(fs, HOME, 1 << 20, lambda: NOW_MS, lambda: uuid(99))


def test_the_first_name_makes_the_file() -> None:
    """The line is spelled as the reference client spells it."""
    append_name(fs := disk_of(), HOME, THREAD, "Colours", NOW_MS)
    assert fs.files()[PATH] == LINE


def test_a_name_is_appended() -> None:
    """What stood there stays."""
    append_name(fs := disk_of(b"junk\n"), HOME, THREAD, "Colours", NOW_MS)
    assert fs.files()[PATH] == b"junk\n" + LINE


@pytest.mark.parametrize("cut", [LINE[:-1].replace(b"Colours", b"Whole"), LINE[:20]])
def test_a_line_without_newline_stays_a_line_of_its_own(cut: bytes) -> None:
    """Whole or torn, the new one does not run into it."""
    append_name(fs := disk_of(cut), HOME, THREAD, "Colours", NOW_MS)
    assert fs.files()[PATH] == cut + b"\n" + LINE
    assert read_names(fs, HOME) == {THREAD: "Colours"}


@pytest.mark.parametrize("name", ["två\nrader", 'a "quoted" \\ name', "✓ \u2028 \x7f"])
def test_any_text_reads_back(name: str) -> None:
    """On one line, whatever it holds."""
    append_name(fs := disk_of(), HOME, THREAD, name, NOW_MS)
    assert json.loads(fs.files()[PATH])["thread_name"] == name
    assert read_names(fs, HOME) == {THREAD: name}


def test_while_somebody_has_the_lock_nothing_is_written() -> None:
    """The message names the lock."""
    fs = disk_of(b"junk\n")
    lock = fs.find_lock(LOCK)
    with pytest.raises(Conflict, match="have been locked for 5 s") as caught:
        append_name(fs, HOME, THREAD, "Colours", NOW_MS)
    assert lock is not None
    assert LOCK in (caught.value.hint or "")
    assert fs.files()[PATH] == b"junk\n"


def test_the_lock_is_let_go_of() -> None:
    """The next one gets it, and its file stays, as the reference client leaves it."""
    append_name(fs := disk_of(), HOME, THREAD, "Colours", NOW_MS)
    assert fs.find_lock(LOCK) is not None


def test_a_name_is_stored_without_white_space_around_it() -> None:
    """And stands for the thread."""
    store = store_of(disk_of())
    assert store.set_name(THREAD, " Colours\n") == "Colours"
    assert store.find_thread_id("Colours") == THREAD


@pytest.mark.parametrize("name", ["", " \t\n", "x" * 1001, "a\0b", "\ud800"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """Before anything is touched."""
    fs = disk_of()
    before = fs.files()
    with pytest.raises(InvalidRequest, match="taking a name"):
        store_of(fs).set_name(THREAD, name)
    assert fs.files() == before


def test_a_thread_that_is_not_there_gets_no_name() -> None:
    """A name without a thread would stand in the way of one with it."""
    fs = disk_of()
    before = fs.files()
    with pytest.raises(NotFound):
        store_of(fs).set_name(uuid(2), "Colours")
    assert fs.files() == before


OTHER = LINE.replace(THREAD.encode(), uuid(2).encode())


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (LINE + OTHER + LINE, OTHER),
        (OTHER + LINE[:-1], OTHER),
        (OTHER[:-1] + b"\0\0\n" + LINE, OTHER[:-1] + b"\0\0\n"),
        (b"junk\n\n" + LINE + LINE[:20], b"junk\n\n" + LINE[:20]),
        (LINE, b""),
    ],
)
def test_names_are_removed_and_nothing_else(content: bytes, left: bytes) -> None:
    """Other lines stay to the byte, whatever they are; `name_bytes` has told how much it would be."""
    fs = disk_of(content)
    told = name_bytes(fs, HOME)[THREAD]
    remove_names(fs, HOME, {THREAD})
    assert fs.files()[PATH] == left
    assert abs(told - (len(content) - len(left))) <= 1
    assert fs.find_lock(LOCK) is not None


@pytest.mark.parametrize("content", [None, OTHER, b""])
def test_names_without_one_to_remove_stay(content: bytes | None) -> None:
    """The file is not even written anew."""
    fs = disk_of(content)
    before = fs.operation_count
    remove_names(fs, HOME, {THREAD})
    assert fs.operation_count - before <= 1, "a lock file, and nothing else"


def test_names_are_not_removed_while_somebody_has_them_locked() -> None:
    """A name that is just being given would be lost."""
    fs = disk_of(LINE)
    assert fs.find_lock(LOCK) is not None
    with pytest.raises(Conflict, match="locked"):
        remove_names(fs, HOME, {THREAD})
    assert fs.files()[PATH] == LINE
