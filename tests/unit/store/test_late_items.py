"""Items that are read when somebody asks for them: long after the resume, and never wrongly."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rollout.errors import DamagedLog
from rollout.replay import context, model_history
from rollout.replay.context import Context
from rollout.replay.reading import ReadPath
from rollout.store import sidecars
from rollout.store.root import Store, open_store
from tests.builders import Rollout, texts, thread

DAY = "sessions/2026/11/21"
QUESTION = b'"input_text","text":"question 3'


@pytest.fixture(autouse=True)
def everything_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of some hundred kilobytes are long enough to be worth a sidecar."""
    monkeypatch.setattr(sidecars, "WORTH_BYTES", 3000)
    monkeypatch.setattr(context, "OFFERED_FROM_BYTES", 200_000)


def long_thread() -> Rollout:
    """Return a legacy thread of 300 kB, of which half is the model's."""
    rollout = thread(1, "legacy")
    for at in range(100):
        rollout.turn(f"question {at} " + "q" * 1000, "yes").event("warning", message="x" * 500)
    return rollout


def put(home: Path, rollout: Rollout) -> Path:
    """Write a rollout over what is there; return its path."""
    path = home / DAY / rollout.name()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(rollout.content)
    return path


def resumed_again(store: Store, rollout: Rollout) -> Context:
    """Resume a thread through the sidecar that its first resume left."""
    store.resume(rollout.thread_id)
    found = store.resume(rollout.thread_id)
    assert found.read.path is ReadPath.SIDECAR
    return found


def test_they_are_read_when_asked_for(tmp_path: Path) -> None:
    """The resume itself reads what the anchor covers; their number is known before."""
    rollout = long_thread()
    put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        found = resumed_again(store, rollout)
        assert found.item_count == 200
        assert found.read.bytes_read < 180_000
        before = found.read.bytes_read
        assert len(found.items) == 200
    assert found.read.bytes_read > before + 100_000


def test_items_and_input_agree(tmp_path: Path) -> None:
    """Whichever is asked for first, and again; with what was appended since the checkpoint."""
    rollout = long_thread()
    path = put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        resumed_again(store, rollout)
        path.write_bytes(rollout.turn("more").content)
        full = store.resume(rollout.thread_id, full_replay=True).input_json()
        first, second = store.resume(rollout.thread_id), store.resume(rollout.thread_id)
    assert first.input_json() == full
    assert texts(first)[-2:] == ["more", "yes"]
    assert [bytes(item.read_json()) for item in second.items] == [
        bytes(item.read_json()) for item in first.items
    ]
    assert second.input_json() == first.input_json() == full


def test_an_answer_outlives_its_store(tmp_path: Path) -> None:
    """The files are opened again; what was appended in between is not seen."""
    rollout = long_thread()
    path = put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        full = store.resume(rollout.thread_id, full_replay=True).input_json()
        found = resumed_again(store, rollout)
    path.write_bytes(rollout.turn("more").content)
    assert found.input_json() == full


def test_an_open_thread_is_read_through_its_own_file(tmp_path: Path) -> None:
    """Though another one has taken its name."""
    rollout = long_thread()
    path = put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        resumed_again(store, rollout)
        with store.open_thread(rollout.thread_id) as opened:
            found = opened.context()
            path.rename(tmp_path / "elsewhere")
            assert len(found.items) == found.item_count


@pytest.mark.parametrize("how", ["taken away", "replaced", "cut"])
def test_another_file_is_refused_by_name(tmp_path: Path, how: str) -> None:
    """Never another thread's items, and never fewer."""
    rollout = long_thread()
    path = put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        found = resumed_again(store, rollout)
    if how == "cut":
        os.truncate(path, 1000)
    else:
        path.rename(tmp_path / "elsewhere")
    if how == "replaced":
        put(tmp_path, rollout)
    with pytest.raises(DamagedLog, match=f"{path} was {how} while it was read"):
        found.input_json()


@pytest.mark.parametrize("asks_for_items", [True, False])
def test_an_altered_line_is_read_as_it_is(tmp_path: Path, asks_for_items: bool) -> None:
    """No seal says what it was: everything is read, and a new checkpoint kept of that."""
    rollout = long_thread()
    path = put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        resumed_again(store, rollout)
        content = rollout.content.replace(QUESTION, QUESTION.replace(b"question", b"questiom"))
        with path.open("r+b") as file:
            file.write(content)
        found = store.resume(rollout.thread_id)
        full = store.resume(rollout.thread_id, full_replay=True)
        assert found.read.path is ReadPath.SIDECAR
        if asks_for_items:
            assert texts(found) == texts(full)
        assert found.input_json() == full.input_json()
        assert texts(found)[6].startswith("questiom 3")
        again = store.resume(rollout.thread_id)
        assert again.read.path is ReadPath.SIDECAR
        assert again.input_json() == full.input_json()
        assert again.read.bytes_read < 2 * len(content)


def test_sealed_lines_are_verified_by_the_resume(tmp_path: Path) -> None:
    """In another client's log, with its own turns behind ours: a letter altered in ours is refused."""
    rollout = long_thread()
    path = put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        with (
            store.record(rollout.thread_id) as recorder,
            recorder.turn("a sealed question", cwd="/", model="m"),
        ):
            pass
        with path.open("ab") as file:
            file.write(long_thread().content[len(thread(1, "legacy").content) :])
        resumed_again(store, rollout)
        content = path.read_bytes()
        at = content.index(b"a sealed question")
        with path.open("r+b") as file:
            file.seek(at)
            file.write(b"A")
        with pytest.raises(DamagedLog, match="does not hold"):
            store.resume(rollout.thread_id)
        found = store.resume(rollout.thread_id, allow_damage=True)
    assert [one.start_offset <= at < one.end_offset for one in found.damage] == [True]


def test_bytes_are_not_decoded_for_the_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The array is spliced from stored lines."""
    rollout = long_thread()
    put(tmp_path, rollout)
    with open_store(tmp_path) as store:
        found = resumed_again(store, rollout)
        monkeypatch.setattr(model_history.Verified, "items", None)
        assert len(found.input_json()) > 100_000
