"""Lines of a legacy rollout are counted once, and the count is trusted only as far as its anchor holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rollout.errors import RolloutError, StorageFailed
from rollout.log.layout import numbering_path
from rollout.replay.lineage import Lineage
from rollout.store.numbering import count_records
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, Rollout, thread
from tests.recorded_home import home_of

STATE = f"{HOME}/.rollout"
LONG = "word " * 5_000


def long_log(turns: int = 60) -> Rollout:
    """Return a legacy log for which a note is worth while."""
    made = thread(1, "legacy")
    for _ in range(turns):
        made.turn(LONG)
    assert len(made.log()) > 2 << 20
    return made


def disk(rollout: Rollout) -> CrashFS:
    """Return a disk that holds a rollout."""
    return CrashFS({f"{DAY}/{rollout.name()}": rollout.log()}, folders=[HOME])


def counted(fs: CrashFS, rollout: Rollout, end_offset: int, state: str | None = STATE) -> tuple[int, int]:
    """Return a count, and how many bytes were read for it."""
    lineage: Lineage
    with home_of(fs).open_thread(rollout.thread_id) as opened:
        lineage = opened.lineage
        before = lineage.bytes_read
        found = count_records(fs, state, lineage.newest, lineage.newest_source, end_offset)
        return found, lineage.bytes_read - before


def note_path(rollout: Rollout) -> str:
    """Return where the note of a rollout lies."""
    return numbering_path(STATE, rollout.thread_id)  # type: ignore[arg-type]  # one rollout: both ids are one


def note(fs: CrashFS, rollout: Rollout) -> dict[str, Any]:
    """Return the note that was left."""
    found: dict[str, Any] = json.loads(fs.files()[note_path(rollout)])
    return found


def test_every_line_counts() -> None:
    """The header's, blank and damaged ones included, up to the offset."""
    made = thread(1, "legacy").turn("one").raw(b"\n\xff\n{\n")
    ends = [at + 1 for at, byte in enumerate(made.log()) if byte == ord("\n")]
    fs = disk(made)
    assert [counted(fs, made, end)[0] for end in ends] == list(range(1, len(ends) + 1))


def test_a_short_log_leaves_no_note() -> None:
    """Counting it again is as fast as reading one."""
    made = thread(1, "legacy").turn("one")
    fs = disk(made)
    counted(fs, made, len(made.log()))
    assert note_path(made) not in fs.files()


def test_a_note_spares_what_it_has_counted() -> None:
    """Only what lies behind it is read, and what its anchor covers."""
    made = long_log()
    at, lines = len(made.log()), made.log().count(b"\n")
    fs = disk(made.turn("more"))
    found, read = counted(fs, made, at)
    assert (found, read >= at) == (lines, True)
    assert note(fs, made)["records"] == lines
    found, read = counted(fs, made, len(made.log()))
    assert found == made.log().count(b"\n")
    assert read < 200_000


def test_a_note_behind_the_offset_is_not_used() -> None:
    """It counts too much."""
    made = long_log()
    fs = disk(made)
    counted(fs, made, len(made.log()))
    half = made.log().index(b"\n", len(made.log()) // 2) + 1
    assert counted(fs, made, half)[0] == made.log()[:half].count(b"\n")


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"{",
        b"[]",
        b'{"offset":-5,"records":9,"anchor":""}',
        b'{"offset":1048576,"records":0,"anchor":"x"}',
    ],
)
def test_a_note_that_is_none_is_passed_over(stored: bytes) -> None:
    """Everything is counted again, and the note is replaced."""
    made = long_log()
    fs = disk(made)
    expected = counted(fs, made, len(made.log()))[0]
    fs = CrashFS({**fs.files(), note_path(made): stored}, folders=[HOME])
    assert counted(fs, made, len(made.log()))[0] == expected
    assert note(fs, made)["records"] == expected


def test_a_note_of_other_bytes_is_passed_over() -> None:
    """The log was replaced by one of the same length whose lines are others."""
    made = long_log()
    fs = disk(made)
    at = len(made.log())
    counted(fs, made, at)
    path = f"{DAY}/{made.name()}"
    tail = made.log()[-1000:].replace(b"yes", b'y"s')
    other = made.log().replace(b"word word", b"word\nword")[:-1000] + tail
    fs = CrashFS({**fs.files(), path: other}, folders=[HOME])
    assert counted(fs, made, at)[0] == other.count(b"\n")


def test_nothing_is_noted_without_a_folder_for_it() -> None:
    """The count is the same."""
    made = long_log()
    fs = disk(made)
    assert counted(fs, made, len(made.log()), None)[0] == made.log().count(b"\n")
    assert set(fs.files()) == {f"{DAY}/{made.name()}"}


def test_a_note_that_cannot_be_written_is_done_without() -> None:
    """Nobody asked for it."""
    made = long_log()
    for at in range(1, 6):
        fs = disk(made).failing(at, 28)
        try:
            found = counted(fs, made, len(made.log()))[0]
        except (StorageFailed, RolloutError):
            pytest.fail(f"operation {at} failed for a note")
        assert found == made.log().count(b"\n")
