"""Compressing: files are packed, verified and replaced, and every reading is as before."""

from __future__ import annotations

import io
from random import Random
from typing import Any

import pytest
import zstandard

import fork
import rollout
from rollout.errors import Conflict, DamagedLog, InvalidRequest, LeaseHeld, NotFound
from rollout.format.record import Reason
from rollout.ids import ThreadId
from rollout.replay import context
from rollout.replay.reading import ReadPath
from rollout.store import sidecars
from rollout.store.compressing import (
    Compressed,
    Outcome,
    apply_compressing,
    decompress,
    plan_compressing,
)
from rollout.store.store import Store
from rollout.testing.crashfs import CrashFS
from tests.builders import DAY, thread, uuid
from tests.recorded_home import HOME, home_of, new_home, new_thread, now_ms, rollouts_of, said

WEEK_MS = 7 * 86_400_000


def recorded(turns: int = 30) -> tuple[CrashFS, Store, str]:
    """Return a home with one thread of so many turns."""
    fs, store = new_home()
    thread_id = new_thread(store)
    for number in range(turns):
        store.append_turn(thread_id, [said("user", f"question {number} " * 40), said("assistant", "yes")])
    return fs, store, thread_id


def sealed(store: Store, *thread_ids: str, **given: Any) -> list[Compressed]:
    """Compress threads, by default all, of any age and size."""
    around = store.surroundings()
    chosen = [ThreadId(one) for one in thread_ids] or None
    policy = {name: given.pop(name) for name in ("older_than_ms", "min_size_bytes") if name in given}
    plan = plan_compressing(around, chosen, **{"older_than_ms": 0, "min_size_bytes": 0, **policy})
    return list(apply_compressing(around, plan, **given))


def shown(store: Store, thread_id: str) -> tuple[Any, ...]:
    """Return what reading a thread gives."""
    with store.open_thread(thread_id) as opened:
        page = opened.turns(limit=3)
        middle = opened.turns(limit=3, cursor=page.next_cursor)
        return opened.context().input_json(), opened.all_turns(), page, middle, opened.lineage.bytes_total


def test_a_sealed_thread_reads_as_before() -> None:
    """Its context, all its turns, pages and their cursors."""
    fs, store, thread_id = recorded()
    before = shown(store, thread_id)
    (path,) = rollouts_of(fs, thread_id)
    content = fs.files()[path]
    (one,) = sealed(store)
    assert (one.outcome, one.path, one.size_bytes) == (Outcome.COMPRESSED, f"{path}.zst", len(content))
    assert one.packed_bytes == len(fs.files()[f"{path}.zst"]) < len(content)
    assert path not in fs.files()
    assert shown(store, thread_id) == before
    stream = zstandard.ZstdDecompressor().stream_reader(
        io.BytesIO(fs.files()[one.path]), read_across_frames=True
    )
    assert stream.read() == content


def test_a_cursor_goes_on_in_a_thread_that_was_sealed_meanwhile() -> None:
    """It counts decoded bytes."""
    _, store, thread_id = recorded()
    page = store.turns(thread_id, limit=5)
    expected = store.turns(thread_id, limit=5, cursor=page.next_cursor)
    sealed(store)
    assert store.turns(thread_id, limit=5, cursor=page.next_cursor) == expected


def test_a_fork_reads_through_a_parent_that_was_sealed() -> None:
    """And one is made of a sealed parent as of any other."""
    _, store, thread_id = recorded()
    turn = store.turns(thread_id, limit=5).data[-1].id
    child = fork.fork_thread(store, thread_id, before_turn=turn).id
    before = shown(store, child)
    sealed(store, thread_id)
    assert shown(store, child) == before
    later = fork.fork_thread(store, thread_id, before_turn=turn).id
    assert [one.id for one in store.turns(later).data] == [one.id for one in store.turns(child).data]


def test_a_sealed_thread_keeps_the_time_of_its_last_change() -> None:
    """It was changed by nobody."""
    fs, store, thread_id = recorded()
    (path,) = rollouts_of(fs, thread_id)
    before = fs.find_stat(path)
    sealed(store)
    after = fs.find_stat(f"{path}.zst")
    assert before is not None
    assert after is not None
    assert after.modified_at == before.modified_at
    decompress(store.surroundings(), ThreadId(thread_id))
    thawed = fs.find_stat(path)
    assert thawed is not None
    assert thawed.modified_at == before.modified_at


def test_every_rollout_of_a_thread_is_sealed() -> None:
    """Those behind a revert as well; archived ones, too."""
    fs, store, thread_id = recorded()
    store.revert_thread(thread_id, before_turn=store.turns(thread_id, limit=1).data[0].id).close()
    store.archive_thread(thread_id)
    before = shown(store, thread_id)
    found = sealed(store)
    assert [one.outcome for one in found if one.size_bytes > 4000] == [Outcome.COMPRESSED]
    assert any(path.endswith(".jsonl.zst") and "/archived_sessions/" in path for path in fs.files())
    assert shown(store, thread_id) == before


