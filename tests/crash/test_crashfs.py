"""The file system that enumerates crashes: wrong protocols are caught, right ones pass."""

from __future__ import annotations

import errno
from collections.abc import Callable
from itertools import count

import pytest

from rollout.errors import StorageFailed
from rollout.testing.crashfs import CrashFS, Cut

HOME = "/home"
LOG = f"{HOME}/log"
DRAFT = f"{HOME}/draft"
LINES = [b"first\n", b"second\n", b"third\n"]

Scenario = Callable[[CrashFS], None]


def whole_lines(disk: CrashFS) -> list[bytes]:
    """Return what a reader sees of the log: its lines, a torn one left out."""
    content = disk.read_small(LOG)
    return (
        [] if content is None else [line for line in content.splitlines(keepends=True) if line[-1:] == b"\n"]
    )


def is_kept(cut: Cut, disk: CrashFS) -> bool:
    """Tell whether a disk holds all that was acknowledged, and nothing that was not begun."""
    kept = whole_lines(disk)
    begun, acknowledged = list(cut.begun), list(cut.acknowledged)
    return kept[: len(acknowledged)] == acknowledged and kept == begun[: len(kept)]


def is_caught(scenario: Scenario) -> bool:
    """Run a scenario that appends LINES, and tell whether some crash breaks its promises."""
    scenario(fs := CrashFS(folders=[HOME]))
    return any(not is_kept(cut, disk) for cut in fs.cuts() for disk in cut.images())


def appending(
    fs: CrashFS, *, syncs: bool = True, syncs_folder: bool = True, acknowledges_first: bool = False
) -> None:
    """Make the log and append LINES, each acknowledged."""
    with fs.create(LOG) as log:
        if syncs_folder:
            fs.sync_folder(HOME)
        for line in LINES:
            fs.begin(line)
            if acknowledges_first:
                fs.acknowledge(line)
            log.append(line)
            if syncs:
                log.sync()
            if not acknowledges_first:
                fs.acknowledge(line)


def publishing(fs: CrashFS, *, syncs: bool = True, syncs_folder: bool = True) -> None:
    """Write LINES to a draft and publish it, then acknowledge them all."""
    for line in LINES:
        fs.begin(line)
    with fs.create(DRAFT) as draft:
        draft.append(b"".join(LINES))
        if syncs:
            draft.sync()
    fs.replace(DRAFT, LOG)
    if syncs_folder:
        fs.sync_folder(HOME)
    for line in LINES:
        fs.acknowledge(line)


@pytest.mark.parametrize("scenario", [appending, publishing])
def test_a_right_protocol_passes(scenario: Scenario) -> None:
    """Whatever is left has all that was acknowledged, and no more than was begun."""
    assert not is_caught(scenario)


@pytest.mark.parametrize("protocol", [appending, publishing])
@pytest.mark.parametrize("forgotten", ["syncs", "syncs_folder"])
def test_a_forgotten_sync_is_caught(protocol: Callable[..., None], forgotten: str) -> None:
    """Of the bytes, or of the name."""
    assert is_caught(lambda fs: protocol(fs, **{forgotten: False}))


def test_an_acknowledgement_before_the_sync_is_caught() -> None:
    """The moment right after it is looked at, too."""
    assert is_caught(lambda fs: appending(fs, acknowledges_first=True))


def test_publishing_before_the_sync_is_caught() -> None:
    """The name may survive and the bytes not: half a file under a name that promises a whole one."""

    def scenario(fs: CrashFS) -> None:
        with fs.create(DRAFT) as draft:
            draft.append(b"whole")
            fs.replace(DRAFT, LOG)
            fs.sync_folder(HOME)
            draft.sync()

    scenario(fs := CrashFS(folders=[HOME]))
    seen = {disk.read_small(LOG) for cut in fs.cuts() for disk in cut.images()}
    assert seen == {None, b"", b"w", b"wh", b"who", b"whol", b"whole", bytes(5)}


def test_a_sync_tried_again_is_caught() -> None:
    """After a failed sync the bytes may be gone although the next one succeeds."""

    def scenario(fs: CrashFS) -> None:
        with fs.create(LOG) as log:
            fs.sync_folder(HOME)
            fs.begin(LINES[0])
            log.append(LINES[0])
            fs.failing(1, errno.EIO)
            with pytest.raises(StorageFailed):
                log.sync()
            log.sync()
            fs.acknowledge(LINES[0])

    assert is_caught(scenario)


