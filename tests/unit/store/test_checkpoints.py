"""When a recorder writes checkpoints, and where one goes that somebody asked for."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from rollout.errors import Conflict, DamagedLog, InvalidRequest, LeaseHeld
from rollout.ids import RolloutId, ThreadId
from rollout.replay.foundation import Sidecars
from rollout.replay.growing import GrowingCheckpoint
from rollout.replay.lineage import Lineage
from rollout.replay.positions import MadeCheckpoint, make_checkpoint
from rollout.replay.reading import ReadPath
from rollout.store import checkpoints
from rollout.store.checkpoints import Checkpoints
from rollout.store.recorder import Recorder
from rollout.store.root import Store
from rollout.testing.crashfs import CrashFS
from tests.recorded_home import (
    LEGACY_ID,
    asked,
    check_whole,
    content_of,
    home_of,
    kinds_of,
    legacy_home,
    lines_of,
    new_home,
    new_thread,
    said,
    settled,
)

EVERY = 20_000


def say(recorder: Recorder, size: int = 1000) -> None:
    """Record one turn; its answer is of this size."""
    with recorder.turn("Go on?") as turn:
        turn.append(said("assistant", "a" * size))


def checkpoints_of(fs: CrashFS, thread_id: str) -> list[int]:
    """Return how many lines stand before each checkpoint of a thread."""
    return [at for at, kind in enumerate(kinds_of(content_of(fs, thread_id))) if kind == "checkpoint"]


def recorded(every: int | None = EVERY, turns: int = 120, size: int = 1000) -> tuple[CrashFS, Store, str]:
    """Return a home with a thread of so many turns."""
    fs, store = new_home()
    thread_id = new_thread(store)
    with store.record(thread_id, checkpoint_every_bytes=every) as recorder:
        for _ in range(turns):
            say(recorder, size)
    return fs, store, thread_id


def test_checkpoints_stand_behind_turns() -> None:
    """Each right behind the end of one, without an ordinal, covered by the next seal."""
    fs, _, thread_id = recorded()
    kinds = kinds_of(content_of(fs, thread_id))
    found = checkpoints_of(fs, thread_id)
    assert len(found) > 1
    assert {kinds[at - 1] for at in found} == {"task_complete"}
    assert all("ordinal" not in lines_of(content_of(fs, thread_id))[at] for at in found)
    assert check_whole(content_of(fs, thread_id)) == 120


def test_they_are_as_far_apart_as_was_asked() -> None:
    """And none where none was asked for."""
    fs, _, thread_id = recorded()
    lines = content_of(fs, thread_id).splitlines(keepends=True)
    ends = [sum(map(len, lines[:at])) for at in checkpoints_of(fs, thread_id)]
    assert all(later - earlier >= EVERY for earlier, later in zip([0, *ends], ends, strict=False))
    fs, _, thread_id = recorded(None)
    assert checkpoints_of(fs, thread_id) == []


def test_they_wait_for_half_of_what_is_live() -> None:
    """The more a model is given, the more is written between two, so that they are few."""
    fs, _, thread_id = recorded(1, turns=200)
    lines = content_of(fs, thread_id).splitlines(keepends=True)
    found = checkpoints_of(fs, thread_id)
    assert len(found) < 15
    assert sum(len(lines[at]) for at in found) < 0.02 * len(content_of(fs, thread_id))


def test_a_thread_reopened_goes_on_counting() -> None:
    """From the newest checkpoint there is, not from the opening."""
    fs, store, thread_id = recorded()
    before = checkpoints_of(fs, thread_id)
    for _ in range(3):
        with store.record(thread_id, checkpoint_every_bytes=EVERY) as recorder:
            say(recorder)
    assert len(checkpoints_of(fs, thread_id)) <= len(before) + 1
    for _ in range(70):
        with store.record(thread_id, checkpoint_every_bytes=EVERY) as recorder:
            say(recorder)
    assert len(checkpoints_of(fs, thread_id)) > len(before)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where logs ended that were read back to make a checkpoint."""
    found: list[int] = []

    def counted(lineage: Lineage, kept: Sidecars | None) -> MadeCheckpoint | None:
        found.append(lineage.newest.end_offset)
        return make_checkpoint(lineage, kept)

    monkeypatch.setattr(checkpoints, "make_checkpoint", counted)
    return found