def test_sealing_again_does_nothing() -> None:
    """There is nothing plain left."""
    fs, store, _ = recorded()
    sealed(store)
    before = fs.files()
    assert sealed(store) == []
    assert fs.files() == before


def test_young_and_short_rollouts_are_left() -> None:
    """By the age of the last change, and the size of the file."""
    fs, store, thread_id = recorded()
    (path,) = rollouts_of(fs, thread_id)
    size = len(fs.files()[path])
    with fs.open_append(path) as file:
        file.set_modified_at(now_ms() - WEEK_MS)
    assert sealed(store, older_than_ms=WEEK_MS + 60_000) == []
    assert sealed(store, min_size_bytes=size + 1) == []
    assert len(sealed(store, older_than_ms=WEEK_MS, min_size_bytes=size)) == 1


def test_a_dry_run_tells_what_would_be_saved_and_changes_nothing() -> None:
    """To the byte."""
    fs, store, _ = recorded()
    before = fs.files()
    (planned,) = sealed(store, is_dry_run=True)
    assert planned.outcome is Outcome.PLANNED
    assert fs.files() == before
    (done,) = sealed(store)
    assert (done.size_bytes, done.packed_bytes) == (planned.size_bytes, planned.packed_bytes)


def test_a_thread_that_is_recorded_to_is_skipped() -> None:
    """Others are sealed."""
    fs, store, thread_id = recorded()
    other = new_thread(store)
    store.append_turn(other, [said("user", "hello " * 500)])
    with store.record(thread_id):
        found = {one.thread_id: one for one in sealed(store)}
    assert found[ThreadId(thread_id)].outcome is Outcome.SKIPPED
    assert "writes to it" in (found[ThreadId(thread_id)].reason or "")
    assert found[ThreadId(other)].outcome is Outcome.COMPRESSED
    assert rollouts_of(fs, thread_id)


def test_a_rollout_that_would_not_be_shorter_is_skipped() -> None:
    """A table takes bytes, too."""
    path = (
        f"{HOME}/sessions/2026/01/01/rollout-2026-01-01T00-00-00-01a00000-0000-7000-8000-00000000000a.jsonl"
    )
    fs = CrashFS({path: b"{}\n"})
    (one,) = sealed(home_of(fs))
    assert (one.outcome, one.reason) == (Outcome.SKIPPED, "it would not be shorter")
    assert [name for name in fs.files() if "rollout-2026" in name] == [path]


def test_a_deleted_thread_is_left_to_pruning() -> None:
    """Its bytes are on their way out."""
    _, store, thread_id = recorded()
    store.delete_thread(thread_id)
    assert sealed(store) == []


def test_a_thread_that_is_not_there_is_not_found() -> None:
    """Whether it is to be compressed or made plain."""
    _, store, _ = recorded(1)
    missing = "01a00000-0000-7000-8000-00000000000a"
    with pytest.raises(NotFound, match=missing):
        sealed(store, missing)
    with pytest.raises(NotFound, match=missing):
        decompress(store.surroundings(), ThreadId(missing))


@pytest.mark.parametrize("given", [{"level": 0}, {"level": 20}, {"workers": 0}])
def test_a_level_that_is_none_is_refused(given: dict[str, int]) -> None:
    """Before anything is read."""
    _, store, _ = recorded(1)
    with pytest.raises(InvalidRequest, match="level of 1 to 19"):
        sealed(store, **given)


def test_a_compressed_file_of_other_bytes_is_a_conflict() -> None:
    """Nobody can say which is right; nothing is replaced."""
    fs, store, thread_id = recorded()
    (path,) = rollouts_of(fs, thread_id)
    with fs.create(f"{path}.zst") as out:
        out.append(zstandard.ZstdCompressor().compress(b"something else\n"))
    before = fs.files()
    (one,) = sealed(store)
    assert isinstance(one.error, Conflict)
    assert {name: fs.files()[name] for name in before if ".jsonl" in name} == {
        name: content for name, content in before.items() if ".jsonl" in name
    }


def test_a_file_that_grows_while_it_is_packed_stays_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody wrote without a lease."""
    fs, store, thread_id = recorded()
    (path,) = rollouts_of(fs, thread_id)

    def grown(*_: object) -> None:
        with fs.open_append(path) as file:
            file.append(b"{}\n")

    monkeypatch.setattr("rollout.store.compressing._verify", grown)
    (one,) = sealed(store)
    assert isinstance(one.error, Conflict)
    assert "changed meanwhile" in one.error.message
    assert [name for name in fs.files() if path in name] == [path]


def test_what_reads_back_as_something_else_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain file is as it was, and no draft is left."""
    fs, store, thread_id = recorded()
    (path,) = rollouts_of(fs, thread_id)
    monkeypatch.setattr("rollout.store.compressing.digest_of", lambda _: b"another")
    (one,) = sealed(store)
    assert one.outcome is Outcome.FAILED
    assert "reads back as something else" in (one.reason or "")
    assert [name for name in fs.files() if path in name] == [path]


