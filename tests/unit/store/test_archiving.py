"""Archive and unarchive: which files change their folder, and what stays readable meanwhile."""

from __future__ import annotations

from itertools import count

import pytest

from rollout.errors import Conflict, LeaseHeld, NotFound
from rollout.fs.api import ReadFile
from rollout.ids import ThreadId
from rollout.log.lease import take_lease
from rollout.store.archiving import archive, unarchive
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import ARCHIVE, DAY, HOME, STAMP, Rollout, packed, thread, uuid

ONE = ThreadId(uuid(1))
LATER = "2026-11-22T08-00-00"


def store_over(fs: CrashFS) -> Store:
    """Return a store whose clock moves on."""
    ticks = count(1_795_248_374_000)
    return Store(fs, HOME, 1 << 20, lambda: next(ticks), lambda: uuid(99))


def home_of(*rollouts: Rollout, folder: str = DAY) -> CrashFS:
    """Return a disk with these rollouts."""
    return CrashFS({f"{folder}/{one.name()}": one.log() for one in rollouts}, folders=[HOME])


def rollouts_in(fs: CrashFS, folder: str) -> list[str]:
    """Return the names of the rollouts in a folder."""
    return sorted(path.rpartition("/")[2] for path in fs.files() if path.startswith(f"{folder}/"))


def test_every_rollout_of_a_thread_goes() -> None:
    """Those that reverts left behind, too, and under the names they have."""
    first = thread(1).turn("hello")
    again = first.revert(7, first.position).turn("again")
    fs = CrashFS({f"{DAY}/{first.name()}": first.log(), f"{DAY}/{again.name(LATER)}": again.log()})
    moves = archive(store_over(fs).surroundings(), ONE)
    assert rollouts_in(fs, ARCHIVE) == sorted([first.name(), again.name(LATER)])
    assert rollouts_in(fs, DAY) == []
    assert [one.path.rpartition("/")[2] for one in moves.moved] == [first.name(), again.name(LATER)]


def test_unarchiving_goes_by_the_date_in_the_name() -> None:
    """Whatever folder the file came from."""
    fs = CrashFS({f"{ARCHIVE}/{thread(1).name(LATER)}": thread(1).log()})
    unarchive(store_over(fs).surroundings(), ONE)
    assert rollouts_in(fs, f"{HOME}/sessions/2026/11/22") == [thread(1).name(LATER)]
    assert rollouts_in(fs, ARCHIVE) == []


def test_a_name_without_a_date_stays_archived() -> None:
    """There is no folder for it; nothing is guessed."""
    fs = CrashFS({f"{ARCHIVE}/{thread(1).name('once')}": thread(1).log()})
    with pytest.raises(Conflict, match="carries no date"):
        unarchive(store_over(fs).surroundings(), ONE)
    assert rollouts_in(fs, ARCHIVE) == [thread(1).name("once")]


def test_bytes_stay_as_they_are() -> None:
    """Compressed ones as well: a file changes its place, not its form."""
    content = packed(thread(1).turn("hello").log())
    fs = CrashFS({f"{DAY}/{thread(1).name()}.zst": content})
    archive(store_over(fs).surroundings(), ONE)
    assert fs.files()[f"{ARCHIVE}/{thread(1).name()}.zst"] == content


@pytest.mark.parametrize(
    "members",
    [
        {"parent_thread_id": uuid(1)},
        {"source": {"subagent": {"thread_spawn": {"parent_thread_id": uuid(1), "depth": 1}}}},
    ],
)
def test_spawned_threads_go_along(members: dict[str, object]) -> None:
    """Whichever member of the header names their spawner; others stay."""
    fs = home_of(thread(1), thread(2, **members), thread(3, parent_thread_id=uuid(2)), thread(4))
    around = store_over(fs).surroundings()
    assert archive(around, ONE).thread_ids == [uuid(1), uuid(2), uuid(3)]
    assert rollouts_in(fs, DAY) == [thread(4).name()]
    assert unarchive(around, ONE).thread_ids == [uuid(1), uuid(2), uuid(3)]
    assert rollouts_in(fs, ARCHIVE) == []


def test_a_fork_stays_where_it_is() -> None:
    """And reads its archived parent as before."""
    parent = thread(1).turn("hello")
    fs = home_of(parent, parent.fork(2).turn("and now?"))
    store = store_over(fs)
    archive(store.surroundings(), ONE)
    with store.open_thread(uuid(2)) as child:
        assert [turn.id for turn in child.all_turns()] == ["t1", "t2"]
        assert [file.is_archived for file in child.files()] == [True, False]


