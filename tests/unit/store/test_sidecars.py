"""Checkpoints beside the logs of other clients: worth time, and nothing else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from rollout.errors import InvalidRequest
from rollout.replay import context
from rollout.replay.reading import ReadPath
from rollout.store import sidecars
from rollout.store.root import Store, open_store
from tests.builders import Rollout, texts, thread

DAY = "sessions/2026/11/21"


@pytest.fixture(autouse=True)
def everything_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of some kilobytes are long enough to be worth a sidecar; a header is looked for in 32."""
    monkeypatch.setattr(sidecars, "WORTH_BYTES", 3000)
    monkeypatch.setattr(context, "OFFERED_FROM_BYTES", 45_000)
    monkeypatch.setattr(context, "OFFERED_TO_FORKS_FROM_BYTES", 45_000)


def long_thread(number: int = 1) -> Rollout:
    """Return a legacy thread that says much to people, and little to the model."""
    rollout = thread(number, "legacy")
    for at in range(20):
        rollout.turn(f"question {at}", "yes").event("warning", message="x" * 2000)
    return rollout


def put(home: Path, rollout: Rollout) -> Path:
    """Write a rollout as it is now; return its path."""
    path = home / DAY / rollout.name()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(rollout.content)
    return path


def sidecar_of(home: Path, rollout: Rollout) -> Path:
    """Return where a rollout's sidecar is."""
    return home / ".rollout" / "checkpoints" / f"{rollout.rollout_id}.json"


def resumed(store: Store, rollout: Rollout) -> ReadPath:
    """Resume a thread, check the answer, and return how it was served."""
    found = store.resume(rollout.thread_id)
    full = store.resume(rollout.thread_id, full_replay=True)
    assert found.input_json() == full.input_json()
    assert found.previous_turn_settings == full.previous_turn_settings
    return found.read.path


def test_the_second_resume_is_short(tmp_path: Path) -> None:
    """The first one leaves what the second one starts from, readable by its owner alone."""
    rollout = long_thread()
    put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        assert resumed(store, rollout) is ReadPath.FULL
        assert resumed(store, rollout) is ReadPath.SIDECAR
        found = store.resume(rollout.thread_id)
    assert found.read.records == len(found.items) == 40
    assert "a checkpoint stands" in found.read.reason
    assert stat.S_IMODE(sidecar_of(tmp_path, rollout).stat().st_mode) == 0o600


def test_it_stays_good_while_the_log_grows(tmp_path: Path) -> None:
    """What came later is read; it is made anew when that has become long."""
    rollout = long_thread()
    put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        store.resume(rollout.thread_id)
        first = sidecar_of(tmp_path, rollout).read_bytes()
        put(tmp_path, rollout.turn("more"))
        assert resumed(store, rollout) is ReadPath.SIDECAR
        assert sidecar_of(tmp_path, rollout).read_bytes() == first
        put(tmp_path, rollout.event("warning", message="x" * 60_000).turn("and more"))
        assert resumed(store, rollout) is ReadPath.SIDECAR
        assert sidecar_of(tmp_path, rollout).read_bytes() != first
        assert texts(store.resume(rollout.thread_id))[-2] == "and more"


def test_another_file_under_the_name_is_read(tmp_path: Path) -> None:
    """The anchor does not hold: the sidecar is as good as none, and is replaced."""
    rollout, other = long_thread(), long_thread().turn("other")
    put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        store.resume(rollout.thread_id)
        other.content = other.content.replace(b'"message":"question 19"', b'"message":"questiom 19"')
        put(tmp_path, other)
        assert resumed(store, rollout) is ReadPath.FULL
        assert resumed(store, rollout) is ReadPath.SIDECAR


def test_it_may_be_deleted_spoilt_or_swapped(tmp_path: Path) -> None:
    """At any moment; nothing but time is lost."""
    one, two = long_thread(1), long_thread(2)
    put(tmp_path, one)
    put(tmp_path, two)
    with open_store(tmp_path) as store:
        store.resume(one.thread_id)
        store.resume(two.thread_id)
        path, good = sidecar_of(tmp_path, one), sidecar_of(tmp_path, one).read_bytes()
        swapped = sidecar_of(tmp_path, two).read_bytes()
        flipped = good[:100] + bytes([good[100] ^ 1]) + good[101:]
        for spoilt in (b"", good[:-1], good + b"\n", flipped, swapped, b"null"):
            path.write_bytes(spoilt)
            assert resumed(store, one) is ReadPath.FULL
            assert path.read_bytes() == good
        path.unlink()
        assert resumed(store, one) is ReadPath.FULL
        path.unlink()
        path.mkdir()
        assert resumed(store, one) is ReadPath.FULL


@pytest.mark.parametrize("state_dir", ["", None])
def test_none_is_kept_where_none_is_wanted(tmp_path: Path, state_dir: str | None) -> None:
    """Reading then touches nothing in the home."""
    rollout = long_thread()
    put(tmp_path, rollout)
    with open_store(tmp_path, state_dir=state_dir) as store:
        assert resumed(store, rollout) is ReadPath.FULL
        assert resumed(store, rollout) is ReadPath.FULL
        with pytest.raises(InvalidRequest, match="no folder for derived files"):
            store.checkpoint(rollout.thread_id)
    assert not (tmp_path / ".rollout").exists()