def test_a_log_is_read_back_once(readings: list[int]) -> None:
    """After that each checkpoint grows with what is written, however many there are."""
    fs, _, thread_id = recorded()
    assert len(checkpoints_of(fs, thread_id)) > 1
    assert len(readings) == 1


def test_a_reopened_log_is_not_read_back_before_it_is_time(readings: list[int]) -> None:
    """The newest checkpoint there is says how long the next one can wait."""
    _, store, thread_id = recorded()
    readings.clear()
    for _ in range(3):
        with store.record(thread_id, checkpoint_every_bytes=1_000_000) as recorder:
            say(recorder)
    assert readings == []


def test_one_that_cannot_be_stored_is_not_made_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried once in so many bytes, and the turns go on."""
    tried: list[int] = []

    def make(_: GrowingCheckpoint, lineage: Lineage) -> MadeCheckpoint | None:
        tried.append(lineage.newest.end_offset)
        return None

    monkeypatch.setattr(GrowingCheckpoint, "make", make)
    fs, _, thread_id = recorded()
    assert checkpoints_of(fs, thread_id) == []
    assert len(tried) > 1
    assert all(later - earlier >= EVERY for earlier, later in pairwise(tried))


def test_a_compaction_is_read_back_to(readings: list[int]) -> None:
    """What is known does not hold behind it; what follows is added again."""
    fs, store, thread_id = recorded(None)
    with store.record(thread_id, checkpoint_every_bytes=EVERY) as recorder:
        while not readings:
            say(recorder)
        recorder.compact([said("user", "so far")])
        for _ in range(40):
            say(recorder)
    assert len(readings) == 2
    assert len(checkpoints_of(fs, thread_id)) > 1
    assert store.resume(thread_id).input_json() == store.resume(thread_id, full_replay=True).input_json()


def test_a_compaction_is_a_checkpoint_already() -> None:
    """What counts is how far a resume would read."""
    fs, store, thread_id = recorded(None)
    with store.record(thread_id, checkpoint_every_bytes=EVERY) as recorder:
        recorder.compact([said("user", "so far")])
        say(recorder)
    assert checkpoints_of(fs, thread_id) == []


def test_a_resume_reads_what_is_live() -> None:
    """Not the whole log, and all of the answer."""
    _, store, thread_id = recorded(turns=100, size=10)
    full = store.resume(thread_id, full_replay=True)
    context = store.resume(thread_id)
    assert context.read.path is ReadPath.BOUNDED
    assert "a checkpoint stands" in context.read.reason
    assert context.input_json() == full.input_json()
    assert context.next_ordinal == full.next_ordinal


def test_another_clients_log_gets_none_by_itself() -> None:
    """However long it grows under our hands."""
    fs, store = legacy_home(settled(), asked("hello"))
    with store.record(LEGACY_ID, checkpoint_every_bytes=1) as recorder:
        for _ in range(40):
            say(recorder)
    assert checkpoints_of(fs, LEGACY_ID) == []


def test_another_clients_log_gets_one_on_request() -> None:
    """From a recorder, which writes there anyway."""
    fs, store = legacy_home(settled(), asked("hello"))
    with store.record(LEGACY_ID) as recorder:
        say(recorder)
        kept = recorder.checkpoint()
    assert kept.is_in_log
    assert len(checkpoints_of(fs, LEGACY_ID)) == 1
    assert store.resume(LEGACY_ID).read.path is ReadPath.BOUNDED


def test_a_checkpoint_now_is_durable() -> None:
    """On return, as a turn's end."""
    fs, store, thread_id = recorded(None, turns=1)
    with store.record(thread_id) as recorder:
        kept = recorder.checkpoint()
        fs.acknowledge("checkpoint")
    lines = content_of(fs, thread_id).splitlines(keepends=True)
    assert kept.end_offset == len(content_of(fs, thread_id)) - len(lines[-1])
    assert (kept.items, kept.path) == (2, store.open_thread(thread_id).files()[-1].path)
    for cut in fs.cuts():
        if "checkpoint" in cut.acknowledged:
            for disk in cut.images():
                assert content_of(disk, thread_id).endswith(lines[-1])


