"""The file of edges: the newest of a child counts, and whatever is no edge is passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rollout.errors import Conflict
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.ids import ThreadId
from rollout.log.spawns import SpawnEdge, SpawnStatus, change_spawns, read_spawns, remove_spawns
from rollout.testing.crashfs import CrashFS
from tests.builders import HOME, uuid

PATH = f"{HOME}/.rollout/spawn.jsonl"
P, Q, C, D = (ThreadId(uuid(number)) for number in (1, 2, 3, 4))


def stored(parent: str, child: str, status: str = "open") -> bytes:
    """Return a line of the file."""
    line = {"at": 5, "parentThreadId": parent, "childThreadId": child, "status": status}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def home(content: bytes = b"") -> CrashFS:
    """Return a disk with a file of edges."""
    return CrashFS({PATH: content} if content else {}, folders=[HOME])


def test_there_are_none_without_a_file() -> None:
    """A home in which nothing was said."""
    assert read_spawns(home(), HOME) == {}


def test_a_line_has_one_form() -> None:
    """When, who spawned, who was spawned, and whether that is open."""
    fs = home()
    change_spawns(fs, HOME, 5, lambda _: SpawnEdge(P, C, SpawnStatus.CLOSED))
    assert fs.files()[PATH] == stored(P, C, "closed")


def test_the_newest_edge_of_a_child_counts() -> None:
    """A child has one parent."""
    assert read_spawns(home(stored(P, C) + stored(Q, C, "closed")), HOME) == {
        C: SpawnEdge(Q, C, SpawnStatus.CLOSED)
    }


@pytest.mark.parametrize(
    "line", [b"{", b"[]\n", stored(P, C, "paused"), stored("p", C), stored(P, "c"), b"\0\0\0", b"\xff\n"]
)
def test_what_is_no_edge_is_passed_over(line: bytes) -> None:
    """A torn line, zeros, a newer release's status."""
    assert read_spawns(home(stored(P, C) + line), HOME) == {C: SpawnEdge(P, C)}


def test_a_torn_line_stays_a_line_of_its_own() -> None:
    """The next one is not glued to it."""
    fs = home(b'{"at":5,"par')
    change_spawns(fs, HOME, 5, lambda _: SpawnEdge(P, C))
    assert read_spawns(fs, HOME) == {C: SpawnEdge(P, C)}


def test_a_plan_is_told_what_is_there() -> None:
    """And may leave it at that."""
    fs, seen = home(stored(P, C)), []
    change_spawns(fs, HOME, 5, lambda said: seen.append(dict(said)))
    assert (seen, fs.files()[PATH]) == ([{C: SpawnEdge(P, C)}], stored(P, C))


def test_a_locked_file_is_a_conflict() -> None:
    """Nothing is written."""
    fs = home(stored(P, C))
    lock = fs.find_lock(f"{PATH}.lock")
    assert lock is not None
    with pytest.raises(Conflict, match="the edges of this home have been locked"):
        change_spawns(fs, HOME, 5, lambda _: SpawnEdge(P, D))
    assert fs.files()[PATH] == stored(P, C)


def test_removing_takes_edges_both_ways() -> None:
    """Those to a thread and those from it; other lines stay, to the byte."""
    fs = home(stored(P, Q) + stored(Q, C) + b"[]\n" + stored(P, D))
    remove_spawns(fs, HOME, {Q})
    assert fs.files()[PATH] == b"[]\n" + stored(P, D)


def test_removing_from_no_file_makes_none() -> None:
    """There is nothing to forget."""
    fs = home()
    remove_spawns(fs, HOME, {Q})
    assert PATH not in fs.files()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """As everything that is kept beside the rollouts."""
    change_spawns(POSIX_MUTABLE, str(tmp_path), 5, lambda _: SpawnEdge(P, C))
    assert (tmp_path / ".rollout/spawn.jsonl").stat().st_mode & 0o777 == 0o600
