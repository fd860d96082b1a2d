"""The lease of a thread, on both file systems that can be written to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from rollout.errors import Conflict, LeaseHeld, StorageFailed
from rollout.fs.mutation import Lock, MutableFileSystem
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.ids import ThreadId
from rollout.log.lease import Lease, take_lease
from rollout.testing.crashfs import CrashFS

THREAD = ThreadId("01a1fcfd-a9db-70e2-83f4-75668ebc56a0")
OTHER = ThreadId("01a1fcfd-b1c0-7360-8bb7-5a052c8c0f4b")
NOW = 1_763_698_173_482


class World:
    """A home, and a clock that stands still until it is moved."""

    def __init__(self, fs: MutableFileSystem, home: str) -> None:
        self.fs = fs
        self.home = home
        self.now = NOW
        self.locks = f"{home}/thread-writer-locks"
        self.lock = f"{self.locks}/{THREAD}.lock"
        self.lease = f"{home}/.rollout/leases/{THREAD}.json"

    def take(self, thread_id: ThreadId = THREAD, *, pid: int = 4242, host: str | None = "build-7") -> Lease:
        """Take a lease at the time it is."""
        return take_lease(self.fs, self.home, thread_id, clock=lambda: self.now, pid=pid, host=host)

    def locked(self, path: str, *, shared: bool = False) -> Lock:
        """Lock a file as another client would."""
        self.fs.make_folders(path.rpartition("/")[0])
        found = self.fs.find_lock(path, shared=shared)
        assert found is not None
        return found

    def names(self, path: str) -> list[str]:
        """Return the names in a folder."""
        return sorted(entry.name for entry in self.fs.iter_folder(path))


@pytest.fixture(params=["posix", "crash"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Return an empty home."""
    if request.param == "crash":
        return World(CrashFS(folders=["/home"]), "/home")
    return World(POSIX_MUTABLE, str(tmp_path))


def test_a_lease_has_one_holder(world: World) -> None:
    """Another one is refused until it is given back."""
    with world.take() as lease:
        assert lease.is_held
        with pytest.raises(LeaseHeld):
            world.take()
    assert not lease.is_held
    world.take().release()


def test_a_refusal_is_a_conflict_that_names_the_holder(world: World) -> None:
    """Process, host, and for how long."""
    with world.take():
        world.now += 12_345
        with pytest.raises(Conflict) as refused:
            world.take(pid=1, host=None)
    held = refused.value
    assert isinstance(held, LeaseHeld)
    assert (held.thread_id, held.pid, held.host, held.age_ms) == (THREAD, 4242, "build-7", 12_345)
    assert held.message == f"taking the lease of thread {THREAD}: held by process 4242 on build-7 for 12 s"
    assert held.hint is not None


