"""The index that is kept between calls: walked again when a folder may have changed, and only then."""

from __future__ import annotations

from rollout.ids import ThreadId
from rollout.log.current import CurrentIndex
from rollout.testing.memory import MemoryFileSystem
from tests.unit.made_lines import OTHER, THREAD

FOLDER = "/home/sessions/2026/11/21"
FIRST = f"{FOLDER}/rollout-2026-11-21T04-09-33-{THREAD}.jsonl"
SECOND = f"{FOLDER}/rollout-2026-11-21T04-09-33-{OTHER}.jsonl"
LONG_AFTER = 1_000_000


def kept(fs: MemoryFileSystem, at: int = LONG_AFTER) -> CurrentIndex:
    """Return an index by a clock that stands still."""
    return CurrentIndex(fs, "/home", lambda: at)


def test_an_unchanged_home_is_not_walked_again() -> None:
    """One look a folder is all it costs."""
    fs = MemoryFileSystem({FIRST: b""})
    current = kept(fs)
    assert current.get() is current.get()


def test_a_new_name_is_found() -> None:
    """A folder's time moves with its names."""
    fs = MemoryFileSystem({FIRST: b""})
    current = kept(fs)
    before = current.get()
    fs.put(SECOND, b"")
    assert before.files_of(ThreadId(OTHER)) == []
    assert current.get().files_of(ThreadId(OTHER)) != []


def test_a_name_that_is_gone_is_forgotten() -> None:
    """A file moved to the archive is not looked for in its old place."""
    fs = MemoryFileSystem({FIRST: b"", SECOND: b""})
    current = kept(fs)
    current.get()
    fs.remove(SECOND)
    assert current.get().files_of(ThreadId(OTHER)) == []


def test_an_append_does_not_make_a_walk() -> None:
    """The index holds names, not contents."""
    fs = MemoryFileSystem({FIRST: b""})
    current = kept(fs)
    before = current.get()
    fs.change(FIRST, b"more")
    assert current.get() is before


def test_a_folder_that_changed_just_now_is_walked_again() -> None:
    """Within the clock's grain it could change once more and look the same."""
    fs = MemoryFileSystem({FIRST: b""})
    current = kept(fs, at=fs.changed_at(FOLDER) + 1)
    current.get()
    fs.listed.clear()
    current.get()
    assert FOLDER in fs.listed


def test_only_the_folder_that_changed_is_walked_again() -> None:
    """What a new name costs does not grow with the home."""
    fs = MemoryFileSystem({FIRST: b"", "/home/sessions/2025/01/01/x": b""})
    current = kept(fs)
    current.get()
    fs.listed.clear()
    fs.put(SECOND, b"")
    current.get()
    assert FOLDER in fs.listed
    assert "/home/sessions/2025/01/01" not in fs.listed


def test_a_folder_that_is_gone_takes_its_files_along() -> None:
    """And those below it."""
    fs = MemoryFileSystem({FIRST: b"", SECOND: b"", "/home/sessions/2025/01/01/x": b""})
    current = kept(fs)
    current.get()
    fs.remove(FIRST)
    fs.remove(SECOND)
    assert current.get().all_files() == []


def test_an_unreadable_folder_is_tried_again() -> None:
    """Somebody may have mended its permissions, which does not move its time."""
    fs = MemoryFileSystem({FIRST: b"", "/home/sessions/x/y": b""})
    fs.refuse("/home/sessions/x")
    current = kept(fs)
    assert current.get() is not current.get()


def test_the_index_can_be_let_go() -> None:
    """What is kept may be dropped at any moment."""
    current = kept(MemoryFileSystem({FIRST: b""}))
    before = current.get()
    current.forget()
    assert current.get() is not before
    assert current.get().files_of(ThreadId(THREAD)) != []
