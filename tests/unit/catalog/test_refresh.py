"""A refresh reads what is new, believes one look a file, and leaves rows as a rebuild would make them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rollout.catalog.plan import Known, find_work
from rollout.catalog.refresh import Progress
from rollout.catalog.walk import find_seen
from tests.builders import thread
from tests.catalog_home import DiskHome, column, row_of, rows_of


def rebuilt(disk: DiskHome, folder: Path) -> object:
    """Return the rows of a catalog that has never seen the home."""
    fresh = disk.catalog(state=folder / "elsewhere")
    fresh.refresh()
    return rows_of(fresh)


def test_an_unchanged_home_costs_no_read(disk: DiskHome) -> None:
    """One look a file, and nothing else."""
    for number in range(1, 5):
        disk.put(thread(number).turn("Hey"))
    catalog = disk.catalog()
    assert catalog.refresh().absorbed == 4
    again = catalog.refresh()
    assert (again.seen, again.fresh, again.absorbed, again.bytes_read, again.settled) == (4, 4, 0, 0, 0)


def test_an_append_is_read_from_the_watermark(disk: DiskHome, tmp_path: Path) -> None:
    """Bytes before it are not read again but for the anchor and the header."""
    rollout = thread().turn("Hey", "x" * 2_000_000)
    disk.put(rollout)
    catalog = disk.catalog()
    catalog.refresh()
    disk.put(rollout.turn("And now?", model="model-two"))
    refreshed = catalog.refresh()
    assert refreshed.bytes_read < 400_000
    assert row_of(catalog, rollout.thread_id)["model"] == "model-two"
    assert rows_of(catalog) == rebuilt(disk, tmp_path)


def test_a_torn_tail_is_absorbed_once_it_is_whole(disk: DiskHome, tmp_path: Path) -> None:
    """The watermark stays before it."""
    rollout = thread().start("a")
    whole = len(rollout.content)
    path = disk.put(rollout)
    rollout.end("a")
    disk.write(path, rollout.content[:-10])
    catalog = disk.catalog()
    catalog.refresh()
    assert column(catalog, "SELECT watermark FROM files") == [whole]
    disk.put(rollout)
    catalog.refresh()
    assert column(catalog, "SELECT is_completed FROM turns") == [1]
    assert rows_of(catalog) == rebuilt(disk, tmp_path)


def test_an_altered_beginning_is_noticed_by_its_anchor(disk: DiskHome, tmp_path: Path) -> None:
    """A file that grew and is not the one we knew is read anew, whatever its inode says."""
    rollout = thread(mode="legacy").event("user_message", message="Hey")
    path = disk.put(rollout)
    catalog = disk.catalog()
    catalog.refresh()
    disk.write(path, rollout.content.replace(b"Hey", b"Hoo") + thread().start("a").content)
    catalog.refresh()
    assert row_of(catalog, rollout.thread_id)["title"] == "Hoo"
    assert rows_of(catalog) == rebuilt(disk, tmp_path)


@pytest.mark.parametrize("change", ["shrunk", "replaced", "rewritten"])
def test_what_is_no_append_is_read_anew(disk: DiskHome, tmp_path: Path, change: str) -> None:
    """Rows of the old bytes are gone."""
    rollout = thread().turn("Hey").turn("And now?")
    other = thread().turn("Hoo").turn("And now?")
    path = disk.put(rollout)
    catalog = disk.catalog()
    catalog.refresh()
    if change == "shrunk":
        other = thread().turn("Hoo")
    if change == "replaced":
        spare = disk.write(path.with_suffix(".new"), other.content + thread().start("x").content)
        spare.replace(path)
    else:
        disk.write(path, other.content)
    catalog.refresh()
    assert row_of(catalog, rollout.thread_id)["title"] == "Hoo"
    assert rows_of(catalog) == rebuilt(disk, tmp_path)


def test_a_file_that_is_gone_leaves_no_row(disk: DiskHome, tmp_path: Path) -> None:
    """Nor does it leave one in any domain."""
    paths = [disk.put(thread(number).turn("Hey")) for number in (1, 2)]
    catalog = disk.catalog()
    catalog.refresh()
    paths[0].unlink()
    assert catalog.refresh().vanished == 1
    assert [row["thread_id"] for row in rows_of(catalog)["threads"]] == [thread(2).thread_id]
    assert rows_of(catalog) == rebuilt(disk, tmp_path)


def test_archiving_moves_rows_and_reads_no_log(disk: DiskHome, tmp_path: Path) -> None:
    """The thread is archived because of where its file lies."""
    rollout = thread().turn("Hey")
    path = disk.put(rollout)
    catalog = disk.catalog()
    catalog.refresh()
    target = disk.path / "archived_sessions" / path.name
    target.parent.mkdir()
    path.rename(target)
    moved = catalog.refresh()
    assert (moved.moved, moved.absorbed, moved.bytes_read) == (1, 0, 0)
    assert row_of(catalog, rollout.thread_id)["is_archived"] == 1
    assert rows_of(catalog) == rebuilt(disk, tmp_path)


def test_a_copy_in_the_archive_does_not_hide_the_live_one(disk: DiskHome, tmp_path: Path) -> None:
    """Of two files of one rollout the active one counts, whichever was met first."""
    rollout = thread().turn("Hey")
    disk.put(rollout, archived=True)
    catalog = disk.catalog()
    catalog.refresh()
    path = disk.put(rollout.turn("And now?"))
    catalog.refresh()
    assert row_of(catalog, rollout.thread_id)["path"] == str(path)
    assert rows_of(catalog) == rebuilt(disk, tmp_path)


def test_a_fork_is_looked_at_again_when_its_base_comes_and_goes(disk: DiskHome, tmp_path: Path) -> None:
    """Its own bytes do not change, and what it stands on does."""
    parent = thread(1).turn("Hey")
    child = parent.fork(2)
    grandchild = child.turn("Deeper").fork(3)
    disk.put(child)
    disk.put(grandchild)
    catalog = disk.catalog()
    catalog.refresh()
    troubled = "SELECT thread_id FROM threads WHERE problem_code IS NOT NULL ORDER BY 1"
    assert column(catalog, troubled) == [child.thread_id, grandchild.thread_id]
    path = disk.put(parent)
    catalog.refresh()
    assert column(catalog, troubled) == []
    assert row_of(catalog, grandchild.thread_id)["preview"] == "Hey"
    path.unlink()
    catalog.refresh()
    assert column(catalog, troubled) == [child.thread_id, grandchild.thread_id]
    assert rows_of(catalog) == rebuilt(disk, tmp_path)


def test_a_file_without_a_header_is_told_of(disk: DiskHome) -> None:
    """It is a row with a problem, passed over by the domains, and read again once it changes."""
    rollout = thread().turn("Hey")
    path = disk.put(rollout)
    whole = path.read_bytes()
    disk.write(path, b"no log at all\n")
    catalog = disk.catalog()
    catalog.refresh()
    (skipped,) = catalog.stats().skipped
    assert (skipped.path, skipped.code) == (str(path), "log.damaged")
    assert row_of(catalog, rollout.thread_id)["problem_code"] == "log.damaged"
    disk.write(path, whole)
    catalog.refresh()
    assert catalog.stats().skipped == []
    assert row_of(catalog, rollout.thread_id)["problem_code"] is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_refused_file_is_read_once_that_is_allowed(disk: DiskHome) -> None:
    """Changing a right changes neither size nor time."""
    rollout = thread().turn("Hey")
    path = disk.put(rollout)
    path.chmod(0)
    catalog = disk.catalog()
    catalog.refresh()
    assert row_of(catalog, rollout.thread_id)["problem_code"] == "storage.failed"
    path.chmod(0o600)
    catalog.refresh()
    assert row_of(catalog, rollout.thread_id)["title"] == "Hey"


def test_an_interrupted_refresh_goes_on_from_there(disk: DiskHome, tmp_path: Path) -> None:
    """What was committed is not read again."""
    for number in range(1, 601):
        disk.put(thread(number))
    catalog = disk.catalog()

    def interrupt(progress: Progress) -> None:
        if progress.files_done >= 256:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        catalog.refresh(report=interrupt)
    done = len(column(catalog, "SELECT 1 FROM files"))
    assert 0 < done < 600
    assert catalog.refresh().absorbed == 600 - done
    assert rows_of(catalog) == rebuilt(disk, tmp_path)


def test_a_refresh_with_a_budget_takes_the_newest_first(disk: DiskHome) -> None:
    """What is left is told, and is done by the next. A short file costs as much as one of 256 KiB."""
    for number in range(1, 5):
        disk.put(thread(number))
    catalog = disk.catalog()
    first = catalog.refresh(budget_bytes=2 * (256 << 10))
    assert (first.absorbed, first.left, first.is_complete) == (2, 2, False)
    newest = [row["thread_id"] for row in rows_of(catalog)["threads"]]
    assert newest == [thread(3).thread_id, thread(4).thread_id]
    assert catalog.refresh().is_complete


def test_a_slow_old_scan_overwrites_nothing_newer(disk: DiskHome) -> None:
    """It planned with an older row of the file, so it writes nothing."""
    rollout = thread().turn("Hey")
    path = disk.put(rollout)
    slow, quick = disk.catalog(), disk.catalog()
    slow.refresh()
    stale_seen = find_seen(str(disk.path), str(path))
    assert stale_seen is not None

    def scan(connection):  # type: ignore[no-untyped-def]  # a connection of the database module's
        from rollout.catalog.absorb import Absorber, write_derived
        from rollout.catalog.refresh import Scope
        from rollout.catalog.registry import DOMAINS
        from rollout.fs.posix import POSIX

        scope = Scope(POSIX, str(disk.path), 1 << 20, DOMAINS, frozenset({"threads"}), lambda *_: None, "")
        absorber: Absorber = scope.absorber(connection)
        row = connection.execute(
            "SELECT file_id, path, size_bytes, changed_ns, inode, watermark, due, revision FROM files"
        ).fetchone()
        known = Known(*row[:2], row[2] - 1, *row[3:], False)
        work = find_work(stale_seen, known, 1)
        derived = absorber.derive(connection, work)
        disk.put(rollout.turn("And now?"))
        quick.refresh()
        return write_derived(connection, DOMAINS, derived)

    assert slow.ask("scanning", scan) is False
    assert len(column(quick, "SELECT 1 FROM turns")) == 2


def test_a_refresh_told_of_one_file_looks_at_no_other(disk: DiskHome, tmp_path: Path) -> None:
    """New, longer, gone: each is told by one path."""
    disk.put(thread(1).turn("Elsewhere"))
    catalog = disk.catalog()
    rollout = thread(2)
    path = disk.put(rollout)
    assert catalog.refresh_file(str(path)) is True
    assert [row["thread_id"] for row in rows_of(catalog)["threads"]] == [rollout.thread_id]
    assert catalog.refresh_file(str(path)) is False
    disk.put(rollout.turn("Hey"))
    assert catalog.refresh_file(str(path)) is True
    assert row_of(catalog, rollout.thread_id)["title"] == "Hey"
    path.unlink()
    assert catalog.refresh_file(str(path)) is True
    assert rows_of(catalog)["threads"] == []
    catalog.refresh()
    assert rows_of(catalog) == rebuilt(disk, tmp_path)


def test_a_path_that_is_no_text_keeps_nobody_from_the_rest(disk: DiskHome) -> None:
    """No row can hold it; the refresh says that something is left."""
    disk.put(thread(1).turn("Hey"))
    odd = os.fsencode(disk.path) + b"/sessions/\xff"
    os.mkdir(odd)  # noqa: PTH102  # no Path can be trusted with it
    name = os.fsencode(thread(2).name())
    with open(odd + b"/" + name, "wb") as file:  # noqa: PTH123
        file.write(thread(2).content)
    catalog = disk.catalog()
    refreshed = catalog.refresh()
    assert (refreshed.absorbed, refreshed.is_complete) == (1, False)