def test_they_may_be_kept_elsewhere(tmp_path: Path) -> None:
    """Outside the home, which then stays as it is."""
    rollout = long_thread()
    put(tmp_path / "home", rollout)
    with open_store(tmp_path / "home", state_dir=tmp_path / "state") as store:
        store.resume(rollout.thread_id)
        assert resumed(store, rollout) is ReadPath.SIDECAR
    assert not (tmp_path / "home" / ".rollout").exists()
    assert (tmp_path / "state" / "checkpoints" / f"{rollout.rollout_id}.json").exists()


def test_a_place_that_takes_none_is_no_error(tmp_path: Path) -> None:
    """A home that only reads is served without."""
    rollout = long_thread()
    put(tmp_path, rollout)
    (tmp_path / ".rollout").write_text("in the way")
    with open_store(tmp_path) as store:
        assert resumed(store, rollout) is ReadPath.FULL
        assert resumed(store, rollout) is ReadPath.FULL


def test_a_short_resume_leaves_nothing(tmp_path: Path) -> None:
    """Nor does one that reads everything because it was told to."""
    rollout = thread(1, "legacy").turn("hello")
    put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        store.resume(rollout.thread_id)
        put(tmp_path, long_thread())
        store.resume(rollout.thread_id, full_replay=True)
    assert not (tmp_path / ".rollout").exists()


def test_a_context_that_is_the_log_is_worth_none(tmp_path: Path) -> None:
    """Where the model is given nearly all of it, the next resume would read as much."""
    rollout = thread(1, "legacy")
    for at in range(20):
        rollout.user(f"question {at} " + "x" * 2000)
    put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        store.resume(rollout.thread_id)
    assert not sidecar_of(tmp_path, rollout).exists()


def test_a_line_cut_short_is_read_again(tmp_path: Path) -> None:
    """While somebody writes the last line, there is no position; an open thread shows what it showed."""
    rollout = long_thread().raw(b'{"timestamp":"t","type":"respon')
    put(tmp_path, rollout)
    with open_store(tmp_path) as store, store.open_thread(rollout.thread_id) as opened:
        before = opened.segments()
        assert opened.context().read.path is ReadPath.FULL
        assert opened.segments() == before
    assert not sidecar_of(tmp_path, rollout).exists()


def test_a_fork_of_a_long_thread_starts_from_its_own(tmp_path: Path) -> None:
    """What was read of the parent is in the child's sidecar."""
    parent = thread(1)
    for at in range(20):
        parent.turn(f"question {at}", "yes").event("warning", message="x" * 2000)
    child = parent.fork(2).turn("in the child")
    put(tmp_path, parent)
    put(tmp_path, child)
    with open_store(tmp_path) as store:
        assert resumed(store, child) is ReadPath.FULL
        assert resumed(store, child) is ReadPath.SIDECAR


def test_a_fork_is_read_again_only_where_that_is_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To make its sidecar takes a second reading, so a resume must have read more than of one rollout."""
    monkeypatch.setattr(context, "OFFERED_TO_FORKS_FROM_BYTES", 1 << 20)
    parent = thread(1)
    for at in range(20):
        parent.turn(f"question {at}", "yes").event("warning", message="x" * 2000)
    child = parent.fork(2).turn("in the child")
    put(tmp_path, parent)
    put(tmp_path, child)
    with open_store(tmp_path) as store:
        resumed(store, child)
    assert not sidecar_of(tmp_path, child).exists()


def test_those_of_rollouts_that_are_gone_are_taken_away(tmp_path: Path) -> None:
    """When another one is kept; those of archived or compressed rollouts stay, and so do other files."""
    rollouts = [long_thread(number) for number in range(1, 5)]
    paths = [put(tmp_path, rollout) for rollout in rollouts]
    kept = [sidecar_of(tmp_path, rollout) for rollout in rollouts]
    with open_store(tmp_path) as store:
        for rollout in rollouts[:3]:
            store.resume(rollout.thread_id)
        others = [kept[0].with_name("notes.json"), kept[0].with_suffix(".txt"), kept[0].with_suffix("")]
        for other in others:
            other.write_text("somebody's")
        paths[0].unlink()
        (tmp_path / "archived_sessions").mkdir()
        paths[1].rename(tmp_path / "archived_sessions" / paths[1].name)
        paths[2].rename(paths[2].with_name(paths[2].name + ".zst"))
        store.resume(rollouts[3].thread_id)
    assert [path.exists() for path in kept] == [False, True, True, True]
    assert all(other.exists() for other in others)


def test_a_folder_elsewhere_keeps_them_all(tmp_path: Path) -> None:
    """It may serve other homes."""
    one, two = long_thread(1), long_thread(2)
    for number, rollout in enumerate((one, two)):
        put(tmp_path / str(number), rollout)
        with open_store(tmp_path / str(number), state_dir=tmp_path / "state") as store:
            store.resume(rollout.thread_id)
    assert len(list((tmp_path / "state" / "checkpoints").iterdir())) == 2