def test_a_thread_is_made_plain_again() -> None:
    """Byte by byte what it was."""
    fs, store, thread_id = recorded()
    (path,) = rollouts_of(fs, thread_id)
    content = fs.files()[path]
    sealed(store)
    assert decompress(store.surroundings(), ThreadId(thread_id)).paths == [path]
    assert fs.files()[path] == content
    assert f"{path}.zst" not in fs.files()
    assert decompress(store.surroundings(), ThreadId(thread_id)).paths == []


def test_a_compressed_file_that_adds_nothing_is_taken_away() -> None:
    """A crash may come between publishing the plain file and removing the other one."""
    fs, store, thread_id = recorded()
    (path,) = rollouts_of(fs, thread_id)
    with fs.create(f"{path}.zst") as out:
        out.append(zstandard.ZstdCompressor().compress(fs.files()[path]))
    decompress(store.surroundings(), ThreadId(thread_id))
    assert f"{path}.zst" not in fs.files()


def test_a_thread_that_somebody_has_open_is_not_made_plain() -> None:
    """It would lose what is appended."""
    _, store, thread_id = recorded()
    sealed(store)
    with store.record(thread_id), pytest.raises(LeaseHeld):
        decompress(store.surroundings(), ThreadId(thread_id))


def test_a_damaged_file_is_not_made_plain() -> None:
    """What cannot be unpacked would be gone."""
    fs, store, thread_id = recorded()
    (one,) = sealed(store)
    with fs.open_append(one.path) as file:
        file.truncate(file.size_bytes() - 60)
    before = fs.files()[one.path]
    with pytest.raises(DamagedLog, match="decompressing"):
        decompress(store.surroundings(), ThreadId(thread_id))
    assert fs.files()[one.path] == before
    assert rollouts_of(fs, thread_id) == []


def test_appending_to_a_sealed_thread_makes_it_plain() -> None:
    """And goes on where it stood."""
    fs, store, thread_id = recorded()
    (path,) = rollouts_of(fs, thread_id)
    content = fs.files()[path]
    sealed(store)
    store.append_turn(thread_id, [said("user", "one more")])
    assert fs.files()[path].startswith(content)
    assert f"{path}.zst" not in fs.files()
    assert len(store.turns(thread_id, limit=100).data) == 31


def test_a_sealed_file_with_a_broken_frame_is_reported_and_the_rest_is_read() -> None:
    """A check says where; a page that needs other frames is a page, one that needs it an error."""
    noise = Random(3)
    log = thread(1)
    for number in range(300):
        log.turn(f"question {number}", noise.randbytes(4000).hex())
    store = home_of(fs := CrashFS({f"{DAY}/{log.name()}": log.log()}, folders=[HOME]))
    newest = store.turns(uuid(1), limit=5)
    (one,) = sealed(store)
    content = bytearray(fs.files()[one.path])
    middle = len(content) // 2
    content[middle : middle + 100] = b"\xff" * 100
    with fs.open_append(one.path) as file:
        file.truncate(0)
        file.append(bytes(content))
    assert store.turns(uuid(1), limit=5) == newest
    (found,) = store.check(store.files_to_check())
    assert Reason.BAD_COMPRESSION in {damage.reason for damage in found.damage}
    with store.open_thread(uuid(1)) as opened, pytest.raises(DamagedLog, match="frame at bytes"):
        opened.all_turns()


def test_an_application_compresses_and_decompresses_by_two_calls() -> None:
    """By any reference to a thread, and with several workers."""
    _, store, thread_id = recorded()
    (done,) = rollout.compress_threads(store, [thread_id[:12]], older_than_ms=0)
    assert (done.outcome, done.thread_id) == (Outcome.COMPRESSED, thread_id)
    assert rollout.decompress_thread(store, thread_id).paths == [done.path.removesuffix(".zst")]
    assert list(rollout.compress_threads(store, min_size_bytes=1 << 30)) == []


def test_a_sidecar_stays_good_when_its_log_is_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its positions count decoded bytes."""
    monkeypatch.setattr(sidecars, "WORTH_BYTES", 3000)
    monkeypatch.setattr(context, "OFFERED_FROM_BYTES", 45_000)
    log = thread(1, "legacy")
    for number in range(20):
        log.turn(f"question {number}", "yes").event("warning", message="x" * 2000)
    store = home_of(CrashFS({f"{DAY}/{log.name()}": log.log()}, folders=[HOME]))
    assert store.resume(uuid(1)).read.path is ReadPath.FULL
    sealed(store)
    found = store.resume(uuid(1))
    assert found.read.path is ReadPath.SIDECAR
    assert found.input_json() == store.resume(uuid(1), full_replay=True).input_json()
