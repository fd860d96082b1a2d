"""The index of a home: where rollouts are found, and which of several files counts."""

from __future__ import annotations

import itertools

import pytest

from rollout.ids import RolloutId, ThreadId
from rollout.log.index import RolloutIndex
from rollout.testing.memory import MemoryFileSystem
from tests.unit.made_lines import OTHER, THIRD, THREAD

HOME = "/home"
DAY = f"{HOME}/sessions/2026/11/21"
ARCHIVE = f"{HOME}/archived_sessions"


def name(thread_id: str = THREAD, stamp: str = "2026-11-21T04-09-33", suffix: str = ".jsonl") -> str:
    """Return a rollout's file name."""
    return f"rollout-{stamp}-{thread_id}{suffix}"


def index_of(*paths: str) -> RolloutIndex:
    """Return the index of a home with these files."""
    return RolloutIndex(MemoryFileSystem(dict.fromkeys(paths, b"")), HOME)


def paths_of(index: RolloutIndex, thread_id: str = THREAD) -> list[str]:
    """Return where a thread's rollouts lie, newest first."""
    return [file.path for file in index.files_of(ThreadId(thread_id))]


@pytest.mark.parametrize(
    "folder",
    [
        DAY,
        f"{HOME}/sessions",
        f"{HOME}/sessions/a",
        f"{HOME}/sessions/a/b/c/d/e/f",
        ARCHIVE,
        f"{ARCHIVE}/x/y",
    ],
)
def test_a_thread_is_found_at_any_depth(folder: str) -> None:
    """Lookup by id does not ask for a date folder."""
    assert paths_of(index_of(f"{folder}/{name()}")) == [f"{folder}/{name()}"]


@pytest.mark.parametrize("folder", [HOME, f"{HOME}/other", "/elsewhere/sessions"])
def test_other_folders_are_not_looked_at(folder: str) -> None:
    """Rollouts lie under two folders of the home."""
    assert index_of(f"{folder}/{name()}").all_files() == []


def test_a_home_without_rollouts_is_empty() -> None:
    """Missing folders are no error."""
    index = index_of()
    assert (index.all_files(), index.unreadable_folders) == ([], [])


def test_an_unknown_thread_has_no_files() -> None:
    """Asking for it is no error either."""
    index = index_of(f"{DAY}/{name(OTHER)}")
    assert paths_of(index) == []
    assert index.find_rollout(RolloutId(THREAD)) is None


def test_an_archived_file_says_so() -> None:
    """The folder alone decides."""
    index = index_of(f"{ARCHIVE}/{name()}", f"{DAY}/{name(OTHER)}")
    assert {file.name.thread_id: file.is_archived for file in index.all_files()} == {
        THREAD: True,
        OTHER: False,
    }


def test_the_newest_name_of_a_thread_comes_first() -> None:
    """By stamp, whatever folder the file lies in."""
    old, new = name(stamp="2026-01-01T00-00-00"), f"{name(stamp='2026-02-01T00-00-00')[:-6]}_{OTHER}.jsonl"
    expected = [f"{HOME}/sessions/{new}", f"{DAY}/{old}"]
    assert paths_of(index_of(f"{DAY}/{old}", f"{HOME}/sessions/{new}")) == expected


def test_of_two_names_with_one_stamp_the_greater_rollout_id_is_newer() -> None:
    """The rollout id breaks the tie."""
    stem = f"{DAY}/rollout-2026-01-01T00-00-00-{THREAD}"
    lesser, greater = f"{stem}_{OTHER}.jsonl", f"{stem}_{THIRD}.jsonl"
    assert paths_of(index_of(greater, lesser)) == [greater, lesser]


def test_every_rollout_of_a_reverted_thread_can_be_a_base() -> None:
    """They are looked up by rollout id."""
    first, second = f"{DAY}/{name()}", f"{DAY}/{name(suffix=f'_{OTHER}.jsonl')}"
    index = index_of(first, second)
    found = [index.find_rollout(RolloutId(rollout_id)) for rollout_id in (THREAD, OTHER)]
    assert [file.path for file in found if file is not None] == [first, second]


def test_the_plain_file_wins_over_the_compressed_one() -> None:
    """The compressed one may be stale."""
    plain, packed = f"{DAY}/{name()}", f"{DAY}/{name()}.zst"
    assert paths_of(index_of(packed, plain)) == [plain]
    assert paths_of(index_of(plain, packed)) == [plain]


