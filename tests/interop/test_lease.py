"""Leases against a live client: each side is kept out while the other one has a thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from refclient.capture import list_threads
from refclient.driver import Driver
from refclient.install import Client
from refclient.replies import say
from refclient.rpc import AppServer, RefusalError

from rollout.errors import LeaseHeld
from rollout.fs.posix_write import POSIX_MUTABLE
from rollout.ids import ThreadId
from rollout.log.lease import Lease, take_lease
from tests.interop.live import Live

pytestmark = pytest.mark.interop

REFUSAL = "already has an active writer"


def take(home: Path, thread_id: str) -> Lease:
    """Take a lease as an application of ours would."""
    return take_lease(POSIX_MUTABLE, str(home), ThreadId(thread_id), clock=lambda: 1, pid=os.getpid())


def load(server: AppServer, thread_id: str) -> None:
    """Have a client load a thread for writing; raise RefusalError when it will not."""
    server.request("thread/resume", {"threadId": thread_id, "excludeTurns": True})


def unload(server: AppServer, thread_id: str) -> None:
    """Have a client give a thread up, as archiving does, and leave it where it was."""
    server.request("thread/archive", {"threadId": thread_id})
    server.request("thread/unarchive", {"threadId": thread_id})


def lock_files(home: Path) -> set[str]:
    """Return the names of the lock files there are, without the one that coordinates."""
    return {path.name for path in (home / "thread-writer-locks").iterdir()} - {".coordination.lock"}


def another(client: Client, live: Live) -> AppServer:
    """Return a second client on the same home, to be entered; it asks the same model endpoint."""
    return AppServer(client, live.home, live.server.endpoint)


@pytest.fixture
def thread_id(live: Live) -> Iterator[str]:
    """A thread of one turn that the live client has loaded, and gives up in the end."""
    driver = Driver(live.server, live.workspace)
    thread_id = driver.start("paginated")
    driver.turn(thread_id, "A question.", say("An answer."))
    yield thread_id
    unload(live.server, thread_id)


def test_the_client_keeps_us_out(live: Live, thread_id: str) -> None:
    """For as long as it has the thread loaded, writing or not; it is another client to us."""
    with pytest.raises(LeaseHeld, match="held by another client"):
        take(live.home, thread_id)
    unload(live.server, thread_id)
    with take(live.home, thread_id) as lease:
        assert lease.is_held


def test_we_keep_the_client_out(live: Live, thread_id: str) -> None:
    """It says what it says of a client of its own kind, and goes on when we have let go."""
    unload(live.server, thread_id)
    with take(live.home, thread_id):
        with pytest.raises(RefusalError, match=REFUSAL):
            load(live.server, thread_id)
        with pytest.raises(RefusalError, match=REFUSAL):
            live.server.request("thread/archive", {"threadId": thread_id})
    load(live.server, thread_id)


def test_the_client_reads_what_we_hold(live: Live, thread_id: str) -> None:
    """A lease is against writers alone."""
    unload(live.server, thread_id)
    with take(live.home, thread_id):
        read = live.server.request("thread/read", {"threadId": thread_id})
        assert read["thread"]["id"] == thread_id
        assert thread_id in [thread["id"] for thread in list_threads(live.server, archived=False)]


def test_no_lock_file_is_left(live: Live, thread_id: str) -> None:
    """By neither side, whoever of both had the thread first."""
    unload(live.server, thread_id)
    take(live.home, thread_id).release()
    load(live.server, thread_id)
    unload(live.server, thread_id)
    assert f"{thread_id}.lock" not in lock_files(live.home)


def test_a_starting_client_leaves_our_lock_file_alone(client: Client, live: Live, thread_id: str) -> None:
    """It removes those that nobody holds; ours keeps its name, and the client out."""
    unload(live.server, thread_id)
    left = live.home / "thread-writer-locks" / "01a1fcfd-0000-7000-8000-000000000001.lock"
    left.touch()
    with take(live.home, thread_id), another(client, live) as server:
        with pytest.raises(RefusalError, match=REFUSAL):
            load(server, thread_id)
        assert not left.exists()
        assert f"{thread_id}.lock" in lock_files(live.home)
        with pytest.raises(LeaseHeld, match=f"held by process {os.getpid()} "):
            take(live.home, thread_id)


def test_a_killed_client_holds_nothing(client: Client, live: Live, thread_id: str) -> None:
    """The lock file it leaves is taken over; its name stays for the next one to tidy up."""
    unload(live.server, thread_id)
    with another(client, live) as server:
        load(server, thread_id)
        with pytest.raises(LeaseHeld):
            take(live.home, thread_id)
        server._process.kill()
        server._process.wait()
    assert f"{thread_id}.lock" in lock_files(live.home)
    take(live.home, thread_id).release()
    assert f"{thread_id}.lock" not in lock_files(live.home)


def test_a_lease_outlasts_the_clients_own_housekeeping(live: Live, thread_id: str) -> None:
    """While we hold one thread, the client takes and gives up others."""
    unload(live.server, thread_id)
    with take(live.home, thread_id):
        driver = Driver(live.server, live.workspace)
        for _ in range(3):
            other = driver.start("paginated")
            driver.turn(other, "A question.", say("An answer."))
            unload(live.server, other)
        with pytest.raises(RefusalError, match=REFUSAL):
            load(live.server, thread_id)