def test_what_is_read_after_opening_again_is_trusted() -> None:
    """Closing every handle ends the doubt; a sync after that makes durable what is there."""
    fs = CrashFS({LOG: b""}).failing(2, errno.EIO)
    with fs.open_append(LOG) as log:
        log.append(b"line\n")
        with pytest.raises(StorageFailed):
            log.sync()
    with fs.open_append(LOG) as log:
        log.sync()
    *_, last = fs.cuts()
    assert [disk.files() for disk in last.images()] == [{LOG: b"line\n"}]


def test_moving_by_syncing_the_source_first_is_caught() -> None:
    """The old name may be gone before the new one is there."""

    def lost(first: str, second: str) -> bool:
        fs = CrashFS({"/a/file": b"x"}, folders=["/b"])
        fs.replace("/a/file", "/b/file")
        fs.sync_folder(first)
        fs.sync_folder(second)
        return any(not disk.files() for cut in fs.cuts() for disk in cut.images())

    assert lost("/a", "/b")
    assert not lost("/b", "/a")


def test_a_replaced_file_is_old_or_new() -> None:
    """Never anything between, when the new one was durable."""
    fs = CrashFS({LOG: b"old", DRAFT: b"new"})
    fs.replace(DRAFT, LOG)
    *_, last = fs.cuts()
    assert [disk.files() for disk in last.images()] == [{LOG: b"old", DRAFT: b"new"}, {LOG: b"new"}]


def test_a_removed_file_may_come_back() -> None:
    """Until its folder is synced."""
    fs = CrashFS({LOG: b"old"})
    fs.remove(LOG)
    before = [disk.files() for disk in list(fs.cuts())[-1].images()]
    fs.sync_folder(HOME)
    after = [disk.files() for disk in list(fs.cuts())[-1].images()]
    assert (before, after) == ([{LOG: b"old"}, {}], [{}])


def test_a_truncation_is_done_or_not() -> None:
    """And what was appended after it is cut anywhere."""
    fs = CrashFS({LOG: b"abcdef"})
    with fs.open_append(LOG) as log:
        log.truncate(3)
        log.append(b"xy")
    *_, last = fs.cuts()
    found = [disk.files()[LOG] for disk in last.images()]
    assert found == [b"abcdef", b"abcxy", b"abc", b"abcx", b"abc\x00\x00"]


@pytest.mark.parametrize("sizes", [[64], [10, 54], [1] * 64])
def test_a_short_tail_is_cut_at_every_byte(sizes: list[int]) -> None:
    """However many appends it came in."""
    fs = CrashFS({LOG: b"kept "})
    with fs.open_append(LOG) as log:
        for size in sizes:
            log.append(b"x" * size)
    *_, last = fs.cuts()
    found = sorted(len(disk.files()[LOG]) for disk in last.images() if b"\x00" not in disk.files()[LOG])
    assert found == list(range(5, 5 + 64 + 1))


def test_zeros_may_stand_for_a_tail() -> None:
    """A file system may have noted the size and not yet the bytes."""
    fs = CrashFS({LOG: b"kept "})
    with fs.open_append(LOG) as log:
        log.append(b"12")
        log.append(b"34\n")
    *_, last = fs.cuts()
    assert b"kept \x00\x00\x00\x00\x00" in [disk.files()[LOG] for disk in last.images()]


def test_a_long_tail_is_cut_around_newlines_and_at_its_ends() -> None:
    """There are too many bytes to cut at each of them."""
    fs = CrashFS({LOG: b""})
    with fs.open_append(LOG) as log:
        log.append(b"x" * 100 + b"\n" + b"y" * 100 + b"\n")
    *_, last = fs.cuts()
    found = {len(disk.files()[LOG]) for disk in last.images()}
    assert found >= {0, 1, 2, 3, 100, 101, 102, 199, 200, 201, 202}
    assert len(found) < 20


