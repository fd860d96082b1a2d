"""Publishing what is too long to be in memory: the name is there when all of it is, or never."""

from __future__ import annotations

import pytest

from rollout.fs.publish import publishing
from rollout.testing.crashfs import CrashFS

PATH = "/home/whole"


def test_the_name_appears_when_the_writer_is_done() -> None:
    """Until then the file has another one."""
    fs = CrashFS({}, folders=["/home"])
    with publishing(fs, PATH) as out:
        out.append(b"one")
        assert fs.find_stat(PATH) is None
        out.append(b" two")
    assert fs.files() == {PATH: b"one two"}


def give_up(fs: CrashFS, error: type[BaseException]) -> None:
    """Begin a file, and stop."""
    with publishing(fs, PATH) as out:
        out.append(b"half")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_of_what_was_given_up(error: type[BaseException]) -> None:
    """Whatever stopped it; the file of that name stays as it was."""
    fs = CrashFS({PATH: b"old"}, folders=["/home"])
    with pytest.raises(error):
        give_up(fs, error)
    assert fs.files() == {PATH: b"old"}


def test_a_draft_that_a_crash_left_is_taken_away() -> None:
    """It has a fixed name, so that it is found."""
    fs = CrashFS({f"{PATH}.draft": b"half"}, folders=["/home"])
    with publishing(fs, PATH) as out:
        out.append(b"whole")
    assert fs.files() == {PATH: b"whole"}