def test_the_active_file_wins_over_the_archived_one() -> None:
    """A move cut short leaves both."""
    active, archived = f"{DAY}/{name()}", f"{ARCHIVE}/{name()}"
    assert paths_of(index_of(archived, active)) == [active]


def test_the_active_file_wins_even_when_it_is_compressed() -> None:
    """Place comes before form."""
    active, archived = f"{DAY}/{name()}.zst", f"{ARCHIVE}/{name()}"
    assert paths_of(index_of(archived, active)) == [active]


def test_the_choice_does_not_depend_on_the_order_of_a_folder() -> None:
    """Copies of one rollout: whichever order the file system lists them in, one wins."""
    copies = [f"{HOME}/sessions/{folder}/{name()}" for folder in ("a", "b", "c")]
    chosen = {tuple(paths_of(index_of(*order))) for order in itertools.permutations(copies)}
    assert len(chosen) == 1


def test_one_newest_file_a_thread() -> None:
    """The files that a listing looks at."""
    index = index_of(f"{DAY}/{name()}", f"{DAY}/{name(suffix=f'_{THIRD}.jsonl')}", f"{DAY}/{name(OTHER)}")
    current = {file.name.thread_id: file.name.rollout_id for file in index.current_files()}
    assert current == {THREAD: THIRD, OTHER: OTHER}


def test_a_rollout_id_taken_by_another_thread_counts_once() -> None:
    """Two names that claim one rollout: the newer one has it."""
    own = f"{DAY}/{name(OTHER, stamp='2026-01-01T00-00-00')}"
    claimed = f"{DAY}/{name(stamp='2026-02-01T00-00-00', suffix=f'_{OTHER}.jsonl')}"
    index = index_of(own, claimed)
    assert paths_of(index, OTHER) == []
    assert paths_of(index) == [claimed]
    assert [file.path for file in index.current_files()] == [claimed]


def test_ids_are_found_by_prefix() -> None:
    """Sorted, and only those that begin with it."""
    index = index_of(*(f"{DAY}/{name(thread_id)}" for thread_id in (THIRD, THREAD, OTHER)))
    assert index.ids_with_prefix("01a1fc4b-92") == [THREAD, OTHER]
    assert index.ids_with_prefix("") == [THREAD, OTHER, THIRD]
    assert index.ids_with_prefix("ff") == []


def test_logs_under_other_names_are_strays() -> None:
    """They are noted, so that a check can say that nobody reads them."""
    index = index_of(f"{DAY}/copy of {name()}", f"{DAY}/notes.txt", f"{DAY}/x.jsonl.zst", f"{DAY}/{name()}")
    assert sorted(index.strays) == [f"{DAY}/copy of {name()}", f"{DAY}/x.jsonl.zst"]


def test_an_unreadable_folder_is_reported() -> None:
    """The rest is found all the same; nothing is missing silently."""
    fs = MemoryFileSystem(dict.fromkeys([f"{DAY}/{name()}", f"{HOME}/sessions/2025/{name(OTHER)}"], b""))
    fs.refuse(f"{HOME}/sessions/2025")
    index = RolloutIndex(fs, HOME)
    assert index.unreadable_folders == [f"{HOME}/sessions/2025"]
    assert paths_of(index) == [f"{DAY}/{name()}"]


def test_folders_nested_without_end_are_left() -> None:
    """A loop of links ends the walk, not the program."""
    deep = "/".join(["x"] * 100)
    index = index_of(f"{HOME}/sessions/{deep}/{name()}", f"{DAY}/{name(OTHER)}")
    assert [file.path for file in index.all_files()] == [f"{DAY}/{name(OTHER)}"]


def test_the_walk_reads_no_contents() -> None:
    """Names alone make an index."""
    fs = MemoryFileSystem(dict.fromkeys([f"{DAY}/{name()}", f"{ARCHIVE}/{name(OTHER)}"], b"x"))
    RolloutIndex(fs, HOME)
    assert (fs.opens, fs.reads) == ([], [])


def test_an_empty_index_walks_nothing() -> None:
    """For a lineage that has no base to look up."""
    assert RolloutIndex.empty().all_files() == []


def test_files_that_are_not_read_are_known() -> None:
    """Whoever moves or removes a rollout must know of its copies."""
    read, copy, archived = f"{DAY}/{name()}", f"{DAY}/{name()}.zst", f"{ARCHIVE}/{name()}"
    for paths in itertools.permutations((read, copy, archived)):
        assert {file.path for file in index_of(*paths).superseded} == {copy, archived}
