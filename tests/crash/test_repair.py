"""Repairs over crashes and failures: at no moment is a byte nowhere, and a second try finishes."""

from __future__ import annotations

import errno
from itertools import count

import pytest

from rollout.store.root import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, HOME, STAMP, thread, uuid

TORN_PATH = f"{DAY}/rollout-{STAMP}-{uuid(1)}.jsonl"
BARE_PATH = f"{DAY}/rollout-{STAMP}-{uuid(2)}.jsonl"
DRAFT_PATH = f"{DAY}/rollout-{STAMP}-{uuid(3)}.jsonl.draft"
TORN_LOG = thread(1).turn("hello").log()
BARE_LOG = thread(2).turn("hi").log()
TORN = b'{"timestamp":"2026-'
DRAFT = b'{"timestamp":'
NOW_MS = 1_795_248_374_000


def damaged() -> CrashFS:
    """Return a disk with a torn tail, a missing newline, and a draft that was left over."""
    files = {TORN_PATH: TORN_LOG + TORN, BARE_PATH: BARE_LOG[:-1], DRAFT_PATH: DRAFT}
    return CrashFS(files, folders=[HOME])


def repair(fs: CrashFS) -> list[str]:
    """Repair the home; return the paths that were mended, acknowledged as they were."""
    store = Store(fs, HOME, 1 << 20, lambda: NOW_MS, lambda: uuid(99))
    done = []
    plan = store.plan_repair(store.check(store.files_to_check()))
    for one in store.apply_repair(plan):
        if one.error is None:
            fs.acknowledge(one.step.path)
            done.append(one.step.path)
    return done


def quarantined(fs: CrashFS) -> list[bytes]:
    """Return what lies in quarantine under a name that is no draft's."""
    return [
        content
        for path, content in fs.files().items()
        if "/quarantine/" in path and not path.endswith(".draft")
    ]


def assert_nothing_is_lost(fs: CrashFS) -> None:
    """Every byte that was there is in its place, or whole in quarantine."""
    files = fs.files()
    assert files[TORN_PATH].startswith(TORN_LOG), fs.origin
    assert files[TORN_PATH] == TORN_LOG + TORN or TORN in quarantined(fs), fs.origin
    assert files[BARE_PATH].rstrip(b"\0\n") == BARE_LOG[:-1], fs.origin
    assert files.get(DRAFT_PATH) == DRAFT or DRAFT in quarantined(fs), fs.origin


def assert_mended(fs: CrashFS, path: object) -> None:
    """What was acknowledged as mended is."""
    files = fs.files()
    wanted = {TORN_PATH: TORN_LOG, BARE_PATH: BARE_LOG, DRAFT_PATH: None}
    assert files.get(str(path)) == wanted[str(path)], fs.origin


def test_a_crash_loses_nothing() -> None:
    """Whatever it leaves, every byte is somewhere, and acknowledged steps are done."""
    repair(fs := damaged())
    assert len(list(fs.cuts())[-1].acknowledged) == 3
    for cut in fs.cuts():
        for disk in cut.images():
            assert_nothing_is_lost(disk)
            for path in cut.acknowledged:
                assert_mended(disk, path)


def test_a_second_try_finishes() -> None:
    """After any crash; and a crash of that one loses nothing, either, which the last disk shows."""
    repair(fs := damaged())
    for cut in fs.cuts():
        for disk in cut.images():
            repair(disk)
            for path in (TORN_PATH, BARE_PATH, DRAFT_PATH):
                assert_mended(disk, path)
            assert_nothing_is_lost(disk)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_refusal_loses_nothing(number: int) -> None:
    """Whichever operation failed: its step is told as not done, or was; the next try finishes."""
    for at in count(1):
        fs = damaged().failing(at, number, written_bytes=3)
        done = repair(fs)
        assert_nothing_is_lost(fs)
        for path in done:
            assert_mended(fs, path)
        if fs.operation_count < at:
            break
        repair(fs)
        for path in (TORN_PATH, BARE_PATH, DRAFT_PATH):
            assert_mended(fs, path)
        assert_nothing_is_lost(fs)