@pytest.mark.parametrize(
    ("age_ms", "text"),
    [
        (-5, "0 ms"),
        (999, "999 ms"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (7_200_000, "2 h"),
        (259_200_000, "3 d"),
    ],
)
def test_an_age_is_told_in_one_unit(world: World, age_ms: int, text: str) -> None:
    """Rounded down; a clock that went back tells nothing."""
    with world.take(host=None):
        world.now += age_ms
        with pytest.raises(LeaseHeld, match=f"held by process 4242 for {text}$"):
            world.take()


def test_another_client_is_not_named(world: World) -> None:
    """It leaves no name; whoever of us held the lease before it is not blamed."""
    world.take().release()
    lock = world.locked(world.lock)
    with pytest.raises(LeaseHeld, match="held by another client") as refused:
        world.take()
    assert (refused.value.pid, refused.value.host, refused.value.age_ms) == (None, None, None)
    lock.release()
    world.take().release()


def test_leases_of_two_threads_are_apart(world: World) -> None:
    """One holder may have both."""
    with world.take(), world.take(OTHER) as other:
        assert other.is_held


def test_releasing_twice_is_once(world: World) -> None:
    """The second time somebody else may have it."""
    lease = world.take()
    lease.release()
    with world.take():
        lease.release()
        with pytest.raises(LeaseHeld):
            world.take()


def test_a_lease_leaves_no_lock_file(world: World) -> None:
    """As the reference client does; only the file that is locked meanwhile stays."""
    with world.take():
        assert world.names(world.locks) == [".coordination.lock", f"{THREAD}.lock"]
    assert world.names(world.locks) == [".coordination.lock"]


@pytest.mark.parametrize("shared", [True, False])
def test_a_lock_file_stays_while_others_open_theirs(world: World, shared: bool) -> None:
    """Nobody's file loses its name between opening and locking; what stays is locked anew."""
    lease = world.take()
    other = world.locked(f"{world.locks}/.coordination.lock", shared=shared)
    lease.release()
    assert f"{THREAD}.lock" in world.names(world.locks)
    other.release()
    world.take().release()
    assert f"{THREAD}.lock" not in world.names(world.locks)


def test_no_lock_file_is_opened_while_others_remove_theirs() -> None:
    """Whoever removes one has the coordination lock alone."""
    world = World(CrashFS(folders=["/home"]), "/home")
    other = world.locked(f"{world.locks}/.coordination.lock")
    with pytest.raises(Conflict, match="locked for 5 s") as refused:
        world.take()
    assert not isinstance(refused.value, LeaseHeld)
    assert not world.fs.find_stat(world.lock)
    other.release()
    world.take().release()


def test_several_may_open_lock_files_at_once(world: World) -> None:
    """The coordination lock is shared then."""
    other = world.locked(f"{world.locks}/.coordination.lock", shared=True)
    with world.take() as lease:
        assert lease.is_held
    other.release()


def test_epochs_grow(world: World) -> None:
    """Even while the clock stands still, or goes back."""
    epochs = []
    for step in (0, 0, -1000, 5000):
        world.now += step
        with world.take() as lease:
            epochs.append(lease.epoch)
    assert epochs == [NOW, NOW + 1, NOW + 2, NOW + 4000]


@pytest.mark.parametrize("content", [None, b"", b"\x00\x00", b'{"epoch":"x"}', b"[]"])
def test_an_epoch_grows_whatever_became_of_its_file(world: World, content: bytes | None) -> None:
    """It is derived like the rest of its folder, and may be deleted at any moment."""
    with world.take() as lease:
        before = lease.epoch
    world.now += 1
    world.fs.remove(world.lease)
    if content is not None:
        with world.fs.create(world.lease) as file:
            file.append(content)
    with world.take() as lease:
        assert lease.epoch > before


def test_the_holder_is_on_file(world: World) -> None:
    """In one line, for people."""
    with world.take():
        content = world.fs.read_small(world.lease)
    assert content is not None
    assert msgspec.json.decode(content) == {
        "threadId": THREAD,
        "epoch": NOW,
        "since": NOW,
        "pid": 4242,
        "host": "build-7",
    }


def test_a_home_that_cannot_be_written_to_has_no_leases(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "thread-writer-locks").touch()
    with pytest.raises(StorageFailed, match="thread-writer-locks"):
        World(POSIX_MUTABLE, str(tmp_path)).take()


def test_a_lease_that_cannot_be_counted_is_not_held(tmp_path: Path) -> None:
    """Without an epoch there is no lease, and the thread is free for others."""
    world = World(POSIX_MUTABLE, str(tmp_path))
    (tmp_path / ".rollout").touch()
    with pytest.raises(StorageFailed, match=r"\.rollout"):
        world.take()
    world.locked(world.lock).release()


TAKE = """
import os, sys
from rollout.errors import LeaseHeld
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.ids import ThreadId
from rollout.log.lease import take_lease
def take():
    return take_lease(POSIX_MUTABLE, sys.argv[1], ThreadId(sys.argv[2]), clock=lambda: 7, pid=os.getpid())
lease = take()
"""


def run(script: str, home: Path, act: Callable[[subprocess.Popen[str]], None] = lambda _: None) -> list[str]:
    """Run a script that has taken the lease, act when it prints, and return its words."""
    command = [sys.executable, "-c", TAKE + script, str(home), THREAD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        act(process)
        rest, _ = process.communicate()
    return (first + rest).split()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    """Its lease is free at once, and the next epoch is above its."""
    world = World(POSIX_MUTABLE, str(tmp_path))
    world.now = 0

    def act(process: subprocess.Popen[str]) -> None:
        with pytest.raises(LeaseHeld) as refused:
            world.take()
        assert refused.value.pid == process.pid
        process.kill()
        process.wait()
        with world.take() as lease:
            assert lease.epoch == 8

    assert run("print('held', flush=True); sys.stdin.read()", tmp_path, act) == ["held"]


def test_a_forked_child_has_no_lease(tmp_path: Path) -> None:
    """Neither does it hold its parent's, nor can it give it back."""
    script = """
child = os.fork()
if child == 0:
    print(lease.is_held, flush=True)
    lease.release()
    os._exit(0)
os.waitpid(child, 0)
print(lease.is_held, flush=True)
try:
    take()
except LeaseHeld as held:
    print(held.pid == os.getpid(), flush=True)
lease.release()
take().release()
"""
    assert run(script, tmp_path) == ["False", "True", "True"]