def test_doing_it_twice_changes_nothing() -> None:
    """The second call says that nothing was left to move."""
    fs = home_of(thread(1))
    around = store_over(fs).surroundings()
    archive(around, ONE)
    before = fs.files()
    assert archive(around, ONE).moved == []
    assert {path for path in fs.files() if "/.rollout/" not in path} == {
        path for path in before if "/.rollout/" not in path
    }


def test_a_thread_that_somebody_records_stays() -> None:
    """As do those it spawned, and the other way round: all of them go, or none."""
    fs = home_of(thread(1), thread(2, parent_thread_id=uuid(1)))
    around = store_over(fs).surroundings()
    for held in (1, 2):
        lease = take_lease(fs, HOME, ThreadId(uuid(held)), clock=lambda: 1, pid=1)
        with lease, pytest.raises(LeaseHeld):
            archive(around, ONE)
        assert rollouts_in(fs, ARCHIVE) == []


def test_an_unknown_thread_is_not_found() -> None:
    """Rather than archived without a file."""
    with pytest.raises(NotFound, match="no file name"):
        archive(store_over(home_of(thread(2))).surroundings(), ONE)


def test_a_thread_without_its_parent_can_be_archived() -> None:
    """Only names and headers matter here, not histories."""
    fs = home_of(thread(1).turn("hello").fork(2))
    archive(store_over(fs).surroundings(), ThreadId(uuid(2)))
    assert rollouts_in(fs, ARCHIVE) == [thread(2).name()]


def test_a_file_of_another_thread_is_not_moved() -> None:
    """Its name and its header disagree: whose it is cannot be known."""
    fs = CrashFS({f"{DAY}/{thread(1).name()}": thread(2).log()})
    with pytest.raises(Conflict, match="found a header of thread"):
        archive(store_over(fs).surroundings(), ONE)


@pytest.mark.parametrize("suffix", ["", ".zst"])
def test_a_copy_that_adds_nothing_goes(suffix: str) -> None:
    """A crash may leave one in either place, shorter than the file that is read."""
    whole, part = thread(1).turn("hello").log(), thread(1).log()
    fs = CrashFS(
        {
            f"{DAY}/{thread(1).name()}": whole,
            f"{ARCHIVE}/{thread(1).name()}{suffix}": packed(part) if suffix else part,
        }
    )
    archive(store_over(fs).surroundings(), ONE)
    assert rollouts_in(fs, ARCHIVE) == [thread(1).name()]
    assert fs.files()[f"{ARCHIVE}/{thread(1).name()}"] == whole


def test_a_copy_with_bytes_of_its_own_is_kept() -> None:
    """Neither may be given up for the other, so nothing is moved."""
    files = {
        f"{DAY}/{thread(1).name()}": thread(1).turn("hello").log(),
        f"{ARCHIVE}/{thread(1).name()}": thread(1).turn("goodbye").log(),
    }
    fs = CrashFS(files)
    with pytest.raises(Conflict, match="hold different bytes"):
        archive(store_over(fs).surroundings(), ONE)
    assert files.items() <= fs.files().items()


def test_unarchiving_takes_a_left_over_copy_away() -> None:
    """What a crash in the midst of unarchiving left in the archive."""
    log = thread(1).turn("hello").log()
    fs = CrashFS({f"{DAY}/{thread(1).name()}": log, f"{ARCHIVE}/{thread(1).name()}": log})
    assert unarchive(store_over(fs).surroundings(), ONE).moved == []
    assert rollouts_in(fs, ARCHIVE) == []


@pytest.mark.parametrize("moved", [1, 2])
def test_a_thread_that_moves_while_it_is_opened_is_found(moved: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one whose base moves: between a look at the names and the opening lies a moment."""
    parent = thread(1).turn("hello")
    fs = home_of(parent, parent.fork(2))
    store, mover = store_over(fs), store_over(fs).surroundings()
    opened = fs.open_read
    path = f"{DAY}/{thread(moved).name()}"

    def open_read(wanted: str) -> ReadFile:
        if wanted == path:
            monkeypatch.setattr(fs, "open_read", opened)
            archive(mover, ThreadId(uuid(moved)))
        return opened(wanted)

    monkeypatch.setattr(fs, "open_read", open_read)
    with store.open_thread(uuid(2)) as child:
        assert [turn.id for turn in child.all_turns()] == ["t1"]
    assert rollouts_in(fs, ARCHIVE) == [thread(moved).name()]


def test_the_stamp_in_a_name_is_kept() -> None:
    """Archived and brought back, a rollout has its old path."""
    fs = home_of(thread(1))
    around = store_over(fs).surroundings()
    archive(around, ONE)
    unarchive(around, ONE)
    assert rollouts_in(fs, DAY) == [f"rollout-{STAMP}-{uuid(1)}.jsonl"]
