"""Threads that we compress, on a home that a live client uses: it notices nothing."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from pathlib import Path

import pytest
from refclient.capture import list_threads
from refclient.driver import Driver
from refclient.replies import say

import fork
from rollout.ids import ThreadId
from rollout.log.framed import FramedSource
from rollout.log.source import open_source
from rollout.store.compressing import Outcome, apply_compressing, decompress, plan_compressing
from rollout.store.store import Store
from tests.interop.live import Live
from tests.interop.ours import as_shown_by, our_history, our_turns
from tests.interop.test_keeping import files_of, listed, started
from tests.interop.test_lease import load, unload

pytestmark = pytest.mark.interop


def sealed(store: Store, thread_id: str) -> list[str]:
    """Compress a thread; return where its files are now."""
    around = store.surroundings()
    plan = plan_compressing(around, [ThreadId(thread_id)], older_than_ms=0, min_size_bytes=0)
    done = list(apply_compressing(around, plan))
    assert {one.outcome for one in done} == {Outcome.COMPRESSED}
    for one in done:
        with open_source(store.fs, one.path) as source:
            assert isinstance(source, FramedSource)
    return [one.path for one in done]


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_the_client_lists_and_reads_what_we_compressed(
    live: Live, store: Store, driver: Driver, mode: str
) -> None:
    """The same turns as before, and the file stays compressed."""
    thread_id = started(driver, "One.", "Two.", mode=mode)
    before = live.turns(thread_id)
    (path,) = sealed(store, thread_id)
    assert thread_id in listed(live.server, archived=False)
    row = next(one for one in list_threads(live.server, archived=False) if one["id"] == thread_id)
    assert row["preview"] == "One."
    assert live.turns(thread_id) == before == as_shown_by(live.client, our_turns(live.home, thread_id))
    assert Path(path).exists()


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_the_client_goes_on_with_what_we_compressed(
    live: Live, store: Store, driver: Driver, mode: str
) -> None:
    """It makes the file plain, and sends the model the same history; what it adds we read."""
    thread_id = started(driver, "One.", "Two.", mode=mode)
    plain = files_of(live.home, thread_id)
    sealed(store, thread_id)
    history = our_history(live.home, thread_id)
    load(live.server, thread_id)
    driver.turn(thread_id, "Three.", say("The third."))
    sent = live.server.endpoint.requests[-1]["input"]
    assert [item for item in sent if item in history] == history
    assert files_of(live.home, thread_id) == plain
    unload(live.server, thread_id)
    assert live.turns(thread_id) == as_shown_by(live.client, our_turns(live.home, thread_id))
    assert len(live.turns(thread_id)) == 3


@pytest.mark.parametrize("mode", ["paginated", "legacy"])
def test_the_client_forks_what_we_compressed(live: Live, store: Store, driver: Driver, mode: str) -> None:
    """The child goes on from there, and both sides read it alike."""
    parent = started(driver, "One.", "Two.", mode=mode)
    sealed(store, parent)
    child = driver.fork(parent)
    driver.turn(child, "And now?", say("An answer."))
    assert len(live.turns(child)) == 3
    assert live.turns(child) == as_shown_by(live.client, our_turns(live.home, child))
    unload(live.server, child)


def test_a_fork_of_the_client_reads_through_a_parent_that_we_compress_later(
    live: Live, store: Store, driver: Driver
) -> None:
    """Its base counts decoded bytes."""
    parent = started(driver, "One.")
    load(live.server, parent)
    child = driver.fork(parent)
    unload(live.server, parent)
    unload(live.server, child)
    (path,) = sealed(store, parent)
    history = our_history(live.home, child)
    load(live.server, child)
    driver.turn(child, "And now?", say("An answer."))
    sent = live.server.endpoint.requests[-1]["input"]
    assert [item for item in sent if item in history] == history
    assert live.turns(child) == as_shown_by(live.client, our_turns(live.home, child))
    assert Path(path).exists()
    unload(live.server, child)


def test_the_client_goes_on_with_our_fork_of_a_compressed_parent(
    live: Live, store: Store, driver: Driver
) -> None:
    """We fork what we compressed; the client records into the child."""
    parent = started(driver, "One.", "Two.")
    sealed(store, parent)
    child = fork.fork_thread(store, parent).id
    load(live.server, child)
    driver.turn(child, "And now?", say("An answer."))
    assert live.turns(child) == as_shown_by(live.client, our_turns(live.home, child))
    assert len(live.turns(child)) == 3
    unload(live.server, child)


def test_the_client_reads_a_log_that_was_packed_for_its_repetitions(
    live: Live, store: Store, driver: Driver
) -> None:
    """Its frames need a larger window than small ones do."""
    thread_id = started(driver, "One.")
    (name,) = files_of(live.home, thread_id)
    image = b64encode(random.Random(5).randbytes(300_000)).decode()
    note = {"timestamp": "2026-01-01T00:00:00.000Z", "type": "event_msg", "payload": {"type": "note"}}
    with (live.home / name).open("ab") as file:
        for number in range(60):
            payload = {"type": "note", "number": number, "image_url": image}
            file.write(json.dumps({**note, "payload": payload}, separators=(",", ":")).encode() + b"\n")
    before = our_turns(live.home, thread_id)
    size_bytes = (live.home / name).stat().st_size
    (path,) = sealed(store, thread_id)
    assert size_bytes / Path(path).stat().st_size > 20
    assert live.turns(thread_id) == as_shown_by(live.client, before)


def test_what_the_client_left_plain_is_what_we_make_plain(live: Live, store: Store, driver: Driver) -> None:
    """Compressing and decompressing are each other's way back, to the byte."""
    thread_id = started(driver, "One.", "Two.")
    (name,) = files_of(live.home, thread_id)
    before = (live.home / name).read_bytes()
    sealed(store, thread_id)
    decompress(store.surroundings(), ThreadId(thread_id))
    assert (live.home / name).read_bytes() == before
    load(live.server, thread_id)
    unload(live.server, thread_id)