def test_an_open_turn_has_no_checkpoint() -> None:
    """There is nothing to stand on in the middle of one."""
    _, store, thread_id = recorded(None, turns=1)
    with store.record(thread_id) as recorder:
        recorder.turn("Go on?")
        with pytest.raises(Conflict, match="is open"):
            recorder.checkpoint()


def test_the_store_writes_into_our_log() -> None:
    """Under the thread's lease."""
    fs, store, thread_id = recorded(None, turns=3)
    kept = store.checkpoint(thread_id)
    assert kept.is_in_log
    assert len(checkpoints_of(fs, thread_id)) == 1
    with store.record(thread_id), pytest.raises(LeaseHeld):
        store.checkpoint(thread_id)


def test_the_store_writes_beside_another_clients_log() -> None:
    """The log stays as it is, to the byte, and nobody's lease is asked for."""
    fs, store = legacy_home(settled(), asked("hello"))
    before = content_of(fs, LEGACY_ID)
    with store.record(LEGACY_ID):
        kept = store.checkpoint(LEGACY_ID)
    assert content_of(fs, LEGACY_ID) == before
    assert kept.path == f"/home/.rollout/checkpoints/{LEGACY_ID}.json"
    stored: Any = json.loads(fs.files()[kept.path])
    assert (stored["count"], len(fs.files()[kept.path])) == (kept.items, kept.size_bytes)


def test_a_thread_without_turns_has_nothing_to_keep() -> None:
    """It says so."""
    _, store = legacy_home()
    with pytest.raises(InvalidRequest, match="nothing behind its header"):
        store.checkpoint(LEGACY_ID)


def altered(fs: CrashFS, thread_id: str, old: bytes, new: bytes) -> Store:
    """Return a store over a copy of the home in which one letter of a thread was altered."""
    files = fs.files()
    path = next(path for path, content in files.items() if thread_id in path and old in content)
    assert len(old) == len(new)
    return home_of(CrashFS({**files, path: files[path].replace(old, new, 1)}))


def test_an_altered_answer_below_a_checkpoint_is_refused() -> None:
    """Its digest does not hold; so everything is read, and the seals say what was altered."""
    fs, store, thread_id = recorded(None, turns=1)
    with store.record(thread_id) as recorder:
        with recorder.turn("Really?") as turn:
            turn.append(said("assistant", "the answer"))
        recorder.checkpoint()
        say(recorder)
    with pytest.raises(DamagedLog, match="does not hold"):
        altered(fs, thread_id, b"the answer", b"the_answer").resume(thread_id)


def test_what_was_altered_gets_no_checkpoint() -> None:
    """It would vouch for it: none is written by itself, and one that is asked for is refused."""
    fs, _, thread_id = recorded(None)
    store = altered(fs, thread_id, b"aaaa", b"aaba")
    with store.record(thread_id, checkpoint_every_bytes=EVERY) as recorder:
        say(recorder)
        with pytest.raises(DamagedLog, match="does not hold"):
            recorder.checkpoint()
    assert b'"type":"checkpoint"' not in b"".join(
        content for path, content in store.fs.files().items() if thread_id in path
    )


def never_opened() -> Lineage:
    """Fail: the log was to be left alone."""
    raise AssertionError("the log was looked at")


def test_a_log_opened_again_and_again_is_looked_at_once_in_so_many_bytes() -> None:
    """Adding a turn an opening once read back to the newest checkpoint every time."""
    for end_offset in (1000, 1500, 1998):
        checkpoints = Checkpoints(ThreadId(LEGACY_ID), never_opened, 1000, 1 << 20, end_offset=end_offset)
        assert checkpoints.find_due(1999) is None
    with pytest.raises(AssertionError, match="looked at"):
        checkpoints.find_due(2000)


def test_a_store_remembers_that_the_next_checkpoint_can_wait() -> None:
    """Of a thread whose live history is long it can wait for long."""
    looks = {RolloutId(LEGACY_ID): 5000}
    checkpoints = Checkpoints(ThreadId(LEGACY_ID), never_opened, 1000, 1 << 20, end_offset=1500, looks=looks)
    assert checkpoints.find_due(4999) is None
