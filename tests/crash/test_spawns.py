"""Edges over crashes and failures: what was acknowledged is there, and nobody else's is lost."""

from __future__ import annotations

import errno
from itertools import count

import pytest

from rollout.errors import StorageFailed
from rollout.ids import ThreadId
from rollout.log.spawns import SpawnEdge, SpawnStatus, change_spawns, read_spawns, remove_spawns
from rollout.testing.crashfs import CrashFS
from tests.builders import HOME, uuid

PATH = f"{HOME}/.rollout/spawn.jsonl"
P, C, OTHER = (ThreadId(uuid(number)) for number in (1, 2, 3))
KEPT = SpawnEdge(P, OTHER)
LINE = f'{{"at":1,"parentThreadId":"{P}","childThreadId":"{OTHER}","status":"open"}}'.encode()
STEPS = [SpawnEdge(P, C, status) for status in (SpawnStatus.OPEN, SpawnStatus.CLOSED)]


def say_all(fs: CrashFS) -> None:
    """Open an edge, then close it."""
    for edge in STEPS:
        fs.begin(edge)
        change_spawns(fs, HOME, 2, lambda _, edge=edge: edge)
        fs.acknowledge(edge)


@pytest.mark.parametrize("files", [{}, {PATH: LINE}, {PATH: LINE + b"\n"}])
def test_a_crash_leaves_the_old_edge_or_the_new_one(files: dict[str, bytes]) -> None:
    """What was acknowledged is there, and the next edge can be said."""
    say_all(fs := CrashFS(files, folders=[HOME]))
    for cut in fs.cuts():
        for disk in cut.images():
            said = read_spawns(disk, HOME)
            allowed = [*cut.acknowledged[-1:], *cut.begun[len(cut.acknowledged) :]]
            assert said.get(C) in (allowed if cut.acknowledged else [None, *allowed]), disk.origin
            assert said.get(OTHER) == (KEPT if files else None), disk.origin
            change_spawns(disk, HOME, 3, lambda _: STEPS[0])
            assert read_spawns(disk, HOME)[C] == STEPS[0], disk.origin


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_refusal_leaves_the_old_edge_or_the_new_one(number: int) -> None:
    """And no lock that is held."""
    for at in count(1):
        fs = CrashFS({PATH: LINE}, folders=[HOME]).failing(at, number, written_bytes=5)
        try:
            say_all(fs)
        except StorageFailed:
            assert read_spawns(fs, HOME).get(C) in (None, *STEPS)
        if fs.operation_count < at:
            break
        change_spawns(fs, HOME, 3, lambda _: STEPS[0])
        assert read_spawns(fs, HOME) == {C: STEPS[0], OTHER: KEPT}


def test_a_crash_while_removing_edges_loses_no_other() -> None:
    """The file is the old one or the new one, whole."""
    fs = CrashFS({PATH: LINE + b"\n" + LINE.replace(OTHER.encode(), C.encode())}, folders=[HOME])
    remove_spawns(fs, HOME, {C})
    fs.acknowledge("removed")
    for cut in fs.cuts():
        for disk in cut.images():
            said = read_spawns(disk, HOME)
            assert said.pop(OTHER) == KEPT, disk.origin
            assert said == {} or (said == {C: STEPS[0]} and not cut.acknowledged), disk.origin
