"""An index that is kept up to date folder by folder equals one made anew, whatever happened between."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.log.current import CurrentIndex
from rollout.log.index import RolloutIndex
from rollout.testing.memory import MemoryFileSystem

_IDS = [f"0190aaaa-bbbb-7ccc-8ddd-00000000000{digit}" for digit in range(4)]
_FOLDERS = ["sessions/2026/11/21", "sessions/2026/11/22", "sessions", "archived_sessions"]
_NAMES = [
    f"rollout-2026-11-2{day}T00-00-00-{thread}{revert}.jsonl{suffix}"
    for day in (1, 2)
    for thread in _IDS[:2]
    for revert in ("", f"_{_IDS[2]}", f"_{_IDS[3]}")
    for suffix in ("", ".zst")
] + ["stray.jsonl", "note.txt"]
_PATHS = st.builds(
    lambda folder, name: f"/home/{folder}/{name}", st.sampled_from(_FOLDERS), st.sampled_from(_NAMES)
)
_STEPS = st.lists(st.lists(st.tuples(st.booleans(), _PATHS), max_size=5), max_size=8)


def facts(index: RolloutIndex) -> object:
    """Return all that an index can be asked."""
    threads = {thread: index.files_of(thread) for thread in map(str, _IDS)}  # type: ignore[arg-type]
    return (
        threads,
        sorted(file.path for file in index.all_files()),
        sorted(file.path for file in index.current_files()),
        sorted(file.path for file in index.superseded),
        sorted(index.strays),
        sorted(index.folders),
        index.ids_with_prefix("0190"),
    )


@settings(max_examples=300)
@given(steps=_STEPS)
def test_an_index_kept_up_to_date_equals_a_new_one(steps: list[list[tuple[bool, str]]]) -> None:
    """Names come, go, move and hide one another; folders come with their names."""
    fs = MemoryFileSystem({})
    current = CurrentIndex(fs, "/home", lambda: 10_000_000)
    for changes in steps:
        for is_added, path in changes:
            if is_added:
                fs.put(path, b"")
            elif fs.find_stat(path) is not None:
                fs.remove(path)
        assert facts(current.get()) == facts(RolloutIndex(fs, "/home"))
