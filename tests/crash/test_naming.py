"""Names over crashes and failures: the old one or the new one, and nobody else's is lost."""

from __future__ import annotations

import errno
from itertools import count

import pytest

from rollout.errors import StorageFailed
from rollout.ids import ThreadId
from rollout.log.names import append_name, read_names, remove_names
from rollout.testing.crashfs import CrashFS
from tests.builders import HOME, uuid

PATH = f"{HOME}/session_index.jsonl"
THREAD, OTHER = ThreadId(uuid(1)), ThreadId(uuid(2))
OLD = b'{"id":"%b","thread_name":"kept"}\n{"id":"%b","thread_name":"zero"}' % (
    OTHER.encode(),
    THREAD.encode(),
)
NAMES = ["one", "two"]


def name_all(fs: CrashFS) -> None:
    """Name a thread a few times over."""
    for name in NAMES:
        fs.begin(name)
        append_name(fs, HOME, THREAD, name, 0)
        fs.acknowledge(name)


@pytest.mark.parametrize("files", [{}, {PATH: OLD}])
def test_a_crash_leaves_the_old_name_or_the_new_one(files: dict[str, bytes]) -> None:
    """What was acknowledged is there, and the next name can be given."""
    name_all(fs := CrashFS(files, folders=[HOME]))
    for cut in fs.cuts():
        for disk in cut.images():
            names = read_names(disk, HOME)
            allowed = [*cut.acknowledged[-1:], *cut.begun[len(cut.acknowledged) :]]
            if not cut.acknowledged:
                allowed += ["zero"] if files else [None]
            assert names.get(THREAD) in allowed, disk.origin
            assert names.get(OTHER) == ("kept" if files else None), disk.origin
            append_name(disk, HOME, THREAD, "next", 0)
            assert read_names(disk, HOME)[THREAD] == "next", disk.origin


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_refusal_leaves_the_old_name_or_the_new_one(number: int) -> None:
    """And no lock that is held."""
    for at in count(1):
        fs = CrashFS({PATH: OLD}, folders=[HOME]).failing(at, number, written_bytes=5)
        try:
            name_all(fs)
        except StorageFailed:
            assert read_names(fs, HOME)[THREAD] in ("zero", *NAMES)
        if fs.operation_count < at:
            break
        append_name(fs, HOME, THREAD, "next", 0)
        assert read_names(fs, HOME) == {THREAD: "next", OTHER: "kept"}


def test_a_crash_while_removing_names_loses_no_other() -> None:
    """The file is the old one or the new one, whole."""
    fs = CrashFS({PATH: OLD + b"\n"}, folders=[HOME])
    remove_names(fs, HOME, {THREAD})
    fs.acknowledge("removed")
    for cut in fs.cuts():
        for disk in cut.images():
            names = read_names(disk, HOME)
            assert names.pop(OTHER) == "kept", disk.origin
            assert names == {} or (names == {THREAD: "zero"} and not cut.acknowledged), disk.origin