def test_three_dirty_things_are_combined_in_full() -> None:
    """Each of three files independently absent, whole, or cut anywhere."""
    paths = [f"{HOME}/{name}" for name in "abc"]
    fs = CrashFS(dict.fromkeys(paths, b""))
    for path in paths:
        with fs.open_append(path) as file:
            file.append(b"12")
    *_, last = fs.cuts()
    found = [tuple(disk.files()[path] for path in paths) for disk in last.images()]
    ends = {(one, two, three) for one in (b"", b"12") for two in (b"", b"12") for three in (b"", b"12")}
    cut_once = {each for each in found if each.count(b"1") == 1}
    zeros_once = {each for each in found if each.count(bytes(2)) == 1}
    assert set(found) == ends | cut_once | zeros_once
    assert (len(ends), len(cut_once), len(zeros_once), len(found)) == (8, 12, 12, 32)


def test_many_dirty_things_are_combined_within_bounds() -> None:
    """All, none, each alone, all but each, and whatever comes first without what comes after."""
    paths = [f"{HOME}/{number}" for number in range(10)]
    fs = CrashFS(folders=[HOME])
    for path in paths:
        with fs.create(path) as file:
            file.append(b"1")
    *_, last = fs.cuts()
    found = [disk.files() for disk in last.images()]
    assert len(found) < 100
    assert {} in found
    assert dict.fromkeys(paths, b"1") in found
    assert dict.fromkeys(paths, b"") in found
    assert all({path: b""} in found for path in paths)


def test_a_folder_that_was_lost_takes_its_files_along() -> None:
    """While folders are made, a crash leaves any number of them; afterwards they are durable."""
    fs = CrashFS(folders=[HOME])
    fs.make_folders(f"{HOME}/a/b")
    with fs.create(f"{HOME}/a/b/file"):
        pass
    left = [
        [disk.is_folder(f"{HOME}/{name}") for name in ("a", "a/b")]
        for cut in fs.cuts()
        for disk in cut.images()
    ]
    assert left[0] == [False, False]
    assert left[-1] == [True, True]
    assert [False, True] not in left


def test_every_operation_can_be_refused() -> None:
    """In turn, until none is left; what came before it is kept."""
    messages = []
    for number in count(1):
        fs = CrashFS(folders=[HOME]).failing(number, errno.ENOSPC)
        try:
            publishing(fs)
        except StorageFailed as refused:
            messages.append(refused.message.replace(": No space left on device", "!"))
            assert fs.operation_count == number
            continue
        break
    assert messages == [
        f"creating {DRAFT}!",
        f"appending to {DRAFT}!",
        f"syncing {DRAFT}!",
        f"renaming {DRAFT} to {LOG}!",
        f"syncing the folder {HOME}!",
    ]


def test_a_refused_append_may_leave_a_part() -> None:
    """As a disk that fills up does."""
    fs = CrashFS({LOG: b"kept "}).failing(1, errno.ENOSPC, written_bytes=2)
    with fs.open_append(LOG) as log, pytest.raises(StorageFailed, match="No space left"):
        log.append(b"lost")
    assert fs.files() == {LOG: b"kept lo"}


def test_recovery_can_be_cut_too() -> None:
    """An image is a file system like the first: trimming a torn tail ends well wherever it is cut."""
    appending(fs := CrashFS(folders=[HOME]))
    for cut in fs.cuts():
        for disk in cut.images():
            if disk.find_stat(LOG) is None:
                continue
            with disk.open_append(LOG) as log:
                log.truncate(sum(map(len, whole_lines(disk))))
                log.sync()
            for again in disk.cuts():
                assert all(is_kept(cut, image) for image in again.images())


def test_no_lock_survives_a_crash() -> None:
    """Its file does, its holder does not."""
    fs = CrashFS(folders=[HOME])
    assert fs.find_lock(LOG) is not None
    assert fs.find_lock(LOG) is None
    *_, last = fs.cuts()
    disks = list(last.images())
    assert [list(disk.files()) for disk in disks] == [[], [LOG]]
    assert all(disk.find_lock(LOG) is not None for disk in disks)


def test_the_same_scenario_leaves_the_same_disks() -> None:
    """A failure can be looked at again; each image says where it comes from."""

    def seen() -> list[tuple[str, dict[str, bytes]]]:
        publishing(fs := CrashFS(folders=[HOME]))
        return [(disk.origin, disk.files()) for cut in fs.cuts() for disk in cut.images()]

    assert seen() == seen()
    assert seen()[-1][0] == f"image 0 of cut {len(LINES) + 5}, after acknowledging {LINES[-1]!r}"
